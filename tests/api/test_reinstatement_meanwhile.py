"""What happens while an account is reinstated: decisions of people, faults, and how it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.api.reinstating import Stage, staged
from tests.api.world import World

from rostra.api.extension.reinstatement_entities import report
from rostra.domain.accounts import Standing
from rostra.domain.capacity import Machine
from rostra.domain.enforcement import ActionKind, LiftReason, State, strikes
from rostra.domain.errors import (
    Conflict,
    NotFound,
    NotOffered,
    Unavailable,
)
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Options, Run, RunState
from rostra.ports import Context
from rostra.services import probing, reinstatement
from rostra.services.membership import account_deletion
from rostra.services.moderation import enforcing
from rostra.services.reinstatement import running
from rostra.testing.machines import like

DAY_MS = 86_400_000
Decision = Callable[[Stage], Awaitable[str]]


class Silent:
    """A machine that does not tell of its memory and CPUs."""

    async def look(self, *, seconds: float) -> Machine:
        raise NotOffered("this system does not tell")


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


# -- somebody decides meanwhile --------------------------------------------------------------------


async def reinstated_by_hand(stage: Stage) -> str:
    await enforcing.reinstate(
        stage.ctx, moderator=stage.mod.ordinal, target=stage.star.ordinal, reason=LiftReason.SERVED
    )
    return "@mod lifted action"


async def suspended_again(stage: Stage) -> str:
    await enforcing.suspend(
        stage.ctx, moderator=stage.mod.ordinal, target=stage.star.ordinal, ground="again"
    )
    return "@mod took action suspend"


async def deleted(stage: Stage) -> str:
    await account_deletion.delete_account(stage.ctx, by=None, target=stage.star.ordinal)
    return "took action delete"


@pytest.mark.parametrize("decide", [reinstated_by_hand, suspended_again, deleted])
async def test_a_decision_before_the_cut_over_stands(stage: Stage, decide: Decision) -> None:
    """Step "Cut over": nothing is lifted over what somebody decided since the plan."""
    run = await stage.begin()
    told = await decide(stage)
    public = await stage.public() if decide is not deleted else None
    with stage.world.store.read() as snap:
        before = snap.enforcement.of_account(stage.star.ordinal)
    over = await stage.drive(run)
    assert (over.state, over.lifted) == (RunState.FAILED, ())
    assert told in over.said or decide is deleted
    with stage.world.store.read() as snap:
        assert snap.enforcement.of_account(stage.star.ordinal) == before
    if public:
        assert await stage.public() == public


@pytest.mark.parametrize("decide", [suspended_again, deleted])
@pytest.mark.parametrize("passed", [True, False])
async def test_a_decision_after_the_cut_over_stands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, decide: Decision, passed: bool
) -> None:
    async def confirm(ctx: Context, **_: Any) -> bool:
        stage.world.tick()
        told.append(await decide(stage))
        return passed

    told: list[str] = []
    monkeypatch.setattr(probing, "confirm", confirm)
    over = await stage.reinstated()
    assert over.state == RunState.OVERTAKEN
    assert told[0] in over.said
    assert over.restored == ()
    with pytest.raises((Conflict, NotFound)):
        await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=over.id)


async def test_the_clock_ends_a_suspension_before_the_run_does(stage: Stage) -> None:
    await stage.world.reinstate(stage.star)
    until = stage.world.clock.now() + 60_000
    await stage.world.suspend(stage.star, until=until)
    run = await stage.begin()
    stage.world.clock.set(until)
    over = await stage.drive(run)
    assert (over.state, "is over" in over.said) == (RunState.FAILED, True)
    assert await stage.public() == (False, 3)


async def test_somebody_rolls_back_while_it_is_confirmed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def confirm(ctx: Context, *, tell: probing.Tell, **_: Any) -> bool:
        stage.world.tick()
        await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=run.id)
        await tell(Probe("too late", "", True, "", 0))
        raise AssertionError("a probe was taken of a run that was rolled back")

    monkeypatch.setattr(probing, "confirm", confirm)
    run = await stage.begin()
    await stage.drive(run)
    assert stage.run(run.id).state == RunState.ROLLING_BACK
    over = await stage.drive(run)
    assert (over.state, over.rolled_back_by) == (RunState.ROLLED_BACK, stage.mod.ordinal)
    assert await stage.public() == (True, 0)


# -- capacity -------------------------------------------------------------------------------------


async def test_without_headroom_it_is_refused_or_warned_of(stage: Stage) -> None:
    """Capacity first: memory, CPU and p99 against what the returning audience will ask."""
    stage.world.machine.seen = like(available=0)
    frozen = await stage.plan()
    assert frozen.plan.headroom is not None
    assert frozen.plan.headroom["enough"] is False
    asked = Options(require_headroom=True)
    over = await stage.drive(await stage.begin(frozen.hash, options=asked))
    assert over.state == RunState.REFUSED
    assert "short: memory" in over.said
    assert "without asking for headroom" in over.said
    assert await stage.public() == (True, 0)
    done = await stage.reinstated()
    assert done.state == RunState.DONE
    [staged_] = [step for step in done.steps if step.name == "staged"]
    assert staged_.said.startswith("WARNING. Headroom: short")
    assert staged_.figures["headroom"]["verdict"] == "short"
    assert any("WARNING. Headroom: short" in one["text"] for one in stage.alerts())


async def test_headroom_that_nobody_knows_is_none(stage: Stage) -> None:
    asked = Options(require_headroom=True)
    run = await stage.begin(options=asked)
    ctx = msgspec.structs.replace(stage.ctx, machines=Silent())
    await running.drive(ctx, run=run.id)
    over = stage.run(run.id)
    assert (over.state, "is not known" in over.said) == (RunState.REFUSED, True)


# -- what goes wrong -------------------------------------------------------------------------------


async def test_a_failed_check_ends_at_staging(stage: Stage) -> None:
    """Step "Stage": a failed check stops here, says what is wrong and alerts; nothing changes."""
    visitors = msgspec.structs.replace(stage.ctx, visitors=stage.visitors(missing=("4",)))
    run = await stage.begin()
    await running.drive(visitors, run=run.id)
    over = stage.run(run.id)
    assert (over.state, "worker 4" in over.said) == (RunState.FAILED, True)
    assert await stage.public() == (True, 0)
    assert any("not reinstated" in one["subject"] and one["grave"] for one in stage.alerts())


async def test_a_worker_gone_at_the_end_is_rolled_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step "Confirm": what cannot be confirmed is rolled back at once; the run is kept."""

    async def confirm(ctx: Context, **_: Any) -> bool:
        raise Unavailable("worker 1 does not answer")

    monkeypatch.setattr(probing, "confirm", confirm)
    over = await stage.reinstated()
    assert over.state == RunState.ROLLED_BACK
    assert "worker 1 does not answer" in over.said
    assert over.said.endswith("worker 1 does not answer. Hidden again in 1 worker")
    assert await stage.public() == (True, 0)
    with stage.world.store.read() as snap:
        actions, liftings = snap.enforcement.of_account(stage.star.ordinal)
        assert len(strikes(actions, liftings)) == 1
        kinds = [one.kind for one in snap.ledger.page(account=stage.star.ordinal, limit=20)][::-1]
    assert kinds == [
        *("action", "run_started", "run_staged", "lifting", "run_cut_over"),
        *("action", "run_rolled_back"),
    ]
    assert any("suspended again" in one["subject"] and one["grave"] for one in stage.alerts())


async def test_a_limit_taken_meanwhile_does_not_keep_a_wrong_account_public(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step "Confirm": any mismatch is rolled back at once; the limit stands beside it."""

    async def confirm(ctx: Context, **_: Any) -> bool:
        await enforcing.act(
            ctx,
            moderator=stage.mod.ordinal,
            target=stage.star.ordinal,
            kind=ActionKind.LIMIT,
            ground="noise",
        )
        raise Unavailable("worker 1 does not answer")

    monkeypatch.setattr(probing, "confirm", confirm)
    over = await stage.reinstated()
    assert (over.state, len(over.restored)) == (RunState.ROLLED_BACK, 1)
    assert await stage.public() == (True, 0)
    with stage.world.store.read() as snap:
        state = snap.gate.state(stage.star.ordinal)
    assert (state.suspended, state.limited) == (True, True)


async def test_a_fault_of_a_probe_is_no_loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def confirm(ctx: Context, **_: Any) -> bool:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(probing, "confirm", confirm)
    over = await stage.reinstated()
    assert (over.state, "ZeroDivisionError" in over.said) == (RunState.ROLLED_BACK, True)


async def test_a_rollback_later_is_refused_over_a_decision_since(stage: Stage) -> None:
    run = await stage.reinstated()
    stage.world.tick()
    await enforcing.act(
        stage.ctx,
        moderator=stage.mod.ordinal,
        target=stage.star.ordinal,
        kind=ActionKind.LIMIT,
        ground="noise",
    )
    with pytest.raises(Conflict, match="@mod took action silence on @star"):
        await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=run.id)
    assert await stage.public() == (False, 3)


async def put_away(stage: Stage) -> None:
    """Let the owner of the account put it away."""
    standing = Standing(account=stage.star.ordinal, deactivated_at=stage.world.clock.now())
    await stage.world.store.write(lambda tx: tx.standings.put(standing))


async def test_a_rollback_later_leaves_an_account_its_owner_put_away_since(stage: Stage) -> None:
    run = await stage.reinstated()
    stage.world.tick()
    await put_away(stage)
    with pytest.raises(Conflict, match="@star was put away by its owner"):
        await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=run.id)
    with stage.world.store.read() as snap:
        assert snap.gate.state(stage.star.ordinal) == State(deactivated=True)


async def test_a_rollback_later_suspends_again_who_was_away_before(stage: Stage) -> None:
    await stage.world.reinstate(stage.star)
    await put_away(stage)
    await stage.world.suspend(stage.star)
    run = await stage.reinstated()
    assert (run.state, "stays hidden" in run.said) == (RunState.DONE, True)
    stage.world.tick()
    await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=run.id)
    over = await stage.drive(run)
    assert (over.state, len(over.restored)) == (RunState.ROLLED_BACK, 1)
    assert over.said.endswith("Hidden again in 1 worker")  # where there is no such account
    with stage.world.store.read() as snap:
        assert snap.gate.state(stage.star.ordinal) == State(suspended=True, deactivated=True)


async def test_a_rollback_later_is_as_before_with_its_end(stage: Stage) -> None:
    await stage.world.reinstate(stage.star)
    until = stage.world.clock.now() + DAY_MS
    await stage.world.suspend(stage.star, until=until)
    run = await stage.reinstated()
    stage.world.tick()
    await reinstatement.rollback(
        stage.ctx, moderator=stage.mod.ordinal, run=run.id, why="the wrong account"
    )
    over = await stage.drive(run)
    assert (over.state, len(over.restored)) == (RunState.ROLLED_BACK, 1)
    assert "the wrong account. Hidden again in" in over.said
    told = [one["subject"].removesuffix(f" (run {run.id})") for one in stage.alerts()]
    assert told == [
        "@star is being made ready to come back",
        "@star is ready to come back; nothing public has changed",
        "@star is back, and is being looked at in every worker",
        "@star is back and was found right in every worker",
        "@star was suspended again, as before",
        "@star is suspended as before",
    ]
    assert await stage.public() == (True, 0)
    with stage.world.store.read() as snap:
        told = snap.notifications.stored(stage.star.ordinal, limit=9)
    assert [one.event for one in told if one.event in run.lifted] == []
    stage.world.clock.set(until)
    assert await stage.public() == (False, 3)
    with pytest.raises(Conflict, match="rolled back"):
        await reinstatement.rollback(stage.ctx, moderator=stage.mod.ordinal, run=run.id)


# -- the report ------------------------------------------------------------------------------------


async def test_every_difference_to_the_plan_is_explained(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step "Report": counts before and after, with every difference explained."""
    cut_over = running._STEPS[RunState.CUTTING_OVER]

    async def later(ctx: Context, run: Run) -> Run:
        await stage.fans[1].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
        return await cut_over(ctx, run)

    monkeypatch.setattr(running, "_STEPS", {**running._STEPS, RunState.CUTTING_OVER: later})
    run = await stage.reinstated()
    assert run.state == RunState.DONE, run.said
    with stage.world.store.read() as snap:
        told = report(reinstatement.status(snap, run.id))
    assert told["counts"]["planned"]["followers"] == 3
    assert told["counts"]["after"]["followers"] == 2
    assert told["counts"]["explained"]["left"] == {"count": 1, "some": ["bob"]}
    assert told["counts"]["unexplained"] == 0
    assert told["by"] == "mod"
