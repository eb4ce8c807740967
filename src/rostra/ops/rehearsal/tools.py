"""The tool that brings the account back: planned, begun, and followed while the server does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rostra.config import Settings
from rostra.domain.enforcement import LiftReason
from rostra.domain.reinstatement import Run, RunState, Seen, shown
from rostra.domain.words import how_many
from rostra.ops import logging
from rostra.ops.opening import context_of, open_store
from rostra.ops.rehearsal.record import Course, Probe, Step
from rostra.ops.rehearsal.world import World
from rostra.ports import Context
from rostra.services import reinstatement

LOOK_EVERY_S: Final = 0.02
GROUND: Final = "A rehearsal"

Changed = Callable[[str], None]
"""Called with the name of the state the tool has come to."""


def reinstate(data: Path, world: World, course: Course, changed: Changed) -> None:
    """Plan the star's reinstatement, have the server carry it out, and write its course.

    Args:
        data: the data folder, on which a server runs.
        world: who is who in it.
        course: filled as it goes.
        changed: called at each state the run comes to.

    Raises:
        RostraError: it could not be planned, or not begun.
    """
    logging.configure("warning")
    asyncio.run(_reinstate(data, world, course, changed))


async def _reinstate(data: Path, world: World, course: Course, changed: Changed) -> None:
    settings = Settings(data=data)
    store = open_store(settings)
    ctx = context_of(settings, store)
    try:
        began = time.time()
        changed("planning")
        by, star = world.moderator.ordinal, world.star.ordinal
        plan = await reinstatement.plan(ctx, moderator=by, target=star)
        course.plan, course.plan_seconds = plan.hash, round(time.time() - began, 3)
        course.expected = plan.plan.figures.followers
        said = f"{how_many(course.expected, 'follower')} will be seen"
        planned = Step(name="planning", began=began, ended=time.time(), passed=True, said=said)
        course.steps = [planned]
        # In a world where people come and go the plan is stale when it is made: what is so when
        # the run begins is accepted, as the operator does who names the newer plan.
        run = await reinstatement.begin(
            ctx,
            moderator=by,
            plan=plan.hash,
            reason=LiftReason.OVERTURNED,
            ground=GROUND,
            accept=True,
        )
        await _follow(ctx, run, course, changed, planned)
    finally:
        await store.close()


async def _follow(ctx: Context, run: Run, course: Course, changed: Changed, planned: Step) -> None:
    """Look at a run until nothing more is done by itself."""
    course.run = str(run.id)
    before: RunState | None = None
    while True:
        with ctx.store.read() as snap:
            view = reinstatement.status(snap, run.id)
        run = view.run
        course.state, course.said = shown(run.state), run.said
        course.cut_over_at = None if run.cut_over_at is None else run.cut_over_at / 1e3
        course.steps = [planned, *(_step(run, number) for number in range(len(run.steps)))]
        course.probes = [_probe(seen) for seen in view.probes]
        rolled = [step for step in run.steps if step.name == RunState.ROLLING_BACK.value]
        course.rolled_back_at = rolled[0].began_at / 1e3 if rolled else None
        if run.state != before:
            before = run.state
            changed(course.state)
        if run.state.is_over:
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _step(run: Run, number: int) -> Step:
    step = run.steps[number]
    return Step(
        name=step.name.replace("_", " "),
        began=step.began_at / 1e3,
        ended=None if step.ended_at is None else step.ended_at / 1e3,
        passed=step.passed,
        said=step.said,
    )


def _probe(seen: Seen) -> Probe:
    return Probe(
        step=seen.step.replace("_", " "),
        name=seen.probe.name,
        worker=seen.probe.worker,
        passed=seen.probe.passed,
        said=seen.probe.said,
        at=seen.at / 1e3,
    )


# -- a world that was kept -------------------------------------------------------------------------


def settle(data: Path, star: int) -> bool:
    """Wait until no run of an earlier rehearsal is unfinished; return whether the star is active.

    Args:
        data: the data folder, on which a server runs.
        star: the account.
    """

    async def wait() -> bool:
        store = open_store(Settings(data=data))
        try:
            while True:
                with store.read() as snap:
                    if snap.runs.unfinished(star) is None:
                        return snap.gate.active(star)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await store.close()

    return asyncio.run(wait())
