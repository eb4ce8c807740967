"""Appeals: who may, when, about what, and who decides."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.world import DAY_MS, World

from rostra.domain.accounts import Role, Standing
from rostra.domain.appeals import MAX_EDITS, MAX_TEXT, MAX_WITHDRAWN, Appeal, AppealState, Did
from rostra.domain.enforcement import Action, ActionKind, LiftReason, strikes
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.services import appeals, reinstatement
from rostra.services.appeals import deciding, granting
from rostra.services.membership import account_deletion, departures
from rostra.services.moderation import enforcing, lifting, reports

SAID = "That was a quotation, and I said so."


async def acted(
    world: World, target: int, kind: ActionKind = ActionKind.SUSPEND, **given: object
) -> Action:
    world.tick()
    fields = {"moderator": None, "ground": "Spam", "text": "Forty links in an hour.", **given}
    return await enforcing.act(world.ctx, target=target, kind=kind, **fields)  # type: ignore[arg-type]


async def opened(world: World, actor: int, action: Action) -> Appeal:
    world.tick()
    return await appeals.open_appeal(world.ctx, actor=actor, action=action.id, text=SAID)


def stored(world: World, appeal: Appeal) -> Appeal:
    with world.read() as snap:
        found = snap.appeals.get(appeal.id)
    assert found is not None
    return found


def cases(world: World, account: int) -> list[appeals.Case]:
    with world.read() as snap:
        return appeals.cases(snap, world.settings, account)


def in_force(world: World, account: int) -> set[int]:
    with world.read() as snap:
        return {action.id for action in enforcing.figures(snap, account).in_force}


# -- the person ------------------------------------------------------------------------------------


async def test_a_suspended_person_appeals_once_and_is_promised_a_time(world: World) -> None:
    """Row "Appeal": open for half a year, a promised time, evidence frozen when it was opened."""
    star, fan, mod = world.account("star"), world.account("fan"), world.moderator()
    await world.follow(fan, star)
    status = await world.post(star, "buy this")
    await reports.report(world.ctx, actor=fan, target=star, statuses=[status], comment="ads")
    action = await acted(world, star, moderator=mod)
    appeal = await opened(world, star, action)
    assert appeal.due_at - appeal.opened_at == world.settings.appeal_days * DAY_MS
    assert (appeal.action, appeal.state, appeal.text) == (action.id, AppealState.OPEN, SAID)
    evidence = appeal.evidence
    assert (evidence.type, evidence.ground, evidence.text) == (
        "suspend",
        "Spam",
        "Forty links in an hour.",
    )
    assert (evidence.followers, evidence.following, evidence.statuses) == (1, 0, 1)
    (told,) = evidence.reports
    assert (told.comment, told.statuses) == ("ads", ("buy this",))
    assert "fan" not in msgspec.json.encode(told).decode()
    with pytest.raises(Conflict, match="open appeal"):
        await opened(world, star, action)
    await world.post(mod, "something else")
    assert stored(world, appeal).evidence == evidence


async def test_what_cannot_be_said(world: World) -> None:
    star, other = world.people("star", "other")
    action = await acted(world, star)
    for text in (" ", "x" * (MAX_TEXT + 1)):
        with pytest.raises(Invalid):
            await appeals.open_appeal(world.ctx, actor=star, action=action.id, text=text)
    with pytest.raises(NotFound):
        await opened(world, other, action)
    with pytest.raises(NotFound):
        await appeals.open_appeal(world.ctx, actor=star, action=1, text=SAID)
    appeal = await opened(world, star, action)
    with pytest.raises(NotFound):
        await appeals.edit(world.ctx, actor=other, appeal_id=appeal.id, text="mine")
    with pytest.raises(NotFound):
        await appeals.withdraw(world.ctx, actor=other, appeal_id=appeal.id)


async def test_the_time_to_appeal_is_half_a_year(world: World) -> None:
    star = world.account("star")
    action = await acted(world, star)
    world.clock.advance(world.settings.appeal_window_days * DAY_MS - 2 * DAY_MS)
    assert cases(world, star)[0].barred is None
    world.clock.advance(2 * DAY_MS)
    assert "is over" in str(cases(world, star)[0].barred)
    with pytest.raises(Conflict, match="is over"):
        await opened(world, star, action)


async def test_edits_stay_in_its_history_and_withdrawals_are_counted(world: World) -> None:
    star = world.account("star")
    action = await acted(world, star)
    appeal = await opened(world, star, action)
    edited = await appeals.edit(world.ctx, actor=star, appeal_id=appeal.id, text="Better said.")
    assert [step.did for step in edited.history] == [Did.OPENED, Did.EDITED]
    assert (edited.text, edited.history[1].text, edited.due_at) == (
        "Better said.",
        SAID,
        appeal.due_at,
    )
    same = await appeals.edit(world.ctx, actor=star, appeal_id=appeal.id, text="Better said.")
    assert same == edited
    for number in range(MAX_EDITS - 1):
        await appeals.edit(world.ctx, actor=star, appeal_id=appeal.id, text=f"No. {number}")
    with pytest.raises(Invalid, match="wait for the answer"):
        await appeals.edit(world.ctx, actor=star, appeal_id=appeal.id, text="once more")
    for _ in range(MAX_WITHDRAWN):
        assert cases(world, star)[0].appeals[-1].state is AppealState.OPEN
        await appeals.withdraw(world.ctx, actor=star, appeal_id=appeal.id)
        with pytest.raises(Conflict):
            await appeals.edit(world.ctx, actor=star, appeal_id=appeal.id, text="too late")
        if cases(world, star)[0].barred is None:
            appeal = await opened(world, star, action)
    with pytest.raises(Conflict, match="took back"):
        await opened(world, star, action)


async def test_which_of_several_decisions_hold(world: World) -> None:
    star, mod = world.account("star"), world.moderator()
    limit = await acted(world, star, ActionKind.LIMIT)
    warning = await acted(world, star, ActionKind.NONE)
    suspension = await acted(world, star)
    await acted(world, star, ActionKind.FREEZE, until=world.clock.now() + DAY_MS)
    assert [case.action.kind for case in cases(world, star)] == [
        ActionKind.FREEZE,
        ActionKind.SUSPEND,
        ActionKind.NONE,
        ActionKind.LIMIT,
    ]
    world.clock.advance(2 * DAY_MS)
    assert [case.action.id for case in cases(world, star)] == [
        suspension.id,
        warning.id,
        limit.id,
    ]
    appeal = await opened(world, star, warning)
    await deciding.accept(world.ctx, moderator=mod, appeal_id=appeal.id, reply="Sorry.")
    assert in_force(world, star) == {limit.id, suspension.id}


# -- deciding --------------------------------------------------------------------------------------


async def test_another_moderator_than_the_first_decides(world: World) -> None:
    """Row "Appeal": who acted, or upheld it before, is refused; the server's own by anybody."""
    star = world.account("star")
    first, second = world.moderator("first"), world.moderator("second")
    third = world.moderator("third")
    await world.suspend(third)
    action = await acted(world, star, ActionKind.LIMIT, moderator=first)
    appeal = await opened(world, star, action)
    for decide in (deciding.accept, deciding.reject):
        with pytest.raises(Forbidden, match="You took this decision yourself"):
            await decide(world.ctx, moderator=first, appeal_id=appeal.id, reply="No.")
        with pytest.raises(Forbidden):
            await decide(world.ctx, moderator=star, appeal_id=appeal.id, reply="Yes.")
        with pytest.raises(Invalid):
            await decide(world.ctx, moderator=second, appeal_id=appeal.id, reply=" ")
    with world.read() as snap:
        shown = deciding.show(snap, first, appeal.id)
    assert [one.ordinal for one in shown.deciders] == [second]
    world.tick()
    done = await deciding.reject(
        world.ctx, moderator=second, appeal_id=appeal.id, reply="It was forty links."
    )
    assert (done.state, done.decided_by, done.reply) == (
        AppealState.REJECTED,
        second,
        "It was forty links.",
    )
    assert in_force(world, star) == {action.id}
    with pytest.raises(Conflict, match="only a moderator can allow another"):
        await opened(world, star, action)
    await deciding.allow_again(world.ctx, moderator=first, appeal_id=appeal.id)
    again = await opened(world, star, action)
    for moderator in (first, second):
        with pytest.raises(Forbidden, match="an owner has to appoint another"):
            await deciding.accept(world.ctx, moderator=moderator, appeal_id=again.id, reply="Yes.")
    await world.reinstate(third)
    await deciding.accept(world.ctx, moderator=third, appeal_id=again.id, reply="Yes.")
    assert in_force(world, star) == set()


async def test_an_only_moderator_needs_another(world: World) -> None:
    star, owner = world.account("star"), world.account("owner", role=Role.OWNER)
    mine = await opened(world, star, await acted(world, star, ActionKind.LIMIT, moderator=owner))
    servers = await opened(world, star, await acted(world, star, ActionKind.SENSITIVE))
    with pytest.raises(Forbidden, match="an owner has to appoint another"):
        await deciding.accept(world.ctx, moderator=owner, appeal_id=mine.id, reply="Yes.")
    done = await deciding.accept(world.ctx, moderator=owner, appeal_id=servers.id, reply="Yes.")
    assert done.state is AppealState.ACCEPTED


async def test_nobody_decides_about_themselves_or_above_them(world: World) -> None:
    mod, other = world.moderator("mod"), world.moderator("other")
    owner = world.account("owner", role=Role.OWNER)
    appeal = await opened(world, mod, await acted(world, mod, ActionKind.LIMIT))
    for who in (mod, other):
        with pytest.raises(Forbidden):
            await deciding.accept(world.ctx, moderator=who, appeal_id=appeal.id, reply="y")
    await deciding.accept(world.ctx, moderator=owner, appeal_id=appeal.id, reply="y")


@pytest.mark.parametrize(
    "kind", [ActionKind.NONE, ActionKind.SENSITIVE, ActionKind.FREEZE, ActionKind.LIMIT]
)
async def test_an_accepted_appeal_lifts_what_is_no_suspension(
    world: World, kind: ActionKind
) -> None:
    """Row "Appeal": accepted, the action is lifted at once, as overturned."""
    star, mod = world.account("star"), world.moderator()
    action = await acted(world, star, kind)
    appeal = await opened(world, star, action)
    world.tick()
    await deciding.accept(world.ctx, moderator=mod, appeal_id=appeal.id, reply="Right.")
    with world.read() as snap:
        _, liftings = snap.enforcement.of_account(star)
        shown = deciding.show(snap, mod, appeal.id)
    assert [(one.action, one.reason, one.moderator) for one in liftings] == [
        (action.id, LiftReason.OVERTURNED, mod)
    ]
    assert (shown.action, shown.lifting) == (None, liftings[0])
    assert stored(world, appeal).state is AppealState.ACCEPTED
    (case,) = cases(world, star)
    assert case.ended is LiftReason.OVERTURNED
    with pytest.raises(Conflict):
        await deciding.reject(world.ctx, moderator=mod, appeal_id=appeal.id, reply="No.")


async def test_an_accepted_appeal_of_a_suspension_waits_for_the_operator(world: World) -> None:
    star, mod = world.account("star"), world.moderator()
    first, second = await acted(world, star), await acted(world, star)
    a, b = await opened(world, star, first), await opened(world, star, second)
    await deciding.accept(world.ctx, moderator=mod, appeal_id=a.id, reply="Right.")
    assert in_force(world, star) == {second.id}  # nobody sees the end of one of two
    await deciding.accept(world.ctx, moderator=mod, appeal_id=b.id, reply="Right.")
    assert in_force(world, star) == {second.id}
    assert "was accepted" in str(cases(world, star)[0].barred)
    assert "plan_accepted" in await world.jobs()
    planned = stored(world, b)
    assert [step.did for step in planned.history][-1] is Did.PLANNED
    frozen = await reinstatement.find_plan(world.ctx, moderator=mod, prefix=planned.plan)
    assert (frozen.plan.account, frozen.plan.actions) == (star, (second.id,))
    assert await granting.plan_accepted(world.ctx, appeal=b.id) == planned.plan
    assert stored(world, b) == planned
    await enforcing.reinstate(world.ctx, moderator=mod, target=star, reason=LiftReason.OVERTURNED)
    assert stored(world, b).state is AppealState.ACCEPTED


# -- what else ends one ----------------------------------------------------------------------------


async def test_what_ends_meanwhile_leaves_nothing_to_decide(world: World) -> None:
    """Row "Appeal": moot when the action is lifted, or its time is over, before a decision."""
    star, timed, mod = world.account("star"), world.account("timed"), world.moderator()
    lifted = await opened(world, star, await acted(world, star))
    until = world.clock.now() + DAY_MS
    expiring = await opened(world, timed, await acted(world, timed, until=until))
    await world.reinstate(star)
    assert (stored(world, lifted).state, stored(world, lifted).history[-1].text) == (
        AppealState.MOOT,
        "overturned",
    )
    world.clock.advance(2 * DAY_MS)
    with pytest.raises(Conflict, match="ended meanwhile"):
        await deciding.accept(world.ctx, moderator=mod, appeal_id=expiring.id, reply="Right.")
    await world.jobs()
    assert stored(world, expiring).state is AppealState.MOOT
    assert stored(world, expiring).history[-1].text == "expired"


async def test_what_is_restored_is_the_same_decision(world: World) -> None:
    star, mod, other = world.account("star"), world.moderator(), world.moderator("other")
    action = await acted(world, star, moderator=mod)
    moot = await opened(world, star, action)

    async def lift_and_restore(last: Action) -> Action:
        world.tick()
        await enforcing.reinstate(world.ctx, moderator=mod, target=star, reason=LiftReason.AMNESTY)
        world.tick()
        (restored,) = await world.store.write(
            lambda tx: lifting.restore_in(tx, world.settings, actions=[last], moderator=other)
        )
        return restored

    world.clock.advance(world.settings.appeal_window_days * DAY_MS)
    restored = await lift_and_restore(action)
    assert stored(world, moot).state is AppealState.MOOT
    appeal = await opened(world, star, restored)  # it was never decided
    assert appeal.action == action.id
    with pytest.raises(Forbidden, match="took this decision"):
        await deciding.reject(world.ctx, moderator=mod, appeal_id=appeal.id, reply="No.")
    await deciding.reject(world.ctx, moderator=other, appeal_id=appeal.id, reply="No.")
    again = await lift_and_restore(restored)
    with pytest.raises(Conflict, match="is over"):
        await opened(world, star, again)
    assert [case.action.id for case in cases(world, star)] == [again.id]


async def test_an_open_appeal_stops_deletion_by_others(world: World) -> None:
    """Row "Appeal": nobody else deletes the account, nor does the clock; row "Purge"."""
    star, away, mod = world.account("star"), world.account("away"), world.moderator()
    appeal = await opened(world, star, await acted(world, star))
    for by in (mod, None):
        with pytest.raises(Conflict, match="decide the appeal first"):
            await account_deletion.delete_account(world.ctx, by=by, target=star)
    await opened(world, away, await acted(world, away))
    standing = Standing(account=away, deactivated_at=world.clock.now())
    await world.store.write(lambda tx: tx.standings.put(standing))
    world.clock.advance((departures.RETURN_DAYS + 1) * DAY_MS)
    assert await departures.sweep(world.ctx) is False
    with world.read() as snap:
        assert not snap.gate.state(away).deleted
        (waiting,) = snap.appeals.open_of(away)
    await deciding.reject(world.ctx, moderator=mod, appeal_id=waiting.id, reply="No.")
    await departures.sweep(world.ctx)
    await account_deletion.delete_account(world.ctx, by=star, target=star)
    with world.read() as snap:
        assert snap.gate.state(away).deleted
        assert snap.gate.state(star).deleted
    assert stored(world, appeal).state is AppealState.WITHDRAWN
    await world.jobs()
    assert (stored(world, appeal).text, stored(world, waiting).text) == ("", "")


async def test_what_is_overdue_is_told_once_and_comes_first(world: World) -> None:
    """Row "Appeal": a clock against the promised time."""
    star, other, mod = world.account("star"), world.account("other"), world.moderator()
    late = await opened(world, star, await acted(world, star))
    world.clock.advance(DAY_MS)
    later = await opened(world, other, await acted(world, other))
    with world.read() as snap:
        assert [one.id for one in deciding.listed(snap, limit=9)] == [late.id, later.id]
        assert deciding.listed(snap, which="overdue", limit=9) == []
    world.clock.advance((world.settings.appeal_days - 1) * DAY_MS + 1)
    assert set(await world.jobs()) == {"tell_overdue", "send_alert"}
    assert await appeals.tell_overdue(world.ctx, appeal=late.id) is False
    with world.read() as snap:
        (found,) = deciding.listed(snap, which="overdue", limit=9)
        assert snap.appeals.count_open(overdue_at=snap.now) == 1
        assert deciding.show(snap, mod, late.id).overdue
    assert [step.did for step in found.history] == [Did.OPENED, Did.OVERDUE]
    await deciding.reject(world.ctx, moderator=mod, appeal_id=later.id, reply="No.")
    world.clock.advance(9 * DAY_MS)
    await world.jobs()
    assert Did.OVERDUE not in [step.did for step in stored(world, later).history]


# -- what ends before the reinstatement is run -----------------------------------------------------


def reasons(world: World, account: int) -> list[LiftReason]:
    with world.read() as snap:
        return [lifted.reason for lifted in snap.enforcement.of_account(account)[1]]


async def test_what_ends_after_an_accepted_appeal_is_overturned_whoever_ends_it(
    world: World,
) -> None:
    """Row "Appeal": accepted, the strike is void even if mercy is shown before an operator acts."""
    star, second = world.account("star"), world.moderator("second")
    action = await acted(world, star, moderator=world.moderator("first"))
    appeal = await opened(world, star, action)
    await deciding.accept(world.ctx, moderator=second, appeal_id=appeal.id, reply="So it is.")
    await enforcing.reinstate(world.ctx, moderator=second, target=star, reason=LiftReason.AMNESTY)
    assert reasons(world, star) == [LiftReason.OVERTURNED]
    with world.read() as snap:
        assert strikes(*snap.enforcement.of_account(star)) == ()
        entry = [one for one in snap.ledger.iterate() if one.kind == "lifting"][-1]
    assert (entry.about["reason"], entry.about["appeal"]) == ("overturned", str(appeal.id))


async def test_a_suspension_that_runs_out_after_an_accepted_appeal_is_overturned(
    world: World,
) -> None:
    star, second = world.account("star"), world.moderator("second")
    until = world.clock.now() + 3 * DAY_MS
    action = await acted(world, star, moderator=world.moderator("first"), until=until)
    appeal = await opened(world, star, action)
    await deciding.accept(world.ctx, moderator=second, appeal_id=appeal.id, reply="So it is.")
    world.clock.advance(4 * DAY_MS)
    await enforcing.record_expired(world.ctx)
    assert reasons(world, star) == [LiftReason.OVERTURNED]


async def test_an_action_nobody_appealed_ends_for_its_own_reason(world: World) -> None:
    star = world.account("star")
    first, second = world.moderator("first"), world.moderator("second")
    action = await acted(world, star, moderator=first)
    appeal = await opened(world, star, action)
    await acted(world, star, ActionKind.LIMIT, moderator=first)
    await deciding.accept(world.ctx, moderator=second, appeal_id=appeal.id, reply="So it is.")
    await enforcing.lift(
        world.ctx,
        moderator=second,
        target=star,
        kind=ActionKind.LIMIT,
        reason=LiftReason.SERVED,
    )
    assert reasons(world, star) == [LiftReason.SERVED]
