"""An amnesty halts by itself, and what is nobody's fault is no outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.unit.amnesty_world import Waves, opened

from rostra.domain.amnesty import AmnestyState
from rostra.domain.errors import StoreCorrupt, Unavailable
from rostra.services.amnesty import driving, settling, steering


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


@pytest.mark.parametrize(("allowed", "state"), [(0, "halted"), (1, "done")])
async def test_it_halts_when_an_error_passes_the_limit(
    world: Waves, monkeypatch: pytest.MonkeyPatch, allowed: int, state: str
) -> None:
    accounts = await world.suspended(5)
    whole = settling.lift_in

    def lift(tx: Any, settings: Any, **given: Any) -> Any:
        done = whole(tx, settings, **given)
        if given["actions"][0].account == accounts[2]:
            raise RuntimeError("half-way")
        return done

    monkeypatch.setattr(settling, "lift_in", lift)
    amnesty = await world.run(accounts, failures=allowed)
    assert amnesty.state == state
    assert world.outcomes()[:3] == ["lifted", "lifted", "failed"]
    assert world.entries()[2].why == "RuntimeError"
    assert not world.active(accounts[2])  # nothing of it was done
    if state == "halted":
        assert amnesty.why.startswith("failures: 1 of its accounts could not be reinstated, 0 may")
        await world.decide(steering.resume)
        assert (await world.work()).state is AmnestyState.DONE


async def test_it_halts_when_the_rate_of_new_reports_passes_its_limit(world: Waves) -> None:
    accounts = await world.suspended(2)

    await world.reported(accounts[0], 3)
    amnesty = await world.run(accounts, reports=2)
    assert amnesty.state is AmnestyState.HALTED
    assert amnesty.why.startswith("reports: more than 2 new reports came in within a minute")
    world.clock.advance(seconds=70)
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE


async def test_it_halts_when_the_lag_of_the_job_queue_passes_its_limit(world: Waves) -> None:
    accounts = await world.suspended(2)
    late = world.clock.now()
    await world.store.write(lambda tx: tx.jobs.enqueue("close_poll", {"status": 1}, late))
    await world.store.write(lambda tx: tx.jobs.enqueue("run_transfer", {}, 0))  # is done aside
    world.clock.advance(seconds=9)
    amnesty = await world.run(accounts, lag_s=8)
    assert amnesty.state is AmnestyState.HALTED
    assert amnesty.why.startswith("lag: a job has been due for 9 s, 8 s may pass. Find out")


async def test_it_does_not_run_what_was_not_approved(world: Waves) -> None:
    accounts = await world.suspended(2)
    await world.approved(accounts)
    changed = structs.replace(world.entries()[0], wave=2)
    await world.store.write(lambda tx: tx.amnesties.put_entries(world.id, [changed]))
    await world.decide(steering.run)
    amnesty = await world.work()
    assert (amnesty.state, world.outcomes()) == (AmnestyState.HALTED, ["pending"] * 2)
    assert "not those that were approved" in amnesty.why


async def test_a_damaged_set_halts_the_count_at_the_end(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(*_: Any) -> Any:
        raise StoreCorrupt("The server's data is damaged", log="chunk 3 of followers(9)")

    with monkeypatch.context() as patched:
        patched.setattr(driving.recounting, "measure", damaged)
        amnesty = await world.run(await world.suspended(2))
    assert amnesty.state is AmnestyState.HALTED
    assert amnesty.why == "drift: chunk 3 of followers(9). Run rostra doctor, then resume"
    await world.decide(steering.resume)
    assert (await world.work()).state is AmnestyState.DONE


async def test_what_is_no_accounts_fault_fails_none(
    world: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await world.suspended(2)
    await world.run(accounts)
    await world.decide(steering.roll_back)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("in the last step")

    with monkeypatch.context() as patched:
        patched.setattr(driving, "note", broken)
        with pytest.raises(RuntimeError):
            await world.work()
    assert world.outcomes() == ["rolled_back"] * 2
    assert (await world.work()).state is AmnestyState.ROLLED_BACK


async def test_a_full_disk_is_no_outcome(world: Waves, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = await world.suspended(2)
    await world.approved(accounts)
    await world.decide(steering.run)

    def full(*_: Any, **__: Any) -> Any:
        raise Unavailable("The server's disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(settling, "lift_in", full)
        with pytest.raises(Unavailable):
            await world.work()
    assert world.outcomes() == ["pending"] * 2
    assert (await world.work()).state is AmnestyState.DONE
