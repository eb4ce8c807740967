"""Reinstating one account by the steps of the reference: plan, stage, cut over, confirm, report."""

from __future__ import annotations

import hashlib

import pytest
from tests.api.reinstating import Stage, everything, staged
from tests.api.world import World

from rostra.domain.reinstatement import RunState
from rostra.services import reinstatement


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


async def test_a_run_goes_from_its_plan_to_its_end(stage: Stage) -> None:
    """Steps "Stage", "Cut over" and "Confirm" one after another."""
    frozen = await stage.plan()
    assert frozen.plan.figures.followers == 3
    run = await stage.begin(frozen.hash[:8])
    assert run.state == RunState.STAGING
    done = await stage.drive(run)
    assert done.state == RunState.DONE, done.said
    assert [step.name for step in done.steps] == ["staging", "staged", "cutting_over", "confirming"]
    assert all(step.passed for step in done.steps)
    assert await stage.public() == (False, 3)
    assert done.counts["after"]["followers"] == done.plan.figures.followers
    assert stage.clean()


# -- step "Plan" -----------------------------------------------------------------------------------


async def test_a_plan_changes_not_one_row(stage: Stage) -> None:
    """Step "Plan": a dry run, no write."""
    folder = stage.world.store.folder
    before = everything(folder)
    assert len(before) > 40
    frozen = await stage.plan()
    with stage.world.store.read() as snap:
        assert snap.seq == frozen.plan.seq
    assert everything(folder) == before
    kept = folder / "plans" / f"{frozen.hash}.json"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == frozen.hash
    found = await reinstatement.find_plan(
        stage.ctx, moderator=stage.mod.ordinal, prefix=frozen.hash[:8]
    )
    assert found == frozen
