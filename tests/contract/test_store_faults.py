"""Faults around the store: folders that cannot be written, files of another time, clocks."""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.contract.checks import NOW, differences

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import StoreTooNew, Unavailable
from rostra.storage.database.sqlite import Database
from rostra.storage.repair import repair
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.testing.clock import FakeClock

LIKES = SetKey(5 << 40, SetKind.LIKES)
CAPABILITY_VERSION_3 = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    store = SqliteStore.open(folder, FakeClock())
    store.write_now(lambda tx: tx.sets.add(LIKES, 1))
    store.close_now()
    return folder


@contextmanager
def permissions_count() -> Iterator[None]:
    """Let file permissions hold for root as they do for everybody (capabilities(7))."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    had = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, had) == 0
    fewer = (ctypes.c_uint32 * 6)(*had)
    fewer[0] &= ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, had) == 0


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with permissions_count():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def likes(store: SqliteStore) -> list[int]:
    with store.read() as snapshot:
        return [entry.member for entry in snapshot.sets.oldest(LIKES, limit=99)]


# -- folders -----------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="check that it can be written"):
        SqliteStore.open(tmp_path / "file" / "data")


def test_a_read_only_folder_is_said_so_and_harmed_in_nothing(folder: Path) -> None:
    with read_only(folder), pytest.raises(Unavailable) as refused:
        SqliteStore.open(folder, FakeClock())
    assert "data folder" in str(refused.value)
    store = SqliteStore.open(folder, FakeClock())
    assert likes(store) == [1]
    store.write_now(lambda tx: tx.sets.add(LIKES, 2))
    store.close_now()


def test_a_store_that_turns_read_only_refuses_writes_and_answers_reads(folder: Path) -> None:
    store = SqliteStore.open(folder, FakeClock())
    store._write_database.run("PRAGMA query_only = 1")
    with pytest.raises(Unavailable, match="read-only"):
        store.write_now(lambda tx: tx.sets.add(LIKES, 2))
    assert likes(store) == [1]
    store._write_database.run("PRAGMA query_only = 0")
    store.write_now(lambda tx: tx.sets.add(LIKES, 3))
    assert likes(store) == [1, 3]
    store.close_now()


async def test_a_file_that_cannot_grow_refuses_writes_and_loses_nothing(folder: Path) -> None:
    store = SqliteStore.open(folder, FakeClock())
    wal = folder / f"{DATABASE_FILE}-wal"
    with files_at_most(max(wal.stat().st_size, 1 << 12)), pytest.raises(Unavailable):
        await store.write(lambda tx: tx.sets.add_many(LIKES, range(10, 5000)))
    assert likes(store) == [1]
    assert await store.write(lambda tx: tx.sets.add(LIKES, 2))
    await store.close()
    again = SqliteStore.open(folder, FakeClock())
    assert likes(again) == [1, 2]
    again.close_now()
    assert differences(folder) == []


def test_a_repair_on_a_full_disk_changes_nothing(folder: Path) -> None:
    database = Database(folder / DATABASE_FILE, writable=True)
    database.run("INSERT INTO chunks (owner, kind, chunk, data) VALUES (9, 8, 0, x'03')")
    database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    found = differences(folder)
    assert found
    with files_at_most(1 << 12), pytest.raises(Unavailable):
        repair(folder, found, now=NOW)
    assert differences(folder) == found
    database.close()


# -- versions ----------------------------------------------------------------------------------


def test_a_folder_of_a_newer_version_is_left_alone(folder: Path) -> None:
    database = Database(folder / DATABASE_FILE, writable=True)
    database.run("PRAGMA user_version = 99")
    database.close()
    before = (folder / DATABASE_FILE).read_bytes()
    with pytest.raises(StoreTooNew, match="newer version of Rostra") as refused:
        SqliteStore.open(folder, FakeClock())
    assert "layout 99" in refused.value.message
    assert "Start the newer version, or restore a backup" in refused.value.message
    assert (folder / DATABASE_FILE).read_bytes() == before


# -- the clock ---------------------------------------------------------------------------------


def test_a_clock_that_steps_back_loses_nothing_and_is_logged(folder: Path) -> None:
    clock = FakeClock()
    store = SqliteStore.open(folder, clock)
    ids: list[int] = []

    def change(member: int) -> None:
        def both(tx):  # type: ignore[no-untyped-def]
            tx.sets.add(LIKES, member)
            ids.append(tx.next_id())

        store.write_now(both)

    change(2)
    clock.advance(hours=-5)
    with capture_logs() as logs:
        change(3)
        store.write_now(lambda tx: tx.sets.remove(LIKES, 2))
        change(2)
    assert "clock_stepped_back" in {log["event"] for log in logs}
    store.close_now()
    store = SqliteStore.open(folder, clock)
    change(4)
    with store.read() as snapshot:
        entries = snapshot.sets.oldest(LIKES, limit=9)
    assert [entry.member for entry in entries] == [1, 3, 2, 4]
    assert all(a.position < b.position for a, b in itertools.pairwise(entries))
    assert all(before < after for before, after in itertools.pairwise(ids))
    store.close_now()
    assert differences(folder) == []


def test_a_clock_a_little_behind_is_no_news(folder: Path) -> None:
    """Clocks are corrected by parts of a second all the time."""
    clock = FakeClock()
    store = SqliteStore.open(folder, clock)
    store.write_now(lambda tx: tx.next_id())
    clock.advance(-500)
    with capture_logs() as logs:
        store.write_now(lambda tx: tx.sets.add(LIKES, 5))
    assert logs == []
    store.close_now()
