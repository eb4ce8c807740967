"""A server that is killed again and again under load, and what must be true of its data afterwards.

Writers act over HTTP and keep a ledger: what was answered is certain, what was on its way when the
server died may have happened or not. After each death the ledger is held against the data folder:
nothing answered is lost, both sides of every edge agree, nothing that was tried twice is there
twice, what was to be published is published once, and the verifier finds no difference.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.account_set import MIRRORS, SetKey
from rostra.domain.conversations import ScheduledStatus
from rostra.domain.media import MediaState
from rostra.ports import Snapshot, Transaction
from rostra.services.publishing.posting import Draft
from rostra.services.publishing.scheduling import plan
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import verify
from rostra.testing.people import settle, write_statuses
from rostra.testing.server import Server, free_port, processes_below, start
from rostra.testing.writers import Ledger, Name, Writer

WRITERS: Final = 4
PEOPLE_EACH: Final = 8
STATUSES: Final = 12
SCHEDULED: Final = 3
MEDIA: Final = "media"


class Report(Struct):
    """What a run of kills has found so far."""

    kills: int = 0
    acknowledged: int = 0
    checked: int = 0
    lost: list[str] = []
    halves: list[str] = []
    doubled: list[str] = []
    differences: list[str] = []
    restarts_ms: list[float] = []

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        return [*self.lost, *self.halves, *self.doubled, *self.differences]


class Kills:
    """A data folder whose server is killed under load, over and over.

    Args:
        folder: where to work; the data folder is made in it.
        seed: what chance begins with.
        workers: how many workers the server has.
    """

    def __init__(self, folder: Path, *, seed: int, workers: int = 2) -> None:
        self.report = Report()
        self._random = Random(seed)
        self._data = folder / "data"
        self._workers = workers
        self._port = free_port()
        self._ledgers = [Ledger() for _ in range(WRITERS)]
        store = SqliteStore.open(self._data)
        names = [f"writer{number}" for number in range(WRITERS * PEOPLE_EACH)]
        self._people = settle(store, names)
        authors = [person.ordinal for person in self._people[:STATUSES]]
        self._planned: dict[str, tuple[int, int]] = {}  # text → author, id of the plan
        self._statuses = write_statuses(store, authors, "Like this")
        store.close_now()

    def round(self, *, most: int = 3) -> int:
        """Start the server, kill up to ``most`` times, and check; return how many kills it was.

        Every kill but the last hits one process of the server, which the supervisor brings back;
        the last hits all of them at once.

        Raises:
            RuntimeError: the server gave an answer that no server may give.
        """
        self._schedule()
        started = time.perf_counter()
        server = start(self._data, workers=self._workers, port=self._port)
        self.report.restarts_ms.append((time.perf_counter() - started) * 1e3)
        try:
            kills = self._under_load(server, most)
        finally:
            if server.process.poll() is None:
                server.kill()
        self.report.kills += kills
        self.check()
        return kills

    def _schedule(self) -> None:
        """Have some statuses published while the server is killed."""
        store = SqliteStore.open(self._data)

        def change(tx: Transaction) -> None:
            for _ in range(SCHEDULED):
                author = self._random.choice(self._people).ordinal
                text = f"scheduled {self._random.getrandbits(60):x}"
                draft = msgspec.json.encode(Draft(text=text)).decode()
                at = tx.now + self._random.randrange(3_000)
                planned = ScheduledStatus(id=tx.next_id(), account=author, at=at, draft=draft)
                tx.scheduled.put(planned)
                plan(tx, planned)
                self._planned[text] = (author, planned.id)

        store.write_now(change)
        store.close_now()

    def _under_load(self, server: Server, most: int) -> int:
        over = threading.Event()
        writers = self._writers(over)
        for writer in writers:
            writer.start()
        kills = self._random.randint(1, most)
        for _ in range(kills - 1):
            time.sleep(self._random.uniform(0.01, 0.25))
            self._kill_one(server)
        longest = self._random.choice((0.25, 0.25, 2))  # an upload takes longer than a like
        time.sleep(self._random.uniform(0.01, longest))
        server.kill()
        over.set()
        for writer in writers:
            writer.join()
            if writer.failure is not None:
                raise RuntimeError("a writer failed") from writer.failure
        return kills

    def _writers(self, over: threading.Event) -> list[Writer]:
        return [
            Writer(
                self._port,
                self._people[number * PEOPLE_EACH : (number + 1) * PEOPLE_EACH],
                self._people,
                self._statuses,
                ledger,
                Random(self._random.random()),
                over,
            )
            for number, ledger in enumerate(self._ledgers)
        ]

    def _kill_one(self, server: Server) -> None:
        children = processes_below(server.process.pid)[1:]
        if children:
            victim = self._random.choice(children)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:  # it was on its way out already
                return

    # -- what must be true -----------------------------------------------------------------------

    def check(self) -> None:
        """Hold everything known against the data folder, which no server has open now."""
        report = self.report
        report.acknowledged = sum(ledger.acknowledged for ledger in self._ledgers)
        store = SqliteStore.open(self._data)
        with store.read() as snapshot:
            for ledger in self._ledgers:
                for name, possible in ledger.members.items():
                    found = self._checked(snapshot.sets.contains, name, possible)
                    possible.intersection_update({found})
                    possible.add(found)
                for text, id_ in ledger.posts.items():
                    report.checked += 1
                    if id_ is not None and snapshot.statuses.get(id_) is None:
                        report.lost.append(f"the status {text!r}")
                self._check_words(snapshot, ledger)
                self._check_media(snapshot, ledger)
            self._check_planned(snapshot)
        store.close_now()
        self._check_folder()

    def _check_words(self, snapshot: Snapshot, ledger: Ledger) -> None:
        """Look whether each status says what was answered last, or what was on its way."""
        for id_, possible in ledger.texts.items():
            self.report.checked += 1
            status = snapshot.statuses.get(id_)
            if status is None or status.text not in possible:
                found = status and status.text
                self.report.lost.append(f"the words of {id_}: {found!r}, not one of {possible}")
            else:
                possible[:] = [status.text]

    def _check_media(self, snapshot: Snapshot, ledger: Ledger) -> None:
        """Look whether uploads that were answered are there, those made ready with their files."""
        for id_ in ledger.media:
            self.report.checked += 1
            media = snapshot.media.get(id_)
            if media is None:
                self.report.lost.append(f"the upload {id_}")
            elif media.state == MediaState.READY and not list(
                (self._data / MEDIA).rglob(f"{media.key}/{media.file}")
            ):
                self.report.halves.append(f"the upload {id_} has no file")

    def _check_planned(self, snapshot: Snapshot) -> None:
        """Look whether each planned status waits or was published, and once."""
        for text, (author, id_) in self._planned.items():
            self.report.checked += 1
            waits = snapshot.scheduled.get(author, id_) is not None
            said = [
                one for one in snapshot.statuses.by_author(author, limit=10_000) if one.text == text
            ]
            if waits + len(said) != 1:
                self.report.doubled.append(f"{text!r} waits: {waits}, published: {len(said)}")

    def _checked(
        self, contains: Callable[[SetKey, int], bool], name: Name, possible: set[bool]
    ) -> bool:
        key, member = name
        report = self.report
        report.checked += 1
        found = contains(key, member)
        if found not in possible:
            report.lost.append(f"{member} in {key}: {found}, answered was {not found}")
        if key.kind in MIRRORS and contains(key.mirror(member), key.owner) != found:
            report.halves.append(f"{member} in {key} is {found}, on the other side {not found}")
        return found

    def _check_folder(self) -> None:
        database = Database(self._data / DATABASE_FILE, writable=False)
        twice = database.rows(
            "SELECT substr(text, 1, instr(text || char(10), char(10)) - 1) AS first FROM statuses "
            "GROUP BY author, first HAVING count(*) > 1"
        )
        known = {text for ledger in self._ledgers for text in ledger.posts}
        self.report.doubled += [f"the status {row[0]!r}" for row in twice if row[0] in known]
        found = verify(database, random=self._random)
        self.report.differences += [str(difference) for difference in found]
        database.close()
