"""Statuses to be published later: scheduled, changed, cancelled, and published by a job.

Publishing takes the scheduled status away and posts it in one transaction, so it happens once
however often the job is killed. What is due while its author is suspended or frozen, or cannot be
posted as it was written any more, stays as a draft: held until its author gives it another time or
cancels it.
"""

from __future__ import annotations

from typing import Final, Unpack

import msgspec
from msgspec.structs import replace

from rostra.domain.conversations import ScheduledStatus
from rostra.domain.errors import Invalid, NotFound, RostraError, Unavailable
from rostra.domain.pages import Page
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.attachments import media
from rostra.services.moderation.enforcing import kept_from_acting
from rostra.services.publishing import polls, quotes
from rostra.services.publishing.posting import Draft, made_with, posting, words_of
from rostra.services.reading.threads import original

MIN_AHEAD_MS: Final = 5 * 60_000
DAY_MS: Final = 86_400_000
MAX_AHEAD_MS: Final = 10 * 366 * DAY_MS
MAX_A_DAY: Final = 25
MAX_IN_ALL: Final = 300

_draft = msgspec.json.Decoder(Draft)


def is_ahead(ctx: Context, at: int) -> bool:
    """Return whether a time (ms) is far enough ahead: what is wanted sooner is posted at once."""
    return at > ctx.clock.now() + MIN_AHEAD_MS


def draft_in(scheduled: ScheduledStatus) -> Draft:
    """Return what is to be posted."""
    return _draft.decode(scheduled.draft)


# -- by its author -------------------------------------------------------------------------------


async def schedule(ctx: Context, *, actor: int, draft: Draft, at: int) -> ScheduledStatus:
    """Schedule a status for a time (ms since 1970), after checking that it could be posted now.

    A repeated idempotency key returns what it scheduled within the last hour.

    Raises:
        Invalid: it breaks a rule, the time is too soon, or there are too many.
        NotFound: the actor may not see what it answers or quotes.
        Forbidden: the actor may not act.
    """
    words_of(ctx.settings, draft)

    def change(tx: Transaction) -> ScheduledStatus:
        tx.gate.require_may_act(actor)
        before = made_with(tx, actor, draft)
        again = None if before is None else tx.scheduled.get(actor, before)
        if again is not None:
            return again
        _check_time(tx, actor, at)
        _check(tx, actor, draft)
        attached = media.attachable(tx, actor=actor, ids=draft.media, poll=draft.poll is not None)
        scheduled = ScheduledStatus(
            id=tx.next_id(), account=actor, at=at, draft=msgspec.json.encode(draft).decode()
        )
        tx.scheduled.put(scheduled)
        if draft.idempotency_key:
            tx.statuses.remember_idempotency(actor, draft.idempotency_key, scheduled.id)
        media.hold(tx, scheduled.id, attached)
        plan(tx, scheduled)
        return scheduled

    return await ctx.store.write(change)


def _check(tx: Transaction, actor: int, draft: Draft) -> None:
    """Refuse what could not be posted now either."""
    if draft.in_reply_to_id is not None:
        parent = original(tx, tx.statuses.get(draft.in_reply_to_id))
        tx.gate.require_status(actor, parent)
    if draft.quoted_status_id is not None:
        quotes.quotable(tx, actor, draft.quoted_status_id)
    if draft.poll is not None:
        polls.make(draft.poll, tx.now)


def _check_time(
    tx: Transaction, actor: int, at: int, before: ScheduledStatus | None = None
) -> None:
    if at <= tx.now + MIN_AHEAD_MS:
        raise Invalid("Validation failed: Scheduled at must be at least 5 minutes in the future")
    if at > tx.now + MAX_AHEAD_MS:
        raise Invalid(
            "Validation failed: Scheduled at is too far into the future: choose a time within ten "
            "years"
        )
    today = at - at % DAY_MS
    same_day = before is not None and before.at // DAY_MS == at // DAY_MS
    that_day = tx.scheduled.count(actor, since=today, before=today + DAY_MS)
    if not same_day and that_day >= MAX_A_DAY:
        raise Invalid(
            "Validation failed: You have exceeded the limit of %(num)s scheduled posts for that "
            "day. Choose another day",
            num=MAX_A_DAY,
        )
    if before is None and tx.scheduled.count(actor) >= MAX_IN_ALL:
        raise Invalid(
            "Validation failed: You have exceeded the limit of %(num)s scheduled posts. Cancel "
            "another one first",
            num=MAX_IN_ALL,
        )


def plan(tx: Transaction, scheduled: ScheduledStatus) -> None:
    """Have a scheduled status published when it is due."""
    named = {"account": scheduled.account, "scheduled": scheduled.id}
    tx.jobs.enqueue("publish_scheduled", named, scheduled.at)


async def reschedule(
    ctx: Context, *, actor: int, scheduled_id: int, at: int | None
) -> ScheduledStatus:
    """Give a scheduled status or a held draft another time (ms); None leaves it as it is.

    Raises:
        Invalid: the time is too soon, or there are too many for that day.
        NotFound: there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> ScheduledStatus:
        tx.gate.require_may_act(actor)
        before = show(tx, actor, scheduled_id)
        if at is None:
            return before
        _check_time(tx, actor, at, before)
        after = replace(before, at=at, held=False)
        tx.scheduled.put(after)
        plan(tx, after)
        return after

    return await ctx.store.write(change)


async def cancel(ctx: Context, *, actor: int, scheduled_id: int) -> None:
    """Forget a scheduled status or a held draft.

    Raises:
        NotFound: there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        scheduled = show(tx, actor, scheduled_id)
        tx.scheduled.remove(actor, scheduled_id)
        media.release(tx, draft_in(scheduled).media)

    await ctx.store.write(change)


def page(snap: Snapshot, actor: int, **page: Unpack[Page]) -> list[ScheduledStatus]:
    """Return a page of what the actor has scheduled, held drafts among it, newest first."""
    return snap.scheduled.page(actor, **page)


def show(view: View, actor: int, scheduled_id: int) -> ScheduledStatus:
    """Return what the actor has scheduled under an id.

    Raises:
        NotFound: there is none.
    """
    scheduled = view.scheduled.get(actor, scheduled_id)
    if scheduled is None:
        raise NotFound
    return scheduled


# -- by the clock --------------------------------------------------------------------------------


async def publish(ctx: Context, *, account: int, scheduled: int) -> int | None:
    """Post what is scheduled and due, or hold it; a job. Return the id of the status.

    Held is what was due while its author could not act, even if that is over by now, and what
    breaks a rule or answers something that is gone.
    """

    def hold(tx: Transaction) -> None:
        found = tx.scheduled.get(account, scheduled)
        if found is not None and found.at <= tx.now:
            tx.scheduled.put(replace(found, held=True))

    def change(tx: Transaction) -> int | None:
        found = tx.scheduled.get(account, scheduled)
        if found is None or found.held or found.at > tx.now:
            return None
        if kept_from_acting(tx, account, found.at):
            hold(tx)
            return None
        tx.scheduled.remove(account, scheduled)
        return posting(ctx, actor=account, draft=draft_in(found), scheduled=scheduled)(tx)

    try:
        return await ctx.store.write(change)
    except Unavailable:
        raise  # the disk is full: the runner tries again
    except RostraError:
        await ctx.store.write(hold)
        return None
