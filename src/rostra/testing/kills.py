"""A server that is killed again and again under load, and what must be true of its data afterwards.

Writers act over HTTP and keep a ledger: what was answered is certain, what was on its way when the
server died may have happened or not. After each death the ledger is held against the data folder:
nothing answered is lost, both sides of every edge agree, nothing that was tried twice is there
twice, and the verifier finds no difference.
"""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import verify
from rostra.testing.people import Person, settle, write_statuses
from rostra.testing.server import Client, Server, free_port, processes_below, start

WRITERS: Final = 4
PEOPLE_EACH: Final = 8
STATUSES: Final = 12
ON_WAY: Final = (OSError, http.client.HTTPException)
"""What a client meets when its server dies."""

Name = tuple[SetKey, int]
"""A membership: which set, and which member."""


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


class Ledger:
    """What one writer knows of its own memberships and posts."""

    def __init__(self) -> None:
        self.members: dict[Name, set[bool]] = {}
        self.posts: dict[str, int | None] = {}  # text → id, None: on its way
        self.acknowledged = 0

    def begin(self, name: Name, wanted: bool) -> None:
        """Note that a membership is about to change, so that it may be either from now on."""
        self.members.setdefault(name, {False}).add(wanted)

    def settle(self, name: Name, value: bool) -> None:
        """Note that the server has answered."""
        self.members[name] = {value}
        self.acknowledged += 1


class Writer(threading.Thread):
    """Follows, likes and posts over HTTP until told to stop; the server may die at any time.

    Args:
        port: the server's port.
        own: the accounts it acts as; no other writer does.
        others: the accounts it follows and unfollows.
        statuses: the ids of statuses it likes and likes no longer.
        ledger: what it keeps over the server's lives.
        random: chance.
        over: set when it shall stop.
    """

    def __init__(
        self,
        port: int,
        own: Sequence[Person],
        others: Sequence[Person],
        statuses: Sequence[int],
        ledger: Ledger,
        random: Random,
        over: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self.failure: BaseException | None = None
        self._port = port
        self._own = own
        self._others = others
        self._statuses = statuses
        self._ledger = ledger
        self._random = random
        self._over = over

    def run(self) -> None:
        """Act, connecting anew each time the connection breaks."""
        try:
            while not self._over.is_set():
                client = Client(self._port)
                try:
                    self._finish_posts(client)
                    while not self._over.is_set():
                        self._act(client)
                except ON_WAY:
                    time.sleep(0.002)
                finally:
                    client.close()
        except BaseException as error:
            self.failure = error

    def _act(self, client: Client) -> None:
        actor = self._random.choice(self._own)
        chance = self._random.random()
        if chance < 0.15:
            self._post(client, actor, f"{actor.username} {self._random.getrandbits(60):x}")
        elif chance < 0.55:
            status = self._random.choice(self._statuses)
            name = (SetKey(status, SetKind.LIKES), actor.ordinal)
            acts = {True: "favourite", False: "unfavourite"}
            self._change(client, actor, name, f"/api/v1/statuses/{status}", acts)
        else:
            target = self._random.choice(self._others)
            if target.ordinal != actor.ordinal:
                name = (SetKey(target.ordinal, SetKind.FOLLOWERS), actor.ordinal)
                acts = {True: "follow", False: "unfollow"}
                self._change(client, actor, name, f"/api/v1/accounts/{target.id}", acts)

    def _change(
        self, client: Client, actor: Person, name: Name, path: str, acts: dict[bool, str]
    ) -> None:
        wanted = self._random.random() < 0.7
        self._ledger.begin(name, wanted)
        answer = client.post(f"{path}/{acts[wanted]}", token=actor.token)
        if answer.status != 200:
            raise RuntimeError(f"{path}/{acts[wanted]} gave {answer.status}: {answer.data}")
        self._ledger.settle(name, wanted)

    def _post(self, client: Client, actor: Person, text: str) -> None:
        """Post; the text is the idempotency key too, so that trying again posts nothing twice."""
        self._ledger.posts[text] = None
        body = {"status": text}
        answer = client.post(
            "/api/v1/statuses", body, token=actor.token, headers={"Idempotency-Key": text}
        )
        if answer.status != 200:
            raise RuntimeError(f"a post gave {answer.status}: {answer.data}")
        self._ledger.posts[text] = int(answer.data["id"])
        self._ledger.acknowledged += 1

    def _finish_posts(self, client: Client) -> None:
        """Try again what was on its way when the server died."""
        by_name = {person.username: person for person in self._own}
        for text in [text for text, id_ in self._ledger.posts.items() if id_ is None]:
            self._post(client, by_name[text.split()[0]], text)


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
        self._statuses = write_statuses(store, authors, "Like this")
        store.close_now()

    def round(self, *, most: int = 3) -> int:
        """Start the server, kill up to ``most`` times, and check; return how many kills it was.

        Every kill but the last hits one process of the server, which the supervisor brings back;
        the last hits all of them at once.

        Raises:
            RuntimeError: the server gave an answer that no server may give.
        """
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

    def _under_load(self, server: Server, most: int) -> int:
        over = threading.Event()
        writers = self._writers(over)
        for writer in writers:
            writer.start()
        kills = self._random.randint(1, most)
        for _ in range(kills - 1):
            time.sleep(self._random.uniform(0.01, 0.25))
            self._kill_one(server)
        time.sleep(self._random.uniform(0.01, 0.25))
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
        store.close_now()
        self._check_folder()

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
        twice = database.rows("SELECT text FROM statuses GROUP BY author, text HAVING count(*) > 1")
        known = {text for ledger in self._ledgers for text in ledger.posts}
        self.report.doubled += [f"the status {row[0]!r}" for row in twice if row[0] in known]
        found = verify(database, random=self._random)
        self.report.differences += [str(difference) for difference in found]
        database.close()
