"""Bulk loading: whole sets and whole graphs written straight into the packed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from itertools import repeat
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rostra.domain.account_set import MIRRORS, SetKey
from rostra.domain.errors import Invalid
from rostra.domain.events import EverythingReplaced, SetReplaced
from rostra.domain.ids import TICKS_PER_MS
from rostra.domain.packing import Members, Positions, encode_entries, encode_singletons, spread
from rostra.storage.database.sqlite import Database
from rostra.storage.packed import SMALL_MAX, packed_parts, store_large, store_set
from rostra.storage.packer import PackingTransaction
from rostra.storage.sets import load

ROWS_A_WRITE: Final = 500_000
Progress = Callable[[int, int], None]


class BulkTransaction(PackingTransaction, Protocol):
    """What a bulk load needs of a transaction."""


class BulkStore(Protocol):
    """What a bulk load needs of the store."""

    def exclusive(self) -> AbstractContextManager[BulkTransaction]: ...


def _quiet(done: int, total: int) -> None:
    """Show no progress."""


def load_set(store: BulkStore, key: SetKey, members: Members, times: NDArray[np.int64]) -> int:
    """Add many members to one set that has no mirror, in one transaction; return how many were new.

    Args:
        store: the open store.
        key: the set.
        members: [n] ordinals, in any order; one given twice joins at its first time.
        times: [n] milliseconds since 1970, in any order. Entries of the same tick keep ascending,
        unique
            positions; members that are in the set already keep their place.

    Raises:
        Invalid: the arrays differ in length, or the kind is mirrored (use ``load_edges``).
    """
    if key.kind in MIRRORS:
        raise Invalid("%(words)s has a mirror: load its edges with load_edges", words=key)
    _check(members, times)
    with store.exclusive() as tx:
        added = merge_set(tx, key, members, times * TICKS_PER_MS)
        tx.announce(SetReplaced(key.owner, key.kind))
    return added


def load_edges(
    store: BulkStore,
    kind: int,
    owners: Members,
    members: Members,
    times: NDArray[np.int64],
    progress: Progress = _quiet,
) -> None:
    """Load a graph: each edge into the set of its owner, and mirrored into the set of its member.

    Sets of these kinds that are there already are merged one by one, which is slower. All runs in
    one transaction, so that both sides of every edge are there, or none.

    Args:
        store: the open store.
        kind: a mirrored kind.
        owners: [n] ordinals, the owners of sets of ``kind``.
        members: [n] ordinals; (owner, member) pairs are unique.
        times: [n] milliseconds since 1970.
        progress: called with (edge sides written, edge sides in all).

    Raises:
        Invalid: the arrays differ in length, or the kind has no mirror.
    """
    if kind not in MIRRORS:
        raise Invalid("sets of kind %(words)s have no mirror: load them with load_set", words=kind)
    _check(members, times)
    _check(owners, times)
    total, done = 2 * len(members), 0

    def written(sides: int) -> None:
        nonlocal done
        done += sides
        progress(done, total)

    with store.exclusive() as tx:
        load_side(tx, kind, owners, members, times, written)
        load_side(tx, MIRRORS[kind], members, owners, times, written)
        tx.announce(EverythingReplaced())


def load_side(
    tx: BulkTransaction,
    kind: int,
    owners: Members,
    members: Members,
    times: NDArray[np.int64],
    progress: Callable[[int], None],
) -> None:
    """Write one side of many edges, owner by owner, telling how many each time."""
    order = np.lexsort((times, owners))
    owners, members, positions = owners[order], members[order], times[order] * TICKS_PER_MS
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]) if len(owners) else owners
    ends = np.r_[starts[1:], len(owners)]
    fresh = tx.database.row("SELECT 1 FROM packed WHERE kind = ? LIMIT 1", (kind,)) is None and (
        tx.database.row("SELECT 1 FROM journal WHERE kind = ? LIMIT 1", (kind,)) is None
    )
    singles = (starts + 1 == ends) & fresh
    for lot in np.array_split(
        np.flatnonzero(singles), np.count_nonzero(singles) // ROWS_A_WRITE + 1
    ):
        at = starts[lot]
        records = encode_singletons(positions[at], members[at])
        write_rows(tx.database, zip(owners[at].tolist(), repeat(kind), repeat(0), records))
        progress(len(lot))
    for start, end in zip(starts[~singles].tolist(), ends[~singles].tolist(), strict=True):
        key = SetKey(int(owners[start]), kind)
        if not fresh:
            merge_set(tx, key, members[start:end], positions[start:end])
        elif end - start > SMALL_MAX:
            store_large(key, spread(positions[start:end]), members[start:end], tx.database)
        else:
            record = encode_entries(spread(positions[start:end]), members[start:end])
            write_rows(tx.database, packed_parts(key, record))
        progress(end - start)


def write_rows(database: Database, rows: Iterable[tuple[int, int, int, bytes]]) -> None:
    """Write rows of packed records."""
    database.run_many("INSERT INTO packed (owner, kind, part, data) VALUES (?, ?, ?, ?)", rows)


def merge_set(tx: BulkTransaction, key: SetKey, members: Members, positions: Positions) -> int:
    """Merge entries and the journal into the packed form of a set; return how many are new."""
    old_positions, old_members = whole(key, tx.database)
    order = np.argsort(positions, kind="stable")
    members, positions = members[order], positions[order]
    _, first_seen = np.unique(members, return_index=True)
    fresh = np.zeros(len(members), dtype=bool)
    fresh[first_seen] = True
    fresh &= ~np.isin(members, old_members)
    members, positions = members[fresh], positions[fresh]
    all_positions = np.concatenate((old_positions, positions))
    all_members = np.concatenate((old_members, members))
    merged = np.argsort(all_positions, kind="stable")
    all_positions, all_members = spread(all_positions[merged]), all_members[merged]
    for table in ("journal", "segments", "chunks"):
        tx.database.run(f"DELETE FROM {table} WHERE owner = ? AND kind = ?", tuple(key))
    store_set(key, all_positions, all_members, tx.database)
    return len(members)


def whole(key: SetKey, database: Database) -> tuple[Positions, Members]:
    """Return all entries of a set, packed and in the journal, in order."""
    blocks = list(load(key, database).blocks(database))
    if not blocks:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)
    positions, members = map(np.concatenate, zip(*blocks, strict=True))
    return positions, members


def _check(values: Members, times: NDArray[np.int64]) -> None:
    if len(values) != len(times):
        raise Invalid(
            "%(num)s members but %(all)s times: give one time a member",
            num=len(values),
            all=len(times),
        )
