"""Deleting accounts: hidden at once, their ties removed in steps; who may act on whom."""

from __future__ import annotations

from typing import Final

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.errors import Forbidden, NotFound
from rostra.ports import Context, Transaction, View

_EDGES: Final = (
    SetKind.FOLLOWERS,
    SetKind.FOLLOWING,
    SetKind.FOLLOW_REQUESTS,
    SetKind.FOLLOW_REQUESTED,
)


async def delete_account(ctx: Context, *, by: int | None, target: int) -> None:
    """Delete an account, for good: it is hidden at once, and a job removes its follows both ways.

    Blocks and mutes of it by others stay, and so does its handle, which nobody can take.

    Args:
        ctx: the ports.
        by: who deletes it: itself, somebody who may moderate it, or None for the server.
        target: the account.

    Raises:
        NotFound: there is none, or it was deleted before.
        Forbidden: ``by`` may not delete it.
    """

    def change(tx: Transaction) -> None:
        account = tx.accounts.get(target)
        if account is None or tx.gate.state(target).deleted:
            raise NotFound
        if by == target:
            if tx.gate.state(target).frozen:
                raise Forbidden
        else:
            require_may_moderate(tx, by, account)
        ground = "deleted by its owner" if by == target else "deleted by a moderator"
        erase(tx, target, by=by, ground=ground)

    await ctx.store.write(change)


def erase(tx: Transaction, target: int, *, by: int | None, ground: str) -> None:
    """Delete an account within a transaction: hidden at once, its ties removed by a job."""
    tx.enforcement.take(
        Action(
            id=tx.next_id(),
            account=target,
            kind=ActionKind.DELETE,
            ground=ground,
            moderator=by,
            taken_at=tx.now,
            starts_at=tx.now,
        )
    )
    tx.access.revoke_all(target)
    tx.accounts.remove_credentials(target)
    tx.sets.remove(SetKey(SERVER, SetKind.LOCKED), target)
    tx.jobs.enqueue("purge_edges", {"account": target}, tx.now)
    tx.jobs.enqueue("purge_media", {"account": target}, tx.now)


def require_may_moderate(view: View, moderator: int | None, target: Account) -> None:
    """Refuse acting on an account to who is no moderator, on themselves, or on an owner to others.

    ``moderator`` None is the server itself, which may.

    Raises:
        Forbidden: with why not.
    """
    if moderator is None:
        return
    view.gate.require_may_act(moderator)
    account = view.accounts.get(moderator)
    if account is None or account.role < Role.MODERATOR:
        raise Forbidden
    if moderator == target.ordinal:
        raise Forbidden("Nobody may act on their own account: ask another moderator")
    if target.role > account.role or (target.role == account.role == Role.MODERATOR):
        raise Forbidden("This account has a role: only an owner may act on it")


async def purge_edges(ctx: Context, ordinal: int, limit: int) -> int:
    """Remove follows and requests of a deleted account, both ways, some at a time.

    Args:
        ctx: the ports.
        ordinal: the deleted account.
        limit: how many of each kind to remove at most.

    Returns:
        How many are left; nothing is removed, and 0 returned, for an account that is not deleted.
    """

    def change(tx: Transaction) -> int:
        if not tx.gate.state(ordinal).deleted:
            return 0
        left = 0
        for kind in _EDGES:
            key = SetKey(ordinal, kind)
            members = [entry.member for entry in tx.sets.newest(key, limit=limit)]
            if members:
                tx.sets.remove_many(key, members)
            left += tx.sets.size(key)
        return left

    return await ctx.store.write(change)
