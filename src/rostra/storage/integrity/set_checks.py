"""The checks of one set: journal, packed row, segments and chunks against each other."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import (
    ADD,
    CHUNK_BITS,
    REMOVE,
    Header,
    Members,
    Positions,
    decode_chunk,
    decode_entries,
    decode_header,
    is_header,
    split_chunks,
    unpack_changes,
)
from rostra.domain.words import how_many
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import DAMAGE, Difference, Problem, Report, told_elsewhere
from rostra.storage.packed import packed_record

BLOCK: Final = 1 << 21


def bitmap_of(members: Members) -> BitMap:
    """Return a bitmap of members [n], faster than from any other sequence.

    Sorting them first pays: a bitmap grows slowly where its members come in no order.
    """
    return BitMap(array("I", np.sort(members.astype(np.uint32, copy=False)).tobytes()))


def members_of(bitmap: BitMap) -> Members:
    """Return the members of a bitmap [n], ascending."""
    return np.frombuffer(bitmap.to_array(), dtype=np.uint32)


def has_rows(key: SetKey, table: str, database: Database) -> bool:
    """Return whether a set has rows in a table."""
    row = database.row(f"SELECT 1 FROM {table} WHERE owner = ? AND kind = ? LIMIT 1", tuple(key))
    return row is not None


def check_set(key: SetKey, database: Database, report: Report) -> Iterator[Members]:
    """Check everything stored of one set and yield its members in blocks.

    After a damage nothing (more) may come; ``report`` is called with each difference first.
    """
    record = packed_record(key, database)
    parts = has_rows(key, "segments", database) or has_rows(key, "chunks", database)
    if record and is_header(record):
        yield from check_large(key, record, database, report)
        return
    entries = _entries(record) if parts else check_row(key, record, report)
    if parts and entries is None:
        what = "is missing" if record is None else "is damaged: the checksum does not match"
        report(_found(key, Problem.DAMAGED_HEADER, f"the header {what}"))
        check_parts(key, database, report)
    elif parts:
        detail = "segments or chunks are stored beside the row that holds the whole set"
        report(_found(key, Problem.LEFTOVERS, detail))
    if entries is None:
        return
    positions, members = entries
    journal = JournalCheck(key, database, report, _last(positions))
    final = journal.over_entries(dict(zip(members.tolist(), positions.tolist(), strict=True)))
    yield np.fromiter(final, dtype=np.uint32, count=len(final))


def check_row(
    key: SetKey, record: bytes | None, report: Report
) -> tuple[Positions, Members] | None:
    """Check the packed row of a small set; return its entries, or None when it is damaged."""
    if record is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint32)
    entries = _entries(record)
    if entries is None:
        detail = "the row that holds the set is damaged: its checksum or layout is wrong"
        report(_found(key, Problem.DAMAGED_ROW, detail, told_elsewhere(key.kind)))
        return None
    positions, members = entries
    if len(positions) > 1 and not (positions[1:] > positions[:-1]).all():
        report(_found(key, Problem.ORDER, "positions do not ascend"))
    if len(set(members.tolist())) != len(members):
        report(_found(key, Problem.DOUBLED, "a member is there more than once"))
    return entries


def check_large(
    key: SetKey, record: bytes, database: Database, report: Report
) -> Iterator[Members]:
    """Check a set in segments and chunks; yield its members in blocks."""
    try:
        header = decode_header(record)
    except StoreCorrupt as error:
        report(_found(key, Problem.DAMAGED_HEADER, f"the header is damaged: {error}"))
        check_parts(key, database, report)
        return
    segments = SegmentCheck(key, header, database, report)
    for _ in segments.blocks():
        pass
    chunks = read_chunks(key, database, report)
    if segments.damaged:
        return
    journal = JournalCheck(key, database, report, header.newest)
    joined, left = journal.over_members(segments.alive)
    if journal.damaged:
        return
    if len(segments.alive) != header.size:
        said = how_many(header.size, "member")
        detail = f"the header says {said}, segments have {len(segments.alive)}"
        report(_found(key, Problem.SIZE, detail))
    final = (segments.alive - left) | joined
    if chunks is not None:
        compare(key, final, (chunks - left) | joined, report)
    for _, part in split_chunks(final):
        yield members_of(part)


def compare(key: SetKey, by_segments: BitMap, by_chunks: BitMap, report: Report) -> None:
    """Report each chunk whose members are not those of the segments."""
    for number, _ in split_chunks(by_segments ^ by_chunks):
        start = number << CHUNK_BITS
        window = BitMap(range(start, start + (1 << CHUNK_BITS)))
        segments, chunk = by_segments & window, by_chunks & window
        detail = (
            f"chunk {number} lacks {how_many(len(segments - chunk), 'member')} that segments have, "
            f"and has {len(chunk - segments)} that they lack"
        )
        report(_found(key, Problem.MEMBERSHIP, detail, place=number))


def check_parts(key: SetKey, database: Database, report: Report) -> None:
    """Check segments and chunks one by one, when there is no header to judge them together by."""

    def damage(difference: Difference) -> None:
        if difference.problem in DAMAGE:
            report(difference)

    for _ in SegmentCheck(key, Header(0, 0), database, damage).blocks():
        pass
    read_chunks(key, database, damage)


class SegmentCheck:
    """Reads the segments of a large set in order; ``alive`` gathers the members that count."""

    def __init__(self, key: SetKey, header: Header, database: Database, report: Report) -> None:
        self.key = key
        self.alive = BitMap()
        self.damaged = False
        self._newest = header.newest
        self._database = database
        self._report = report
        count = len(header.tombstones)
        void = np.fromiter(header.tombstones, dtype=np.uint32, count=count)
        until = np.fromiter(header.tombstones.values(), dtype=np.int64, count=count)
        order = np.argsort(void)
        self._void, self._until = void[order], until[order]

    def blocks(self) -> Iterator[Members]:
        """Yield the members whose entries count, in blocks of many segments."""
        held: list[Members] = []
        last = -1
        for first, record in self._database.iterate(
            "SELECT first, data FROM segments WHERE owner = ? AND kind = ? ORDER BY first",
            tuple(self.key),
        ):
            entries = self._decoded(first, record)
            if entries is None:
                continue
            positions, members = entries
            self._check_order(first, positions, last)
            if len(positions):
                last = int(positions[-1])
            held.append(members[self.counts(positions, members)])
            if sum(map(len, held)) >= BLOCK:
                yield self._gather(held)
        if held:
            yield self._gather(held)
        if last > self._newest:
            detail = f"an entry at {last} is above the newest position {self._newest} of the header"
            self._report(_found(self.key, Problem.NEWEST, detail))

    def counts(self, positions: Positions, members: Members) -> NDArray[np.bool_]:
        """Return which of a segment's entries [n] no tombstone makes void."""
        if not len(self._void):
            return np.ones(len(members), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._void, members), len(self._void) - 1)
        counts: NDArray[np.bool_] = (self._void[at] != members) | (positions > self._until[at])
        return counts

    def _decoded(self, first: int, record: bytes) -> tuple[Positions, Members] | None:
        try:
            return decode_entries(record)
        except StoreCorrupt as error:
            self.damaged = True
            detail = f"the segment that begins at {first} is damaged: {error}"
            self._report(_found(self.key, Problem.DAMAGED_SEGMENT, detail, place=first))
            return None

    def _check_order(self, first: int, positions: Positions, last: int) -> None:
        if (
            not len(positions)
            or positions[0] != first
            or first <= last
            or not (positions[1:] > positions[:-1]).all()
        ):
            detail = f"positions do not ascend in the segment that begins at {first}"
            self._report(_found(self.key, Problem.ORDER, detail, place=first))

    def _gather(self, held: list[Members]) -> Members:
        block = np.concatenate(held)
        held.clear()
        before, fresh = len(self.alive), bitmap_of(block)
        self.alive |= fresh
        if len(self.alive) != before + len(block):
            twice = before + len(block) - len(self.alive)
            detail = f"{how_many(twice, 'member is', 'members are')} there more than once"
            self._report(_found(self.key, Problem.DOUBLED, detail))
        return block


def read_chunks(key: SetKey, database: Database, report: Report) -> BitMap | None:
    """Return what all chunks of a set hold; None (and a report) when one is damaged."""
    whole, damaged = BitMap(), False
    for number, record in database.iterate(
        "SELECT chunk, data FROM chunks WHERE owner = ? AND kind = ? ORDER BY chunk", tuple(key)
    ):
        try:
            chunk = decode_chunk(record)
        except StoreCorrupt as error:
            damaged = True
            detail = f"chunk {number} is damaged: {error}"
            report(_found(key, Problem.DAMAGED_CHUNK, detail, place=number))
            continue
        if not chunk or chunk.min() >> CHUNK_BITS != number or chunk.max() >> CHUNK_BITS != number:
            detail = f"chunk {number} is empty or holds members of another chunk"
            report(_found(key, Problem.MEMBERSHIP, detail, place=number))
        whole |= chunk
    return None if damaged else whole


class JournalCheck:
    """Replays the journal of a set and reports changes that could not have been made."""

    def __init__(self, key: SetKey, database: Database, report: Report, last: int) -> None:
        self.damaged = False
        self._key = key
        self._database = database
        self._report = report
        self._last = last

    def over_entries(self, entries: dict[int, int]) -> dict[int, int]:
        """Return member → position after the journal."""
        for seq, op, member, position in self._changes():
            was = entries.pop(member, None)
            self._judge(seq, op, member, position, was is not None)
            if op == ADD:
                entries[member] = position
        return entries

    def over_members(self, alive: BitMap) -> tuple[BitMap, BitMap]:
        """Return (who joined, who left) by the journal, over what segments hold."""
        joined: set[int] = set()
        left: set[int] = set()
        for seq, op, member, position in self._changes():
            present = member in joined or (member in alive and member not in left)
            self._judge(seq, op, member, position, present)
            if op == ADD:
                joined.add(member)
            else:
                joined.discard(member)
                left.add(member)
        return BitMap(joined), BitMap(left)

    def _changes(self) -> Iterator[tuple[int, int, int, int]]:
        for seq, entries in self._database.rows(
            "SELECT seq, entries FROM journal WHERE owner = ? AND kind = ? ORDER BY seq",
            tuple(self._key),
        ):
            try:
                for op, member, position in unpack_changes(entries):
                    yield seq, op, member, position
            except StoreCorrupt as error:
                self.damaged = True
                self._report(
                    _found(
                        self._key,
                        Problem.DAMAGED_JOURNAL,
                        str(error),
                        told_elsewhere(self._key.kind),
                    )
                )

    def _judge(self, seq: int, op: int, member: int, position: int, present: bool) -> None:
        in_turn = position > self._last if op == ADD else position >= self._last
        self._last = max(self._last, position)
        if op not in (ADD, REMOVE) or not in_turn or present != (op == REMOVE):
            what = {ADD: "adds", REMOVE: "removes"}.get(op, f"does {op} with")
            detail = f"commit {seq} {what} member {member}, out of turn or in vain"
            self._report(_found(self._key, Problem.JOURNAL, detail, place=seq))


def _entries(record: bytes | None) -> tuple[Positions, Members] | None:
    if not record:
        return None
    try:
        return decode_entries(record)
    except StoreCorrupt:
        return None


def _last(positions: Positions) -> int:
    return int(positions[-1]) if len(positions) else -1


def _found(
    key: SetKey, problem: Problem, detail: str, repairable: bool = True, place: int | None = None
) -> Difference:
    return Difference(set=key, problem=problem, detail=detail, repairable=repairable, place=place)
