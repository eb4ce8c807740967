"""Statuses: everything one does with them. Posting and reading are in rooms of their own."""

from __future__ import annotations

from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Context, Transaction
from rostra.services import media, notifications
from rostra.services.polls import PollDraft
from rostra.services.posting import Draft, post, ring_bells, visibility_for
from rostra.services.threads import (
    by_account,
    context,
    favourited_by,
    original,
    reblogged_by,
    show,
    visible,
)

__all__ = [
    "Draft",
    "PollDraft",
    "bookmark",
    "by_account",
    "context",
    "delete",
    "favourite",
    "favourited_by",
    "original",
    "post",
    "purge_status",
    "reblog",
    "reblogged_by",
    "ring_bells",
    "show",
    "unbookmark",
    "unfavourite",
    "unreblog",
    "visible",
]

PURGED_AT_ONCE: Final = 500


async def delete(ctx: Context, *, actor: int, status_id: int) -> Status:
    """Delete a status of one's own, or any as a moderator; return it as it was.

    Boosts, likes and votes of it are hidden at once and removed by a job.

    Raises:
        NotFound: there is none, or it is somebody else's.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Status:
        tx.gate.require_may_act(actor)
        status = tx.statuses.get(status_id)
        account = tx.accounts.get(actor)
        moderator = account is not None and account.role >= Role.MODERATOR
        if status is None:
            raise NotFound
        if status.author != actor and not moderator:
            raise NotFound  # as Mastodon, which looks among the actor's own only
        _remove(tx, status)
        return status

    return await ctx.store.write(change)


def _remove(tx: Transaction, status: Status) -> None:
    tx.statuses.delete(status)
    if status.reblog_of is not None:
        tx.sets.remove(SetKey(status.reblog_of, SetKind.BOOSTS), status.author)
        return
    if status.media:
        media.release(tx, status.media)  # whoever deletes to draft anew attaches them again
    options = len(status.poll.options) if status.poll else 0
    tx.jobs.enqueue("purge_status", {"status": status.id, "options": options}, tx.now)


async def purge_status(
    ctx: Context, *, status: int, options: int, limit: int = PURGED_AT_ONCE
) -> int:
    """Remove boosts, likes, bookmarks and votes of a deleted status, some at a time.

    Args:
        ctx: the ports.
        status: the deleted status.
        options: how many options its poll had.
        limit: how many members of each set to remove at most.

    Returns:
        How many members were removed; 0 when nothing is left.
    """
    kinds = [SetKind.BOOSTS, SetKind.LIKES, SetKind.BOOKMARKS]
    kinds_of_votes = [SetKind.VOTES + option for option in range(options)]

    def change(tx: Transaction) -> int:
        if tx.statuses.get(status) is not None:
            return 0
        removed = 0
        for kind in [*kinds, *kinds_of_votes]:
            key = SetKey(status, kind)
            members = [entry.member for entry in tx.sets.newest(key, limit=limit)]
            if kind == SetKind.BOOSTS:
                for member in members:
                    boost = tx.statuses.boost_by(member, status)
                    if boost is not None:
                        tx.statuses.delete(boost)
            removed += tx.sets.remove_many(key, members) if members else 0
        return removed

    return await ctx.store.write(change)


async def favourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status (of a boost: the original) and return its id; doing it again is harmless.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        added = tx.sets.add(SetKey(status.id, SetKind.LIKES), actor)
        if added and status.author != actor:
            notifications.touch(tx, status.author, NotificationType.FAVOURITE, status.id)
        return status.id

    return await ctx.store.write(change)


async def unfavourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status no longer, visible or not. Return the id of what had been liked.

    Raises:
        NotFound: there is no such status, or the actor neither likes nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.LIKES)


async def bookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status; doing it again is harmless. Return the id of what was bookmarked.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        tx.sets.add(SetKey(status.id, SetKind.BOOKMARKS), actor)
        return status.id

    return await ctx.store.write(change)


async def unbookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status no longer, visible or not. Return the id of what had been bookmarked.

    Raises:
        NotFound: there is no such status, or the actor neither keeps nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.BOOKMARKS)


async def _take_back(ctx: Context, actor: int, status_id: int, kind: SetKind) -> int:
    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = original(tx, tx.statuses.get(status_id))
        if status is None:
            raise NotFound
        if not tx.sets.remove(SetKey(status.id, kind), actor):
            tx.gate.require_status(actor, status)
        return status.id

    return await ctx.store.write(change)


async def reblog(
    ctx: Context, *, actor: int, status_id: int, visibility: Visibility | None = None
) -> int:
    """Boost a status; doing it again returns the same boost. Return the id of the boost.

    Raises:
        NotFound: the actor may not see it, it is direct, or there is none.
        Forbidden: it is for followers and somebody else's, or the actor may not act.
        Invalid: the boost itself cannot be direct.
    """
    if visibility == Visibility.DIRECT:
        raise Invalid("Validation failed: Visibility is reserved")

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        before = tx.statuses.boost_by(actor, status.id)
        if before is not None:
            return before.id
        account = tx.accounts.get(actor)
        if account is None or status.visibility == Visibility.DIRECT:
            raise NotFound
        if status.visibility == Visibility.PRIVATE and status.author != actor:
            raise Forbidden
        boost = Status(
            id=tx.next_id(),
            author=actor,
            created_at=tx.now,
            visibility=_boost_visibility(tx, account, status, visibility),
            reblog_of=status.id,
        )
        tx.statuses.create(boost)
        tx.sets.add(SetKey(status.id, SetKind.BOOSTS), actor)
        if status.author != actor:
            notifications.touch(tx, status.author, NotificationType.REBLOG, status.id)
        return boost.id

    return await ctx.store.write(change)


def _boost_visibility(
    tx: Transaction, account: Account, status: Status, asked: Visibility | None
) -> Visibility:
    if status.visibility == Visibility.PRIVATE:
        return Visibility.PRIVATE
    chosen = visibility_for(tx, account, asked, None)
    return min(chosen, Visibility.PRIVATE)


async def unreblog(ctx: Context, *, actor: int, status_id: int) -> int:
    """Boost a status no longer, visible or not. Return the id of the original.

    Raises:
        NotFound: there is no such status, or the actor neither boosts nor may see it.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = original(tx, tx.statuses.get(status_id))
        if status is None:
            raise NotFound
        boost = tx.statuses.boost_by(actor, status.id)
        if boost is None:
            tx.gate.require_status(actor, status)
        else:
            _remove(tx, boost)
        return status.id

    return await ctx.store.write(change)


def _target(tx: Transaction, actor: int, status_id: int) -> Status:
    tx.gate.require_may_act(actor)
    found = tx.gate.require_status(actor, tx.statuses.get(status_id))
    return tx.gate.require_status(actor, original(tx, found))
