"""Repair: puts right what the verifier found, from whatever tells the same thing elsewhere.

Each set is judged again inside the transaction that repairs it, so a server may be running, and a
repair done twice does nothing the second time. An edge that only one side has is added to the
other: an acknowledged write is never dropped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rostra.domain.account_set import MIRRORS, SERVER, SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.domain.events import AnyEvent, EverythingReplaced, SetReplaced, encode
from rostra.domain.words import how_many
from rostra.storage.collected import CollectedStoreWriter
from rostra.storage.database.sqlite import Database, translated
from rostra.storage.differences import (
    DAMAGE,
    MASK_KINDS,
    SEALED,
    Difference,
    Problem,
    told_elsewhere,
)
from rostra.storage.integrity.index_checks import index_statuses_again
from rostra.storage.integrity.ledger_checks import append_lacking
from rostra.storage.integrity.mending import mend_parts
from rostra.storage.integrity.rebuilding import (
    add_missing,
    fold_again,
    from_mirrors,
    replace_with,
    told,
)
from rostra.storage.integrity.word_checks import index_again
from rostra.storage.packer import WORK
from rostra.storage.sets import load
from rostra.storage.store import DATABASE_FILE, LOCK_FILE

PARTS: Final = {
    Problem.DAMAGED_HEADER,
    Problem.DAMAGED_SEGMENT,
    Problem.DAMAGED_CHUNK,
    Problem.MEMBERSHIP,
    Problem.SIZE,
    Problem.NEWEST,
}
CONTENT: Final = {Problem.ORDER, Problem.DOUBLED, Problem.JOURNAL, Problem.LEFTOVERS}
LOST: Final = {Problem.DAMAGED_ROW, Problem.DAMAGED_JOURNAL}
ELSEWHERE: Final = {Problem.MASK, Problem.LOCKED, Problem.BOOST, Problem.FOLLOWED_TAG}
REWRITTEN: Final = {Problem.WORDS, Problem.INDEX, Problem.LEDGER_LACKS}
EDGES_A_TRANSACTION: Final = 20_000

Change = Callable[["RepairTransaction"], list[str]]


class RepairTransaction:
    """A transaction that needs nothing in memory: it works where a store cannot be opened.

    Args:
        database: the connection that writes.
        seq: the newest commit.
        now: the time in ms.
    """

    def __init__(self, database: Database, seq: int, now: int) -> None:
        self.database = database
        self.seq = seq
        self.now = now
        self.events: list[AnyEvent] = []

    def announce(self, event: AnyEvent) -> None:
        """Add an event to the change feed entry of this commit."""
        if event not in self.events:
            self.events.append(event)

    def finish(self) -> None:
        """Write the row of the change feed, when anything changed at all.

        A packer at work on what was repaired begins anew, as its mark is gone: chunks may stand
        before the journal again.
        """
        if self.events:
            self.database.run("DELETE FROM progress WHERE work = ?", (WORK,))
            self.database.run(
                "INSERT INTO feed (seq, last_id, events) "
                "SELECT seq + 1, last_id, ? FROM feed ORDER BY seq DESC LIMIT 1",
                (encode(self.events),),
            )


def repair(folder: Path, differences: Sequence[Difference], *, now: int) -> list[str]:
    """Put right what can be; return what was done and what could not be, a line each.

    Args:
        folder: the data folder; a server may be running on it.
        differences: what ``storage.verifier.verify`` found.
        now: the time in ms.

    Raises:
        Unavailable: the folder cannot be written now.
    """
    database = Database(folder / DATABASE_FILE, writable=True)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        repairing = _Repairing(database, lock, now)
        with translated():
            return [line for step in _plan(differences) for line in repairing.run(step)]
    finally:
        os.close(lock)
        database.close()


class _Repairing:
    def __init__(self, database: Database, lock: int, now: int) -> None:
        self._database = database
        self._lock = lock
        self._now = now

    def run(self, change: Change) -> list[str]:
        """Run one repair in a transaction of its own; a failure leaves everything as it was."""
        try:
            with self._transaction() as tx:
                return change(tx)
        except StoreCorrupt as error:
            return [f"not repaired: {error}"]

    @contextmanager
    def _transaction(self) -> Iterator[RepairTransaction]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self._database.run("BEGIN IMMEDIATE")
            seq = int(self._database.value("SELECT MAX(seq) FROM feed"))
            tx = RepairTransaction(self._database, seq, self._now)
            try:
                yield tx
                tx.finish()
                self._database.run("COMMIT")
            except BaseException:
                if self._database.connection.in_transaction:
                    self._database.run("ROLLBACK")
                raise
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


def _plan(differences: Sequence[Difference]) -> Iterator[Change]:
    """Yield the repairs in the order they build upon each other: sets, then edges between them."""
    for difference in differences:
        if difference.set is None and difference.problem not in REWRITTEN:
            yield _hopeless(difference)
    if any(difference.problem == Problem.WORDS for difference in differences):
        yield lambda tx: [index_again(tx.database, tx.now)]
    if any(difference.problem == Problem.INDEX for difference in differences):
        yield _index_statuses
    if any(difference.problem == Problem.LEDGER_LACKS for difference in differences):
        yield _add_to_ledger
    damaged = set(_sets(differences, DAMAGE))
    content = _sets(differences, CONTENT)
    yield from (_one(_fold_again, key) for key in content if key not in damaged)
    yield from (_one(_mend_parts, key) for key in _sets(differences, PARTS))
    yield from (_one(_fold_again, key) for key in content if key in damaged)
    yield from (_one(_told_again, key) for key in _sets(differences, ELSEWHERE))
    lost = _sets(differences, LOST)
    yield from (_one(_told_again, key) for key in lost if key.kind not in MIRRORS)
    for kind in sorted({key.kind for key in lost if key.kind in MIRRORS}):
        yield _from_mirrors(kind, [key for key in lost if key.kind == kind])
    edges = _places(differences, Problem.MIRROR)
    for start in range(0, len(edges), EDGES_A_TRANSACTION):
        yield _missing_edges(edges[start : start + EDGES_A_TRANSACTION])

    lists = _places(differences, Problem.COLLECTED)
    for start in range(0, len(lists), EDGES_A_TRANSACTION):
        yield _lists(lists[start : start + EDGES_A_TRANSACTION])


def _index_statuses(tx: RepairTransaction) -> list[str]:
    tx.announce(EverythingReplaced())
    return [index_statuses_again(tx.database, tx.now)]


def _add_to_ledger(tx: RepairTransaction) -> list[str]:
    tx.announce(EverythingReplaced())
    return append_lacking(tx.database, tx.now)


def _places(differences: Sequence[Difference], problem: Problem) -> list[tuple[SetKey, int]]:
    return [
        (difference.set, difference.place)
        for difference in differences
        if difference.problem == problem
        and difference.set is not None
        and difference.place is not None
    ]


def _sets(differences: Sequence[Difference], problems: Collection[Problem]) -> list[SetKey]:
    return list(
        dict.fromkeys(
            difference.set
            for difference in differences
            if difference.set is not None and difference.problem in problems
        )
    )


def _one(mend: Callable[[RepairTransaction, SetKey], list[str]], key: SetKey) -> Change:
    def change(tx: RepairTransaction) -> list[str]:
        lines = mend(tx, key)
        tx.announce(EverythingReplaced() if key.owner == SERVER else SetReplaced(*key))
        return [f"{key}: {line}" for line in lines]

    return change


def _hopeless(difference: Difference) -> Change:
    if difference.problem in SEALED:
        what = "what is sealed is never written anew; compare with an export or a backup"
        return lambda tx: [f"not repaired: {difference.detail}; {what}"]
    return lambda tx: [f"not repaired: {difference.detail}; restore a backup"]


def _fold_again(tx: RepairTransaction, key: SetKey) -> list[str]:
    return [fold_again(tx, key)]


def _mend_parts(tx: RepairTransaction, key: SetKey) -> list[str]:
    try:
        lines = mend_parts(tx, key)
    except StoreCorrupt:
        lines = None
    if lines is not None:
        return lines
    if key.kind in MIRRORS:
        return [line for _, line in from_mirrors(tx, [key])]
    if told_elsewhere(key.kind):
        return _told_again(tx, key)
    return ["not repaired: nothing that is intact tells its members; restore a backup"]


def _told_again(tx: RepairTransaction, key: SetKey) -> list[str]:
    if not told_elsewhere(key.kind):
        return ["not repaired: nothing else tells its members; restore a backup"]
    replace_with(tx, key, told(tx, key))
    source = "the record of enforcement" if key.kind in MASK_KINDS else "accounts"
    source = "the statuses" if key.kind == SetKind.BOOSTS else source
    return [f"written anew from {source}"]


def _from_mirrors(kind: int, keys: list[SetKey]) -> Change:
    def change(tx: RepairTransaction) -> list[str]:
        lines = [f"{key}: {line}" for key, line in from_mirrors(tx, keys)]
        for key in keys:
            tx.announce(SetReplaced(*key))
        return lines

    return change


def _missing_edges(edges: list[tuple[SetKey, int]]) -> Change:
    def change(tx: RepairTransaction) -> list[str]:
        lines = []
        for key, added in add_missing(tx, edges):
            tx.announce(SetReplaced(*key))
            what = how_many(added, "member")
            lines.append(f"{key}: {what} added, as the other side of the edge has it")
        return lines

    return change


def _lists(edges: list[tuple[SetKey, int]]) -> Change:
    """Make lists of what accounts like and keep say what the sets say."""

    def change(tx: RepairTransaction) -> list[str]:
        lists = CollectedStoreWriter(tx.database)
        mended = 0
        for key, account in edges:
            position = load(key, tx.database).position(account, tx.database)
            if position is None:
                lists.remove([account], key.kind, key.owner, 0)
            else:
                lists.restore(account, key.kind, key.owner, position)
            mended += 1
        tx.announce(EverythingReplaced())
        entries = how_many(mended, "entry", "entries")
        return [f"{entries} of lists of likes and bookmarks written as their sets say"]

    return change
