"""Marks on statuses: pins of one's own on one's profile, and conversations one hears nothing of."""

from __future__ import annotations

from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Context, Transaction
from rostra.services.reading.threads import original

MAX_PINS: Final = 5


async def pin(ctx: Context, *, actor: int, status_id: int) -> int:
    """Pin a status of one's own to one's profile; doing it again is harmless. Return its id.

    Raises:
        Invalid: it is a boost, somebody else's or direct, or there are enough pinned.
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _require(tx, actor, status_id)
        if status.reblog_of is not None:
            raise Invalid("Validation failed: A boost cannot be pinned")
        if status.author != actor:
            raise Invalid("Validation failed: Someone else's post cannot be pinned")
        if status.visibility == Visibility.DIRECT:
            raise Invalid(
                "Validation failed: Posts that are only visible to mentioned users cannot be pinned"
            )
        pinned = tx.statuses.pinned(actor)
        if status.id in pinned:
            return status.id
        if len(pinned) >= MAX_PINS:
            raise Invalid(
                "Validation failed: You have already pinned the maximum number of posts. "
                "Unpin another one first"
            )
        tx.statuses.pin(actor, status.id, tx.now)
        return status.id

    return await ctx.store.write(change)


async def unpin(ctx: Context, *, actor: int, status_id: int) -> int:
    """Pin a status of one's own no longer. Return its id.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _require(tx, actor, status_id)
        tx.statuses.unpin(actor, status.id)
        return status.id

    return await ctx.store.write(change)


async def mute_thread(ctx: Context, *, actor: int, status_id: int) -> int:
    """Hear nothing any more of the conversation a status is in. Return the id of the status.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _in_thread(tx, actor, status_id)
        tx.sets.add(SetKey(status.root, SetKind.THREAD_MUTES), actor)
        return status.id

    return await ctx.store.write(change)


async def unmute_thread(ctx: Context, *, actor: int, status_id: int) -> int:
    """Hear of the conversation a status is in again. Return the id of the status.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _in_thread(tx, actor, status_id)
        tx.sets.remove(SetKey(status.root, SetKind.THREAD_MUTES), actor)
        return status.id

    return await ctx.store.write(change)


def _require(tx: Transaction, actor: int, status_id: int) -> Status:
    tx.gate.require_may_act(actor)
    return tx.gate.require_status(actor, tx.statuses.get(status_id))


def _in_thread(tx: Transaction, actor: int, status_id: int) -> Status:
    status = original(tx, _require(tx, actor, status_id))
    if status is None:
        raise NotFound
    return tx.gate.require_status(actor, status)
