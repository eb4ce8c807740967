"""The fold over enforcement actions, and the masks it yields: overlap, lifting, clock, epochs."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from rostra.domain.enforcement import (
    Action,
    ActionKind,
    Lifting,
    LiftReason,
    State,
    fold,
    in_force,
    next_change,
)
from rostra.domain.masks import HISTORY, Masks
from rostra.storage.loaded_sets import HiddenMembers

NOW = 1_000_000


def action(id_: int, kind: ActionKind, *, starts_at: int = 0, until: int | None = None) -> Action:
    return Action(
        id=id_,
        account=1,
        kind=kind,
        ground="spam",
        moderator=None,
        taken_at=0,
        starts_at=starts_at,
        until=until,
    )


def lifting(id_: int) -> Lifting:
    return Lifting(action=id_, account=1, reason=LiftReason.OVERTURNED, moderator=None, lifted_at=0)


# -- the fold --------------------------------------------------------------------------------------


def test_nothing_in_force_is_an_active_account() -> None:
    assert fold([]) == State()
    assert State().active


def test_actions_of_different_kinds_compose() -> None:
    state = fold([action(1, ActionKind.LIMIT), action(2, ActionKind.SENSITIVE)])
    assert state == State(limited=True, sensitive=True)
    assert state.active


def test_lifting_one_of_two_suspensions_leaves_the_other() -> None:
    both = [action(1, ActionKind.SUSPEND), action(2, ActionKind.SUSPEND)]
    assert fold(in_force(both, [lifting(1)], NOW)).suspended
    assert fold(in_force(both, [lifting(2)], NOW)).suspended
    assert fold(in_force(both, [lifting(1), lifting(2)], NOW)) == State()


def test_a_warning_changes_nothing() -> None:
    assert fold([action(1, ActionKind.NONE)]) == State()


def test_an_action_begins_and_ends_at_its_instants() -> None:
    timed = [action(1, ActionKind.SUSPEND, starts_at=100, until=200)]
    assert [bool(in_force(timed, [], now)) for now in (99, 100, 199, 200)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_next_change_is_the_nearest_start_or_end_still_to_come() -> None:
    actions = [
        action(1, ActionKind.SUSPEND, starts_at=100, until=200),
        action(2, ActionKind.LIMIT, starts_at=150, until=180),
        action(3, ActionKind.FREEZE, starts_at=10, until=120),
    ]
    assert next_change(actions, [], 0) == 10
    assert next_change(actions, [], 100) == 120
    assert next_change(actions, [lifting(3)], 100) == 150
    assert next_change(actions, [], 180) == 200
    assert next_change(actions, [], 200) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(ActionKind), st.integers(0, 50), st.none() | st.integers(0, 60)),
        max_size=6,
    ),
    st.sets(st.integers(0, 5)),
    st.integers(0, 60),
)
def test_the_fold_is_what_looking_at_each_action_gives(
    given_actions: list[tuple[ActionKind, int, int | None]], lifted: set[int], now: int
) -> None:
    actions = [
        action(index, kind, starts_at=starts_at, until=until)
        for index, (kind, starts_at, until) in enumerate(given_actions)
    ]
    kinds = {
        one.kind
        for one in actions
        if one.id not in lifted and one.starts_at <= now and (one.until is None or now < one.until)
    }
    state = fold(in_force(actions, map(lifting, lifted), now))
    assert state.suspended == (ActionKind.SUSPEND in kinds)
    assert state.deleted == (ActionKind.DELETE in kinds)
    assert state.limited == (ActionKind.LIMIT in kinds)
    assert state.frozen == (ActionKind.FREEZE in kinds)
    assert state.sensitive == (ActionKind.SENSITIVE in kinds)
    due = next_change(actions, map(lifting, lifted), now)
    steady = range(now, due if due is not None else 61)
    assert all(fold(in_force(actions, map(lifting, lifted), at)) == state for at in steady)


# -- masks -----------------------------------------------------------------------------------------


def test_the_epoch_moves_only_when_something_changed() -> None:
    masks = Masks()
    assert masks.apply(5, State(limited=True))
    before = masks.epoch
    assert not masks.apply(5, State(limited=True))
    assert masks.epoch == before
    assert masks.apply(5, State())
    assert masks.epoch == before + 1


def test_inactive_is_suspended_or_deleted() -> None:
    masks = Masks()
    masks.apply(1, State(suspended=True))
    masks.apply(2, State(deleted=True))
    masks.apply(3, State(suspended=True, deleted=True))
    masks.apply(4, State(limited=True, frozen=True, sensitive=True))
    assert set(masks.inactive) == {1, 2, 3}
    masks.apply(3, State(deleted=True))
    assert set(masks.inactive) == {1, 2, 3}
    assert masks.state(4) == State(limited=True, frozen=True, sensitive=True)


def test_changes_since_an_epoch_name_those_that_turned() -> None:
    masks = Masks()
    masks.apply(1, State(suspended=True))
    epoch = masks.epoch
    masks.apply(2, State(suspended=True))
    masks.apply(3, State(limited=True))  # turns nobody away
    masks.apply(1, State())
    assert masks.changed_since(epoch) == {1, 2}
    assert masks.changed_since(masks.epoch) == set()


def test_loading_masks_forgets_what_changed() -> None:
    masks = Masks()
    masks.apply(1, State(suspended=True))
    epoch = masks.epoch
    masks.load(
        suspended=BitMap([4]),
        deleted=BitMap([5]),
        limited=BitMap(),
        frozen=BitMap(),
        sensitive=BitMap(),
    )
    assert set(masks.inactive) == {4, 5}
    assert masks.changed_since(epoch) is None
    assert masks.changed_since(masks.epoch) == set()


def test_what_changed_is_forgotten_after_a_while_and_said_so() -> None:
    masks = Masks()
    first = masks.epoch
    for ordinal in range(HISTORY + 10):
        masks.apply(ordinal, State(suspended=True))
    assert masks.changed_since(first) is None
    assert masks.changed_since(masks.epoch - HISTORY) == set(range(10, HISTORY + 10))


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_hidden_members_kept_are_hidden_members_counted(seed: int, steps: int) -> None:
    """However sets and masks change, and in whatever order they are asked, the kept answer is
    that of counting again."""
    random = Random(seed)
    masks, members, hidden = Masks(), BitMap(range(0, 40, 2)), HiddenMembers()
    kept_mask = None
    for _ in range(steps):
        chance, ordinal = random.random(), random.randrange(40)
        if chance < 0.4:
            masks.apply(ordinal, State(suspended=random.random() < 0.5))
        elif chance < 0.7:
            present = ordinal not in members
            (members.add if present else members.discard)(ordinal)
            if kept_mask is not None:
                hidden.follow(ordinal, present, kept_mask)
        elif chance < 0.72:
            suspended = BitMap(random.sample(range(40), 10))
            none = (BitMap() for _ in range(4))
            masks.load(
                suspended=suspended,
                deleted=next(none),
                limited=next(none),
                frozen=next(none),
                sensitive=next(none),
            )
        else:
            kept_mask = masks.inactive
            if masks.epoch != hidden.epoch:
                hidden.catch_up(masks.epoch, masks.inactive, masks.changed_since, members)
            assert hidden.members == members & masks.inactive
            assert hidden.count == len(hidden.members)


def test_who_is_not_there_yet_or_put_away_is_inactive_like_the_suspended() -> None:
    masks = Masks()
    for ordinal, state in (
        (1, State(unconfirmed=True)),
        (2, State(pending=True)),
        (3, State(deactivated=True)),
    ):
        assert not state.active
        assert state.absent
        assert masks.apply(ordinal, state)
        assert masks.state(ordinal) == state
    assert list(masks.inactive) == [1, 2, 3]
    assert masks.apply(2, State())
    assert list(masks.inactive) == [1, 3]
    assert masks.changed_since(0) == {1, 2, 3}
    assert not State(suspended=True).absent
