"""Rolling an amnesty back: who is suspended again, and who is left as somebody decided since."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.unit import amnesty_meddling as meddling
from tests.unit.amnesty_world import Waves, opened
from tests.unit.world import World

from rostra.domain.amnesty import AmnestyState, Entry, manifest_hash
from rostra.domain.enforcement import ActionKind, LiftReason, State
from rostra.domain.errors import Conflict
from rostra.services import appeals, reinstatement
from rostra.services.amnesty import steering
from rostra.services.appeals import deciding
from rostra.services.membership import departures
from rostra.services.moderation import enforcing


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    async with opened(tmp_path / "data", monkeypatch) as made:
        yield made


async def test_rollback_suspends_again_and_adds_no_strike(world: Waves) -> None:
    accounts = await world.suspended(3)
    await world.run(accounts)
    await world.decide(steering.roll_back)
    assert (await world.work()).state is AmnestyState.ROLLED_BACK
    assert world.outcomes() == ["rolled_back"] * 3
    assert not any(world.active(account) for account in accounts)
    with world.read() as snap:
        actions, _ = snap.enforcement.of_account(accounts[0])
    assert [one.restores for one in actions] == [None, actions[0].id]


@pytest.mark.parametrize(
    ("meddle", "why"),
    [
        (meddling.limit, "Another action was taken against it since"),
        (meddling.delete, "It was deleted since"),
        (meddling.put_away, "It was put away by its owner since"),
        (World.suspend, "Another action was taken against it since"),
    ],
)
async def test_rollback_leaves_and_lists_what_a_person_changed_since(
    world: Waves, meddle: Callable[..., Any], why: str
) -> None:
    accounts = await world.suspended(3)
    await world.run(accounts)
    world.tick()
    await meddle(world, accounts[1])
    with world.read() as snap:
        before = snap.gate.state(accounts[1])
    await world.decide(steering.roll_back)
    await world.work()
    assert world.outcomes() == ["rolled_back", "kept", "rolled_back"]
    assert world.entries()[1].why == why
    with world.read() as snap:
        assert snap.gate.state(accounts[1]) == before


async def test_an_accepted_appeal_is_overturned_by_its_wave_and_left_by_the_rollback(
    world: Waves,
) -> None:
    """Its strike is void: it should never have been decided, whatever lifts it."""
    accounts = await world.suspended(3)
    await world.approved(accounts)
    with world.read() as snap:
        action = snap.enforcement.of_account(accounts[1])[0][0]
    appeal = await appeals.open_appeal(
        world.ctx, actor=accounts[1], action=action.id, text="A quotation."
    )
    await deciding.accept(
        world.ctx, moderator=world.approver, appeal_id=appeal.id, reply="So it is."
    )
    await world.decide(steering.run)
    await world.work()
    assert world.outcomes() == ["lifted"] * 3
    with world.read() as snap:
        lifted = [snap.enforcement.of_account(one)[1][0].reason for one in accounts]
    assert lifted == [LiftReason.AMNESTY, LiftReason.OVERTURNED, LiftReason.AMNESTY]
    await world.decide(steering.roll_back)
    await world.work()
    assert world.outcomes() == ["rolled_back", "kept", "rolled_back"]
    assert world.entries()[1].why == "An appeal of it was accepted"


async def test_rollback_leaves_an_account_whose_other_action_was_lifted_since(
    world: Waves,
) -> None:
    (account,) = world.people("both")
    await meddling.limit(world, account)
    await world.suspend(account)
    await world.run([account])
    world.tick()
    await enforcing.lift(
        world.ctx,
        moderator=None,
        target=account,
        kind=ActionKind.LIMIT,
        reason=LiftReason.OVERTURNED,
    )
    await world.decide(steering.roll_back)
    await world.work()
    assert world.entries()[0].why == "Another of its actions was lifted since"
    assert world.active(account)


async def test_rollback_suspends_again_who_was_away_before(world: Waves) -> None:
    away, back = world.people("away", "back")
    for account in (away, back):
        await meddling.put_away(world, account)
        await world.suspend(account)
    await world.run([away, back])
    world.tick()
    await meddling.put_away(world, back)
    await departures.come_back(world.ctx, actor=back)
    await world.decide(steering.roll_back)
    await world.work()
    assert world.outcomes() == ["rolled_back", "rolled_back"]
    with world.read() as snap:
        assert snap.gate.state(away) == State(suspended=True, deactivated=True)
        assert snap.gate.state(back) == State(suspended=True)


async def _freeze(world: Waves, entry: Entry) -> None:
    """Approve an amnesty of one account with another entry for it."""
    changed = structs.replace(world.amnesty(), hash=manifest_hash(world.amnesty(), [entry]))

    def change(tx: Any) -> None:
        tx.amnesties.put(changed)
        tx.amnesties.put_entries(world.id, [entry])

    await world.store.write(change)


async def test_rollback_leaves_an_account_to_a_run_that_began_since(world: Waves) -> None:
    (account,) = world.people("twice")
    first = await world.suspend(account)
    await world.suspend(account)
    await world.approved([account])
    await _freeze(world, structs.replace(world.entries()[0], actions=(first.id,)))
    await world.decide(steering.run)
    assert (await world.work()).state is AmnestyState.DONE
    plan = await reinstatement.plan(world.ctx, moderator=None, target=account)
    run = await reinstatement.begin(
        world.ctx, moderator=None, plan=plan.hash, reason=LiftReason.OVERTURNED
    )
    with world.read() as snap:
        before = snap.enforcement.of_account(account)
    assert (len(before[0]), [one.action for one in before[1]]) == (2, [first.id])
    await world.decide(steering.roll_back)
    await world.work()
    assert world.outcomes() == ["kept"]
    assert world.entries()[0].why == f"A reinstatement of it is under way (run {run.id})"
    with world.read() as snap:
        assert snap.enforcement.of_account(account) == before


async def test_a_stopped_or_halted_amnesty_can_be_rolled_back(world: Waves) -> None:
    accounts = await world.suspended(3)
    await world.run(accounts, "1", "100%", pause_s=600)
    await world.decide(steering.stop)
    await world.decide(steering.roll_back)
    await world.work()
    assert world.outcomes() == ["rolled_back", "pending", "pending"]
    with pytest.raises(Conflict):
        await world.decide(steering.roll_back)
