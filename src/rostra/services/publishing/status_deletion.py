"""Deleting statuses: gone at once, and what hung on them removed in steps by a job."""

from __future__ import annotations

from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Context, Transaction
from rostra.services.attachments import cards, media
from rostra.services.moderation import decision_results
from rostra.services.publishing.favourites import COLLECTED, drop
from rostra.services.publishing.polls import vote_kinds
from rostra.services.reading import conversations
from rostra.services.roles import is_moderator

PURGED_AT_ONCE: Final = 500


async def delete(ctx: Context, *, actor: int, status_id: int, delete_media: bool = False) -> Status:
    """Delete a status of one's own, or any as a moderator; return it as it was.

    Boosts, likes, votes and notifications of it are hidden at once and removed by a job. Its media
    can be attached anew for a day, unless ``delete_media`` asks for them to go as well.

    Raises:
        NotFound: there is none, or it is somebody else's.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Status:
        tx.gate.require_may_act(actor)
        status = tx.statuses.get(status_id)
        if status is None:
            raise NotFound
        if status.author != actor and not is_moderator(tx, actor):
            raise NotFound  # as Mastodon, which looks among the actor's own only
        remove(tx, status)
        if delete_media or status.author != actor:
            for one in tx.media.many(status.media).values():
                media.discard(tx, one)
        return status

    return await ctx.store.write(change)


def remove(tx: Transaction, status: Status) -> None:
    """Take a status away, and leave what hung on it to a job."""
    decision_results.before_deletion(tx, status)
    tx.statuses.delete(status)
    if status.reblog_of is not None:
        tx.sets.remove(SetKey(status.reblog_of, SetKind.BOOSTS), status.author)
        return
    cards.unlink(tx, status)
    if status.media:
        media.release(tx, status.media)  # whoever deletes to draft anew attaches them again
    if status.visibility == Visibility.DIRECT:
        conversations.forget(tx, status)
    kinds = [] if status.poll is None else vote_kinds(status.poll)
    tx.jobs.enqueue("purge_status", {"status": status.id, "votes": kinds}, tx.now)


async def purge_status(
    ctx: Context, *, status: int, votes: list[int], limit: int = PURGED_AT_ONCE
) -> int:
    """Remove boosts, likes, bookmarks, votes and notifications of a deleted status, some at a time.

    Args:
        ctx: the ports.
        status: the deleted status.
        votes: the kinds of the sets of votes in its poll.
        limit: how many of each to remove at most.

    Returns:
        How many were removed; 0 when nothing is left.
    """

    def change(tx: Transaction) -> int:
        if tx.statuses.get(status) is not None:
            return 0
        removed = tx.notifications.forget_status(status, limit=limit)
        removed += _purge_boosts(tx, status, limit)
        for kind in COLLECTED:
            entries = tx.sets.newest(SetKey(status, kind), limit=limit)
            if entries:
                removed += drop(tx, [entry.member for entry in entries], status, kind)
        return removed + _clear(tx, status, votes, limit)

    return await ctx.store.write(change)


def _purge_boosts(tx: Transaction, status: int, limit: int) -> int:
    boosts = tx.statuses.boosts(status, limit=limit)
    if not boosts:
        return _clear(tx, status, [SetKind.BOOSTS], limit)
    for boost in boosts:
        tx.statuses.delete(boost)
    tx.sets.remove_many(SetKey(status, SetKind.BOOSTS), [boost.author for boost in boosts])
    return len(boosts)


async def purge_votes(
    ctx: Context, *, status: int, votes: list[int], limit: int = PURGED_AT_ONCE
) -> int:
    """Remove votes in a poll that an edit began anew, some at a time; return how many."""
    return await ctx.store.write(lambda tx: _clear(tx, status, votes, limit))


def _clear(tx: Transaction, owner: int, kinds: list[int], limit: int) -> int:
    removed = 0
    for kind in kinds:
        key = SetKey(owner, kind)
        members = [entry.member for entry in tx.sets.newest(key, limit=limit)]
        removed += tx.sets.remove_many(key, members) if members else 0
    return removed
