"""Statuses: everything one does with them. Posting and reading are in rooms of their own."""

from __future__ import annotations

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Context, Transaction
from rostra.services.notifying import notifications
from rostra.services.publishing.favourites import (
    bookmark,
    favourite,
    listed,
    target,
    unbookmark,
    unfavourite,
)
from rostra.services.publishing.polls import PollDraft
from rostra.services.publishing.posting import Draft, post, ring_bells, visibility_for
from rostra.services.publishing.status_deletion import delete, purge_status, purge_votes, remove
from rostra.services.reading.threads import (
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
    "listed",
    "original",
    "post",
    "purge_status",
    "purge_votes",
    "reblog",
    "reblogged_by",
    "ring_bells",
    "show",
    "unbookmark",
    "unfavourite",
    "unreblog",
    "visible",
]


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
        status = target(tx, actor, status_id)
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
            remove(tx, boost)
        return status.id

    return await ctx.store.write(change)
