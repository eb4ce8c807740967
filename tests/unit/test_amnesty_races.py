"""What happens to an amnesty in the same instant as something else, or while clocks and roles
change under it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.amnesty_world import Waves, opened

from rostra.domain.accounts import Role
from rostra.domain.amnesty import AmnestyState
from rostra.domain.errors import Conflict
from rostra.domain.reports import Category, Report
from rostra.ports import Transaction
from rostra.services import roles
from rostra.services.amnesty import steering
from rostra.services.probing import lending


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

    def report(tx: Transaction) -> None:
        for _ in range(3):
            tx.reports.put(
                Report(
                    id=tx.next_id(),
                    account=world.planner,
                    target=accounts[0],
                    category=Category.SPAM,
                    comment="",
                    created_at=tx.now,
                    updated_at=tx.now,
                )
            )

    await world.store.write(report)
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
