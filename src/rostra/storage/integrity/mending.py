"""Mending a large set in place: its header, segments and chunks, each from the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import (
    ADD,
    CHUNK_BITS,
    Header,
    Members,
    Positions,
    decode_entries,
    decode_header,
    encode_header,
    split_chunks,
    spread,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference
from rostra.storage.integrity.set_checks import SegmentCheck, bitmap_of, members_of, read_chunks
from rostra.storage.packer import (
    PackingTransaction,
    append_segments,
    as_arrays,
    store_chunks,
    store_packed,
)
from rostra.storage.sets import journal_changes, load, packed_record

ABOVE_ALL: Final = 2**47
"""Above every position: the first position of a segment has six bytes."""


def _unheard(difference: Difference) -> None:
    """The verifier has told of it."""


def mend_parts(tx: PackingTransaction, key: SetKey) -> list[str] | None:
    """Put right the header, segments and chunks of a large set; return what was done.

    None means that too much of it is damaged: its members must be told from elsewhere.
    """
    header, broken = _header(key, tx.database), _broken_segments(key, tx.database)
    by_chunks = _packed_by_chunks(key, tx.database)
    by_segments = None
    if header is not None and not broken:
        by_segments = segment_check(key, header, tx.database).alive
    members = _judge(header, by_segments, by_chunks)
    if members is None:
        return None
    done = []
    if header is None:
        header = _new_header(key, members, tx.database)
        done.append("header written anew from segments and chunks")
    for first in broken:
        tx.database.run(
            "DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?", (*key, first)
        )
    lost = members - segment_check(key, header, tx.database).alive
    if lost:
        done.append(_bring_back(tx, key, header, lost, broken))
    if _write_chunks(tx, key, members):
        done.append("chunks rebuilt from segments")
    size = len(members)
    newest = max(header.newest, _last_position(key, tx.database))
    if (size, newest) != (header.size, header.newest):
        done.append(f"header corrected: {size} members, newest at {newest}")
    fresh = Header(size, newest, header.tombstones)
    store_packed(key, encode_header(fresh), tx.database)
    return done


def _judge(
    header: Header | None, by_segments: BitMap | None, by_chunks: BitMap | None
) -> BitMap | None:
    """Return the members of the packed form, by what is intact; nobody is left out in doubt."""
    if by_segments is None or by_chunks is None or header is None:
        return by_chunks if by_chunks is not None else by_segments
    if len(by_segments) == header.size:
        return by_segments
    if len(by_chunks) == header.size:
        return by_chunks
    return by_segments | by_chunks


# -- reading what is there -----------------------------------------------------------------------


def _header(key: SetKey, database: Database) -> Header | None:
    record = packed_record(key, database)
    try:
        return decode_header(record) if record else None
    except StoreCorrupt:
        return None


def _segments(key: SetKey, database: Database) -> Iterator[tuple[int, Positions, Members]]:
    """Yield (first, positions, members) of the segments that are intact."""
    for first, record in database.iterate(
        "SELECT first, data FROM segments WHERE owner = ? AND kind = ? ORDER BY first", tuple(key)
    ):
        try:
            positions, members = decode_entries(record)
        except StoreCorrupt:
            continue
        yield first, positions, members


def _broken_segments(key: SetKey, database: Database) -> list[int]:
    sound = {first for first, _, _ in _segments(key, database)}
    rows = database.rows(
        "SELECT first FROM segments WHERE owner = ? AND kind = ? ORDER BY first", tuple(key)
    )
    return [first for (first,) in rows if first not in sound]


def segment_check(key: SetKey, header: Header, database: Database) -> SegmentCheck:
    """Return what reading all segments gives."""
    check = SegmentCheck(key, header, database, _unheard)
    for _ in check.blocks():
        pass
    return check


def _packed_by_chunks(key: SetKey, database: Database) -> BitMap | None:
    """Return the members of the packed form by the chunks; None when one is damaged.

    Chunks may be ahead of the journal. Who it adds first was not there before it, and who it
    removes first was.
    """
    chunks = read_chunks(key, database, _unheard)
    if chunks is None:
        return None
    begins: dict[int, int] = {}
    for op, member, _ in journal_changes(key, database):
        begins.setdefault(member, op)
    chunks -= BitMap([member for member, op in begins.items() if op == ADD])
    chunks |= BitMap([member for member, op in begins.items() if op != ADD])
    return chunks


def _last_position(key: SetKey, database: Database) -> int:
    last = -1
    for _, positions, _ in _segments(key, database):
        last = max(last, int(positions[-1]))
    return last


# -- writing it anew -----------------------------------------------------------------------------


def _new_header(key: SetKey, members: BitMap, database: Database) -> Header:
    """Return the header that makes void what is not a member, and all but its newest entry."""
    seen, again, newest = BitMap(), BitMap(), -1
    for _, positions, of_segment in _segments(key, database):
        fresh = bitmap_of(of_segment)
        again |= seen & fresh
        seen |= fresh
        newest = max(newest, int(positions[-1]))
    doubtful = members_of(again | (seen - members))
    places: dict[int, list[int]] = {}
    for _, positions, of_segment in _segments(key, database):
        at = np.flatnonzero(np.isin(of_segment, doubtful))
        for member, position in zip(of_segment[at].tolist(), positions[at].tolist(), strict=True):
            places.setdefault(member, []).append(position)
    tombstones = {member: at[-2] if member in members else at[-1] for member, at in places.items()}
    return Header(len(members), newest, tombstones)


def _write_chunks(tx: PackingTransaction, key: SetKey, members: BitMap) -> bool:
    """Write the chunks anew where they do not hold the members of the packed form."""
    odd: list[Difference] = []
    read_chunks(key, tx.database, odd.append)
    if not odd and _packed_by_chunks(key, tx.database) == members:
        return False
    tx.database.run("DELETE FROM chunks WHERE owner = ? AND kind = ?", tuple(key))
    store_chunks(key, split_chunks(members), tx.database)
    return True


def _bring_back(
    tx: PackingTransaction, key: SetKey, header: Header, lost: BitMap, broken: list[int]
) -> str:
    """Give members that no segment has any more an entry again, at the other side's position."""
    start = broken[0] if broken else _first_position(key, tx.database) - len(lost)
    entries: dict[int, int] = {}
    unknown = 0
    for index, member in enumerate(lost):
        position = _position_elsewhere(key, member, tx.database)
        unknown += position is None
        entries[member] = start + index if position is None else position
    put_entries(tx, key, header, entries)
    order = f"; the order of {unknown} of them is lost" if unknown else ""
    return f"{len(lost)} members of lost segments written anew{order}"


def _position_elsewhere(key: SetKey, member: int, database: Database) -> int | None:
    if key.kind not in MIRRORS:
        return None
    try:
        return load(key.mirror(member), database).position(key.owner, database)
    except StoreCorrupt:
        return None


def _first_position(key: SetKey, database: Database) -> int:
    first = database.value(
        "SELECT MIN(first) FROM segments WHERE owner = ? AND kind = ?", tuple(key)
    )
    return 2**40 if first is None else int(first)


def insert(tx: PackingTransaction, key: SetKey, entries: dict[int, int]) -> None:
    """Add entries (member → position) to a large set that lacks them and whose journal does not
    speak of them, at their places in its order.

    Raises:
        StoreCorrupt: the set is damaged.
    """
    record = packed_record(key, tx.database)
    header = decode_header(record or b"")
    put_entries(tx, key, header, entries)
    newest = max(header.newest, _last_position(key, tx.database))
    fresh = Header(header.size + len(entries), newest, header.tombstones)
    store_packed(key, encode_header(fresh), tx.database)
    chunks = read_chunks(key, tx.database, _unheard)
    if chunks is None:
        raise StoreCorrupt("The server's data is damaged", log=f"a chunk of {key} is damaged")
    added = BitMap(entries)
    numbers = {member >> CHUNK_BITS for member in entries}
    store_chunks(
        key,
        (part for part in split_chunks(chunks | added) if part[0] in numbers),
        tx.database,
    )


def put_entries(
    tx: PackingTransaction, key: SetKey, header: Header, entries: dict[int, int]
) -> None:
    """Insert entries (member → position) of members that segments lack, where they belong."""
    raised = {
        member: max(position, header.tombstones.get(member, -1) + 1)
        for member, position in entries.items()
    }
    while raised:
        low, first, high = _span(key, min(raised.values()), tx.database)
        here = {member: at for member, at in raised.items() if at < high}
        raised = {member: at for member, at in raised.items() if at >= high}
        _merge_into(tx, key, first, here, low, high)


def _span(key: SetKey, position: int, database: Database) -> tuple[int, int | None, int]:
    """Return (lowest position, ``first`` of the segment or None, one above the highest) of the
    segment a position belongs in."""
    first = database.value(
        "SELECT MAX(first) FROM segments WHERE owner = ? AND kind = ? AND first <= ?",
        (*key, position),
    )
    after = database.value(
        "SELECT MIN(first) FROM segments WHERE owner = ? AND kind = ? AND first > ?",
        (*key, position),
    )
    return (-1 if first is None else first), first, (ABOVE_ALL if after is None else after)


def _merge_into(
    tx: PackingTransaction,
    key: SetKey,
    first: int | None,
    entries: dict[int, int],
    low: int,
    high: int,
) -> None:
    positions, members = as_arrays(entries)
    if first is not None:
        where = (*key, first)
        record = tx.database.value(
            "SELECT data FROM segments WHERE owner = ? AND kind = ? AND first = ?", where
        )
        old_positions, old_members = decode_entries(record)
        positions = np.concatenate((old_positions, positions))
        members = np.concatenate((old_members, members))
        tx.database.run("DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?", where)
    order = np.argsort(positions, kind="stable")
    append_segments(key, fitted(positions[order], low, high), members[order], tx.database)


def fitted(positions: Positions, low: int, high: int) -> Positions:
    """Return ascending positions [n] moved as little as needed to be unique, from ``low`` to below
    ``high``."""
    room = high - np.arange(len(positions), 0, -1, dtype=np.int64)
    fit: Positions = np.minimum(spread(positions, low - 1), room)
    return fit
