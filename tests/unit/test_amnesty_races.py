"""What happens to an amnesty in the same instant as something else, or while clocks and roles
change under it.
"""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.unit.amnesty_world import LATE, Waves, opened

from rostra.api.extension import amnesty_forms
from rostra.domain.accounts import Role
from rostra.domain.amnesty import Amnesty, AmnestyState
from rostra.domain.errors import Conflict
from rostra.domain.events import AmnestyChanged, AnyEvent
from rostra.jobs.runner import Runner
from rostra.jobs.schedule import Schedule
from rostra.ports import Transaction
from rostra.services import roles
from rostra.services.amnesty import (
    amnesties,
    driving,
    planning,
    reporting,
    steering,
    stepping,
)
from rostra.services.probing import lending
from rostra.services.work import ASIDE, HANDLERS
from rostra.testing.amnesties import DyingStore, Killed


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


async def demoted(world: Waves, moderator: int) -> None:
    world.tick()
    await roles.change(world.ctx, by=None, target=moderator, role=Role.USER)


async def test_who_started_it_loses_the_role_and_another_goes_on(world: Waves) -> None:
    accounts = await world.suspended(6)
    await world.run(accounts, "1", "100%", pause_s=600)
    await demoted(world, world.planner)
    world.clock.advance(seconds=700)
    amnesty = await world.work()
    assert world.outcomes() == ["lifted"] + ["pending"] * 5
    assert amnesty.state is AmnestyState.HALTED, amnesty
    assert "@planner" in amnesty.why
    await world.decide(steering.resume)
    amnesty = await world.work()
    assert (amnesty.state, world.outcomes()) == (AmnestyState.DONE, ["lifted"] * 6)
    with world.read() as snap:
        by = [snap.enforcement.of_account(one)[1][0].moderator for one in accounts]
    assert by == [world.planner] + [world.approver] * 5


async def test_who_approved_it_loses_the_role_before_it_runs(world: Waves) -> None:
    await world.approved(await world.suspended(2))
    await demoted(world, world.approver)
    with pytest.raises(Conflict, match="approved"):
        await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)


async def test_reports_from_before_it_was_resumed_do_not_halt_it_again(world: Waves) -> None:
    accounts = await world.suspended(4)
    await world.approved(accounts, reports=2)

    await world.reported(accounts[0], 3)
    await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)
    assert (await world.work()).state is AmnestyState.HALTED
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE


async def test_no_wave_begins_that_could_not_be_confirmed(world: Waves) -> None:
    accounts = await world.suspended(2)
    service = await lending.service_account(world.ctx)
    await world.suspend(service.ordinal)
    amnesty = await world.run(accounts)
    assert amnesty.state is AmnestyState.HALTED
    assert "the server's own account, may not act" in amnesty.why
    assert world.outcomes() == ["pending"] * 2
    await world.reinstate(service.ordinal)
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE


async def _frozen_again(world: Waves, accounts: list[int]) -> Amnesty:
    """Freeze a second amnesty of accounts that waits for its approval."""
    first = world.id
    await world.approved(accounts)
    planned = structs.replace(world.amnesty(), state=AmnestyState.PLANNED, expires_at=None)
    await world.store.write(lambda tx: tx.amnesties.put(planned))
    world.id = first
    return planned


async def test_of_two_plans_with_an_account_in_common_one_is_approved(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other is approved after the lists were compared, and before the transaction."""
    accounts = await world.suspended(3)
    one, other = [await _frozen_again(world, accounts[part:]) for part in (0, 2)]
    whole = amnesties._checked

    async def approve(amnesty: Amnesty) -> Amnesty:
        return await amnesties.approve(
            world.ctx, moderator=world.approver, amnesty=amnesty.id, hash_=amnesty.hash
        )

    async def checked(ctx: Any, amnesty: int) -> Any:
        found = await whole(ctx, amnesty)
        if amnesty == one.id:
            await approve(other)
        return found

    monkeypatch.setattr(amnesties, "_checked", checked)
    with pytest.raises(Conflict, match=f"Amnesty {other.id} has some of its accounts"):
        await approve(one)


async def test_long_lists_are_read_beside_the_loop_of_the_job_process(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    whole = amnesties.every_entry

    def every_entry(*given: Any, **more: Any) -> Any:
        threads.add(threading.current_thread())
        return whole(*given, **more)

    monkeypatch.setattr(driving, "every_entry", every_entry)
    assert (await world.run(await world.suspended(4), "1", "100%")).state is AmnestyState.DONE
    assert threads
    assert threading.main_thread() not in threads


class Counting:
    """A store that keeps how many accounts of an amnesty each write put or dropped."""

    def __init__(self, world: Waves, *, die_at: int = 0) -> None:
        self._world, self._die_at = world, die_at
        self.writes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.store, name)

    async def write(self, change: Any) -> Any:
        before = len(self._world.entries())
        found = await self._world.store.write(change)
        self.writes.append(abs(len(self._world.entries()) - before))
        if len(self.writes) == self._die_at:
            raise Killed
        return found


async def test_what_was_written_of_a_rejected_plan_goes_in_steps_that_may_be_killed(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await world.suspended(9)
    monkeypatch.setattr(planning, "ENTRIES_AT_ONCE", 2)
    whole = planning._put_lot
    made = await amnesties.plan(
        world.ctx, moderator=world.planner, accounts=accounts, include=["second_strike"]
    )
    world.id = made.id

    def put_lot(tx: Transaction, **given: Any) -> None:
        whole(tx, **given)
        if len(tx.amnesties.entries(made.id, limit=10)) == 8:
            tx.amnesties.put(structs.replace(world.amnesty(), state=AmnestyState.REJECTED))

    monkeypatch.setattr(planning, "_put_lot", put_lot)
    deaths = 0
    for die_at in (8, 1, 1, 0):
        store: Any = Counting(world, die_at=die_at)
        try:
            await planning.carry_out(structs.replace(world.ctx, store=store), amnesty=made.id)
        except Killed:
            deaths += 1
        assert max(store.writes) <= 2
    assert deaths == 3
    assert world.amnesty().state is AmnestyState.REJECTED
    assert world.entries() == []


async def test_a_long_report_takes_little_more_memory_than_it_is_long(world: Waves) -> None:
    await world.approved(await world.suspended(1))
    with world.read() as snap:
        found, line = reporting.standing(snap, world.id), next(reporting.lines(snap, world.id))
    tracemalloc.start()
    report = amnesty_forms.as_json(found, (line for _ in range(20_000)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2.5 * len(report)
    assert len(msgspec.json.decode(report)["accounts"]) == 20_000


async def test_who_follows_it_is_told_of_accounts_done_and_of_a_wave_that_is_over(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []

    def hear(event: AnyEvent) -> None:
        if isinstance(event, AmnestyChanged):
            over = [one for one in world.course().waves if one.over_at is not None]
            told.append((world.outcomes().count("lifted"), len(over)))

    monkeypatch.setattr(stepping, "TELL_SECONDS", 0.0)
    monkeypatch.setattr(stepping, "FIRST_STEP", 2)
    monkeypatch.setattr(stepping, "MOST_A_STEP", 2)
    monkeypatch.setattr(stepping, "REST_SECONDS", 0.0)
    accounts = await world.suspended(8)
    await world.approved(accounts, "6", "100%", pause_s=600)
    await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)
    world.store.subscribe(hear)
    await world.work()
    with world.read():
        pass  # and so what was committed last is heard of
    assert {lifted for lifted, _ in told} >= {2, 4, 6}
    assert told[-1] == (6, 1)


async def test_what_is_rolled_back_waits_for_no_waves_of_another(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probes of another amnesty hang, say, as a worker does not answer."""
    accounts = await world.suspended(4)
    await world.run(accounts[:2])
    done = world.id
    hangs, goes_on, is_back = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def confirm(ctx: Any, **_: Any) -> bool:
        hangs.set()
        await goes_on.wait()
        return True

    monkeypatch.setattr(driving.probing, "confirm", confirm)
    await world.approved(accounts[2:])
    await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)
    stop = asyncio.Event()
    runner = asyncio.create_task(Runner(world.ctx, HANDLERS, Schedule([]), ASIDE).run(stop))
    await hangs.wait()
    other, world.id = world.id, done

    def hear(_: AnyEvent) -> None:
        if world.amnesty().state is AmnestyState.ROLLED_BACK:
            is_back.set()

    world.store.subscribe(hear)
    await world.decide(steering.roll_back)
    await is_back.wait()
    world.id = other
    assert world.amnesty().state is AmnestyState.RUNNING
    goes_on.set()
    stop.set()
    await runner


async def test_probes_that_nobody_passed_over_are_not_told_to_be(world: Waves) -> None:
    accounts = await world.suspended(2)
    await world.run(accounts, "1", "100%", pause_s=600)
    await world.decide(steering.pause)
    await world.decide(steering.resume, past_probes=True)
    assert "passed over" not in world.course().log[-1].text
    assert [wave.passed_by for wave in world.course().waves] == [None]


@pytest.mark.parametrize("back", [False, True])
async def test_operators_are_told_once_of_one_that_takes_its_process_down_again_and_again(
    world: Waves, back: bool
) -> None:
    accounts = await world.suspended(2)
    if back:
        await world.run(accounts)
        await world.decide(steering.roll_back)
    else:
        await world.approved(accounts)
        await steering.run(world.ctx, moderator=world.planner, amnesty_id=world.id)
    before = len(world.subjects())
    for _ in range(7):
        store: Any = DyingStore(world.store, at=2, done=False)
        ctx = structs.replace(world.ctx, store=store)
        with pytest.raises(Killed):
            await driving.work(ctx, amnesty=world.id, aside=LATE)
    assert world.subjects()[before:] == [f"Amnesty {world.id} comes no further"]
    over = AmnestyState.ROLLED_BACK if back else AmnestyState.DONE
    assert (await world.work()).state is over
