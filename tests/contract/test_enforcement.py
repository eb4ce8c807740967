"""Enforcement: the record is append-only, and the server's sets are the fold over it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, fold, in_force
from rostra.domain.errors import Conflict, NotFound
from rostra.domain.events import ActionTaken, AnyEvent
from rostra.domain.ids import snowflake
from rostra.storage.database.sqlite import Database
from rostra.storage.enforcement import EnforcementStore, EnforcementStoreWriter
from rostra.testing.clock import FakeClock
from rostra.testing.memory_sets import MemorySets

KINDS = {
    SetKind.SUSPENDED: "suspended",
    SetKind.LIMITED: "limited",
    SetKind.FROZEN: "frozen",
    SetKind.SENSITIVE: "sensitive",
    SetKind.DELETED: "deleted",
}


class Court:
    """A writer with its clock and sets."""

    def __init__(self, database: Database, announce: Callable[[AnyEvent], None]) -> None:
        self.clock = FakeClock()
        self.sets = MemorySets()
        self.store = EnforcementStoreWriter(database, announce, self.sets, self.clock.now)

    def take(
        self,
        action_id: int,
        account: int = 5,
        kind: ActionKind = ActionKind.SUSPEND,
        *,
        after: int = 0,
        until: int | None = None,
    ) -> Action:
        now = self.clock.now()
        action = Action(
            id=action_id,
            account=account,
            kind=kind,
            ground="spam",
            text="why",
            moderator=1,
            taken_at=now,
            starts_at=now + after,
            until=None if until is None else now + until,
        )
        self.store.take(action)
        return action

    def lift(self, action: Action, reason: LiftReason = LiftReason.SERVED) -> Lifting:
        lifting = Lifting(
            action=action.id,
            account=action.account,
            reason=reason,
            moderator=None,
            lifted_at=self.clock.now(),
        )
        self.store.lift(lifting)
        return lifting

    def has(self, kind: SetKind, account: int = 5) -> bool:
        return self.sets.contains(SetKey(SERVER, kind), account)


@pytest.fixture
def court(database: Database, events: list[AnyEvent]) -> Court:
    return Court(database, events.append)


def test_the_record_is_read_back_as_it_was_written(
    court: Court, database: Database, events: list[AnyEvent]
) -> None:
    first = court.take(10, until=5_000)
    second = court.take(11, kind=ActionKind.LIMIT)
    other = court.take(12, account=6)
    lifting = court.lift(first, LiftReason.OVERTURNED)
    reader = EnforcementStore(database)
    assert reader.of_account(5) == ([first, second], [lifting])
    assert reader.of_account(6) == ([other], [])
    assert reader.of_account(7) == ([], [])
    assert reader.recent(limit=2) == [other, second]
    assert reader.recent(limit=5, max_id=12) == [second, first]
    assert events == [ActionTaken(5), ActionTaken(5), ActionTaken(6), ActionTaken(5)]


def test_lifting_one_of_two_suspensions_leaves_the_other_in_force(court: Court) -> None:
    first, second = court.take(10), court.take(11)
    court.lift(first)
    assert court.has(SetKind.SUSPENDED)
    court.lift(second)
    assert not court.has(SetKind.SUSPENDED)


def test_an_action_is_lifted_once(court: Court) -> None:
    action = court.take(10)
    court.lift(action)
    with pytest.raises(Conflict, match="lifted before"):
        court.lift(action, LiftReason.AMNESTY)


def test_only_an_action_that_was_taken_is_lifted(court: Court) -> None:
    action = court.take(10)
    with pytest.raises(NotFound):
        court.store.lift(
            Lifting(action=10, account=6, reason=LiftReason.SERVED, moderator=1, lifted_at=1)
        )
    assert court.store.of_account(6) == ([], [])
    assert in_force(*court.store.of_account(5), court.clock.now()) == (action,)


def test_what_the_clock_ends_waits_to_be_recorded(court: Court) -> None:
    short, long = court.take(10, until=1_000), court.take(11, account=6, until=9_000)
    court.take(12, account=7)
    assert court.store.timed() == [5, 6]
    assert court.store.pending_expiry(court.clock.now() + 999) == []
    now = court.clock.advance(1_000)
    assert court.store.pending_expiry(now) == [short]
    court.lift(short, LiftReason.EXPIRED)
    assert court.store.pending_expiry(now) == []
    assert court.store.timed() == [6]
    assert not court.has(SetKind.SUSPENDED, 5)
    assert court.store.pending_expiry(now + 9_000) == [long]


def test_what_the_clock_begins_is_settled_when_asked(court: Court, events: list[AnyEvent]) -> None:
    court.take(10, after=1_000)
    assert court.store.timed() == [5]
    assert not court.has(SetKind.SUSPENDED)
    court.clock.advance(1_000)
    events.clear()
    court.store.settle(5)
    assert court.has(SetKind.SUSPENDED)
    assert events == [ActionTaken(5)]


@pytest.mark.parametrize("seed", range(5))
def test_the_servers_sets_are_the_fold(court: Court, seed: int) -> None:
    chance = random.Random(seed)
    taken: list[Action] = []
    for number in range(1, 80):
        court.clock.advance(chance.randrange(500))
        if taken and chance.random() < 0.4:
            court.lift(taken.pop(chance.randrange(len(taken))))
        else:
            kind = chance.choice([*ActionKind])
            until = chance.choice((None, None, 400, 3_000))
            account = chance.randrange(1, 5)
            taken.append(court.take(number, account, kind, until=until))
        for account in range(1, 5):
            court.store.settle(account)
            state = fold(in_force(*court.store.of_account(account), court.clock.now()))
            assert {name: court.has(kind, account) for kind, name in KINDS.items()} == {
                name: getattr(state, name) for name in KINDS.values()
            }


def test_a_veil_hides_its_span_from_its_follower(court: Court) -> None:
    court.store.veil(1, 2, 1_000, 2_000)
    court.store.veil(1, 2, 1_000, 1_500)
    assert [court.store.veiled(1, 2, at) for at in (999, 1_000, 1_999, 2_000)] == [
        False,
        True,
        True,
        False,
    ]
    assert not court.store.veiled(2, 1, 1_000)
    assert not court.store.veiled(1, 3, 1_000)


def test_whose_state_may_have_changed_since(court: Court) -> None:
    court.clock.advance(1_000_000)
    since = court.clock.now()
    old = court.take(1, account=1)
    court.take(2, account=2, until=50)
    court.take(snowflake(since) + 9, account=3)
    court.clock.advance(10)
    assert court.store.touched_since(since) == {2, 3}
    assert court.store.touched_since(since + 60) == set()
    court.lift(old)
    assert court.store.touched_since(since) == {1, 2, 3}
    assert court.store.touched_since(since + 5) == {1, 2}
