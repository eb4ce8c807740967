"""What goes wrong between two things that happen at once, or half-way through one of them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from random import Random

import apsw
import pytest
from structlog.testing import capture_logs

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.errors import Conflict, Unavailable
from rostra.domain.events import AnyEvent, SetChanged
from rostra.domain.ids import snowflake
from rostra.domain.statuses import Status
from rostra.ports import Transaction
from rostra.storage import packed, packer
from rostra.storage.database.sqlite import Database
from rostra.storage.repair import repair
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import verify
from rostra.testing.clock import FakeClock

LIKES = SetKey(7, SetKind.LIKES)
BOOSTS = SetKey(7, SetKind.BOOSTS)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path, FakeClock())
    yield store
    await store.close()


def _like(member: int) -> Callable[[Transaction], bool]:
    return lambda tx: tx.sets.add(LIKES, member)


def _likes(store: SqliteStore) -> list[int]:
    with store.read() as snap:
        return [entry.member for entry in snap.sets.oldest(LIKES, limit=100)]


# -- opening ---------------------------------------------------------------------------------------


def _open_and_close(folder: Path, gate: int, failed: int) -> None:
    os.read(gate, 1)
    try:
        SqliteStore.open(folder).close_now()
    except BaseException as error:
        os.write(failed, f"{error!r}\n".encode())
    os._exit(0)


def test_a_new_folder_is_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    gate, opens = os.pipe()
    failures, failed = os.pipe()
    for round_ in range(4):
        processes = [
            fork.Process(target=_open_and_close, args=(tmp_path / str(round_), gate, failed))
            for _ in range(4)
        ]
        for process in processes:
            process.start()
        os.write(opens, b"....")
        for process in processes:
            process.join()
    os.close(failed)
    with os.fdopen(failures) as told:
        assert told.read() == ""
    for file in (gate, opens):
        os.close(file)


# -- writing ---------------------------------------------------------------------------------------


async def test_whatever_is_committed_outdates_what_was_read(store: SqliteStore) -> None:
    with store.read() as snap:
        before = snap.seq
    assert store.unchanged_since(before)
    await store.write(lambda tx: tx.accounts.set_note(1, 2, "no event tells of this"))
    assert not store.unchanged_since(before)
    with store.read() as snap:
        after = snap.seq
    await store.write(lambda tx: None)
    assert store.unchanged_since(after)


async def test_a_change_that_cannot_be_undone_alone_is_undone_with_its_batch(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store._write_database.run

    def failing(sql: str, params: tuple[object, ...] = ()) -> None:
        if sql == "ROLLBACK TO one":
            raise apsw.IOError("the disk does not answer")
        run(sql, params)

    def refused(tx: Transaction) -> None:
        tx.sets.add(LIKES, 2)
        tx.accounts.set_note(1, 2, "half a change")
        raise Conflict("no")

    monkeypatch.setattr(store._write_database, "run", failing)
    first, second, third = [
        asyncio.create_task(store.write(change)) for change in (_like(1), refused, _like(3))
    ]
    await asyncio.wait({first, second, third})
    monkeypatch.undo()
    assert second.exception() is not None
    assert _likes(store) == [
        member for member, task in ((1, first), (3, third)) if task.exception() is None
    ]
    with store.read() as snap:
        assert snap.accounts.kept(1, [2]) == {}


async def test_a_change_may_raise_what_no_future_takes(store: SqliteStore) -> None:
    def empty(tx: Transaction) -> None:
        next(iter(()))

    first, second, third = [
        asyncio.create_task(store.write(change)) for change in (_like(1), empty, _like(3))
    ]
    await asyncio.wait({first, second, third})
    assert isinstance(second.exception(), RuntimeError)
    assert first.result()
    assert third.result()
    assert _likes(store) == [1, 3]


async def test_writes_begun_while_closing_are_finished_first(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, FakeClock())
    answers: list[bool] = []

    async def chain() -> None:
        for member in range(1, 6):
            answers.append(await store.write(_like(member)))

    writing = asyncio.create_task(chain())
    await asyncio.sleep(0)
    await store.close()
    await asyncio.wait({writing})
    with SqliteStore.open(tmp_path, FakeClock()).read() as snap:
        assert snap.sets.size(LIKES) == len(answers)
    assert len(answers) == 5 or isinstance(writing.exception(), Unavailable)


def test_a_commit_that_has_begun_is_finished_when_its_event_loop_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore.open(tmp_path, FakeClock())
    run, begun, ending = store._write_database.run, threading.Event(), threading.Event()

    def slow(sql: str, params: tuple[object, ...] = ()) -> None:
        if sql == "COMMIT":
            begun.set()
            ending.wait()
        run(sql, params)

    async def leave_early() -> None:
        writing = asyncio.create_task(store.write(_like(1)))
        await asyncio.to_thread(begun.wait)
        assert not writing.done()
        # A loop that ends still runs while those cancelled by it have something to see through.
        asyncio.get_running_loop().call_later(0.05, ending.set)

    monkeypatch.setattr(store._write_database, "run", slow)
    try:
        with capture_logs() as logs:
            asyncio.run(leave_early())
    finally:
        ending.set()
    monkeypatch.undo()
    assert logs == []
    assert _likes(store) == [1]
    assert store.write_now(_like(2))
    store.close_now()


# -- packing and repairing -------------------------------------------------------------------------


async def test_a_repair_in_the_middle_of_packing_loses_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repair may bring chunks back to before the journal; then all of them are packed again."""
    monkeypatch.setattr(packed, "SMALL_MAX", 2)
    monkeypatch.setattr(packer, "CHUNKS_A_STEP", 1)
    chunks = [number << 16 for number in range(4)]
    store.write_now(lambda tx: tx.sets.add_many(LIKES, [low + 1 for low in chunks]))
    packer.pack_everything(store.write_now)
    store.write_now(lambda tx: tx.sets.add_many(LIKES, [low + 2 for low in chunks]))
    store.write_now(lambda tx: tx.sets.remove_many(LIKES, [low + 1 for low in chunks]))

    packing = packer.Packer(eager=True)
    for _ in range(4):  # the plan, a look at the journal, two chunks
        store.write_now(packing.step)
    store.write_now(
        lambda tx: tx.database.run("UPDATE chunks SET data = x'00' WHERE owner = 7 AND chunk = 3")
    )
    assert not [line for line in _repaired(store) if line.startswith("not repaired")]
    while store.write_now(packing.step):
        pass

    assert _repaired(store) == []
    with SqliteStore.open(store.folder, store.clock).read() as snap:
        assert [snap.sets.contains(LIKES, low + 2) for low in chunks] == [True] * 4
        assert [snap.sets.contains(LIKES, low + 1) for low in chunks] == [False] * 4


async def test_a_damaged_set_does_not_keep_others_from_being_packed(store: SqliteStore) -> None:
    keys = [SetKey(owner, SetKind.LIKES) for owner in (1, 2, 3)]

    def change(tx: Transaction) -> None:
        for key in keys:
            tx.sets.add(key, tx.sets.size(key) + 1)

    store.write_now(change)
    packer.pack_everything(store.write_now)
    store.write_now(change)
    store.write_now(lambda tx: tx.database.run("UPDATE packed SET data = x'00' WHERE owner = 2"))
    packer.pack_everything(store.write_now)
    waiting = store.write_now(lambda tx: tx.database.rows("SELECT owner FROM journal"))
    assert waiting == [(2,)]


def _repaired(store: SqliteStore) -> list[str]:
    database = Database(store.folder / DATABASE_FILE, writable=False)
    found = list(verify(database, random=Random(1), now=store.clock.now()))
    database.close()
    return repair(store.folder, found, now=store.clock.now())


# -- following the feed ----------------------------------------------------------------------------


async def test_memory_is_right_again_after_following_the_feed_failed_half_way(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was applied already must not be applied twice, and what was not is not left out."""
    monkeypatch.setattr(packed, "SMALL_MAX", 2)
    store.write_now(lambda tx: tx.sets.add_many(LIKES, range(1, 11)))
    packer.pack_everything(store.write_now)
    assert _likes(store) == list(range(1, 11))
    broken = [True]

    def fails_once(event: AnyEvent) -> None:
        if isinstance(event, SetChanged) and broken:
            broken.clear()
            raise apsw.IOError("the disk does not answer")

    store.subscribe(fails_once)
    other = SqliteStore.open(tmp_path, store.clock)
    other.write_now(lambda tx: (tx.sets.remove(LIKES, 1), tx.sets.add(BOOSTS, 1)))
    with pytest.raises(Unavailable):
        _likes(store)
    assert _likes(store) == list(range(2, 11))
    with store.read() as snap:
        assert snap.sets.size(LIKES) == 9
        assert snap.sets.size(BOOSTS) == 1
    other.close_now()


async def test_a_mask_the_clock_could_not_move_is_moved_later(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = store.clock
    assert isinstance(clock, FakeClock)
    store.write_now(lambda tx: tx.enforcement.take(_suspension(1, tx, clock.now() + 1000)))
    with store.read() as snap:
        assert not snap.gate.active(1)
        seq = snap.seq
    clock.advance(1000)
    rows = Database.rows

    def failing(database: Database, sql: str, params: tuple[object, ...] = ()) -> list[object]:
        if "FROM actions" in sql:
            raise apsw.IOError("the disk does not answer")
        return rows(database, sql, params)

    monkeypatch.setattr(Database, "rows", failing)
    with pytest.raises(Unavailable), store.read():
        pass
    monkeypatch.undo()
    assert not store.unchanged_since(seq)
    with store.read() as snap:
        assert snap.gate.active(1)


async def test_an_action_in_force_stays_so_when_the_clock_steps_back(store: SqliteStore) -> None:
    clock = store.clock
    assert isinstance(clock, FakeClock)
    store.write_now(lambda tx: tx.enforcement.take(_suspension(1, tx, None)))
    clock.advance(-2000)
    store.write_now(lambda tx: tx.enforcement.take(_suspension(1, tx, None, kind=ActionKind.LIMIT)))
    with store.read() as snap:
        assert snap.gate.state(1).suspended
        assert snap.sets.contains(SetKey(SERVER, SetKind.SUSPENDED), 1)
    database = Database(store.folder / DATABASE_FILE, writable=False)
    assert list(verify(database, random=Random(1), now=clock.now())) == []
    database.close()


def _suspension(
    account: int, tx: Transaction, until: int | None, *, kind: ActionKind = ActionKind.SUSPEND
) -> Action:
    return Action(
        id=tx.next_id(),
        account=account,
        kind=kind,
        ground="spam",
        moderator=None,
        taken_at=tx.now,
        starts_at=tx.now,
        until=until,
    )


async def test_a_status_that_came_late_and_left_memory_again_stands_once_in_its_place(
    store: SqliteStore,
) -> None:
    """One of an import may arrive and, before anybody looks, be too old for what is held."""
    store.shared.timelines._capacity = 50
    start = store.clock.now()

    def post(numbers: Iterable[int]) -> None:
        def change(tx: Transaction) -> None:
            for number in numbers:
                tx.statuses.create(
                    Status(id=snowflake(start + number), author=1, created_at=start + number)
                )

        store.write_now(change)

    post(number for number in range(100) if number != 70)
    with store.read() as snap:
        assert len(snap.recent.public(None, limit=100)) == 99
    post([70])
    post(range(100, 160))
    with store.read() as snap:
        page = snap.recent.public(None, limit=200)
    assert page == [snowflake(start + number) for number in reversed(range(160))]
