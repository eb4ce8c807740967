"""The reference's section "Amnesty" from the approval on, sentence by sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.unit.amnesty_world import LATE, Waves, opened
from tests.unit.world import World

from rostra.domain.accounts import Standing
from rostra.domain.amnesty import AmnestyState, Entry, manifest_hash
from rostra.domain.amnesty_waves import Course, Happened
from rostra.domain.enforcement import ActionKind, LiftReason, State
from rostra.domain.errors import Conflict, Forbidden, NotFound, StoreCorrupt, Unavailable
from rostra.domain.labels import LEGAL_HOLD, Label
from rostra.domain.reports import Category, Report
from rostra.ports import ANSWERING_SECONDS, Missed, Party
from rostra.services import appeals, reinstatement
from rostra.services.amnesty import driving, settling, steering, stepping
from rostra.services.appeals import deciding
from rostra.services.membership import departures
from rostra.services.moderation import enforcing
from rostra.testing.amnesties import DyingStore, Killed


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


# -- it halts by itself ----------------------------------------------------------------------------


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

    def report(tx: Any) -> None:
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


# -- a person's later decision wins ----------------------------------------------------------------


async def _lift(world: Waves, account: int) -> None:
    await world.reinstate(account)


async def _replace(world: Waves, account: int) -> None:
    await world.reinstate(account)
    await world.suspend(account)


async def _limit(world: Waves, account: int) -> None:
    await enforcing.act(
        world.ctx, moderator=None, target=account, kind=ActionKind.LIMIT, ground="again"
    )


async def _hold(world: Waves, account: int) -> None:
    label = Label(account=account, name=LEGAL_HOLD, moderator=None, given_at=world.clock.now())
    await world.store.write(lambda tx: tx.labels.put(label))


async def _delete(world: Waves, account: int) -> None:
    def change(tx: Any) -> None:
        old = tx.enforcement.of_account(account)[0][0]
        tx.enforcement.take(structs.replace(old, id=tx.next_id(), kind=ActionKind.DELETE))

    await world.store.write(change)


async def _put_away(world: Waves, account: int) -> None:
    """Let its owner put it away."""
    standing = Standing(account=account, deactivated_at=world.clock.now())
    await world.store.write(lambda tx: tx.standings.put(standing))


MEDDLING = {
    _lift: "Its action was lifted since (overturned)",
    _replace: "Its action was lifted since (overturned)",
    _limit: "Another action was taken against it since",
    _hold: "It was labelled legal_hold since",
    _delete: "It was deleted since",
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
    await _limit(world, account)
    await world.suspend(account)
    await world.run([account])
    with world.read() as snap:
        state = snap.gate.state(account)
    assert (state.suspended, state.limited) == (False, True)


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


# -- rolling back ----------------------------------------------------------------------------------


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
        (_limit, "Another action was taken against it since"),
        (_delete, "It was deleted since"),
        (_put_away, "It was put away by its owner since"),
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
    await _limit(world, account)
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
        await _put_away(world, account)
        await world.suspend(account)
    await world.run([away, back])
    world.tick()
    await _put_away(world, back)
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


# -- killed at any instant -------------------------------------------------------------------------


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


async def test_the_course_survives_being_written(world: Waves) -> None:
    await world.run(await world.suspended(2))
    course = world.course()
    assert msgspec.json.decode(msgspec.json.encode(course), type=Course) == course
    assert course.drift is not None
    assert (course.drift.alive, course.drift.changed, course.drift.wrong) == (2, 0, ())


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
