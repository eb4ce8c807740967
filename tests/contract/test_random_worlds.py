"""Random acts through the services agree with the oracle in every count, list, order and tie."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.relationships import Relationship
from rostra.ports import Context, Transaction
from rostra.services.social_graph import relationships
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.random_world import Disagreement, RandomWorld, Shape

SMALL = Shape(accounts=120, statuses=20, polls=4, crowd=60, lot=40)
WITH_LARGE_SETS = Shape(accounts=2_600, statuses=20, polls=4, crowd=2_400, lot=150)


async def live(world: RandomWorld, acts: int) -> None:
    """Let a world live for some acts, and compare everything at the end."""
    async with world.opened():
        await world.populate()
        while world.operations < acts:
            await world.step()
        world.compare_all()


@pytest.mark.parametrize("seed", range(4))
async def test_a_random_world_agrees_with_the_oracle(seed: int, tmp_path: Path) -> None:
    world = RandomWorld(tmp_path / "data", seed=seed, shape=SMALL)
    await live(world, 2_000)
    assert 0 < world.refused < world.operations
    database = Database(tmp_path / "data" / DATABASE_FILE, writable=False)
    assert list(verify(database, random=Random(seed))) == []
    database.close()


async def test_large_sets_agree_too(tmp_path: Path) -> None:
    await live(RandomWorld(tmp_path / "data", seed=7, shape=WITH_LARGE_SETS), 1_500)


async def test_a_lost_unfollow_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(ctx: Context, *, actor: int, target: int) -> Relationship:
        def change(tx: Transaction) -> Relationship:
            tx.gate.require_may_act(actor)
            return relationships.relationship(tx, actor, target)

        return await ctx.store.write(change)

    monkeypatch.setattr(relationships, "unfollow", forgetful)
    with pytest.raises(Disagreement):
        await live(RandomWorld(tmp_path / "data", seed=1, shape=SMALL), 5_000)


async def test_a_count_that_drifts_is_noticed(tmp_path: Path) -> None:
    world = RandomWorld(tmp_path / "data", seed=2, shape=SMALL)
    async with world.opened():
        await world.populate()
        account = world.oracle.accounts[0]

        def change(tx: Transaction) -> Any:
            return tx.sets.remove_many(
                SetKey(account, SetKind.FOLLOWERS), world.oracle.follows.members(account)[:1]
            )

        await world.stores[0].write(change)
        with pytest.raises(Disagreement, match="true count of followers"):
            world.compare_all()
