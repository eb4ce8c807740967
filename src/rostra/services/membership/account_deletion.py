"""Deleting accounts: hidden at once, their ties removed in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Standing
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.errors import Forbidden
from rostra.domain.tags import MAX_FOLLOWED
from rostra.ports import Context, Transaction
from rostra.services import appeals
from rostra.services.discovery import tags
from rostra.services.moderation import decision_results
from rostra.services.roles import require_may_moderate
from rostra.services.social_graph import lists

_EDGES: Final = (
    SetKind.FOLLOWERS,
    SetKind.FOLLOWING,
    SetKind.FOLLOW_REQUESTS,
    SetKind.FOLLOW_REQUESTED,
)


MANY: Final = 1_000_000
_TOWARD_IT: Final = (SetKind.FOLLOWERS, SetKind.FOLLOW_REQUESTS)


async def delete_account(ctx: Context, *, by: int | None, target: int) -> None:
    """Delete an account, for good: it is hidden at once, and a job removes its follows both ways.

    Blocks and mutes of it by others stay, and so does its handle, which nobody can take. Its data
    are erased by a job when somebody asked for it; the server itself only hides them.

    Args:
        ctx: the ports.
        by: who deletes it: itself, somebody who may moderate it, or None for the server.
        target: the account.

    Raises:
        NotFound: there is none, or it was deleted before.
        Forbidden: ``by`` may not delete it.
        Conflict: an appeal of it is open, and it is not itself who deletes it.
    """

    def change(tx: Transaction) -> None:
        account = tx.gate.require_account(tx.accounts.get(target))
        if by == target:
            if tx.gate.state(target).frozen:
                raise Forbidden
        else:
            require_may_moderate(tx, by, account)
        ground = "deleted by its owner" if by == target else "deleted by a moderator"
        erase(tx, target, by=by, ground=ground, data=by is not None)

    await ctx.store.write(change)


def erase(
    tx: Transaction,
    target: int,
    *,
    by: int | None,
    ground: str,
    data: bool = True,
    about: Mapping[str, object] | None = None,
) -> None:
    """Delete an account within a transaction: hidden at once, its ties removed by a job.

    With ``data`` a job also erases its profile and statuses, step by step. ``about`` is what the
    ledger is to tell besides.

    Raises:
        Conflict: an appeal of it is open, and it is not itself who deletes it.
    """
    appeals.before_deletion(tx, target, by=by)
    tx.enforcement.take(
        Action(
            id=tx.next_id(),
            account=target,
            kind=ActionKind.DELETE,
            ground=ground,
            moderator=by,
            taken_at=tx.now,
            starts_at=tx.now,
        ),
        about=about,
    )
    if not tx.standings.get(target).plain:
        tx.standings.put(Standing(account=target))  # it waits for nothing any more
    decision_results.author_left(tx, target)
    tx.access.revoke_all(target)
    tx.accounts.remove_credentials(target)
    tx.scheduled.clear(target)
    tx.sets.remove(SetKey(SERVER, SetKind.LOCKED), target)
    if data:
        tx.jobs.enqueue("erase_data", {"account": target}, tx.now)
    tx.jobs.enqueue("purge_edges", {"account": target}, tx.now)
    tx.jobs.enqueue("purge_own", {"account": target}, tx.now)
    tx.jobs.enqueue("purge_media", {"account": target}, tx.now)


def free_name(tx: Transaction, target: int) -> None:
    """Let others take the name of a deleted account that was never shown to anybody."""
    account = tx.accounts.get(target)
    if account is not None:
        tx.accounts.update(msgspec.structs.replace(account, username=f"_{account.id}"))


async def purge_edges(ctx: Context, *, account: int, limit: int) -> int:
    """Remove follows and requests of a deleted account, both ways, some at a time.

    Args:
        ctx: the ports.
        account: the deleted account.
        limit: how many of each kind to remove at most.

    Returns:
        How many are left; nothing is removed, and 0 returned, for an account that is not deleted.
    """

    def change(tx: Transaction) -> int:
        if not tx.gate.state(account).deleted:
            return 0
        left = 0
        for kind in _EDGES:
            key = SetKey(account, kind)
            members = [entry.member for entry in tx.sets.newest(key, limit=limit)]
            if members:
                tx.sets.remove_many(key, members)
                if kind in _TOWARD_IT:
                    _forget_choices(tx, members, account)
            left += tx.sets.size(key)
        return left

    return await ctx.store.write(change)


def _forget_choices(tx: Transaction, followers: Sequence[int], followed: int) -> None:
    """Take an account out of the lists, and from the profiles, of those who followed it."""
    for each in tx.lists.of_many(followers):
        tx.sets.remove(lists.members_of(each.id), followed)
    featuring = [SetKey(follower, SetKind.ENDORSING) for follower in followers]
    tx.sets.prefetch(featuring)
    held = tx.sets.contained_in(featuring, followed)
    for key, is_in in zip(featuring, held, strict=True):
        if is_in:
            tx.sets.remove(key, followed)


async def purge_own(ctx: Context, *, account: int) -> None:
    """Remove what a deleted account arranged for itself: lists, filters, hashtags, preferences."""

    def clear(tx: Transaction) -> None:
        if not tx.gate.state(account).deleted:
            return
        for each in tx.lists.of(account):
            lists.remove(tx, each)
        for one in tx.filters.of(account):
            tx.filters.delete(account, one.id)
        for follow in tx.tags.followed(account, limit=MAX_FOLLOWED):
            tags.forget_follow(tx, account, follow.tag)
        for featured in tx.tags.featured(account):
            tx.tags.unfeature(account, featured.tag)
        tx.personal.forget(account)
        tx.transfers.forget_account(account)
        key = SetKey(account, SetKind.ENDORSING)
        tx.sets.remove_many(key, [entry.member for entry in tx.sets.newest(key, limit=MANY)])

    await ctx.store.write(clear)
