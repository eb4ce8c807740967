"""Edges lost on the disk of a rehearsal, as by a fault of the disk or of a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rostra.domain.account_set import SetKey
from rostra.domain.errors import Forbidden
from rostra.domain.packing import (
    CHUNK_BITS,
    decode_chunk,
    decode_entries,
    encode_chunk,
    encode_entries,
    is_header,
    pack_change,
    unpack_changes,
)
from rostra.ops.rehearsal import marker
from rostra.storage.database.sqlite import Database
from rostra.storage.packed import packed_record
from rostra.storage.store import DATABASE_FILE


def lose(data: Path, key: SetKey, member: int) -> None:
    """Let one side of an edge be gone from the disk, with nothing in the journal or feed of it.

    Of a large set the chunk loses it; its segments are left alone.

    Raises:
        Forbidden: the folder is no rehearsal.
    """
    with _changing(data) as database:
        _lose_from_journal(database, key, member)
        record = packed_record(key, database)
        if record is not None and is_header(record):
            _lose_from_chunk(database, key, member)
        elif record is not None:
            _lose_from_row(database, key, member, record)


def damage_chunk(data: Path, key: SetKey, member: int) -> None:
    """Let the chunk of a large set that has a member be unreadable on the disk.

    Raises:
        Forbidden: the folder is no rehearsal.
    """
    with _changing(data) as database:
        place = (*key, member >> CHUNK_BITS)
        where = "WHERE owner = ? AND kind = ? AND chunk = ?"
        record = bytearray(database.value(f"SELECT data FROM chunks {where}", place))
        record[-1] ^= 1
        database.run(f"UPDATE chunks SET data = ? {where}", (bytes(record), *place))


@contextmanager
def _changing(data: Path) -> Iterator[Database]:
    if not marker.is_marked(data):
        raise Forbidden(f"{data} is no rehearsal: nothing is lost in any other folder")
    database = Database(data / DATABASE_FILE, writable=True)
    database.run("BEGIN IMMEDIATE")
    yield database
    database.run("COMMIT")
    database.close()


def _lose_from_journal(database: Database, key: SetKey, member: int) -> None:
    rows = database.rows(
        "SELECT seq, entries FROM journal WHERE owner = ? AND kind = ?", tuple(key)
    )
    for seq, entries in rows:
        kept = [change for change in unpack_changes(entries) if change.member != member]
        place = (*key, seq)
        if kept:
            packed = b"".join(pack_change(*change) for change in kept)
            database.run(
                "UPDATE journal SET entries = ? WHERE owner = ? AND kind = ? AND seq = ?",
                (packed, *place),
            )
        else:
            database.run("DELETE FROM journal WHERE owner = ? AND kind = ? AND seq = ?", place)


def _lose_from_chunk(database: Database, key: SetKey, member: int) -> None:
    place = (*key, member >> CHUNK_BITS)
    where = "WHERE owner = ? AND kind = ? AND chunk = ?"
    chunk = decode_chunk(database.value(f"SELECT data FROM chunks {where}", place))
    chunk.discard(member)
    database.run(f"UPDATE chunks SET data = ? {where}", (encode_chunk(chunk), *place))


def _lose_from_row(database: Database, key: SetKey, member: int, record: bytes) -> None:
    positions, members = decode_entries(record)
    kept = members != member
    database.run("DELETE FROM packed WHERE owner = ? AND kind = ?", tuple(key))
    if kept.any():
        data = encode_entries(positions[kept], members[kept])
        database.run(
            "INSERT INTO packed (owner, kind, part, data) VALUES (?, ?, 0, ?)", (*key, data)
        )
