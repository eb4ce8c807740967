"""A walk over every stored set in the order of its key, checking each, in bounded memory.

The many sets of one member are read thousands at a time with numpy; the others one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rostra.domain.account_set import SetKey
from rostra.domain.packing import SINGLETON, Members, decode_singletons, is_header
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import DAMAGE, Difference
from rostra.storage.integrity.edge_sums import Edges
from rostra.storage.integrity.set_checks import check_row, check_set

BATCH: Final = 16_384
HELD: Final = 1 << 16
Row = tuple[int, int, bytes]
Wanted = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""(owners [n], kinds [n]) → which of these sets to look at [n]."""


class Walk:
    """Checks all sets and yields their edges.

    Args:
        database: a connection within one snapshot.
        report: called with each difference.
        wanted: which sets to look at; all when not given.
        progress: called with the number of packed rows read so far.
    """

    def __init__(
        self,
        database: Database,
        report: Callable[[Difference], None],
        wanted: Wanted | None = None,
        progress: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._database = database
        self._tell = report
        self._wanted = wanted
        self._progress = progress
        self._held: dict[int, list[tuple[int, Members]]] = {}
        self._held_members = 0
        self.damaged: set[SetKey] = set()
        self.sets = 0

    def edges(self) -> Iterator[Edges]:
        """Yield the members of every set after its journal, those of damaged sets left out."""
        special = _Ahead(self._database)
        done = 0
        for parts, rows in _records(self._database):
            apart = set(special.until(SetKey(*rows[-1][:2])))
            plain = [row for row in rows if row[:2] not in apart] if apart else rows
            yield from self._singles(self._chosen(plain))
            yield from self._one_by_one(sorted(apart))
            done += parts
            self._progress(done)
        yield from self._one_by_one(special.rest())
        yield from self._flush()

    def _one_by_one(self, keys: list[SetKey] | Iterator[SetKey]) -> Iterator[Edges]:
        for key in keys:
            if self._wanted is None or self._wanted(*_arrays([key]))[0]:
                self.sets += 1
                yield from self._whole(key)

    def _whole(self, key: SetKey) -> Iterator[Edges]:
        # Everything about a set is checked before the first of its members comes.
        for members in check_set(key, self._database, self._report):
            if key not in self.damaged:
                yield from self._hold(key, members)

    def _chosen(self, rows: list[Row]) -> list[Row]:
        if self._wanted is None or not rows:
            return rows
        keep = self._wanted(*_arrays(rows)).tolist()
        return [row for row, kept in zip(rows, keep, strict=True) if kept]

    def _singles(self, rows: list[Row]) -> Iterator[Edges]:
        """Check rows that nothing else is stored beside."""
        if not rows:
            return
        self.sets += len(rows)
        owners, kinds = _arrays(rows)
        data = np.frombuffer(b"".join([row[2] for row in rows]), dtype=np.uint8)
        lengths = np.fromiter(map(len, (row[2] for row in rows)), dtype=np.int64, count=len(rows))
        starts = np.cumsum(lengths) - lengths
        others = np.ones(len(rows), dtype=np.bool_)
        for size in range(5):
            of_size = np.flatnonzero(lengths == SINGLETON + size)
            if len(of_size):
                members, sound = decode_singletons(data, starts[of_size], size)
                which = of_size[sound]
                others[which] = False
                yield from _by_kind(owners[which], kinds[which], members[sound])
        for index in np.flatnonzero(others).tolist():
            yield from self._row(SetKey(*rows[index][:2]), rows[index][2])

    def _row(self, key: SetKey, record: bytes) -> Iterator[Edges]:
        if record and is_header(record):
            yield from self._whole(key)
            return
        entries = check_row(key, record, self._report)
        if entries is not None:
            yield from self._hold(key, entries[1])

    def _hold(self, key: SetKey, members: Members) -> Iterator[Edges]:
        """Gather the members of many sets, so that what is yielded is worth the trouble."""
        self._held.setdefault(key.kind, []).append((key.owner, members))
        self._held_members += len(members)
        if self._held_members > HELD:
            yield from self._flush()

    def _flush(self) -> Iterator[Edges]:
        for kind, held in self._held.items():
            counts = [len(members) for _, members in held]
            owners = np.repeat(np.array([owner for owner, _ in held], dtype=np.int64), counts)
            yield Edges(kind, owners, np.concatenate([members for _, members in held]))
        self._held.clear()
        self._held_members = 0

    def _report(self, difference: Difference) -> None:
        if difference.set is not None and difference.problem in DAMAGE:
            self.damaged.add(difference.set)
        self._tell(difference)


def _records(database: Database) -> Iterator[tuple[int, list[Row]]]:
    """Yield (rows read, [(owner, kind, packed record)]) of all sets, in the order of their keys."""
    cursor = database.iterate(
        "SELECT owner, kind, part, data FROM packed ORDER BY owner, kind, part"
    )
    rest: list[tuple[int, int, int, bytes]] = []
    while parts := list(islice(cursor, BATCH)):
        parts = rest + parts
        rest = [parts.pop()]  # more of its set may follow
        while parts and parts[-1][:2] == rest[0][:2]:
            rest.insert(0, parts.pop())
        if parts:
            yield len(parts), _joined(parts)
    if rest:
        yield len(rest), _joined(rest)


def _joined(parts: list[tuple[int, int, int, bytes]]) -> list[Row]:
    if all(part[2] == 0 for part in parts):
        return [(owner, kind, data) for owner, kind, _, data in parts]
    records: dict[tuple[int, int], bytes] = {}
    for owner, kind, _, data in parts:
        records[owner, kind] = records.get((owner, kind), b"") + data
    return [(owner, kind, data) for (owner, kind), data in records.items()]


class _Ahead:
    """The sets that have more than a packed row, in order."""

    def __init__(self, database: Database) -> None:
        self._keys = map(
            SetKey._make,
            database.iterate(
                "SELECT owner, kind FROM journal UNION SELECT owner, kind FROM segments "
                "UNION SELECT owner, kind FROM chunks ORDER BY owner, kind"
            ),
        )
        self._next = next(self._keys, None)

    def until(self, last: SetKey) -> Iterator[SetKey]:
        """Yield the next ones, ``last`` included."""
        while self._next is not None and self._next <= last:
            yield self._next
            self._next = next(self._keys, None)

    def rest(self) -> Iterator[SetKey]:
        """Yield all that are left."""
        while self._next is not None:
            yield self._next
            self._next = next(self._keys, None)


def _arrays(rows: list[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (owners [n], kinds [n]) of rows that begin with them."""
    owners = np.array([row[0] for row in rows], dtype=np.int64)
    return owners, np.array([row[1] for row in rows], dtype=np.int64)


def _by_kind(
    owners: NDArray[np.int64], kinds: NDArray[np.int64], members: Members
) -> Iterator[Edges]:
    for kind in np.unique(kinds).tolist():
        of_kind = kinds == kind
        yield Edges(kind, owners[of_kind], members[of_kind])
