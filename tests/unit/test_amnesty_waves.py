"""The reference's section "Amnesty" from the approval on: its waves, their probes, and its ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.unit.amnesty_world import Waves, opened

from rostra.domain.amnesty import AmnestyState
from rostra.domain.amnesty_waves import Course, Happened
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Conflict, Forbidden, NotFound
from rostra.ports import ANSWERING_SECONDS, Missed, Party
from rostra.services.amnesty import driving, settling, steering
from rostra.testing.amnesties import Killed


class Asked:
    """Visitors who take down how long they would wait."""

    patience = 0.0

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        self.patience = patience
        yield Party({}, ())


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


# -- waves -----------------------------------------------------------------------------------------


async def test_waves_lift_in_the_order_of_the_manifest(world: Waves) -> None:
    accounts = await world.suspended(8)
    amnesty = await world.run(accounts, "2", "50%", "100%")
    assert amnesty.state is AmnestyState.DONE
    assert (amnesty.wave, amnesty.sizes) == (3, (2, 2, 4))
    assert world.outcomes() == ["lifted"] * 8
    waves = world.course().waves
    assert [wave.number for wave in waves] == [1, 2, 3]
    assert all(wave.began_at <= (wave.lifted_at or 0) <= (wave.over_at or 0) for wave in waves)
    assert all(world.active(account) for account in accounts)
    assert [world.followers(account)[0] for account in accounts] == [1] * 8


async def test_it_is_lifted_as_amnesty_and_the_strike_stands(world: Waves) -> None:
    accounts = await world.suspended(1)
    await world.run(accounts)
    with world.read() as snap:
        actions, liftings = snap.enforcement.of_account(accounts[0])
    assert [(one.reason, one.moderator) for one in liftings] == [
        (LiftReason.AMNESTY, world.planner)
    ]
    assert len(actions) == 1


async def test_between_waves_stand_the_probes(world: Waves) -> None:
    accounts = await world.suspended(8)
    await world.run(accounts, "4", "100%")
    assert [len(wave.probes) for wave in world.course().waves] == [3, 3]
    first = {account for account, _ in world.probed[:3]}
    assert first <= set(accounts[:4])
    # In a ring, the first of the first wave has no follower back yet.
    assert dict(world.probed[:3]) == {account: int(account != accounts[0]) for account in first}


async def test_a_failed_probe_halts(world: Waves) -> None:
    accounts = await world.suspended(4)
    world.failing = {accounts[0], accounts[1]}
    amnesty = await world.run(accounts, "2", "100%")
    assert amnesty.state is AmnestyState.HALTED
    assert "probes: the probe profile of @s" in amnesty.why
    assert "410, 200 expected. Find out why" in amnesty.why
    assert world.outcomes() == ["lifted", "lifted", "pending", "pending"]
    assert world.alerts()[-1] == "halted"


async def test_resume_looks_again_after_a_failed_probe(world: Waves) -> None:
    accounts = await world.suspended(4)
    world.failing = {accounts[0], accounts[1]}
    await world.run(accounts, "2", "100%")
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.HALTED
    world.failing = set()
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE


async def test_resume_past_the_probes_of_a_wave(world: Waves) -> None:
    accounts = await world.suspended(4)
    world.failing = {accounts[0], accounts[1]}
    await world.run(accounts, "2", "100%")
    await world.decide(steering.resume, past_probes=True)
    assert (await world.work()).state is AmnestyState.DONE
    assert [wave.passed_by for wave in world.course().waves] == [world.approver, None]


async def test_probes_that_fail_late_do_not_halt_a_wave_that_was_passed_meanwhile(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await world.suspended(2)
    whole = driving.probing.confirm

    async def slow(ctx: Any, **given: Any) -> bool:
        passed = await whole(ctx, **given)
        if world.failing:  # paused and resumed past the probes while they are still made
            world.failing = set()
            await world.decide(steering.pause)
            await world.decide(steering.resume, past_probes=True)
        return passed

    monkeypatch.setattr(driving.probing, "confirm", slow)
    world.failing = {accounts[0]}
    amnesty = await world.run(accounts, "1", "100%")
    assert (amnesty.state, amnesty.why) == (AmnestyState.DONE, "")
    assert [wave.passed_by for wave in world.course().waves] == [world.approver, None]
    assert world.ledger().count("amnesty_halted") == 0


async def test_probes_end_when_somebody_decides_otherwise(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await world.suspended(6)
    whole = driving.probing.confirm

    async def confirm(ctx: Any, **given: Any) -> bool:
        if not world.probed:
            await world.decide(steering.roll_back)
        return await whole(ctx, **given)

    monkeypatch.setattr(driving, "TELL_SECONDS", 0.0)
    monkeypatch.setattr(driving.probing, "confirm", confirm)
    await world.run(accounts)
    assert len(world.probed) == 1  # those of the other accounts would hold up the way back
    assert (await world.work()).state is AmnestyState.ROLLED_BACK


@pytest.mark.parametrize("when", ["before it is looked at", "meanwhile"])
async def test_an_account_somebody_suspends_again_fails_no_probe(
    world: Waves, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    accounts = await world.suspended(3)
    whole, lift, changes = driving.probing.confirm, settling.lift_in, 0

    def lifted(tx: Any, settings: Any, **given: Any) -> Any:
        nonlocal changes
        done = lift(tx, settings, **given)
        changes += 1
        if when == "before it is looked at" and changes == len(accounts):
            again = structs.replace(given["actions"][0], id=tx.next_id(), account=accounts[1])
            tx.enforcement.take(again)
        return done

    async def confirm(ctx: Any, *, account: int, **given: Any) -> bool:
        if when == "meanwhile" and account == accounts[1]:
            await world.suspend(account)
        if not world.active(account):
            world.failing = {account}
        return await whole(ctx, account=account, **given)

    monkeypatch.setattr(settling, "lift_in", lifted)
    monkeypatch.setattr(driving.probing, "confirm", confirm)
    amnesty = await world.run(accounts)
    assert (amnesty.state, amnesty.why) == (AmnestyState.DONE, "")
    assert not world.active(accounts[1])
    [wave] = world.course().waves
    assert {probe.account for probe in wave.probes} == {accounts[0], accounts[2]}


async def test_probes_that_cannot_be_made_halt(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(ctx: Any, **_: Any) -> bool:
        raise Conflict("No worker answers")

    monkeypatch.setattr(driving.probing, "confirm", nobody)
    amnesty = await world.run(await world.suspended(2))
    assert amnesty.state is AmnestyState.HALTED
    assert amnesty.why.startswith("probes: No worker answers")


async def test_a_wave_taken_up_anew_waits_for_workers_that_are_just_starting(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await world.suspended(6)
    world.ctx = structs.replace(world.ctx, visitors=(there := Asked()))
    whole = driving.probing.confirm
    meetings: list[float] = []

    async def confirm(ctx: Any, **given: Any) -> bool:
        async with ctx.visitors.meet():
            pass
        meetings.append(there.patience)
        if len(meetings) == 1:
            raise Killed
        return await whole(ctx, **given)

    monkeypatch.setattr(driving.probing, "confirm", confirm)
    with pytest.raises(Killed):
        await world.run(accounts, "3", "100%")
    assert (await world.work()).state is AmnestyState.DONE
    # Killed at its first look; then patient once; then not any more, nor in the wave it begins.
    assert meetings == [10.0, 60.0, 10.0, 10.0, 10.0, 10.0, 10.0]


# -- pause, resume, stop ---------------------------------------------------------------------------


async def test_pause_and_resume(world: Waves) -> None:
    accounts = await world.suspended(4)
    await world.approved(accounts, "2", "100%", pause_s=600)
    await world.decide(steering.run)
    assert (await world.work()).state is AmnestyState.RUNNING  # it rests after its first wave
    await world.decide(steering.pause)
    world.clock.advance(seconds=700)
    assert (await world.work()).state is AmnestyState.PAUSED
    assert world.outcomes() == ["lifted", "lifted", "pending", "pending"]
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE
    said = [one.what for one in world.course().log]
    assert said == [
        *(Happened.STARTED, Happened.WAVE, Happened.PAUSED, Happened.RESUMED),
        *(Happened.WAVE, Happened.FINISHED),
    ]
    assert world.ledger() == [f"amnesty_{what}" for what in said]
    assert world.alerts() == said


async def test_who_pauses_twice_is_told_what_can_be_done_instead(world: Waves) -> None:
    await world.approved(await world.suspended(2))
    await world.decide(steering.run)
    await world.decide(steering.pause)
    with pytest.raises(Conflict) as raised:
        await world.decide(steering.pause)
    assert raised.value.message == (
        "This amnesty is paused already: it can be resumed, stopped or rolled back"
    )


async def test_waves_rest_as_long_as_was_asked_for(world: Waves) -> None:
    accounts = await world.suspended(2)
    await world.run(accounts, "1", "100%", pause_s=600)
    over = world.course().waves[0].over_at or 0
    with world.read() as snap:
        jobs = snap.jobs.due(over + 600_000, limit=10, only=("run_amnesty",))
    assert [job.run_at for job in jobs][-1] == over + 600_000
    assert (await world.work()).wave == 1
    world.clock.set(over + 600_000)
    assert (await world.work()).state is AmnestyState.DONE


async def test_stop_leaves_what_is_done(world: Waves) -> None:
    accounts = await world.suspended(3)
    await world.run(accounts, "1", "100%", pause_s=600)
    amnesty = await world.decide(steering.stop)
    world.clock.advance(seconds=700)
    await world.work()
    assert amnesty.state is AmnestyState.STOPPED
    assert world.outcomes() == ["lifted", "pending", "pending"]
    with pytest.raises(Conflict, match="stopped"):
        await world.decide(steering.resume)


async def test_of_two_operators_one_wins_and_the_other_is_told_who(world: Waves) -> None:
    await world.approved(await world.suspended(1))
    await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)
    with pytest.raises(Conflict, match="@planner started this amnesty before you"):
        await world.decide(steering.run)


async def test_who_may_not_decide_is_refused(world: Waves) -> None:
    accounts = await world.suspended(1)
    await world.approved(accounts)
    anybody = world.account("anybody")
    with pytest.raises(Forbidden):
        await steering.run(world.ctx, moderator=anybody, amnesty_id=world.id)
    with pytest.raises(NotFound):
        await steering.run(world.ctx, moderator=world.planner, amnesty_id=1)
    for verb in (
        steering.pause,
        steering.resume,
        steering.stop,
        steering.roll_back,
    ):
        with pytest.raises(Conflict):
            await world.decide(verb)
    planned = structs.replace(world.amnesty(), state=AmnestyState.PLANNED)
    await world.store.write(lambda tx: tx.amnesties.put(planned))
    with pytest.raises(Conflict, match="second moderator"):
        await world.decide(steering.run)
    over = structs.replace(planned, state=AmnestyState.APPROVED, expires_at=world.clock.now())
    await world.store.write(lambda tx: tx.amnesties.put(over))
    with pytest.raises(Conflict, match="ran out"):
        await world.decide(steering.run)


async def test_the_course_survives_being_written(world: Waves) -> None:
    await world.run(await world.suspended(2))
    course = world.course()
    assert msgspec.json.decode(msgspec.json.encode(course), type=Course) == course
    assert course.drift is not None
    assert (course.drift.alive, course.drift.changed, course.drift.wrong) == (2, 0, ())
