"""The packed form of account sets on disk: a row for a small one, more for a large one.

A *small* set is one record of entries in ``packed``. A *large* one has its header there, its
entries in order in ``segments``, and its members as roaring bitmaps in ``chunks``. The records are
those of ``domain/packing.py``; a record of ``packed`` is cut into parts that share pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from pyroaring import BitMap

from rostra.domain.account_set import SetKey
from rostra.domain.packing import (
    Header,
    Members,
    Positions,
    decode_entries,
    encode_chunk,
    encode_entries,
    encode_few,
    encode_header,
    split_chunks,
)
from rostra.storage.database.sqlite import Database

SMALL_MAX: Final = 2048
"""The members of the largest small set."""

SEGMENT: Final = 8192
"""The entries of a full segment."""

PART_BYTES: Final = 1900
"""Rows longer than a quarter of a page of 8 KiB end in an overflow page of their own."""


def packed_record(key: SetKey, database: Database) -> bytes | None:
    """Return the packed record of a set, its parts joined, or None when it has none."""
    parts = database.rows(
        "SELECT data FROM packed WHERE owner = ? AND kind = ? ORDER BY part", tuple(key)
    )
    return b"".join(part for (part,) in parts) if parts else None


def store_set(key: SetKey, positions: Positions, members: Members, database: Database) -> None:
    """Write a whole set in the form its size asks for, replacing the one it had.

    Args:
        key: the set.
        positions: [n] ticks, ascending and unique.
        members: [n] ordinals in that order.
        database: a connection within a transaction.
    """
    if len(members) > SMALL_MAX:
        store_large(key, positions, members, database)
    else:
        store_small(key, dict(zip(members.tolist(), positions.tolist(), strict=True)), database)


def store_entries(key: SetKey, entries: dict[int, int], database: Database) -> None:
    """Do as ``store_set`` does with member → position, in order."""
    if len(entries) > SMALL_MAX:
        store_large(key, *as_arrays(entries), database)
    else:
        store_small(key, entries, database)


def store_small(key: SetKey, entries: dict[int, int], database: Database) -> None:
    """Write a small set (member → position, in order) as its packed row; an empty one has none."""
    if not entries:
        database.run("DELETE FROM packed WHERE owner = ? AND kind = ?", tuple(key))
        return
    store_packed(key, encode_few_or_many(entries), database)


def encode_few_or_many(entries: dict[int, int]) -> bytes:
    """Return the entries record of member → position, in order."""
    if len(entries) <= 16:
        return encode_few(list(entries.values()), list(entries))
    return encode_entries(*as_arrays(entries))


def store_packed(key: SetKey, record: bytes, database: Database) -> None:
    """Write the packed record of a set in place of the one it had."""
    parts = packed_parts(key, record)
    database.run_many(
        "INSERT INTO packed (owner, kind, part, data) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (owner, kind, part) DO UPDATE SET data = excluded.data",
        parts,
    )
    database.run(
        "DELETE FROM packed WHERE owner = ? AND kind = ? AND part >= ?", (*key, len(parts))
    )


def packed_parts(key: SetKey, record: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return the rows (owner, kind, part, data) a packed record is stored as."""
    return [
        (key.owner, key.kind, part, record[start : start + PART_BYTES])
        for part, start in enumerate(range(0, len(record), PART_BYTES))
    ]


def as_arrays(entries: dict[int, int]) -> tuple[Positions, Members]:
    """Return (positions [n], members [n]) of member → position."""
    count = len(entries)
    return (
        np.fromiter(entries.values(), dtype=np.int64, count=count),
        np.fromiter(entries, dtype=np.uint32, count=count),
    )


# -- large sets ------------------------------------------------------------------------------------


def store_large(key: SetKey, positions: Positions, members: Members, database: Database) -> None:
    """Write a set as header, segments and chunks, replacing whatever form it had.

    Args:
        key: the set.
        positions: [n] ticks, ascending and unique.
        members: [n] ordinals in that order.
        database: a connection within a transaction.
    """
    for table in ("segments", "chunks"):
        database.run(f"DELETE FROM {table} WHERE owner = ? AND kind = ?", tuple(key))
    append_segments(key, positions, members, database)
    store_chunks(key, split_chunks(BitMap(members)), database)
    store_packed(key, encode_header(Header(len(members), int(positions[-1]))), database)


def append_segments(
    key: SetKey, positions: Positions, members: Members, database: Database
) -> None:
    """Write entries as new segments."""
    database.run_many(
        "INSERT INTO segments (owner, kind, first, data) VALUES (?, ?, ?, ?)",
        (
            (
                *key,
                int(positions[start]),
                encode_entries(
                    positions[start : start + SEGMENT], members[start : start + SEGMENT]
                ),
            )
            for start in range(0, len(members), SEGMENT)
        ),
    )


def append_to_last_segment(
    key: SetKey, positions: Positions, members: Members, database: Database
) -> None:
    """Add entries after the newest segment, filling it up first."""
    if not len(members):
        return
    row = database.row(
        "SELECT first, data FROM segments WHERE owner = ? AND kind = ? ORDER BY first DESC LIMIT 1",
        tuple(key),
    )
    if row is not None:
        first, record = row
        old_positions, old_members = decode_entries(record)
        if len(old_members) < SEGMENT:
            database.run(
                "DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?", (*key, first)
            )
            positions = np.concatenate((old_positions, positions))
            members = np.concatenate((old_members, members))
    append_segments(key, positions, members, database)


def store_chunks(key: SetKey, chunks: Iterator[tuple[int, BitMap]], database: Database) -> None:
    """Write chunks (number, members) in place of those of the same numbers; empty ones go."""
    for number, members in chunks:
        if members:
            database.run(
                "INSERT INTO chunks (owner, kind, chunk, data) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (owner, kind, chunk) DO UPDATE SET data = excluded.data",
                (*key, number, encode_chunk(members)),
            )
        else:
            database.run(
                "DELETE FROM chunks WHERE owner = ? AND kind = ? AND chunk = ?", (*key, number)
            )
