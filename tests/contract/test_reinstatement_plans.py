"""Plans count exactly what the oracle counts, in random worlds, and what is seen afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.reinstatement import Figures
from rostra.services import reinstatement
from rostra.services.moderation import enforcing
from rostra.testing.oracle import Oracle
from rostra.testing.random_world import RandomWorld, Shape

SMALL = Shape(accounts=120, statuses=20, polls=4, crowd=60, lot=40)
WITH_LARGE_SETS = Shape(accounts=2_600, statuses=20, polls=4, crowd=2_400, lot=150)


def expected(oracle: Oracle, account: int) -> dict[str, int]:
    """Return what a plan must count, by looking at each edge there is."""
    followers, following = oracle.follows.members(account), oracle.follows.owners(account)
    deleted = [one for one in followers if oracle.deleted(one)]
    suspended = [one for one in followers if not oracle.active(one) and not oracle.deleted(one)]
    seen = [one for one in following if oracle.active(one)]
    return {
        "followers": len([one for one in followers if oracle.active(one)]),
        "followers_stored": len(followers),
        "followers_suspended": len(suspended),
        "followers_deleted": len(deleted),
        "followers_absent": 0,
        "following": len(seen),
        "following_stored": len(following),
        "following_hidden": len(following) - len(seen),
        "requests_in": len([one for one in oracle.requests.members(account) if oracle.active(one)]),
        "requests_out": len([one for one in oracle.requests.owners(account) if oracle.active(one)]),
        "statuses": list(oracle.authors.values()).count(account)
        + len(oracle.boosts.owners(account)),
    }


async def suspend_some(world: RandomWorld, accounts: list[int]) -> None:
    """Suspend accounts, the oracle being told."""
    context = world.context
    for account in accounts:
        await enforcing.suspend(context, moderator=None, target=account, ground="spam")
        world.oracle.act(account, ActionKind.SUSPEND, None)


@pytest.mark.parametrize(("shape", "acts"), [(SMALL, 1_500), (WITH_LARGE_SETS, 600)])
async def test_a_plan_counts_what_the_oracle_counts(
    shape: Shape, acts: int, tmp_path: Path
) -> None:
    """Step "Plan": the expected counts are exact."""
    world = RandomWorld(tmp_path / "data", seed=3, shape=shape)
    async with world.opened():
        await world.populate()
        planned: dict[int, Figures] = {}
        compared = 0
        while world.operations < acts:
            await world.step()
            people = world.oracle.accounts
            chosen = people[:3] if not compared else world.random.sample(people[:40], 3)
            free = [one for one in chosen if world.oracle.active(one)]
            await suspend_some(world, free)
            away = [
                one
                for one in people[:40]
                if world.oracle.is_under(one, ActionKind.SUSPEND) and not world.oracle.deleted(one)
            ]
            planned = {}
            for account in away[:6]:
                frozen = await reinstatement.plan(world.context, moderator=None, target=account)
                figures = frozen.plan.figures
                wanted = expected(world.oracle, account)
                assert {name: getattr(figures, name) for name in wanted} == wanted
                planned[account] = figures
                compared += 1
        assert compared > 20
        account, figures = max(planned.items(), key=lambda item: item[1].followers)
        await enforcing.reinstate(
            world.context, moderator=None, target=account, reason=LiftReason.SERVED
        )
        for store in world.stores:
            with store.read() as snap:
                gate = snap.gate
                assert gate.visible_count(SetKey(account, SetKind.FOLLOWERS)) == figures.followers
                assert gate.visible_count(SetKey(account, SetKind.FOLLOWING)) == figures.following
