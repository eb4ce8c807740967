"""Appeals, and decisions left to polls, as they are stored."""

from __future__ import annotations

import apsw
import pytest
from msgspec import structs

from rostra.domain.appeals import Appeal, AppealState, Did, Evidence, Step, Told
from rostra.domain.decision_polls import Decision, DecisionState
from rostra.domain.events import AnyEvent, NotificationsChanged
from rostra.storage.appeals import AppealStoreWriter
from rostra.storage.database.sqlite import Database
from rostra.storage.decisions import DecisionStoreWriter

EVIDENCE = Evidence(
    type="suspend",
    ground="Spam",
    text="",
    taken_at=1,
    reports=(Told(id=7, category="spam", comment="ads", created_at=1, statuses=("buy",)),),
)


def appeal(id_: int, account: int = 5, action: int = 9, due: int = 100) -> Appeal:
    return Appeal(
        id=id_,
        account=account,
        action=action,
        text="No.",
        opened_at=1,
        due_at=due,
        evidence=EVIDENCE,
        history=(Step(did=Did.OPENED, at=1, by=account),),
    )


def decision(id_: int, **given: object) -> Decision:
    fields = {"poll": id_, "account": 5, "amnesty": None, "author": 3, **given}
    return Decision(
        id=id_,
        text="?",
        options=("Yes", "No"),
        round=0,
        yes=0,
        share=5000,
        quorum=1,
        opened_at=1,
        closes_at=9,
        bound_at=2,
        bound_by=4,
        **fields,  # type: ignore[arg-type]
    )


def test_an_appeal_is_kept_as_it_was_put(database: Database, events: list[AnyEvent]) -> None:
    store = AppealStoreWriter(database, events.append)
    made = appeal(1)
    store.put(made)
    assert store.get(1) == made
    assert store.get(2) is None
    over = structs.replace(
        made,
        state=AppealState.REJECTED,
        decided_at=50,
        decided_by=8,
        reply="Yes.",
        plan="ab",
        again=True,
        history=(*made.history, Step(did=Did.REJECTED, at=50, by=8)),
    )
    store.put(over)
    assert (store.get(1), store.of(5), store.open_of(5)) == (over, [over], [])
    assert events == [NotificationsChanged(5)] * 2  # a warning shows its appeal


def test_one_appeal_about_a_decision_is_open(database: Database) -> None:
    store = AppealStoreWriter(database, lambda _: None)
    store.put(appeal(1))
    store.put(appeal(2, action=10))
    with pytest.raises(apsw.ConstraintError):
        store.put(appeal(3))
    store.put(structs.replace(appeal(1), state=AppealState.WITHDRAWN))
    store.put(appeal(3))


def test_those_promised_first_come_first(database: Database) -> None:
    store = AppealStoreWriter(database, lambda _: None)
    dues = {1: 300, 2: 100, 3: 200}
    for id_, due in dues.items():
        store.put(appeal(id_, account=id_, due=due))
    store.put(structs.replace(appeal(4, account=9), state=AppealState.MOOT))
    assert [one.id for one in store.waiting(limit=9)] == [2, 3, 1]
    assert [one.id for one in store.waiting(limit=1)] == [2]
    assert [one.id for one in store.waiting(limit=9, overdue_at=200)] == [2, 3]
    assert (store.count_open(), store.count_open(overdue_at=100)) == (3, 1)
    assert [one.id for one in store.page(limit=9)] == [4, 3, 2, 1]
    assert [one.id for one in store.page(limit=9, decided=True)] == [4]
    assert [one.id for one in store.page(limit=2, decided=False, max_id=3)] == [2, 1]
    assert [one.id for one in store.page(limit=1, min_id=1)] == [2]
    assert [one.id for one in store.page(limit=9, account=2)] == [2]


def test_decisions_are_found_by_what_they_are_about(database: Database) -> None:
    store = DecisionStoreWriter(database)
    first, second = decision(1), decision(2, account=None, amnesty=77, author=6)
    for one in (first, second):
        store.put(one)
    assert (store.get(1), store.get(3), store.of_poll(2)) == (first, None, second)
    assert (store.of_account(5), store.of_accounts([4, 5])) == ([first], [first])
    assert (store.of_amnesty(77), store.open_by(6), store.open_by(5)) == ([second], [second], [])
    assert store.page(limit=9) == [second, first]
    assert store.page(limit=1, max_id=2) == [first]
    for wrong in (
        decision(3),  # the account has an open one
        decision(3, poll=1, account=8),  # the poll decides something
        decision(3, account=None, amnesty=77),
    ):
        with pytest.raises(apsw.ConstraintError):
            store.put(wrong)
    store.put(structs.replace(first, state=DecisionState.UNBOUND))
    assert store.of_poll(1) is None
    store.put(decision(3, poll=1))
