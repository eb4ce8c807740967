"""A fresh look at a data folder: a connection, a memory and a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from pyroaring import BitMap

from rostra.domain.account_set import SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.events import AnyEvent, decode
from rostra.domain.visibility import ACCOUNT_KINDS
from rostra.ports import Clock, Flaw, Mirrored
from rostra.storage.database.sqlite import Database, translated
from rostra.storage.differences import Difference
from rostra.storage.integrity.other_sides import OtherSides
from rostra.storage.integrity.set_checks import check_set
from rostra.storage.sets import load
from rostra.storage.views import ReadView, Shared

T = TypeVar("T")

NICE: Final = 10
READ_AGAIN: Final = 2_000_000
FLAWS_TOLD: Final = 20
"""How many flaws are named; of more it is enough to know that there are."""


class FreshAudit:
    """Reads a data folder as a process that was just started would; fulfils ``ports.Audit``.

    Args:
        path: the database.
        clock: the time.
        gently: let its thread give way to those that answer readers.
    """

    def __init__(self, path: Path, clock: Clock, *, gently: bool) -> None:
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(
            max_workers=1,
            thread_name_prefix="audit",
            initializer=_give_way if gently else None,
        )
        self._closing = False
        self._shared = Shared()
        self._database: Database | None = None
        self._view: ReadView | None = None

    async def read(self, read: Callable[[ReadView], T]) -> T:
        """Return what ``read`` makes of the newest commit; see ``ports.Audit``."""

        def run() -> T:
            with self._snapshot():
                assert self._view is not None
                return read(self._view)

        return await self._run(run)

    async def since(self, seq: int) -> list[Sequence[AnyEvent]] | None:
        """Return the events of each commit after a place in the feed; see ``ports.Audit``."""
        return await self._run(lambda: self._since(seq))

    async def sets(self, account: int) -> list[Flaw]:
        """Recount every set of an account; see ``ports.Audit``."""
        return await self._run(lambda: self._sets(account))

    async def mirrors(self, account: int, *, seconds: float | None) -> Mirrored:
        """Look for the other side of an account's edges; see ``ports.Audit``."""
        ends = None if seconds is None else time.monotonic() + seconds
        return await self._run(lambda: self._mirrors(account, ends))

    async def close(self) -> None:
        """Close the connection; what its thread is at is ended."""
        self._closing = True
        await self._run(self._close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # -- in the thread -----------------------------------------------------------------------------

    def _open(self) -> Database:
        if self._database is None:
            self._database = Database(self._path, writable=False)
            self._view = ReadView(self._database, self._shared)
            self._view.follow(self._shared)
            self._shared.torn = True  # nothing is known yet: the first look reads everything
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()

    @contextmanager
    def _snapshot(self) -> Iterator[Database]:
        with translated():
            database = self._open()
            assert self._view is not None
            now = self._clock.now()
            database.run("BEGIN")
            try:
                self._shared.catch_up(database, now)
                self._view.now, self._view.seq = now, self._shared.seq
                yield database
            finally:
                database.run("ROLLBACK")

    def _since(self, seq: int) -> list[Sequence[AnyEvent]] | None:
        with translated():
            rows = self._open().rows(
                "SELECT seq, events FROM feed WHERE seq > ? AND seq <= ? ORDER BY seq",
                (seq, self._shared.seq),
            )
        if len(rows) != max(0, self._shared.seq - seq):
            return None
        return [decode(events) for _, events in rows]

    def _sets(self, account: int) -> list[Flaw]:
        found: list[Flaw] = []

        def report(difference: Difference) -> None:
            if len(found) < FLAWS_TOLD:
                found.append(Flaw(str(difference.set), difference.detail))

        with self._snapshot() as database:
            for kind in sorted(ACCOUNT_KINDS):
                key = SetKey(account, kind)
                try:
                    for _ in check_set(key, database, report):
                        pass
                except StoreCorrupt as error:
                    found.append(Flaw(str(key), str(error)))
        return found

    def _members(self, key: SetKey, database: Database) -> BitMap:
        """Return a set as the disk has it now; a very large one as it was read before."""
        assert self._view is not None
        if self._view.sets.size(key) <= READ_AGAIN:
            return load(key, database).bitmap(database)
        return self._view.sets.bitmap(key)

    def _mirrors(self, account: int, ends: float | None) -> Mirrored:
        with self._snapshot() as database:
            sides = OtherSides(
                database,
                lambda key: self._members(key, database),
                account,
                Random(),
                lambda: self._closing or (ends is not None and time.monotonic() >= ends),
            )
            sides.look()
        flaws = tuple(sides.flaws[:FLAWS_TOLD])
        return Mirrored(sides.edges, sides.checked, sides.scanned, flaws)


def _give_way() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # of this thread alone
