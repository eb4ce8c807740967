"""Lists of what accounts like and keep: in order, with places of their own, and as the sets say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contract.checks import NOW, differences

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.statuses import Status
from rostra.ports import Transaction
from rostra.services.publishing.favourites import collect, drop
from rostra.storage.collected import CollectedStoreWriter
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Problem
from rostra.storage.repair import repair
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

LIKES, BOOKMARKS = SetKind.LIKES, SetKind.BOOKMARKS


def test_a_list_is_read_in_pages_and_no_two_share_a_place(database: Database) -> None:
    lists = CollectedStoreWriter(database)
    for status, position in ((11, 100), (12, 100), (13, 90), (14, 200)):
        lists.add(1, LIKES, status, position)
    lists.add(1, BOOKMARKS, 11, 5)
    lists.add(2, LIKES, 11, 101)
    assert lists.page(1, LIKES, limit=9) == [(200, 14), (101, 12), (100, 11), (90, 13)]
    assert lists.page(1, LIKES, limit=2, max_id=200) == [(101, 12), (100, 11)]
    assert lists.page(1, LIKES, limit=2, min_id=90) == [(101, 12), (100, 11)]
    assert lists.page(1, LIKES, limit=2, since_id=100) == [(200, 14), (101, 12)]
    assert lists.page(1, BOOKMARKS, limit=9) == [(5, 11)]


def test_what_is_taken_off_is_found_by_its_time_or_without(database: Database) -> None:
    lists = CollectedStoreWriter(database)
    for status, position in ((11, 100), (12, 200), (13, 300)):
        lists.add(1, LIKES, status, position)
    lists.remove([1, 2], LIKES, 12, 150)
    lists.remove([1], LIKES, 11, 150)  # listed before it was said: the clock was set back
    assert lists.page(1, LIKES, limit=9) == [(300, 13)]


def test_a_place_is_restored_once_beside_those_that_are_taken(database: Database) -> None:
    lists = CollectedStoreWriter(database)
    lists.add(1, LIKES, 11, 100)
    assert lists.restore(1, LIKES, 12, 100)
    assert not lists.restore(1, LIKES, 12, 100)
    assert lists.restore(1, LIKES, 13, 50)
    assert lists.page(1, LIKES, limit=9) == [(101, 12), (100, 11), (50, 13)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder in which three accounts like and keep two statuses."""
    folder = tmp_path / "data"
    store = SqliteStore.open(folder, FakeClock())

    def change(tx: Transaction) -> None:
        for status in (7 << 40, 8 << 40):
            tx.statuses.create(Status(id=status, author=1, created_at=1))
            for account in (2, 3, 4):
                collect(tx, account, status, LIKES)
                collect(tx, account, status, BOOKMARKS)
        drop(tx, [3], 8 << 40, LIKES)

    store.write_now(change)
    store.close_now()
    return folder


def rows(folder: Path, sql: str = "SELECT account, kind, status FROM collected") -> set[object]:
    database = Database(folder / "rostra.db", writable=True)
    found = set(database.rows(sql))
    database.close()
    return found


def test_the_verifier_tells_lists_from_sets_and_repair_puts_them_right(folder: Path) -> None:
    assert differences(folder) == []
    before = rows(folder)
    rows(folder, f"DELETE FROM collected WHERE account = 2 AND kind = {int(LIKES)} RETURNING 1")
    rows(
        folder,
        "INSERT INTO collected (account, kind, position, status) "
        f"VALUES (9, {int(BOOKMARKS)}, 5, {7 << 40}) RETURNING 1",
    )
    found = differences(folder)
    assert {difference.problem for difference in found} == {Problem.COLLECTED}
    assert {(difference.set, difference.place) for difference in found} == {
        (SetKey(7 << 40, LIKES), 2),
        (SetKey(8 << 40, LIKES), 2),
        (SetKey(7 << 40, BOOKMARKS), 9),
    }
    assert repair(folder, found, now=NOW) == [
        "3 entries of lists of likes and bookmarks written as their sets say"
    ]
    assert differences(folder) == []
    assert rows(folder) == before
