"""Many whole sets read one after another, each once, with nothing kept of them in memory.

The head of a set says what it is; what its journal says is applied only where there is a journal.
A large set is read from its segments or from its chunks, whichever are fewer for its members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from rostra.domain.account_set import SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import (
    CHUNK_BITS,
    Members,
    decode_chunk,
    decode_header,
    decode_members,
    entries_count,
    is_header,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.loaded_sets import LoadedSet
from rostra.storage.rows import chunked

A_CHUNK: Final = 1000
"""So many members make a chunk cheaper to read than the segments they are in."""

Load = Callable[[SetKey, Database], LoadedSet]


def sizes(kind: int, owners: Sequence[int], database: Database, load: Load) -> dict[int, int]:
    """Return the sizes of sets of a kind; see ``MemberSets.sizes``."""
    found: dict[int, int] = {}
    for holes, lot in chunked(owners):
        found.update(dict.fromkeys(lot, 0))
        for owner, part in database.rows(
            f"SELECT owner, data FROM packed WHERE owner IN ({holes}) AND kind = ? AND part = 0",
            (*lot, kind),
        ):
            if not is_header(part):
                found[owner] = entries_count(part)
            else:
                found[owner] = len(load(SetKey(owner, kind), database))
        for owner in _with_journal(kind, holes, lot, database):
            found[owner] = len(load(SetKey(owner, kind), database))
    return found


def members(
    kind: int, owners: Sequence[int], database: Database, load: Load
) -> Iterator[tuple[int, Members]]:
    """Yield the members of sets of a kind, owner after owner; see ``MemberSets.stream``."""
    highest = database.value("SELECT MAX(ordinal) FROM accounts") or 0
    for holes, lot in chunked(owners):
        packed: dict[int, bytes] = {}
        for owner, part in database.rows(
            f"SELECT owner, data FROM packed WHERE owner IN ({holes}) AND kind = ? "
            "ORDER BY owner, part",
            (*lot, kind),
        ):
            packed[owner] = packed.get(owner, b"") + part
        written = _with_journal(kind, holes, lot, database)
        for owner in lot:
            key = SetKey(owner, kind)
            if owner in written:
                for _, block in load(key, database).blocks(database):
                    yield owner, block
            elif owner in packed:
                for block in _packed_members(key, packed[owner], highest, database, load):
                    yield owner, block


def _with_journal(kind: int, holes: str, lot: tuple[int, ...], database: Database) -> set[int]:
    rows = database.rows(
        f"SELECT DISTINCT owner FROM journal WHERE owner IN ({holes}) AND kind = ?", (*lot, kind)
    )
    return {owner for (owner,) in rows}


def _packed_members(
    key: SetKey, record: bytes, highest: int, database: Database, load: Load
) -> Iterator[Members]:
    try:
        if not is_header(record):
            yield decode_members(record)
            return
        header = decode_header(record)
        if header.size > A_CHUNK * ((highest >> CHUNK_BITS) + 1):
            yield from _from_chunks(key, database)
        elif header.tombstones:
            for _, block in load(key, database).blocks(database):
                yield block
        else:
            yield from _from_segments(key, database)
    except StoreCorrupt as error:
        raise StoreCorrupt(error.message, log=f"{key}: {error}; run rostra doctor") from error


def _from_chunks(key: SetKey, database: Database) -> Iterator[Members]:
    for (record,) in database.iterate(
        "SELECT data FROM chunks WHERE owner = ? AND kind = ? ORDER BY chunk", tuple(key)
    ):
        yield np.frombuffer(decode_chunk(record).to_array(), dtype=np.uint32)


def _from_segments(key: SetKey, database: Database) -> Iterator[Members]:
    for (record,) in database.iterate(
        "SELECT data FROM segments WHERE owner = ? AND kind = ? ORDER BY first", tuple(key)
    ):
        yield decode_members(record)
