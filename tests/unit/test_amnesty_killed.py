"""An amnesty whose job is killed at any instant goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs
from tests.unit.amnesty_world import LATE, Waves, opened

from rostra.domain.amnesty import AmnestyState
from rostra.domain.amnesty_waves import Happened
from rostra.services.amnesty import driving, steering, stepping
from rostra.testing.amnesties import DyingStore, Killed


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


async def _killed(world: Waves, at: int, *, done: bool) -> bool:
    """Work, be killed at a commit, and work again; return whether there was such a commit."""
    dying = DyingStore(world.store, at=at, done=done)
    ctx = structs.replace(world.ctx, store=dying)
    try:
        await driving.work(ctx, amnesty=world.id, aside=LATE)
    except Killed:
        await world.work()
        return True
    return False


@pytest.mark.parametrize("done", [False, True])
async def test_killed_at_each_step_it_goes_on_where_it_was(
    world: Waves, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    monkeypatch.setattr(stepping, "FIRST_STEP", 2)
    monkeypatch.setattr(driving, "TELL_SECONDS", 0)  # so that each probe is a step as well
    accounts = await world.suspended(8)
    killed, at = [True], 0
    while any(killed):  # over and over, with one kill more each time it is tried
        at += 1
        await world.approved(accounts, "2", "100%")
        await world.decide(steering.run)
        killed = [await _killed(world, at, done=done)]
        assert world.amnesty().state is AmnestyState.DONE
        assert world.outcomes() == ["lifted"] * 8
        assert all(world.active(account) for account in accounts)
        await world.decide(steering.roll_back)
        killed.append(await _killed(world, at, done=done))
        assert world.amnesty().state is AmnestyState.ROLLED_BACK
        assert world.outcomes() == ["rolled_back"] * 8
        with world.read() as snap:
            actions, liftings = snap.enforcement.of_account(accounts[-1])
        assert (len(actions), len(liftings)) == (at + 1, at)  # nothing was done twice
        assert [one.what for one in world.course().log] == [
            *(Happened.STARTED, Happened.WAVE, Happened.WAVE, Happened.FINISHED),
            *(Happened.ROLLING_BACK, Happened.ROLLED_BACK),
        ]
    assert at > 12
