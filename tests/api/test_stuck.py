"""Runs and amnesties that do not get on say why, when they are tried again, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.reinstating import Stage, staged
from tests.api.test_report_pages import browser_of
from tests.api.world import World

from rostra.domain.accounts import Role
from rostra.domain.errors import Unavailable
from rostra.domain.reinstatement import RunState
from rostra.jobs.runner import Runner
from rostra.jobs.schedule import Schedule
from rostra.ops import logging
from rostra.ops.cli import reinstate_shown
from rostra.ops.cli.amnesty_run import _print
from rostra.services import reinstatement
from rostra.services.amnesty import driving, reporting, steering
from rostra.services.reinstatement import holding
from rostra.services.server import stuck
from rostra.services.work import HANDLERS
from rostra.storage.jobs import JobStore
from rostra.testing.amnesties import frozen

RUNS = "/api/rostra/v1/reinstatements"
AMNESTIES = "/api/rostra/v1/amnesties"
SECRET = "correct-horse-battery"


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a function of a module fail as the store does, with a secret in its words."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise Unavailable("The server's data cannot be written", log=f"no room for {SECRET}")

    return lambda module, name: monkeypatch.setattr(module, name, refuse)


async def worked(world: World) -> None:
    """Let the job runner have one turn."""
    logging.hide([SECRET])
    try:
        runner = Runner(world.ctx, HANDLERS, Schedule([]), clean=logging.redacted_text)
        await runner.turn()
    finally:
        logging.hide([])


async def test_a_run_whose_job_failed_says_why_and_when_it_is_tried_again(
    stage: Stage, broken: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = await stage.begin()
    assert (await stage.mod.get(f"{RUNS}/{run.id}"))["stuck"] is None
    broken(holding, "patient_if_anew")
    await worked(stage.world)
    assert stage.run(run.id).state == RunState.STAGING
    told = (await stage.mod.get(f"{RUNS}/{run.id}"))["stuck"]
    again = told["again_at"]
    assert told == {"why": told["why"], "do": stuck.LOOK, "tries": 1, "again_at": again}
    assert told["why"].startswith("no room for ")
    assert SECRET not in told["why"]
    assert again > (await stage.mod.get(f"{RUNS}/{run.id}"))["begun_at"]

    boss, _ = await browser_of(stage.world, "boss", role=Role.OWNER)
    page = (await boss.get(f"/admin/reinstatements/{run.id}")).text
    for words in ("It does not get on:", "no room for ", "It was tried 1 time.", "tried again at:"):
        assert words in page, words
    german = (
        await boss.get(f"/admin/reinstatements/{run.id}", headers={"accept-language": "de"})
    ).text
    assert "Such die Ursache im Protokoll" in german
    with stage.world.store.read() as snap:
        reinstate_shown.run(reinstatement.status(snap, run.id))
    out = capsys.readouterr().out
    assert "IT DOES NOT GET ON: no room for" in out
    assert "Tried 1 time, and again at 20" in out


async def test_a_full_disk_is_told_where_nothing_can_be_noted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await stage.begin()
    with monkeypatch.context() as full:
        full.setattr(JobStore, "room", lambda _: stuck.LEAST_ROOM - 1)
        told = (await stage.mod.get(f"{RUNS}/{run.id}"))["stuck"]
    assert told == {"why": stuck.NO_ROOM, "do": stuck.MAKE_ROOM, "tries": 0, "again_at": None}
    done = await stage.drive(run)
    with monkeypatch.context() as full:
        full.setattr(JobStore, "room", lambda _: 0)
        assert (await stage.mod.get(f"{RUNS}/{done.id}"))["stuck"] is None


async def test_the_room_is_that_of_the_disk(world: World) -> None:
    with world.store.read() as snap:
        assert snap.jobs.room() > stuck.LEAST_ROOM


async def test_an_amnesty_whose_job_failed_says_so(
    world: World, broken: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    mod = await world.moderator("mod")
    ann = await world.person("ann")
    await world.suspend(ann)
    amnesty = await world.store.write(
        lambda tx: frozen(tx, accounts=[ann.ordinal], planner=mod.ordinal, approver=mod.ordinal)
    )
    path = f"{AMNESTIES}/{amnesty.id}/status"
    assert (await mod.get(path))["stuck"] is None
    await steering.run(world.ctx, moderator=mod.ordinal, amnesty_id=amnesty.id)
    broken(driving, "work")
    await worked(world)
    told = (await mod.get(path))["stuck"]
    assert (told["tries"], told["do"], SECRET in told["why"]) == (1, stuck.LOOK, False)
    boss, _ = await browser_of(world, "boss", role=Role.OWNER)
    page = (await boss.get(f"/admin/amnesties/{amnesty.id}")).text
    assert "It does not get on:" in page
    with world.store.read() as snap:
        _print(reporting.standing(snap, amnesty.id))
    assert "IT DOES NOT GET ON: no room for" in capsys.readouterr().out
    await steering.roll_back(world.ctx, moderator=mod.ordinal, amnesty_id=amnesty.id)
    assert (await mod.get(path))["stuck"] is None
    await worked(world)
    assert (await mod.get(path))["stuck"]["tries"] == 1
