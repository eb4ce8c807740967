"""The packer, interrupted wherever it can be: what the sets hold never changes by packing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.checks import CROWD, KEYS, Changes, differences
from tests.contract.sets_worlds import make_limits_small

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.packing import decode_header, is_header
from rostra.storage import packed, packer
from rostra.storage.packed import packed_record
from rostra.storage.packer import Packer, journal_size, pack_everything
from rostra.storage.store import SqliteStore

LIKES = SetKey(1, SetKind.LIKES)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    make_limits_small(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(folder)
    yield opened
    opened.close_now()


class PowerCut(Exception):
    """The commit does not come about."""


def rows(store: SqliteStore, table: str) -> int:
    with store.exclusive() as tx:
        return int(tx.database.value(f"SELECT COUNT(*) FROM {table}"))


def header_of(store: SqliteStore, key: SetKey) -> Any:
    with store.exclusive() as tx:
        record = packed_record(key, tx.database)
    assert record is not None
    assert is_header(record)
    return decode_header(record)


@pytest.mark.parametrize("eager", [True, False])
def test_a_kill_between_any_two_steps_changes_nothing(folder: Path, eager: bool) -> None:
    changes = Changes(seed=1)
    for steps in [*range(12), *range(12)]:
        store = SqliteStore.open(folder)
        for _ in range(6):
            changes.make(store)
        killed = Packer(eager=eager)
        for _ in range(steps):
            store.write_now(killed.step)
            changes.check(store)
        store.close_now()
        assert differences(folder) == []
        reopened = SqliteStore.open(folder)
        changes.check(reopened)
        reopened.close_now()


@pytest.mark.parametrize("seed", range(3))
def test_a_step_whose_commit_fails_is_taken_again(
    folder: Path, store: SqliteStore, seed: int
) -> None:
    """The packer lives on after a full disk: what it did not get to write it must not think
    written."""
    changes = Changes(seed)
    packing = Packer(eager=True)

    def cut(tx: Any) -> None:
        packing.step(tx)
        raise PowerCut

    for _ in range(60):
        changes.make(store)
        if changes.random.random() < 0.5:
            with pytest.raises(PowerCut):
                store.write_now(cut)
        else:
            store.write_now(packing.step)
        changes.check(store)
    pack_everything(store.write_now)
    changes.check(store)
    assert differences(folder) == []


@pytest.mark.parametrize("seed", range(3))
def test_two_packers_at_once_do_no_harm(folder: Path, store: SqliteStore, seed: int) -> None:
    changes = Changes(seed)
    other = SqliteStore.open(folder)
    packers = [(store, Packer(eager=True)), (other, Packer(eager=True))]
    for _ in range(80):
        changes.make(changes.random.choice((store, other)))
        for _ in range(changes.random.randrange(4)):
            where, packing = changes.random.choice(packers)
            where.write_now(packing.step)
        changes.check(store)
        changes.check(other)
    other.close_now()
    assert differences(folder) == []


@pytest.mark.parametrize("seed", range(3))
def test_others_write_between_the_steps(folder: Path, store: SqliteStore, seed: int) -> None:
    changes = Changes(seed)
    writer, reader = SqliteStore.open(folder), SqliteStore.open(folder)
    packing = Packer()
    for _ in range(120):
        changes.make(writer)
        store.write_now(packing.step)
        changes.check(reader)
        changes.check(writer)
    writer.close_now()
    reader.close_now()
    assert differences(folder) == []


def test_packing_ends_with_an_empty_journal(store: SqliteStore) -> None:
    changes = Changes(seed=5)
    for _ in range(50):
        changes.make(store)
    assert pack_everything(store.write_now) > 0
    assert rows(store, "journal") == 0
    assert not store.write_now(Packer(eager=True).step)
    changes.check(store)


def test_a_set_of_which_little_changed_waits(store: SqliteStore) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD))
    pack_everything(store.write_now)
    store.write_now(lambda tx: tx.sets.add(LIKES, 5))
    patient = Packer()
    while store.write_now(patient.step):
        pass
    assert rows(store, "journal") == 1
    store.write_now(lambda tx: tx.sets.add_many(LIKES, [6, 7, 8, 9]))
    while store.write_now(patient.step):
        pass
    assert rows(store, "journal") == 0


def test_a_small_set_is_one_row_and_an_empty_one_none(store: SqliteStore) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, [1, 2]))
    pack_everything(store.write_now)
    assert [rows(store, table) for table in ("packed", "segments", "chunks")] == [1, 0, 0]
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, [1, 2]))
    pack_everything(store.write_now)
    assert rows(store, "packed") == 0


def test_a_record_is_cut_into_parts_and_grows_and_shrinks(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "SMALL_MAX", 1000)
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD))
    pack_everything(store.write_now)
    assert rows(store, "packed") > 1
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, CROWD[2:]))
    pack_everything(store.write_now)
    assert rows(store, "packed") == 1
    with store.read() as snapshot:
        assert [entry.member for entry in snapshot.sets.oldest(LIKES, limit=9)] == CROWD[:2]


def test_a_huge_journal_is_packed_in_bounded_steps(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set that goes from nothing to large packs no more than so many changes a step."""
    monkeypatch.setattr(packer, "CHANGES_A_STEP", 50)
    monkeypatch.setattr(packer, "CHANGES_OF_LARGE", 50)
    crowd = [number * 31 for number in range(1, 1001)]
    for start in range(0, 1000, 10):
        lot = crowd[start : start + 10]
        store.write_now(lambda tx, lot=lot: tx.sets.add_many(LIKES, lot))

    packing, waiting = Packer(eager=True), 1000
    while True:
        more = store.write_now(packing.step)
        with store.exclusive() as tx:
            left = journal_size(LIKES, tx.database)
        assert waiting - left <= 50
        waiting = left
        with store.read() as snapshot:
            assert snapshot.sets.size(LIKES) == 1000
        if not more:
            break
    assert waiting == 0
    with store.read() as snapshot:
        assert [entry.member for entry in snapshot.sets.oldest(LIKES, limit=2000)] == crowd


def test_many_small_sets_are_packed_some_a_step(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packer, "SETS_A_STEP", 10)
    keys = [SetKey(number, SetKind.LIKES) for number in range(1, 101)]
    store.write_now(lambda tx: [tx.sets.add(key, 5) for key in keys])
    packing = Packer()
    for left in range(90, -1, -10):
        assert store.write_now(packing.step)
        assert rows(store, "journal") == left


def test_every_set_has_its_turn(store: SqliteStore) -> None:
    """A set that is written without end does not keep others from being packed."""
    busy, quiet = SetKey(1, SetKind.LIKES), SetKey(2, SetKind.LIKES)
    store.write_now(lambda tx: tx.sets.add(quiet, 5))
    packing = Packer()
    for member in range(300):
        store.write_now(lambda tx, member=member: tx.sets.add(busy, member))
        store.write_now(packing.step)
    with store.exclusive() as tx:
        assert journal_size(quiet, tx.database) == 0


# -- sweeping ----------------------------------------------------------------------------------


def test_sweeping_drops_void_entries_and_tombstones(store: SqliteStore, folder: Path) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD))
    pack_everything(store.write_now)
    before = rows(store, "segments")
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, CROWD[3:30]))
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD[5:8]))
    pack_everything(store.write_now)
    assert header_of(store, LIKES).tombstones == {}
    assert rows(store, "segments") < before
    with store.read() as snapshot:
        left = [entry.member for entry in snapshot.sets.oldest(LIKES, limit=99)]
    assert left == [*CROWD[:3], *CROWD[30:], *CROWD[5:8]]
    assert differences(folder) == []


def test_few_tombstones_are_not_worth_a_sweep(store: SqliteStore, folder: Path) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD))
    pack_everything(store.write_now)
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, CROWD[:2]))
    pack_everything(store.write_now)
    assert set(header_of(store, LIKES).tombstones) == set(CROWD[:2])
    assert differences(folder) == []


def test_those_who_leave_while_it_sweeps_stay_away(store: SqliteStore, folder: Path) -> None:
    changes = Changes(seed=3)
    for _ in range(40):
        changes.make(store, adding=0.95)
    pack_everything(store.write_now)
    packing = Packer(eager=True)
    for _ in range(150):
        changes.make(store, most=4, adding=0.3)
        store.write_now(packing.step)
        changes.check(store)
    fresh = SqliteStore.open(folder)
    changes.check(fresh)
    fresh.close_now()
    assert differences(folder) == []


def test_all_members_leave_and_some_return(store: SqliteStore, folder: Path) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD))
    pack_everything(store.write_now)
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, CROWD))
    pack_everything(store.write_now)
    assert rows(store, "segments") == rows(store, "chunks") == 0
    store.write_now(lambda tx: tx.sets.add_many(LIKES, CROWD[:4]))
    pack_everything(store.write_now)
    fresh = SqliteStore.open(folder)
    with fresh.read() as snapshot:
        assert [entry.member for entry in snapshot.sets.oldest(LIKES, limit=99)] == CROWD[:4]
    fresh.close_now()
    assert differences(folder) == []


def test_packing_shows_in_no_set_that_is_in_memory(store: SqliteStore) -> None:
    """Another process has the sets in memory while they are packed; its answers stay the same."""
    changes = Changes(seed=9)
    other = SqliteStore.open(store.folder)
    for _ in range(30):
        changes.make(store)
        changes.check(other)
    with other.read() as snapshot:
        positions = {key: snapshot.sets.oldest(key, limit=999) for key in KEYS}
    pack_everything(store.write_now)
    with other.read() as snapshot:
        assert {key: snapshot.sets.oldest(key, limit=999) for key in KEYS} == positions
    other.close_now()
