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
from rostra.domain.words import how_many
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference
from rostra.storage.integrity.set_checks import SegmentCheck, bitmap_of, members_of, read_chunks
from rostra.storage.packed import (
    append_segments,
    as_arrays,
    packed_record,
    store_chunks,
    store_packed,
)
from rostra.storage.packer import PackingTransaction
from rostra.storage.sets import journal_changes, load

ABOVE_ALL: Final = 2**47
"""Above every position: the first position of a segment has six bytes."""


def _unheard(difference: Difference) -> None:
    """The verifier has told of it."""


def mend_parts(tx: PackingTransaction, key: SetKey) -> list[str] | None:
    """Put right the header, segments and chunks of a large set; return what was done.

    None means that too much of it is damaged: its members must be told from elsewhere.

    Raises:
        StoreCorrupt: the journal is damaged too; nothing was changed.
    """
    header, broken = _header(key, tx.database), _broken_segments(key, tx.database)
    by_chunks = _packed_by_chunks(key, tx.database)
    if by_chunks is None and (header is None or broken):
        return None
    done = []
    if header is None:
        header = _new_header(key, by_chunks or BitMap(), tx.database)
        done.append("header written anew from segments and chunks")
    by_segments = segment_check(key, header, tx.database).alive
    members = _judge(header.size, by_segments, by_chunks, whole=not broken)
    for first in broken:
        tx.database.run(
            "DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?", (*key, first)
        )
    lost = members - by_segments
    if lost:
        done.append(_bring_back(tx, key, header, lost, broken))
    if _write_chunks(tx, key, members):
        done.append("chunks rebuilt from segments")
    size = len(members)
    newest = max(header.newest, _last_position(key, tx.database))
    if (size, newest) != (header.size, header.newest):
        done.append(f"header corrected: {how_many(size, 'member')}, newest at {newest}")
    fresh = Header(size, newest, header.tombstones)
    store_packed(key, encode_header(fresh), tx.database)
    return done


def _judge(size: int, by_segments: BitMap, by_chunks: BitMap | None, *, whole: bool) -> BitMap:
    """Return the members of the packed form, by what is intact; nobody is left out in doubt.

    Args:
        size: what the header says.
        by_segments: the members of the segments that are intact.
        by_chunks: the members of the chunks; None when one is damaged.
        whole: whether all segments are intact.
    """
    if by_chunks is None or (whole and len(by_segments) == size):
        return by_segments
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
    begins = _first_changes(key, database)
    chunks -= BitMap([member for member, op in begins.items() if op == ADD])
    chunks |= BitMap([member for member, op in begins.items() if op != ADD])
    return chunks


def _first_changes(key: SetKey, database: Database) -> dict[int, int]:
    """Return member → what the journal does with it first."""
    begins: dict[int, int] = {}
    for op, member, _ in journal_changes(key, database):
        begins.setdefault(member, op)
    return begins


def _last_position(key: SetKey, database: Database) -> int:
    last = -1
    for _, positions, _ in _segments(key, database):
        last = max(last, int(positions[-1]))
    return last


# -- writing it anew -----------------------------------------------------------------------------


def _new_header(key: SetKey, by_chunks: BitMap, database: Database) -> Header:
    """Return the header that makes void what is not a member, and all but its newest entry."""
    seen, again, newest = BitMap(), BitMap(), -1
    for _, positions, of_segment in _segments(key, database):
        fresh = bitmap_of(of_segment)
        again |= seen & fresh
        seen |= fresh
        newest = max(newest, int(positions[-1]))
    members = by_chunks | _confirmed(key, seen - by_chunks, database)
    doubtful = members_of(again | (seen - members))
    places: dict[int, list[int]] = {}
    for _, positions, of_segment in _segments(key, database):
        at = np.flatnonzero(np.isin(of_segment, doubtful))
        for member, position in zip(of_segment[at].tolist(), positions[at].tolist(), strict=True):
            places.setdefault(member, []).append(position)
    tombstones = {member: at[-2] if member in members else at[-1] for member, at in places.items()}
    return Header(len(members), newest, tombstones)


def _confirmed(key: SetKey, doubtful: BitMap, database: Database) -> BitMap:
    """Return those whom the other side of the edge calls members, and no journal made ones."""
    begins = _first_changes(key, database)
    return BitMap(
        [
            member
            for member in doubtful
            if begins.get(member) != ADD and _position_elsewhere(key, member, database) is not None
        ]
    )


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
    return f"{how_many(len(lost), 'member')} of lost segments written anew{order}"


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
        span = _Span(key, min(raised.values()), tx.database)
        here = {member: at for member, at in raised.items() if at < span.high}
        while len(here) + span.count > span.high - span.low:
            span.widen(tx.database)
            here = {member: at for member, at in raised.items() if at < span.high}
        raised = {member: at for member, at in raised.items() if at >= span.high}
        span.write(here, tx.database)


class _Span:
    """The segment a position belongs in, and the next ones when it has no room."""

    def __init__(self, key: SetKey, position: int, database: Database) -> None:
        self._key = key
        self._firsts: list[int] = []
        self._blocks: list[tuple[Positions, Members]] = []
        first = database.value(
            "SELECT MAX(first) FROM segments WHERE owner = ? AND kind = ? AND first <= ?",
            (*key, position),
        )
        self.count = 0
        self.low = -1 if first is None else int(first)
        self.high = self._after(position, database)
        if first is not None:
            self._take(int(first), database)

    def widen(self, database: Database) -> None:
        """Take the next segment in."""
        first = self.high
        self.high = self._after(first, database)
        self._take(first, database)

    def write(self, entries: dict[int, int], database: Database) -> None:
        """Write the segments anew with more entries (member → position) among theirs."""
        for first in self._firsts:
            database.run(
                "DELETE FROM segments WHERE owner = ? AND kind = ? AND first = ?",
                (*self._key, first),
            )
        positions, members = map(
            np.concatenate, zip(*self._blocks, as_arrays(entries), strict=True)
        )
        order = np.argsort(positions, kind="stable")
        positions = fitted(positions[order], self.low, self.high)
        append_segments(self._key, positions, members[order], database)

    def _take(self, first: int, database: Database) -> None:
        record = database.value(
            "SELECT data FROM segments WHERE owner = ? AND kind = ? AND first = ?",
            (*self._key, first),
        )
        self._firsts.append(first)
        self._blocks.append(decode_entries(record))
        self.count += len(self._blocks[-1][1])

    def _after(self, position: int, database: Database) -> int:
        after = database.value(
            "SELECT MIN(first) FROM segments WHERE owner = ? AND kind = ? AND first > ?",
            (*self._key, position),
        )
        return ABOVE_ALL if after is None else int(after)


def fitted(positions: Positions, low: int, high: int) -> Positions:
    """Return ascending positions [n] moved as little as needed to be unique, from ``low`` to below
    ``high``."""
    room = high - np.arange(len(positions), 0, -1, dtype=np.int64)
    fit: Positions = np.minimum(spread(positions, low - 1), room)
    return fit
