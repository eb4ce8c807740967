"""The account that the server probes itself with is somebody's to suspend, too."""

from __future__ import annotations

import pytest
from tests.api.reinstating import Stage, staged
from tests.api.world import World

from rostra.domain.enforcement import ActionKind
from rostra.domain.probes import SERVICE_HANDLE
from rostra.domain.reinstatement import RunState
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing
from rostra.services.probing import lending


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
