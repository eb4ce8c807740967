"""Row "Strikes" of the reference: what counts against an account, and what became of it."""

from __future__ import annotations

from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, Strike, strikes


def taken(
    id_: int, kind: ActionKind = ActionKind.SUSPEND, *, restores: int | None = None
) -> Action:
    return Action(
        id=id_,
        account=5,
        kind=kind,
        ground="spam",
        moderator=1,
        taken_at=id_,
        starts_at=id_,
        restores=restores,
    )


def lifted(action: int, reason: LiftReason) -> Lifting:
    return Lifting(action=action, account=5, reason=reason, moderator=1, lifted_at=100)


def test_strikes_each_decision_is_one_and_a_deletion_is_none() -> None:
    actions = [taken(number, kind) for number, kind in enumerate(ActionKind, 1)]
    found = [strike.action.kind for strike in strikes(reversed(actions), [])]
    assert found == [kind for kind in ActionKind if kind != ActionKind.DELETE]


def test_strikes_overturned_is_void_served_stands_and_amnesty_is_flagged() -> None:
    """Row "Strikes": the lifting says why, and so what becomes of the strike."""
    actions = [taken(number) for number in range(1, 5)]
    liftings = [lifted(number, reason) for number, reason in enumerate(LiftReason, 1)]
    assert [reason.value for reason in LiftReason] == ["overturned", "served", "amnesty", "expired"]
    assert strikes(actions, liftings) == (
        Strike(actions[1]),
        Strike(actions[2], flagged=True),
        Strike(actions[3]),
    )


def test_strikes_taking_a_lifted_action_again_adds_none() -> None:
    """Row "Strikes": a reinstatement that is rolled back adds none."""
    first, again = taken(1), taken(2, restores=1)
    assert strikes([first, again], [lifted(1, LiftReason.AMNESTY)]) == (Strike(first),)


def test_strikes_what_became_of_the_last_that_took_it_again_counts() -> None:
    actions = [taken(1), taken(2, restores=1), taken(3, restores=2)]
    liftings = [lifted(1, LiftReason.OVERTURNED), lifted(2, LiftReason.SERVED)]
    assert strikes(actions, liftings) == (Strike(actions[0]),)
    liftings.append(lifted(3, LiftReason.OVERTURNED))
    assert strikes(actions, liftings) == ()
    liftings[2] = lifted(3, LiftReason.AMNESTY)
    assert strikes(actions, liftings) == (Strike(actions[0], flagged=True),)
