"""Amnesties and labels: what is put down is read again, in order and by account."""

from __future__ import annotations

from msgspec import structs

from rostra.domain.amnesty import (
    Amnesty,
    AmnestyState,
    Clash,
    Entry,
    Expected,
    Figures,
    Limits,
    Moved,
    Outcome,
)
from rostra.domain.labels import Label
from rostra.storage.amnesties import AmnestyStoreWriter, LabelStoreWriter
from rostra.storage.database.sqlite import Database


def entry(n: int, account: int, wave: int = 1) -> Entry:
    return Entry(
        n=n,
        account=account,
        wave=wave,
        actions=(n * 10, n * 10 + 1),
        then=Expected(n, 2),
        finally_=Expected(n + 1, 3),
    )


def amnesty(id_: int, state: AmnestyState = AmnestyState.PLANNED) -> Amnesty:
    return Amnesty(
        id=id_,
        state=state,
        planned_by=7,
        planned_at=5,
        where='ground = "spam"',
        except_="followers > 3",
        sizes=(1, 2),
        limits=Limits(failures=2),
        figures=Figures(
            found=4,
            selected=3,
            excluded={"legal_hold": 1},
            edges=2**40,
            largest=(Moved(9, 1, 0),),
            clashes=(Clash(4, "appeal", "open"),),
        ),
    )


def test_an_amnesty_is_read_as_it_was_put_down(database: Database) -> None:
    store = AmnestyStoreWriter(database, [].append)
    first, second = amnesty(2**60), amnesty(2**60 + 1, AmnestyState.DONE)
    store.put(first)
    store.put(second)
    assert store.get(first.id) == first
    assert store.get(3) is None
    assert store.page(limit=5) == [second, first]
    assert store.page(limit=5, states=[AmnestyState.PLANNED]) == [first]
    assert store.page(limit=5, max_id=second.id) == [first]
    assert store.page(limit=1, min_id=0) == [first]
    moved = structs.replace(first, state=AmnestyState.APPROVED, hash="ab")
    store.put(moved)
    assert store.page(limit=5, states=[AmnestyState.APPROVED]) == [moved]


def test_accounts_of_an_amnesty_keep_their_order_and_their_outcome(database: Database) -> None:
    store = AmnestyStoreWriter(database, [].append)
    store.put(amnesty(1))
    entries = [entry(1, 30), entry(2, 10, 2), entry(3, 20, 2)]
    store.put_entries(1, entries)
    assert store.entries(1, limit=5) == entries
    assert store.entries(1, after=1, limit=1) == entries[1:2]
    assert store.entries(1, limit=5, wave=2) == entries[1:]
    lifted = structs.replace(entries[0], outcome=Outcome.LIFTED, at=99, why="because")
    store.put_entries(1, [lifted])
    assert store.entry(1, 30) == lifted
    assert store.entry(1, 31) is None
    assert store.entries(1, limit=5, outcome=Outcome.PENDING) == entries[1:]
    assert store.tally(1) == {1: {Outcome.LIFTED: 1}, 2: {Outcome.PENDING: 2}}
    assert store.drop_entries(1, limit=2)
    assert store.entries(1, limit=5) == entries[2:]
    assert not store.drop_entries(1, limit=2)
    assert store.entries(1, limit=5) == []


def test_those_known_to_be_apart_are_not_looked_at_again(database: Database) -> None:
    store = AmnestyStoreWriter(database, [].append)
    for id_ in (1, 2, 3):
        store.put(amnesty(id_, AmnestyState.APPROVED))
        store.put_entries(id_, [entry(1, 7), entry(2, 10 + id_)])
    assert store.holding() == {1, 2, 3}
    assert store.overlap(1, apart={2}) == (7, 3)
    assert store.overlap(1, apart={2, 3}) is None


def test_only_an_amnesty_that_may_still_act_holds_its_accounts(database: Database) -> None:
    store = AmnestyStoreWriter(database, [].append)
    for id_, state in enumerate(AmnestyState, start=1):
        store.put(amnesty(id_, state))
        store.put_entries(id_, [entry(1, 100 + id_), entry(2, 7)])
    everyone = range(100, 120)
    assert store.holders(everyone) == {
        100 + id_: id_ for id_, state in enumerate(AmnestyState, start=1) if state.holds
    }
    newest = len(AmnestyState)
    assert [found.id for found, _ in store.of_account(7)] == list(range(newest, 0, -1))


def test_a_label_is_given_once_and_taken_once(database: Database) -> None:
    store = LabelStoreWriter(database)
    first = Label(account=4, name="spam", moderator=1, given_at=9)
    store.put(first)
    store.put(structs.replace(first, moderator=2, given_at=10))
    store.put(Label(account=5, name="spam", moderator=None, given_at=11))
    store.put(Label(account=4, name="legal_hold", moderator=1, given_at=12))
    assert [label.name for label in store.of_account(4)] == ["legal_hold", "spam"]
    assert store.of_account(4)[1] == first
    assert store.known() == {"legal_hold": 1, "spam": 2}
    assert store.remove(4, "spam") is True
    assert store.remove(4, "spam") is False
    assert store.known() == {"legal_hold": 1, "spam": 1}
