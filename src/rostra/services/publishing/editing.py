"""Editing statuses: a new version beside the old ones, and telling those it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Poll, Status, StatusEdit, Visibility
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import text
from rostra.services.attachments import cards, media
from rostra.services.moderation import decision_results
from rostra.services.notifying import notifications
from rostra.services.notifying.merging import mutes_thread
from rostra.services.publishing import polls, quotes
from rostra.services.publishing.polls import PollDraft
from rostra.services.publishing.posting import Draft, Words, notify_mentioned, words_of
from rostra.services.reading import conversations
from rostra.services.reading.threads import show

TOLD_AT_ONCE: Final = 500


async def edit(
    ctx: Context,
    *,
    actor: int,
    status_id: int,
    draft: Draft,
    described: Sequence[media.Described] = (),
) -> int:
    """Edit a status of one's own; what the draft does not say is taken out. Return its id.

    ``described`` changes what is said of its media.

    Whom it is for, what it answers and what it quotes stay. A language that is not said stays too.
    An edit that changes nothing leaves no version.

    Raises:
        Invalid: the text, poll or media break a rule, in Mastodon's words.
        NotFound: there is none, it is somebody else's or a boost.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        before = tx.statuses.get(status_id)
        author = tx.accounts.get(actor)
        if before is None or author is None or before.author != actor:
            raise NotFound
        if before.reblog_of is not None:
            raise NotFound
        words = words_of(ctx.settings, replace(draft, quoted_status_id=before.quote_of))
        said = media.describe(tx, actor=actor, status=before.id, words=described)
        _change(tx, ctx, before, draft, words, said=said)
        return before.id

    return await ctx.store.write(change)


def _change(
    tx: Transaction, ctx: Context, before: Status, draft: Draft, words: Words, *, said: bool
) -> None:
    """Replace a status; ``said`` is whether its media are described otherwise than before."""
    attached = media.attachable(
        tx,
        actor=before.author,
        ids=draft.media,
        poll=draft.poll is not None,
        status=before.id,
    )
    poll = _poll(tx, before, draft.poll)
    accounts = text.mentioned(tx, words.parsed)
    mentions = tuple(sorted(account.ordinal for account in accounts.values()))
    policy = before.quote_policy if draft.quote_policy is None else draft.quote_policy
    language = draft.language if draft.language and text.is_language(draft.language) else None
    after = replace(
        before,
        text=words.parsed.text,
        content=text.render(words.parsed, accounts, ctx.settings),
        spoiler_text=words.spoiler,
        sensitive=bool(draft.sensitive) or bool(words.spoiler),
        language=language or before.language,
        mentions=mentions,
        tags=words.parsed.tags,
        poll=poll,
        media=tuple(one.id for one in attached),
        quote_policy=quotes.policy_for(policy, before.visibility),
    )
    if after == before and not said:
        return
    if said or not _reads_alike(before, after):
        # Two edits within one commit have two times: a version is known by its own.
        last = before.created_at if before.edited_at is None else before.edited_at
        after = replace(after, edited_at=max(tx.now, last + 1))
    decision_results.before_edit(tx, before, after)
    tx.statuses.update(before, after, edited=True)
    cards.link(tx, after, ctx.settings)
    media.attach(tx, after.id, attached)
    media.release(tx, set(before.media) - set(after.media))
    if after.edited_at != before.edited_at:
        if before.edited_at is None:
            tx.statuses.keep_version(before.id, version_of(before))
        tx.statuses.keep_version(after.id, version_of(after))
        _tell(tx, before, after)


def _reads_alike(before: Status, after: Status) -> bool:
    """Return whether nobody who reads two versions would see a difference in what is said."""
    poll = after.poll
    if poll is not None and before.poll is not None:
        poll = replace(poll, expires_at=before.poll.expires_at)
    return before == replace(
        after, quote_policy=before.quote_policy, language=before.language, poll=poll
    )


def _poll(tx: Transaction, before: Status, draft: PollDraft | None) -> Poll | None:
    """Return the poll after an edit; other options begin the voting anew."""
    old = before.poll
    if draft is None:
        if old is not None:
            _purge_votes(tx, before.id, old)
        return None
    poll = polls.make(draft, tx.now)
    if old is not None:
        if (poll.options, poll.multiple) == (old.options, old.multiple):
            poll = replace(poll, round=old.round)
        else:
            poll = replace(poll, round=old.round + 1)
            _purge_votes(tx, before.id, old)
    elif (rounds := _rounds(tx, before.id)) is not None:
        poll = replace(poll, round=rounds)
    if poll.expires_at is not None:
        tx.jobs.enqueue("close_poll", {"poll": before.id}, poll.expires_at)
    return poll


def _rounds(tx: Transaction, status_id: int) -> int | None:
    """Return the first round of voting not used by a poll the status had in an earlier version."""
    edits = tx.statuses.edits(status_id)
    return len(edits) if edits else None


def _purge_votes(tx: Transaction, status_id: int, poll: Poll) -> None:
    tx.jobs.enqueue("purge_votes", {"status": status_id, "votes": polls.vote_kinds(poll)}, tx.now)


def version_of(status: Status) -> StatusEdit:
    """Return a status as one of its versions."""
    return StatusEdit(
        created_at=status.created_at if status.edited_at is None else status.edited_at,
        text=status.text,
        content=status.content,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        language=status.language,
        options=None if status.poll is None else status.poll.options,
        quote_of=status.quote_of,
        media=status.media,
    )


# -- telling -------------------------------------------------------------------------------------


def _tell(tx: Transaction, before: Status, after: Status) -> None:
    added = set(after.mentions) - set(before.mentions)
    removed = set(before.mentions) - set(after.mentions) - {after.author}
    if after.visibility == Visibility.DIRECT:
        conversations.record(tx, after, sorted(added))
        conversations.forget(tx, after, sorted(removed))
    notify_mentioned(tx, after, sorted(added), tx.now)
    if after.visibility != Visibility.DIRECT:
        tx.jobs.enqueue("tell_of_edit", {"status": after.id, "edited_at": after.edited_at}, tx.now)


async def tell_of_edit(ctx: Context, *, status: int, edited_at: int) -> int:
    """Tell those who boost or quote a status that it was edited at a time (ms); a job.

    Of several edits one is told of only the last. Return how many were told; those that were told
    before are not told again.
    """
    told, after = 0, -1
    while True:

        def boosters(tx: Transaction, after: int = after) -> tuple[int, int]:
            return _tell_boosters(tx, status, edited_at, after)

        step, after = await ctx.store.write(boosters)
        told += step
        if after < 0:
            break
    after = 0
    while True:

        def quoters(tx: Transaction, after: int = after) -> tuple[int, int]:
            return _tell_quoters(tx, status, edited_at, after)

        step, after = await ctx.store.write(quoters)
        told += step
        if after < 0:
            return told


def _latest(tx: Transaction, status_id: int, edited_at: int) -> Status | None:
    status = tx.statuses.get(status_id)
    return status if status is not None and status.edited_at == edited_at else None


def _tell_boosters(tx: Transaction, status_id: int, edited_at: int, after: int) -> tuple[int, int]:
    """Tell some; return how many, and after which position to go on (-1: all are told)."""
    status = _latest(tx, status_id, edited_at)
    if status is None:
        return 0, -1
    entries = tx.sets.oldest(
        SetKey(status_id, SetKind.BOOSTS), limit=TOLD_AT_ONCE, above=after if after >= 0 else None
    )
    told = sum(
        _tell_one(tx, entry.member, NotificationType.UPDATE, status, status.id)
        for entry in entries
        if entry.member != status.author and tx.gate.may_see_status(entry.member, status)
    )
    return told, entries[-1].position if len(entries) == TOLD_AT_ONCE else -1


def _tell_quoters(tx: Transaction, status_id: int, edited_at: int, after: int) -> tuple[int, int]:
    status = _latest(tx, status_id, edited_at)
    if status is None:
        return 0, -1
    found = tx.statuses.quotes(status_id, limit=TOLD_AT_ONCE, min_id=after)
    told = sum(
        _tell_one(tx, quoting.author, NotificationType.QUOTED_UPDATE, status, quoting.id)
        for quoting in found
        if quoting.author != status.author and tx.gate.may_see_status(quoting.author, status)
    )
    return told, found[0].id if len(found) == TOLD_AT_ONCE else -1


def _tell_one(
    tx: Transaction, account: int, type_: NotificationType, status: Status, about: int
) -> bool:
    if not tx.gate.active(account) or mutes_thread(tx, account, status):
        return False
    return notifications.store_latest(
        tx,
        account=account,
        type_=type_,
        source=status.author,
        status=about,
        created_at=status.edited_at or tx.now,
    )


# -- reading -------------------------------------------------------------------------------------


def history(snap: Snapshot, viewer: int | None, status_id: int) -> tuple[Status, list[StatusEdit]]:
    """Return a status and all its versions, the first one first.

    Raises:
        NotFound: there is none, the viewer may not see it, or it is a boost.
    """
    status = show(snap, viewer, status_id)
    if status.reblog_of is not None:
        raise NotFound
    return status, snap.statuses.edits(status.id) or [version_of(status)]


def source(view: View, actor: int, status_id: int) -> Status:
    """Return a status of one's own, for its text as it was typed.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    status = view.gate.require_status(actor, view.statuses.get(status_id))
    if status.author != actor or status.reblog_of is not None:
        raise NotFound
    return status
