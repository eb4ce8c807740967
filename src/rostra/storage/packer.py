"""The packer: moves journal rows into the packed form, a bounded step a transaction.

A kill between any two steps leaves the journal and the packed form in agreement:

- A *small* set is merged and written whole, and its journal rows go, in the same transaction; many
  sets a step.
- A *large* set goes in two stages. First its chunks, a few hundred a step: a chunk that has the
  journal's changes already is told nothing new by replaying them, so the journal stays the truth
  meanwhile. Then, in one last step, the new entries become segments, the removals tombstones, the
  header moves on and the journal rows go.

When tombstones have gathered, the segments are swept: rewritten without the void entries, a few a
step.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

import numpy as np
import structlog
from pyroaring import BitMap

from rostra.domain.account_set import SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.events import AnyEvent, SetPacked
from rostra.domain.packing import (
    ADD,
    Change,
    Header,
    count_changes,
    decode_chunk,
    decode_entries,
    decode_header,
    encode_header,
    is_header,
    unpack_changes,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.packed import (
    append_segments,
    append_to_last_segment,
    as_arrays,
    packed_record,
    store_chunks,
    store_entries,
    store_packed,
)
from rostra.storage.progress import ProgressStore, ProgressStoreWriter

log = structlog.get_logger()

SETS_A_STEP: Final = 250
CHANGES_A_STEP: Final = 20_000
CHANGES_OF_LARGE: Final = 65_536
CHUNKS_A_STEP: Final = 256
LARGE_WAITS_FOR: Final = 2_000
SWEEP_FROM: Final = 4_096
SEGMENTS_A_STEP: Final = 64
WORK: Final = "packing"


class PackingTransaction(Protocol):
    """What the packer needs of a transaction."""

    database: Database
    seq: int

    def announce(self, event: AnyEvent) -> None: ...


class Packer:
    """Packs a data folder a step at a time; a step is a change for ``Store.write``.

    It remembers where in the journal it was, so that each set has its turn; nothing it remembers
    is needed for what is stored to be right. A large set takes several steps that build upon each
    other: each puts its mark in the database, and the next goes on only when it finds that mark
    there. So a step whose commit failed, or another packer in between, makes it begin anew.

    Args:
        eager: pack large sets whatever little the journal has of them.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self._eager = eager
        self._cursor = SetKey(-1, -1)
        self._plan: Iterator[Callable[[PackingTransaction], None]] = iter(())
        self._name = secrets.token_hex(8)
        self._steps = 0

    def step(self, tx: PackingTransaction) -> bool:
        """Do one bounded piece of work; return False when a whole round found nothing to pack."""
        if self._planned_step(tx):
            return True
        found = self._round(tx)
        if not found and self._cursor != SetKey(-1, -1):
            self._cursor = SetKey(-1, -1)
            found = self._round(tx)
        return found

    def _planned_step(self, tx: PackingTransaction) -> bool:
        """Take the next step of the plan, unless there is none or the last one is not there."""
        if ProgressStore(tx.database).get(WORK) != self._mark():
            self._plan = iter(())
        step = next(self._plan, None)
        if step is not None:
            self._sign(tx)
            step(tx)
        return step is not None

    def _mark(self) -> str:
        return f"{self._name} {self._steps}"

    def _sign(self, tx: PackingTransaction) -> None:
        self._steps += 1
        ProgressStoreWriter(tx.database).put(WORK, self._mark())

    def _round(self, tx: PackingTransaction) -> bool:
        """Pack small sets from the cursor on, until the step is full or a large set is due."""
        changes = sets = 0
        while sets < SETS_A_STEP and changes < CHANGES_A_STEP:
            key = next_in_journal(self._cursor, tx.database)
            if key is None:
                self._cursor = SetKey(-1, -1) if sets else self._cursor
                return sets > 0
            before, self._cursor = self._cursor, key
            record = packed_record(key, tx.database)
            size = journal_size(key, tx.database)
            if record is not None and is_header(record):
                if self._eager or size >= LARGE_WAITS_FOR:
                    self._plan = plan_large(key, journal_prefix(key, CHANGES_OF_LARGE, tx))
                    self._sign(tx)
                    return True
                continue
            through = tx.seq
            if size > CHANGES_A_STEP:
                through = journal_prefix(key, CHANGES_A_STEP, tx)
                self._cursor = before
            try:
                pack_small(key, record, through, tx)
            except StoreCorrupt as error:  # the others need not wait for its repair
                log.error("set_not_packed", set=str(key), error=str(error))
                self._cursor = key
                continue
            changes += size
            sets += 1
        return True


def pack_everything(write: Callable[[Callable[[PackingTransaction], bool]], bool]) -> int:
    """Pack until nothing is left; return the number of steps.

    Args:
        write: runs a step in a transaction (``SqliteStore.write_now``).
    """
    packer = Packer(eager=True)
    steps = 0
    while write(packer.step):
        steps += 1
    return steps


# -- the journal -----------------------------------------------------------------------------------


def next_in_journal(after: SetKey, database: Database) -> SetKey | None:
    """Return the first set after ``after`` that has journal rows."""
    row = database.row(
        "SELECT owner, kind FROM journal WHERE (owner, kind) > (?, ?) ORDER BY owner, kind LIMIT 1",
        tuple(after),
    )
    return None if row is None else SetKey(*row)


def journal_size(key: SetKey, database: Database) -> int:
    """Return how many changes of a set wait in the journal."""
    length = database.value(
        "SELECT COALESCE(SUM(LENGTH(entries)), 0) FROM journal WHERE owner = ? AND kind = ?",
        tuple(key),
    )
    return count_changes(length)


def journal_prefix(key: SetKey, limit: int, tx: PackingTransaction) -> int:
    """Return up to which commit to pack a set, for about ``limit`` changes, one row at least."""
    through, changes = tx.seq, 0
    for seq, length in tx.database.rows(
        "SELECT seq, LENGTH(entries) FROM journal WHERE owner = ? AND kind = ? AND seq <= ? "
        "ORDER BY seq",
        (*key, tx.seq),
    ):
        if changes and changes + count_changes(length) > limit:
            break
        through = seq
        changes += count_changes(length)
    return through


def journal_until(key: SetKey, seq: int, database: Database) -> Iterator[Change]:
    """Yield the changes of a set that were committed up to ``seq``, in order."""
    for (entries,) in database.rows(
        "SELECT entries FROM journal WHERE owner = ? AND kind = ? AND seq <= ? ORDER BY seq",
        (*key, seq),
    ):
        yield from unpack_changes(entries)


# -- small sets ------------------------------------------------------------------------------------


def pack_small(key: SetKey, record: bytes | None, through: int, tx: PackingTransaction) -> None:
    """Merge the journal up to a commit into a small set; one that outgrew its row becomes large."""
    entries: dict[int, int] = {}
    if record is not None:
        positions, members = decode_entries(record)
        entries = dict(zip(members.tolist(), positions.tolist(), strict=True))
    for change in journal_until(key, through, tx.database):
        entries.pop(change.member, None)
        if change.op == ADD:
            entries[change.member] = change.position
    store_entries(key, entries, tx.database)
    drop_journal(key, through, tx)


def drop_journal(key: SetKey, through: int, tx: PackingTransaction) -> None:
    """Remove the journal rows up to a commit, which are packed now, and tell everybody."""
    tx.database.run(
        "DELETE FROM journal WHERE owner = ? AND kind = ? AND seq <= ?", (*key, through)
    )
    tx.announce(SetPacked(key.owner, key.kind, through))


# -- large sets ------------------------------------------------------------------------------------


def plan_large(key: SetKey, seq: int) -> Iterator[Callable[[PackingTransaction], None]]:
    """Yield the steps that pack the journal of a large set up to commit ``seq``."""
    touched: list[int] = []

    def look(tx: PackingTransaction) -> None:
        numbers = {change.member >> 16 for change in journal_until(key, seq, tx.database)}
        touched.extend(sorted(numbers))

    yield look
    while touched:
        numbers, touched[:] = set(touched[:CHUNKS_A_STEP]), touched[CHUNKS_A_STEP:]
        yield partial(pack_chunks, key, seq, numbers)
    yield partial(pack_segments, key, seq)
    swept: list[int] = [-1]
    while swept:
        yield partial(sweep, key, swept)


def pack_chunks(key: SetKey, seq: int, numbers: set[int], tx: PackingTransaction) -> None:
    """Replay the journal into some chunks; replaying it again later changes nothing."""
    joined: dict[int, set[int]] = {number: set() for number in numbers}
    left: dict[int, set[int]] = {number: set() for number in numbers}
    for op, member, _ in journal_until(key, seq, tx.database):
        number = member >> 16
        if number in numbers:
            to, off = (joined, left) if op == ADD else (left, joined)
            to[number].add(member)
            off[number].discard(member)

    def updated() -> Iterator[tuple[int, BitMap]]:
        for number in sorted(numbers):
            record = tx.database.value(
                "SELECT data FROM chunks WHERE owner = ? AND kind = ? AND chunk = ?", (*key, number)
            )
            chunk = BitMap() if record is None else decode_chunk(record)
            yield number, (chunk - BitMap(left[number])) | BitMap(joined[number])

    store_chunks(key, updated(), tx.database)


def pack_segments(key: SetKey, seq: int, tx: PackingTransaction) -> None:
    """Turn the journal into segments and tombstones, and drop it."""
    record = packed_record(key, tx.database)
    assert record is not None, "a large set has a header"
    header = decode_header(record)
    added: dict[int, int] = {}
    tombstones, size, newest = dict(header.tombstones), header.size, header.newest
    for op, member, position in journal_until(key, seq, tx.database):
        newest = max(newest, position)
        if op == ADD:
            added[member] = position
            size += 1
        else:
            size -= 1
            if added.pop(member, None) is None:
                tombstones[member] = position
    append_to_last_segment(key, *as_arrays(added), tx.database)
    store_packed(key, encode_header(Header(size, newest, tombstones)), tx.database)
    drop_journal(key, seq, tx)


def sweep(key: SetKey, swept: list[int], tx: PackingTransaction) -> None:
    """Rewrite a few segments without void entries; when all are done, forget the tombstones.

    ``swept`` holds the ``first`` of the last segment done; it is emptied when there is nothing left
    to do. A kill in between costs only the sweeping begun again: a tombstone stays until no segment
    needs it.
    """
    record = packed_record(key, tx.database)
    header = None if record is None or not is_header(record) else decode_header(record)
    if header is None or (swept[0] < 0 and len(header.tombstones) < SWEEP_FROM):
        swept.clear()
        return
    rows = tx.database.rows(
        "SELECT first, data FROM segments WHERE owner = ? AND kind = ? AND first > ? "
        "ORDER BY first LIMIT ?",
        (*key, swept[0], SEGMENTS_A_STEP),
    )
    for first, data in rows:
        sweep_segment(key, first, data, header.tombstones, tx.database)
        swept[0] = first
    if len(rows) < SEGMENTS_A_STEP:
        rest: dict[int, int] = {}
        store_packed(key, encode_header(Header(header.size, header.newest, rest)), tx.database)
        swept.clear()
    tx.announce(SetPacked(key.owner, key.kind, tx.seq))


def sweep_segment(
    key: SetKey, first: int, data: bytes, tombstones: dict[int, int], database: Database
) -> None:
    """Rewrite one segment without its void entries."""
    positions, members = decode_entries(data)
    void = np.fromiter(
        (
            position <= tombstones.get(member, -1)
            for position, member in zip(positions.tolist(), members.tolist(), strict=True)
        ),
        dtype=bool,
        count=len(members),
    )
    if not void.any():
        return
    database.run("DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?", (*key, first))
    if not void.all():
        append_segments(key, positions[~void], members[~void], database)
