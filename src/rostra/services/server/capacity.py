"""Capacity: whether this server can bear the audience of an account that comes back."""

from __future__ import annotations

from typing import Final

from rostra.domain import capacity
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.capacity import HOUR_MS, MINUTE_MS, Headroom, Traffic
from rostra.domain.errors import Invalid
from rostra.ports import Context, Transaction
from rostra.services import roles

LOOK_SECONDS: Final = 0.5
DAYS: Final = 90
LATELY_MS: Final = 5 * MINUTE_MS
MAX_FOLLOWERS: Final = 1 << 32
"""Accounts have numbers of 32 bits."""


async def headroom(ctx: Context, *, followers: int) -> Headroom:
    """Return what the audience of that many followers will ask, and what this server has left.

    The CPUs are watched for half a second; nothing is changed.

    Raises:
        Invalid: the number of followers cannot be.
        NotOffered: this system does not tell of its memory and CPUs.
    """
    if not 0 <= followers <= MAX_FOLLOWERS:
        raise Invalid("Validation failed: Followers must be a number from 0 to 4294967296")
    machine = await ctx.machines.look(seconds=LOOK_SECONDS)
    with ctx.store.read() as snap:
        hours = snap.traffic.hours(since=snap.now - DAYS * 24 * HOUR_MS)
        lately = Traffic(at=snap.now - LATELY_MS)
        for minute in snap.traffic.minutes(since=lately.at):
            lately = lately.plus(minute)
        accounts = snap.accounts.count()
    return capacity.headroom(machine, hours, lately, followers=followers, accounts=accounts)


async def shown(
    ctx: Context, *, moderator: int, followers: int = 0, account_id: int | None = None
) -> Headroom:
    """Return the headroom for a moderator, for some followers or for those an account has stored.

    Raises:
        Forbidden: the account may not moderate.
        NotFound: there is no account with the id.
        Invalid: see ``headroom``.
        NotOffered: see ``headroom``.
    """
    with ctx.store.read() as snap:
        roles.require_moderator(snap, moderator)
        if account_id is not None:
            account = snap.gate.require_account(snap.accounts.by_id(account_id))
            followers = snap.sets.size(SetKey(account.ordinal, SetKind.FOLLOWERS))
    return await headroom(ctx, followers=followers)


async def record(ctx: Context, *, minute: Traffic) -> None:
    """Keep what was asked of this server in a minute."""

    def change(tx: Transaction) -> None:
        tx.traffic.add(minute)

    await ctx.store.write(change)
