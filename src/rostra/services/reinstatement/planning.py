"""Plans of reinstatements: made, frozen, found again and held to what is so now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, structs

from rostra.domain.accounts import Account
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Conflict, NotFound, NotOffered, StoreCorrupt, Unavailable, told
from rostra.domain.reinstatement import (
    Difference,
    Plan,
    canonical,
    difference,
    read_plan,
    require_prefix,
)
from rostra.ports import Context, Snapshot, View
from rostra.services import roles
from rostra.services.reinstatement.drawing import draw, moved_since
from rostra.services.server import capacity

PLANS_KEPT_MS: Final = 30 * 86_400_000


class Frozen(Struct, frozen=True):
    """A plan and the hash it is known by."""

    hash: str
    plan: Plan


class Stale(Conflict):
    """A plan that the world has moved on from: what is another now, and a plan as of now."""

    def __init__(self, old: Frozen, new: Frozen, found: Difference) -> None:
        super().__init__(
            told(
                "Something changed since plan %(old)s was made: look at the difference, then name "
                "plan %(new)s instead, or accept whatever is so now",
                old=old.hash[:8],
                new=new.hash[:8],
            )
        )
        self.old = old
        self.new = new
        self.difference = found


async def plan(
    ctx: Context, *, moderator: int | None, target: int, only: Sequence[int] = ()
) -> Frozen:
    """Plan the reinstatement of an account without changing a row, and freeze the plan as a file.

    Args:
        ctx: the ports.
        moderator: who asks; None: the server itself.
        target: the account.
        only: ids of the suspensions to lift; none: all that are in force.

    Raises:
        NotFound: there is no such account.
        Forbidden: the moderator may not act on it.
        Conflict: it is not suspended.
        Invalid: an action to lift is no suspension in force of this account.
    """
    with ctx.store.read() as snap:
        require_may(snap, moderator, target)
    async with ctx.store.audit(gently=True) as audit:
        found = await audit.read(
            lambda snap: draw(snap, ctx.settings, target=target, only=only, made_by=moderator)
        )
    return await _freeze(ctx, found)


async def _freeze(ctx: Context, found: Plan) -> Frozen:
    room = await headroom_of(ctx, followers=found.figures.followers)
    found = structs.replace(found, headroom=room)
    return Frozen(await asyncio.to_thread(ctx.store.plans.keep, canonical(found)), found)


async def find_plan(ctx: Context, *, moderator: int | None, prefix: str) -> Frozen:
    """Return the plan whose hash begins so.

    Raises:
        Invalid: that is no hash, or too short.
        NotFound: there is no such plan.
        Conflict: there are several, or its file was changed.
        Forbidden: the one who asks may not see it.
    """
    with ctx.store.read() as snap:
        if moderator is not None:
            roles.require_moderator(snap, moderator)
    wanted = require_prefix(prefix)
    hashes = await asyncio.to_thread(ctx.store.plans.find, wanted)
    if not hashes:
        raise NotFound(
            "There is no plan %(words)s: make one first, plans are kept for 30 days",
            words=wanted[:12],
        )
    if len(hashes) > 1:
        raise Conflict(
            "%(num)s plans begin with %(words)s: name more of the hash",
            num=len(hashes),
            words=wanted[:12],
        )
    try:
        data = await asyncio.to_thread(ctx.store.plans.read, hashes[0])
    except StoreCorrupt as error:
        raise Conflict(
            "This plan was changed after it was made: make a new one", log=str(error)
        ) from error
    return Frozen(hashes[0], read_plan(data))


async def compare(ctx: Context, *, moderator: int | None, old: Frozen) -> tuple[Frozen, Difference]:
    """Plan again what a plan is for, and return the new plan and what is another in it.

    When nothing is, no new plan is frozen: the old one stands.

    Raises:
        NotFound: the account is gone.
        Conflict: it is not suspended any more.
        Invalid: an action to lift is not in force any more.
    """
    target, only = old.plan.account, _only(old.plan)

    def read(snap: Snapshot) -> tuple[Plan, Difference]:
        new = draw(snap, ctx.settings, target=target, only=only, made_by=moderator)
        found = difference(old.plan, new)
        if found:
            found = difference(old.plan, new, moved_since(snap, old.plan, new.figures.followers))
        return new, found

    async with ctx.store.audit(gently=True) as audit:
        new, found = await audit.read(read)
    return (await _freeze(ctx, new), found) if found else (old, found)


def _only(old: Plan) -> tuple[int, ...]:
    """Return which suspensions a plan chose; none where it took all there were."""
    partial = any(held.type == ActionKind.SUSPEND.label for held in old.stays)
    return old.actions if partial else ()


def require_may(view: View, moderator: int | None, target: int) -> Account:
    """Return an account that a moderator may act on.

    Raises:
        NotFound: there is no such account, or it was deleted.
        Forbidden: the moderator may not act on it.
    """
    account = roles.require_there(view, target)
    roles.require_may_moderate(view, moderator, account)
    return account


async def prune_plans(ctx: Context) -> int:
    """Remove plans nobody will name any more; return how many."""
    return await asyncio.to_thread(ctx.store.plans.prune, ctx.clock.now() - PLANS_KEPT_MS)


async def headroom_of(ctx: Context, *, followers: int) -> dict[str, Any] | None:
    """Return what this server can bear now, and whether that is enough; None: it is not known."""
    try:
        found = await capacity.headroom(ctx, followers=followers)
    except (NotOffered, Unavailable):  # a system that does not tell of its memory and CPUs
        return None
    return found.told()
