"""An open data folder: consistent views (``storage/views.py``) and durable transactions.

Writes wait in line while a commit is on its way to the disk, and are then committed together. Only
the commit itself and the wait for the write lock leave the event loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import hmac
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from rostra.domain.errors import RostraError, Unavailable
from rostra.domain.events import (
    ActionTaken,
    AnyEvent,
    EverythingReplaced,
    SetPacked,
    SetReplaced,
    encode,
)
from rostra.domain.ids import snowflake_ms
from rostra.ports import Clock
from rostra.storage.audit import FreshAudit
from rostra.storage.database.sqlite import Database, migrate, translated
from rostra.storage.folder_key import folder_key
from rostra.storage.ledger_filling import bring_over
from rostra.storage.plans import PlanFiles
from rostra.storage.statistics import StatisticsStore
from rostra.storage.views import ReadView, Shared, WriteView

T = TypeVar("T")
log = structlog.get_logger()

DATABASE_FILE: Final = "rostra.db"
LOCK_FILE: Final = "write.lock"
MAX_BATCH: Final = 512
MAX_BATCH_SECONDS: Final = 0.02
CLOCK_TOLERANCE_MS: Final = 1000
FILLS: Final = {12: bring_over}
BARRIERS: Final = (ActionTaken, SetPacked, SetReplaced, EverythingReplaced)


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(slots=True, eq=False)
class Waiting:
    """A change that waits to be committed."""

    change: Callable[[Any], Any]
    future: asyncio.Future[Any]

    def fail(self, error: Exception) -> None:
        """Raise an error to who waits, unless they were answered or went away."""
        if not self.future.done():
            if isinstance(error, StopIteration):  # no future takes one
                error = RuntimeError(f"a change raised {error!r}")
            self.future.set_exception(error)


class SqliteStore:
    """A data folder on SQLite, open in this process; fulfils ``ports.Store``."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        path = folder / DATABASE_FILE
        self._write_database = Database(path, writable=True)
        with translated():
            migrate(self._write_database, now=clock.now(), fills=FILLS)
        self._read_database = Database(path, writable=False)
        self._lock_file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.shared = Shared()
        self._read_view = ReadView(self._read_database, self.shared)
        self._write_view = WriteView(self._write_database, self.shared)
        self._read_view.follow(self.shared)
        self.plans = PlanFiles(folder)
        self._data_version = -1
        self._key: bytes | None = None
        self._depth = 0
        self._rows_changed = 0
        self._waiting: deque[Waiting] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._analyst = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analyst")
        with translated():
            self.shared.load(self._read_database, clock.now())

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> SqliteStore:
        """Open a data folder, making it when it is not there.

        Raises:
            Unavailable: the folder cannot be made, read or written.
            StoreTooNew: it was written by a newer version.
            StoreCorrupt: what is needed to open it is damaged.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, clock or SystemClock())
        except OSError as error:
            raise Unavailable(
                "The server cannot use its data folder",
                log=f"data folder {folder}: {error.strerror}; check that it can be written",
            ) from error

    def secret(self, purpose: str) -> bytes:
        """Return secret bytes of this data folder for a purpose; see ``ports.Store``."""
        if self._key is None:
            self._key = folder_key(self.folder)
        return hmac.new(self._key, purpose.encode(), "sha256").digest()

    # -- reading -----------------------------------------------------------------------------------

    @property
    def seq(self) -> int:
        """The place in the change feed that memory stands at."""
        return self.shared.seq

    @property
    def epoch(self) -> int:
        """The epoch of the masks in memory."""
        return self.shared.masks.masks.epoch

    @contextmanager
    def read(self) -> Iterator[ReadView]:
        """Open a consistent view; see ``ports.Store.read``."""
        if self._depth:
            self._depth += 1
            try:
                yield self._read_view
            finally:
                self._depth -= 1
            return
        with translated():
            self._read_database.run("BEGIN")
            self._depth = 1
            try:
                self._catch_up_reader()
                yield self._read_view
            finally:
                self._depth = 0
                self._read_database.run("COMMIT")

    async def analyse(self, read: Callable[[StatisticsStore], T]) -> T:
        """Run ``read`` in a thread, on one view of its own; see ``ports.Store.analyse``."""

        def run() -> T:
            with translated():
                database = Database(self.folder / DATABASE_FILE, writable=False)
                try:
                    database.run("BEGIN")
                    return read(StatisticsStore(database))
                finally:
                    database.close()

        return await asyncio.get_running_loop().run_in_executor(self._analyst, run)

    @asynccontextmanager
    async def audit(self, *, gently: bool = False) -> AsyncIterator[FreshAudit]:
        """Open a fresh look at the data folder; see ``ports.Store.audit``."""
        audit = FreshAudit(self.folder / DATABASE_FILE, self.clock, gently=gently)
        try:
            yield audit
        finally:
            await audit.close()

    def unchanged_since(self, seq: int) -> bool:
        """Return whether what was read at ``seq`` still holds; see ``ports.Store``."""
        shared = self.shared
        if self._depth == 0 and (
            self._version() != self._data_version or shared.behind(self.clock.now())
        ):
            with self.read():
                pass
        # At a place where the clock moved a mask there are answers from before and from after.
        return shared.seq == seq and seq != shared.moved_by_clock

    def subscribe(self, handler: Callable[[AnyEvent], None]) -> None:
        """Call ``handler`` with each event as this process applies it."""
        self.shared.handlers.append(handler)

    def _version(self) -> int:
        version: int = self._read_database.value("PRAGMA data_version")
        return version

    def _catch_up_reader(self) -> None:
        view, shared, now = self._read_view, self.shared, self.clock.now()
        version = self._version()
        if version != self._data_version or shared.behind(now):
            shared.catch_up(self._read_database, now)
            self._data_version = version
        view.now, view.seq = now, shared.seq

    # -- writing -----------------------------------------------------------------------------------

    async def write(self, change: Callable[[WriteView], T]) -> T:
        """Run ``change`` in a durable transaction shared with others; see ``ports.Store.write``."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(change, future))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await future

    def write_now(self, change: Callable[[WriteView], T]) -> T:
        """Run ``change`` in a durable transaction of its own, without an event loop."""
        with self.exclusive() as view:
            return change(view)

    @contextmanager
    def exclusive(self) -> Iterator[WriteView]:
        """Hold the write lock and one transaction; committed at the end, undone by an exception.

        Raises:
            RuntimeError: writes of an event loop are on their way in this store.
        """
        if self._committer is not None and not self._committer.done():
            raise RuntimeError("this store is committing for an event loop: use write() there")
        with translated():
            self._lock(wait=True)
            try:
                self._begin()
                yield self._write_view
                self._finish()
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._unlock()

    async def close(self) -> None:
        """Finish the writes that wait, and close."""
        while self._committer is not None and not self._committer.done():
            await asyncio.wait({self._committer})  # who was answered just now may write again
        self.close_now()

    def close_now(self) -> None:
        """Close without an event loop."""
        self._thread.shutdown()
        self._analyst.shutdown()
        self._read_database.close()
        self._write_database.close()
        os.close(self._lock_file)
        self._lock_file = -1

    async def _commit_waiting(self) -> None:
        """Commit in batches until nobody waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken: list[Waiting] = []
            done: list[tuple[Waiting, Any]] = []
            try:
                with translated():
                    if not self._lock(wait=False):
                        await loop.run_in_executor(self._thread, self._lock)
                    try:
                        self._begin()
                        self._run_batch(taken, done)
                        self._finish()
                        await self._committed()
                    except BaseException:
                        self._roll_back()
                        raise
                    finally:
                        self._unlock()
            except Exception as error:
                self._fail(taken or [self._waiting.popleft()], error)
                continue
            except BaseException:
                for waiting in taken:
                    waiting.future.cancel()
                raise
            for waiting, result in done:
                if not waiting.future.done():
                    waiting.future.set_result(result)

    async def _committed(self) -> None:
        """Commit off the event loop; who is cancelled meanwhile sees it through all the same."""
        commit = asyncio.get_running_loop().run_in_executor(self._thread, self._commit)
        try:
            await asyncio.shield(commit)
        finally:
            await asyncio.wait({commit})

    def _fail(self, failed: list[Waiting], error: Exception) -> None:
        if not isinstance(error, RostraError):
            log.error("commit_failed", error=repr(error), writes=len(failed))
        else:
            log.warning("commit_refused", error=str(error), writes=len(failed))
        for waiting in failed:
            waiting.fail(error)

    def _run_batch(self, taken: list[Waiting], done: list[tuple[Waiting, Any]]) -> None:
        """Run the changes that wait, each in its savepoint, up to what one commit should hold.

        Each is put in ``taken`` before it runs, and with its result in ``done`` when it is good.
        """
        stop_at = time.perf_counter() + MAX_BATCH_SECONDS
        while self._waiting and len(taken) < MAX_BATCH:
            if taken and time.perf_counter() > stop_at:
                break
            waiting = self._waiting.popleft()
            taken.append(waiting)
            if waiting.future.done():  # its caller went away before it began
                continue
            events = len(self._write_view.events)
            try:
                with translated():
                    result = self._run_one(waiting.change)
            except Exception as error:
                if not self._write_database.connection.in_transaction:
                    raise  # the whole transaction was given up
                waiting.fail(error)
                continue
            done.append((waiting, result))
            if any(isinstance(event, BARRIERS) for event in self._write_view.events[events:]):
                break  # what is in memory must move before the next change is judged

    def _run_one(self, change: Callable[[WriteView], T]) -> T:
        view, database = self._write_view, self._write_database
        sets_mark, events_mark, last_id = view.sets.mark(), len(view.events), view.last_id
        database.run("SAVEPOINT one")
        try:
            result = change(view)
        except BaseException:
            view.sets.undo(sets_mark)
            del view.events[events_mark:]
            view.last_id = last_id
            if database.connection.in_transaction:
                self._undo_one()
            raise
        database.run("RELEASE one")
        return result

    def _undo_one(self) -> None:
        database = self._write_database
        try:
            database.run("ROLLBACK TO one")
            database.run("RELEASE one")
        except BaseException:
            database.run("ROLLBACK")  # what cannot be undone alone is undone with its batch
            raise

    def _begin(self) -> None:
        view, shared, now = self._write_view, self.shared, self.clock.now()
        self._write_database.run("BEGIN IMMEDIATE")
        shared.catch_up(self._write_database, now)
        last_ms = snowflake_ms(shared.last_id)
        if now < last_ms - CLOCK_TOLERANCE_MS:
            log.warning("clock_stepped_back", now_ms=now, newest_id_ms=last_ms)
        view.now, view.seq, view.last_id = now, shared.seq, shared.last_id
        self._rows_changed = self._write_database.total_changes

    def _finish(self) -> None:
        """Write the journal and the feed's row, when anything changed at all."""
        view = self._write_view
        seq = view.seq + 1
        view.search.follow(view.events)
        view.sets.flush(seq, view.announce)
        events = view.events
        if EverythingReplaced() in events:  # it says all that the others could
            events = [EverythingReplaced()]
        changed = self._write_database.total_changes != self._rows_changed
        if changed or events or view.last_id != self.shared.last_id:  # an id is given out once
            self._write_database.run(
                "INSERT INTO feed (seq, last_id, events) VALUES (?, ?, ?)",
                (seq, view.last_id, encode(events)),
            )
        view.events.clear()

    def _roll_back(self) -> None:
        view = self._write_view
        view.sets.forget()
        view.events.clear()
        if self._write_database.connection.in_transaction:
            self._write_database.run("ROLLBACK")

    def _commit(self) -> None:
        """Commit, and let the next process write without waiting for the event loop."""
        self._write_database.run("COMMIT")
        self._unlock()

    def _lock(self, wait: bool = True) -> bool:
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def _unlock(self) -> None:
        fcntl.flock(self._lock_file, fcntl.LOCK_UN)
