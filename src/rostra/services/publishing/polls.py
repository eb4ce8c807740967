"""Polls: asking, voting, and telling those concerned when one has ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import or_
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.emojis import Emoji
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Poll, Status
from rostra.domain.text import exceeds
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.attachments import emojis
from rostra.services.notifying import notifications

# Mastodon's limits: https://docs.joinmastodon.org/entities/Instance/#max_options
MAX_OPTIONS: Final = 4
MAX_OPTION_CHARACTERS: Final = 50
MIN_EXPIRATION_S: Final = 300
MAX_EXPIRATION_S: Final = 2_629_746

TOLD_AT_ONCE: Final = 500
KINDS_A_ROUND: Final = 32
"""How many kinds of sets a round of voting has for its options: more than options there can be."""


class PollDraft(Struct, frozen=True, kw_only=True):
    """A poll as asked for: its options, and in how many seconds it ends."""

    options: Sequence[str]
    expires_in_s: int | None
    multiple: bool = False
    hide_totals: bool = False


class PollView(Struct, frozen=True):
    """A poll as anybody sees it: ``votes`` for each option, and how many people voted."""

    id: int
    poll: Poll
    votes: tuple[int, ...]
    voters: int
    expired: bool
    emojis: tuple[Emoji, ...] = ()


def make(draft: PollDraft, now: int) -> Poll:
    """Return the poll a draft asks for, created at ``now`` (ms).

    Raises:
        Invalid: the options or the time break a rule, in Mastodon's words.
    """
    options = tuple(option.strip() for option in draft.options)
    if len(options) < 2 or not all(options):
        raise Invalid("Validation failed: Poll options must have more than one item")
    if len(options) > MAX_OPTIONS:
        raise Invalid(
            "Validation failed: Poll options can't contain more than %(num)s items", num=MAX_OPTIONS
        )
    if any(exceeds(option, MAX_OPTION_CHARACTERS) for option in options):
        raise Invalid(
            "Validation failed: Poll options can't be longer than %(num)s characters each",
            num=MAX_OPTION_CHARACTERS,
        )
    if len(set(options)) < len(options):
        raise Invalid("Validation failed: Poll options contain duplicate items")
    if draft.expires_in_s is None:
        raise Invalid("Validation failed: Expires at can't be blank")
    if draft.expires_in_s < MIN_EXPIRATION_S:
        raise Invalid("Validation failed: Expires at is too soon")
    if draft.expires_in_s > MAX_EXPIRATION_S:
        raise Invalid("Validation failed: Expires at is too far into the future")
    return Poll(
        options=options,
        multiple=draft.multiple,
        hide_totals=draft.hide_totals,
        expires_at=now + draft.expires_in_s * 1000,
    )


def expired(poll: Poll, now: int) -> bool:
    """Return whether a poll takes no votes any more at ``now`` (ms)."""
    return poll.expires_at is not None and poll.expires_at <= now


async def vote(ctx: Context, *, actor: int, poll_id: int, choices: Sequence[int]) -> None:
    """Vote in a poll, once and for all.

    Args:
        ctx: the ports.
        actor: who votes.
        poll_id: the poll, that is, its status.
        choices: the options chosen, counted from 0.

    Raises:
        NotFound: there is no such poll, or the actor may not see it.
        Invalid: the poll has ended, is the actor's own, was voted in, or has no such option.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        status, poll = _require(tx, actor, poll_id)
        if expired(poll, tx.now):
            raise Invalid("Validation failed: The poll has already ended")
        if status.author == actor:
            raise Invalid("Validation failed: You cannot vote in your own polls")
        chosen = list(dict.fromkeys(choices))
        if not chosen or not all(0 <= choice < len(poll.options) for choice in chosen):
            raise Invalid("Validation failed: The chosen vote option does not exist")
        if len(chosen) > 1 and not poll.multiple:
            raise Invalid("Validation failed: You can choose only one option of this poll")
        if any(tx.sets.contained_in(vote_keys(status.id, poll), actor)):
            raise Invalid("Validation failed: You have already voted on this poll")
        kinds = vote_kinds(poll)
        for choice in chosen:
            tx.sets.add(SetKey(status.id, kinds[choice]), actor)

    await ctx.store.write(change)


def vote_kinds(poll: Poll) -> list[int]:
    """Return the kinds of the sets of those who chose each option."""
    first = SetKind.VOTES + poll.round * KINDS_A_ROUND
    return [first + n for n in range(len(poll.options))]


def vote_keys(status_id: int, poll: Poll) -> list[SetKey]:
    """Return the sets of those who chose each option."""
    return [SetKey(status_id, kind) for kind in vote_kinds(poll)]


def show(snap: Snapshot, viewer: int | None, poll_id: int) -> PollView:
    """Return a poll as it stands.

    Raises:
        NotFound: there is no such poll, or the viewer may not see it.
    """
    status, _ = _require(snap, viewer, poll_id)
    found = view(snap, status)
    if found is None:
        raise NotFound
    return found


def view(snap: Snapshot, status: Status) -> PollView | None:
    """Return the poll under a status as anybody sees it, or None when there is none."""
    poll = status.poll
    if poll is None:
        return None
    keys = vote_keys(status.id, poll)
    votes = tuple(snap.gate.visible_count(key) for key in keys)
    voters = snap.gate.active_in(_voters(snap, keys)) if poll.multiple else sum(votes)
    used = emojis.used(snap, *poll.options)
    return PollView(status.id, poll, votes, voters, expired(poll, snap.now), used)


def _voters(snap: View, keys: Sequence[SetKey]) -> BitMap:
    return reduce(or_, (snap.sets.bitmap(key) for key in keys), BitMap())


def _require(snap: View, viewer: int | None, poll_id: int) -> tuple[Status, Poll]:
    status = snap.gate.require_status(viewer, snap.statuses.get(poll_id))
    if status.poll is None:
        raise NotFound
    return status, status.poll


async def close_poll(ctx: Context, *, poll: int) -> int:
    """Tell the author of a poll that has ended, and those who voted; return how many were told.

    Who is away now is not told later either; doing it again tells nobody twice.
    """
    told, after = 0, -1
    while True:
        step, after = await ctx.store.write(partial(_tell, poll_id=poll, after=after))
        told += step
        if after < 0:
            return told


def _tell(tx: Transaction, *, poll_id: int, after: int) -> tuple[int, int]:
    """Tell some of those concerned; return how many, and after whom to go on (-1: all are told)."""
    status = tx.statuses.get(poll_id)
    if status is None or status.poll is None or not expired(status.poll, tx.now):
        return 0, -1
    if not tx.gate.active(status.author):
        return 0, -1
    voters = _voters(tx, vote_keys(poll_id, status.poll))
    voters.add(status.author)
    rank = voters.rank(after) if after >= 0 else 0
    lot = list(voters[rank : rank + TOLD_AT_ONCE])
    told = sum(
        notifications.store(
            tx,
            account=account,
            type_=NotificationType.POLL,
            source=status.author,
            status=poll_id,
            created_at=status.poll.expires_at,
        )
        for account in tx.gate.active_among(lot)
        if tx.gate.may_see_status(account, status)
    )
    return told, lot[-1] if len(lot) == TOLD_AT_ONCE else -1
