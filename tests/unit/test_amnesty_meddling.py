"""A person's later decision wins over the job of an amnesty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit import amnesty_meddling as meddling
from tests.unit.amnesty_world import Waves, opened

from rostra.domain.amnesty import AmnestyState
from rostra.domain.enforcement import LiftReason
from rostra.services import reinstatement
from rostra.services.amnesty import steering


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


MEDDLING = {
    meddling.lift: "Its action was lifted since (overturned)",
    meddling.replace: "Its action was lifted since (overturned)",
    meddling.limit: "Another action was taken against it since",
    meddling.hold: "It was labelled legal_hold since",
    meddling.delete: "It was deleted since",
}


@pytest.mark.parametrize("meddle", MEDDLING)
async def test_a_persons_later_decision_wins_over_the_job(
    world: Waves, meddle: Callable[..., Any]
) -> None:
    accounts = await world.suspended(3)
    await world.approved(accounts)
    await meddle(world, accounts[1])
    before = world.active(accounts[1])
    await world.decide(steering.run)
    assert (await world.work()).state is AmnestyState.DONE
    assert world.outcomes() == ["lifted", "skipped", "lifted"]
    assert world.entries()[1].why == MEDDLING[meddle]
    assert world.active(accounts[1]) is before


async def test_an_account_with_an_open_run_is_left_to_it(world: Waves) -> None:
    accounts = await world.suspended(2)
    plan = await reinstatement.plan(world.ctx, moderator=None, target=accounts[0])
    run = await reinstatement.begin(
        world.ctx, moderator=None, plan=plan.hash, reason=LiftReason.OVERTURNED
    )
    await world.run(accounts)
    assert world.outcomes() == ["skipped", "lifted"]
    assert world.entries()[0].why == f"A reinstatement of it is under way (run {run.id})"


async def test_what_ended_by_the_clock_is_skipped(world: Waves) -> None:
    (account,) = world.people("timed")
    await world.suspend(account, days=1)
    await world.approved([account])
    world.clock.advance(days=2)
    await world.decide(steering.run)
    await world.work()
    assert world.entries()[0].why == "Its time was over before its wave came"


async def test_another_action_in_force_stays(world: Waves) -> None:
    (account,) = world.people("both")
    await meddling.limit(world, account)
    await world.suspend(account)
    await world.run([account])
    with world.read() as snap:
        state = snap.gate.state(account)
    assert (state.suspended, state.limited) == (False, True)
