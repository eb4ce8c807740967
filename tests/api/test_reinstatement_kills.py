"""A run killed at every step of its way: it goes on or rolls back, and is never half done."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from rich.console import Console
from tests.api.reinstating import Stage, staged
from tests.api.world import World

from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run, RunState
from rostra.ops.cli.reinstate_shown import _Lines
from rostra.ports import ANSWERING_SECONDS, Context, Missed, Party
from rostra.services import probing, reinstatement
from rostra.services.reinstatement import holding, running

BEFORE = {RunState.STAGING, RunState.STAGED, RunState.CUTTING_OVER}
ASKS_BETWEEN = 7
"""Of so many questions to workers one is a place to be killed at: nothing is written by them."""

STRIDE = 3
"""Of so many places while it is confirmed one is tried: they are many and alike."""


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Ends the process at one of the places it comes by, and counts them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.passed: list[str] = []
        self.asked = 0

    def come_by(self, place: str) -> None:
        self.passed.append(place)
        if self.at is not None and len(self.passed) > self.at:
            raise Killed(place)


class MortalStore:
    """A store in a process that may end before or after any commit, and before any audit."""

    def __init__(self, store: Any, fate: Fate) -> None:
        self._store, self._fate = store, fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, change: Callable[[Any], Any]) -> Any:
        self._fate.come_by("before a commit")
        result = await self._store.write(change)
        self._fate.come_by("after a commit")
        return result

    @asynccontextmanager
    async def audit(self, **options: Any) -> AsyncIterator[Any]:
        self._fate.come_by("before an audit")
        async with self._store.audit(**options) as audit:
            yield audit


class MortalVisitor:
    """A visitor in such a process."""

    def __init__(self, visitor: Any, fate: Fate) -> None:
        self._visitor, self._fate = visitor, fate
        self.worker = visitor.worker

    async def ask(self, path: str, **options: Any) -> Any:
        self._fate.asked += 1
        if self._fate.asked % ASKS_BETWEEN == 0:
            self._fate.come_by(f"before asking {path}")
        return await self._visitor.ask(path, **options)


class MortalVisitors:
    """Visitors in such a process."""

    def __init__(self, visitors: Any, fate: Fate) -> None:
        self._visitors, self._fate = visitors, fate

    @asynccontextmanager
    async def meet(self, **options: Any) -> AsyncIterator[Party]:
        async with self._visitors.meet(**options) as party:
            met = {name: MortalVisitor(one, self._fate) for name, one in party.visitors.items()}
            yield Party(met, party.missing)


class LateVisitors:
    """Visitors of a server of which a worker is just starting, once that was ``begun`` again: it
    answers to who waits for more than the usual seconds.
    """

    def __init__(self, visitors: Any, tell: Callable[[], None]) -> None:
        self._visitors, self._tell = visitors, tell
        self.begun = False

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        async with self._visitors.meet() as party:
            late, others = min(party.visitors), dict(party.visitors)
            if self.begun and missed is not None:
                await missed((late,))
                self._tell()
                await missed(())
            if self.begun and patience <= ANSWERING_SECONDS:
                del others[late]
            missing = tuple(name for name in party.visitors if name not in others)
            yield Party(others, missing)


def mortal(ctx: Context, fate: Fate) -> Context:
    return msgspec.structs.replace(
        ctx, store=MortalStore(ctx.store, fate), visitors=MortalVisitors(ctx.visitors, fate)
    )


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


async def must_be_whole(stage: Stage, run: Run, place: str) -> None:
    """Hold what anybody sees, and what is stored, to the state of a run."""
    suspended, followers = await stage.public()
    away = run.state in BEFORE or run.state in (RunState.ROLLING_BACK, RunState.ROLLED_BACK)
    assert suspended == away, (place, run.state)
    probing_still = run.state == RunState.CONFIRMING and followers == 4  # a follow to be undone
    assert followers == (0 if away else 3) or probing_still, (place, run.state)
    with stage.world.store.read() as snap:
        actions, liftings = snap.enforcement.of_account(stage.star.ordinal)
    lifted = {one.action for one in liftings}
    mine = {action.id for action in actions if action.id in run.plan.actions}
    assert (mine <= lifted) == (run.state not in BEFORE), (place, run.state)
    assert set(run.lifted) == (set() if run.state in BEFORE else mine)
    took_again = {action.restores for action in actions if action.restores in mine}
    assert took_again == (mine if run.restored else set())
    assert bool(run.restored) == (run.state in (RunState.ROLLING_BACK, RunState.ROLLED_BACK))


async def killed_everywhere(stage: Stage, end: RunState) -> list[str]:
    """Kill a run at place after place, each time a new one; return the places."""
    at, places = 0, []
    while True:
        run = await stage.begin()
        fate = Fate(at)
        try:
            await running.drive(mortal(stage.ctx, fate), run=run.id)
        except Killed as killed:
            places.append(str(killed))
            killed_in = stage.run(run.id).state
            await must_be_whole(stage, stage.run(run.id), str(killed))
        else:
            return places
        stage.world.tick()
        over = await stage.drive(run)
        assert over.state == end, (places[-1], over.said)
        assert over.attempts <= 2
        await must_be_whole(stage, over, places[-1])
        await stage.world.jobs()
        if end == RunState.DONE:
            await stage.world.suspend(stage.star)
        stage.world.tick()
        at += 1 if killed_in is not RunState.CONFIRMING else STRIDE


async def test_killed_at_every_step_it_goes_on_to_the_end(stage: Stage) -> None:
    """Steps "Stage", "Cut over" and "Confirm": killed at any instant, never half done."""
    places = await killed_everywhere(stage, RunState.DONE)
    assert len(places) > 40
    assert {"before a commit", "after a commit", "before an audit"} < set(places)
    assert stage.clean()


async def test_killed_at_every_step_it_rolls_back_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step "Confirm": any mismatch is rolled back, killed at any instant on the way."""

    async def confirm(ctx: Context, *, account: int, tell: probing.Tell, **_: Any) -> bool:
        await tell(Probe("followers", "3", True, "3 followers", 1))
        await tell(Probe("timeline", "3", False, "is without its statuses", 1))
        return False

    monkeypatch.setattr(probing, "confirm", confirm)
    places = await killed_everywhere(stage, RunState.ROLLED_BACK)
    assert len(places) > 20
    with stage.world.store.read() as snap:
        newest = snap.runs.page(limit=1)[0]
    assert "the probe timeline in worker 3 failed: is without its statuses" in newest.said
    assert stage.clean()


async def test_what_a_probe_found_is_not_forgotten_by_a_kill(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe that failed rolls the run back though everything is well at the second look."""

    async def confirm(ctx: Context, *, account: int, tell: probing.Tell, **_: Any) -> bool:
        await tell(Probe("search", "3", False, "does not find it", 1))
        raise Killed("right after a probe")

    run = await stage.begin()
    with monkeypatch.context() as patched:
        patched.setattr(probing, "confirm", confirm)
        with pytest.raises(Killed):
            await stage.drive(run)
    assert stage.run(run.id).state == RunState.CONFIRMING
    over = await stage.drive(run)
    assert (over.state, "does not find it" in over.said) == (RunState.ROLLED_BACK, True)


@pytest.mark.parametrize(
    ("step", "end"), [("stage", RunState.FAILED), ("confirm", RunState.ROLLED_BACK)]
)
async def test_what_kills_its_process_each_time_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str, end: RunState
) -> None:
    async def die(ctx: Context, **_: Any) -> bool:
        raise Killed("each time")

    monkeypatch.setattr(probing, step, die)
    run = await stage.begin()
    deaths = 0
    while not stage.run(run.id).state.is_over:
        try:
            await stage.drive(run)
        except Killed:
            deaths += 1
        assert deaths <= running.MAX_ATTEMPTS
    over = stage.run(run.id)
    assert (over.state, deaths) == (end, running.MAX_ATTEMPTS)
    assert "4 times" in over.said
    assert await stage.public() == (True, 0)


async def _killed_while_confirmed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Run:
    async def die(ctx: Context, **_: Any) -> bool:
        raise Killed("while it is confirmed")

    run = await stage.begin()
    with monkeypatch.context() as patched:
        patched.setattr(probing, "confirm", die)
        with pytest.raises(Killed):
            await stage.drive(run)
    assert stage.run(run.id).state == RunState.CONFIRMING
    return run


async def test_a_run_taken_up_anew_waits_for_workers_that_are_just_starting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step "Confirm": a good run is not rolled back because the server starts slowly."""
    told: list[str] = []
    printed = io.StringIO()
    lines = _Lines(Console(file=printed, width=200))
    run = await _killed_while_confirmed(stage, monkeypatch)

    def follow() -> None:
        told.append(stage.run(run.id).last_said)
        with stage.world.store.read() as snap:
            lines.tell(reinstatement.status(snap, run.id))

    visitors = LateVisitors(stage.ctx.visitors, follow)
    visitors.begun = True
    ctx = msgspec.structs.replace(stage.ctx, visitors=visitors)
    await running.drive(ctx, run=run.id)
    over = stage.run(run.id)
    assert (over.state, over.attempts) == (RunState.DONE, 2), over.said
    assert len(told) == 1
    assert f"  {told[0]}\n" in printed.getvalue()
    assert re.fullmatch(r"Waiting for worker \d+ to answer, for up to 60 seconds", told[0])
    assert [step.said for step in over.steps if "Waiting" in step.said] == []
    assert await stage.public() == (False, 3)


async def test_a_worker_that_goes_away_holds_up_no_way_back(stage: Stage) -> None:
    """Step "Confirm": one that answered a moment ago has the usual seconds, and is told of."""
    run = await stage.begin()
    visitors = LateVisitors(stage.ctx.visitors, lambda: None)

    class Store(MortalStore):
        async def write(self, change: Callable[[Any], Any]) -> Any:
            result = await super().write(change)
            visitors.begun = stage.run(run.id).state == RunState.CONFIRMING
            return result

    ctx = msgspec.structs.replace(
        stage.ctx, visitors=visitors, store=Store(stage.ctx.store, Fate())
    )
    await running.drive(ctx, run=run.id)
    over = stage.run(run.id)
    assert over.state == RunState.ROLLED_BACK
    assert "the probe workers in worker" in over.said
    assert await stage.public() == (True, 0)


async def test_a_run_nobody_confirms_in_time_is_rolled_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await _killed_while_confirmed(stage, monkeypatch)
    assert await stage.public() == (False, 3)
    stage.world.tick(int(holding.CONFIRM_SECONDS * 1000))
    over = await stage.drive(run)
    assert (over.state, "not over after 300 seconds" in over.said) == (RunState.ROLLED_BACK, True)
    assert await stage.public() == (True, 0)
