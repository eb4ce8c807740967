"""The account that the server probes itself with is somebody's to suspend, too."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.api.reinstating import Stage, staged
from tests.api.world import URL, World

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import ActionKind
from rostra.domain.probes import SERVICE_HANDLE
from rostra.domain.reinstatement import RunState
from rostra.ops import job_runner
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing
from rostra.services.probing import lending
from rostra.services.social_graph import relationships
from rostra.storage.store import SqliteStore, SystemClock


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


@pytest.mark.parametrize("kind", [ActionKind.SUSPEND, ActionKind.FREEZE])
async def test_one_that_may_not_act_is_told_before_anything_is_public(
    stage: Stage, kind: ActionKind
) -> None:
    service = await lending.service_account(stage.ctx)
    await enforcing.act(
        stage.ctx, moderator=stage.mod.ordinal, target=service.ordinal, kind=kind, ground="a bot"
    )
    stage.world.tick()
    over = await stage.reinstated()
    assert (over.state, over.lifted) == (RunState.FAILED, ())
    assert f"@{SERVICE_HANDLE}, the server's own account, may not act" in over.said


async def test_one_that_was_deleted_is_made_anew(stage: Stage) -> None:
    service = await lending.service_account(stage.ctx)
    await account_deletion.delete_account(stage.ctx, by=stage.mod.ordinal, target=service.ordinal)
    stage.world.tick()
    over = await stage.reinstated()
    assert over.state == RunState.DONE, over.said
    assert (await lending.service_account(stage.ctx)).ordinal != service.ordinal


def test_a_job_process_that_starts_takes_back_what_one_that_was_killed_left(tmp_path: Path) -> None:
    """Nobody waits until what was lent is over: the follower would be counted meanwhile."""

    async def be_killed() -> tuple[int, int]:
        world = World(tmp_path / "data")
        world.clock.set(SystemClock().now())  # so that nothing lent is over by the clock
        (ann,) = await world.people("ann")
        service = await lending.service_account(world.ctx)
        await world.store.write(
            lambda tx: [
                tx.access.lend(name.encode(), one, "read", tx.now + lending.LENT_MS)
                for name, one in (("ann", ann.ordinal), ("service", service.ordinal))
            ]
        )
        await relationships.follow(world.ctx, actor=service.ordinal, target=ann.ordinal)
        await world.close()
        return ann.ordinal, service.ordinal

    ann, service = asyncio.run(be_killed())
    settings = Settings(data=tmp_path / "data", domain="here.example", base_url=URL)
    job_runner.run(settings, lambda: os.kill(os.getpid(), signal.SIGTERM))
    store = SqliteStore.open(tmp_path / "data")
    with store.read() as snap:
        assert not snap.sets.contains(SetKey(ann, SetKind.FOLLOWERS), service)
        assert not snap.access.is_lent(service)
        assert not snap.access.is_lent(ann)
    store.close_now()
