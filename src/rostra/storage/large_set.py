"""Large account sets in memory: of one, only what is asked for is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from pyroaring import BitMap

from rostra.domain.account_set import Changes, Entry, SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import (
    ADD,
    CHUNK_BITS,
    Change,
    Header,
    Members,
    Positions,
    decode_chunk,
    decode_entries,
    split_chunks,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.loaded_sets import (
    EMPTY_BYTES,
    SMALL_ENTRY_BYTES,
    HiddenMembers,
    new_version,
)

SEGMENT_CACHE: Final = 8
BLOCK: Final = 8192
RANGES_KEPT: Final = 16
"""Of how many ranges of positions the members are kept: days of followers, likes since a clear."""
CHUNKS_AT_ONCE: Final = 256
AFTER_ALL_CHUNKS: Final = 1 << 16
MOST_CHUNKS_BYTES: Final = 8192 * 8192
"""What the chunks of 500 million ordinals take as plain bitmaps."""


class Reading:
    """How far the chunks of a set were read: their members, in order up to a chunk."""

    __slots__ = ("members", "until")

    def __init__(self) -> None:
        self.members = BitMap()
        self.until = 0


class LargeSet:
    """A set in segments and chunks, of which only what is read is in memory.

    ``added`` and ``tombstones`` are what the journal says beyond the packed form. Membership comes
    from them first and from chunks below; once all chunks were asked for they are joined in one
    bitmap that is kept.
    """

    __slots__ = (
        "_chunks",
        "_hidden",
        "_hidden_mask",
        "_left",
        "_ranges",
        "_read",
        "_resident",
        "_segments",
        "_size",
        "added",
        "key",
        "last",
        "tombstones",
        "version",
    )

    def __init__(self, key: SetKey, header: Header) -> None:
        self.key = key
        self.version = new_version()
        self._resident: BitMap | None = None
        self._read = Reading()
        self._hidden = HiddenMembers()
        self._hidden_mask: BitMap | None = None
        self._ranges: dict[tuple[int, int], BitMap] = {}
        self.rebase(header)

    def rebase(self, header: Header) -> None:
        """Stand on a new packed form; the members are the same, so what is resident stays."""
        self._size = header.size
        self.last = header.newest
        self.tombstones = dict(header.tombstones)
        self.added: dict[int, int] = {}
        self._left: set[int] = set()
        self._chunks: dict[int, BitMap] = {}
        self._segments: dict[int, tuple[Positions, Members]] = {}

    def __len__(self) -> int:
        return self._size

    def contains(self, member: int, database: Database) -> bool:
        if self._resident is not None:
            return member in self._resident
        if member in self.added:
            return True
        if member in self._left:
            return False
        return member in self._chunk(member >> CHUNK_BITS, database)

    def apply(self, change: Change) -> None:
        self.replay(change)
        op, member, position = change
        self.version = new_version()
        for (above, below), members in self._ranges.items():
            if op == ADD and above < position < below:
                members.add(member)
            else:
                members.discard(member)
        whole = self._resident
        if whole is None and member >> CHUNK_BITS < self._read.until:
            whole = self._read.members
        if whole is not None:
            if op == ADD:
                whole.add(member)
            else:
                whole.discard(member)
        if self._hidden_mask is not None:
            self._hidden.follow(member, op == ADD, self._hidden_mask)

    def replay(self, change: Change) -> None:
        """Take a journal entry the packed form lacks, leaving what is resident alone."""
        op, member, position = change
        if op == ADD:
            self.added[member] = position
            self._left.discard(member)
            self._size += 1
        else:
            self.added.pop(member, None)
            self._left.add(member)
            self.tombstones[member] = position
            self._size -= 1
        if position > self.last:
            self.last = position

    def bitmap(self, database: Database) -> BitMap:
        while self._resident is None:
            self.warm(database, CHUNKS_AT_ONCE)
        return self._resident

    def warm(self, database: Database, chunks: int) -> bool:
        """Read some more chunks; return whether all members are in memory.

        What was read stays right while the rest is not there yet, as changes are followed in it.
        """
        if self._resident is not None:
            return True
        begin = self._read.until
        rows = database.rows(
            "SELECT chunk, data FROM chunks WHERE owner = ? AND kind = ? AND chunk >= ? "
            "ORDER BY chunk LIMIT ?",
            (*self.key, begin, chunks),
        )
        found = BitMap.union(*[BitMap(), *(self._decoded_chunk(*row) for row in rows)])
        done = len(rows) < chunks
        end = AFTER_ALL_CHUNKS if done else rows[-1][0] + 1
        found -= BitMap(self._left)
        found |= BitMap([one for one in self.added if begin <= one >> CHUNK_BITS < end])
        self._read.members |= found
        self._read.until = end
        if done:
            self._resident, self._read = self._read.members, Reading()
            self._chunks.clear()
        return done

    def hidden_count(self, epoch: int, mask: BitMap, changed: Changes, database: Database) -> int:
        self._hidden_mask = mask
        if epoch != self._hidden.epoch:
            self._hidden.catch_up(epoch, mask, changed, self.bitmap(database))
        return self._hidden.count

    def chunks(self, database: Database) -> Iterator[BitMap]:
        """Yield the members chunk by chunk, ascending, without keeping them."""
        if self._resident is not None:
            for _, part in split_chunks(self._resident):
                yield part
            return
        fresh = dict(split_chunks(BitMap(self.added)))
        left = BitMap(self._left)
        for number, chunk in self._stored_chunks(database):
            for earlier in [n for n in fresh if n < number]:
                yield fresh.pop(earlier)
            yield (chunk - left) | fresh.pop(number, BitMap())
        yield from fresh.values()

    def descending(self, below: int | None, database: Database) -> Iterator[Entry]:
        for member, position in reversed(self.added.items()):
            if below is None or position < below:
                yield Entry(position, member)
        before = below
        while (segment := self._segment_before(before, database)) is not None:
            first, (positions, members) = segment
            end = len(positions) if below is None else int(np.searchsorted(positions, below))
            for start in range(end, 0, -256):
                lower = max(start - 256, 0)
                pairs = zip(
                    positions[lower:start][::-1].tolist(),
                    members[lower:start][::-1].tolist(),
                    strict=True,
                )
                for position, member in pairs:
                    if position > self.tombstones.get(member, -1):
                        yield Entry(position, member)
            before = first

    def ascending(self, above: int | None, database: Database) -> Iterator[Entry]:
        floor = -1 if above is None else above
        for positions, members in self._segments_from(floor, database):
            start = int(np.searchsorted(positions, floor, side="right"))
            for position, member in zip(
                positions[start:].tolist(), members[start:].tolist(), strict=True
            ):
                if position > self.tombstones.get(member, -1):
                    yield Entry(position, member)
        for member, position in self.added.items():
            if position > floor:
                yield Entry(position, member)

    def between(self, above: int, below: int, database: Database) -> BitMap:
        members = self._ranges.pop((above, below), None)
        if members is None:
            members = self._read_between(above, below, database)
            while len(self._ranges) >= RANGES_KEPT:
                self._ranges.pop(next(iter(self._ranges)))
        self._ranges[above, below] = members
        return members

    def _read_between(self, above: int, below: int, database: Database) -> BitMap:
        found = BitMap()
        for positions, members in self._packed_from(above, database):
            if positions[0] >= below:
                break
            first = int(np.searchsorted(positions, above, side="right"))
            end = int(np.searchsorted(positions, below))
            found |= BitMap(members[first:end])
        fresh = [one for one, position in self.added.items() if above < position < below]
        return found | BitMap(fresh)

    def blocks(self, database: Database) -> Iterator[tuple[Positions, Members]]:
        yield from self._packed_from(-1, database)
        count = len(self.added)
        if count:
            yield (
                np.fromiter(self.added.values(), dtype=np.int64, count=count),
                np.fromiter(self.added, dtype=np.uint32, count=count),
            )

    def position(self, member: int, database: Database) -> int | None:
        if member in self.added:
            return self.added[member]
        if not self.contains(member, database):
            return None
        for positions, members in self.blocks(database):
            found = np.flatnonzero(members == member)
            if len(found):
                return int(positions[found[-1]])
        raise StoreCorrupt(
            "The server's data is damaged",
            log=f"{self.key}: member {member} is in a chunk but in no segment; run rostra doctor",
        )

    def cost(self) -> int:
        touched = len(self.added) + len(self.tombstones) + len(self._left)
        return (
            EMPTY_BYTES
            + min(2 * self._size, MOST_CHUNKS_BYTES)  # once its bitmap is resident
            + SMALL_ENTRY_BYTES * touched
            + 12 * BLOCK * len(self._segments)
        )

    # -- reading the packed form -------------------------------------------------------------------

    def _packed_from(self, floor: int, database: Database) -> Iterator[tuple[Positions, Members]]:
        """Yield what is packed and not removed since, from the segment on that has ``floor``."""
        void, until = self._void_arrays()
        for positions, members in self._segments_from(floor, database):
            if len(void):
                at = np.minimum(np.searchsorted(void, members), len(void) - 1)
                keep = (void[at] != members) | (positions > until[at])
                positions, members = positions[keep], members[keep]
            if len(members):
                yield positions, members

    def _chunk(self, number: int, database: Database) -> BitMap:
        chunk = self._chunks.get(number)
        if chunk is None:
            record = database.value(
                "SELECT data FROM chunks WHERE owner = ? AND kind = ? AND chunk = ?",
                (*self.key, number),
            )
            chunk = BitMap() if record is None else self._decoded_chunk(number, record)
            self._chunks[number] = chunk
        return chunk

    def _stored_chunks(self, database: Database) -> Iterator[tuple[int, BitMap]]:
        for number, record in database.iterate(
            "SELECT chunk, data FROM chunks WHERE owner = ? AND kind = ? ORDER BY chunk",
            tuple(self.key),
        ):
            yield number, self._decoded_chunk(number, record)

    def _decoded_chunk(self, number: int, record: bytes) -> BitMap:
        try:
            return decode_chunk(record)
        except StoreCorrupt as error:
            raise StoreCorrupt(
                error.message,
                log=f"chunk {number} of {self.key}: {error}; run rostra doctor --repair",
            ) from error

    def _decoded_segment(self, first: int, record: bytes) -> tuple[Positions, Members]:
        segment = self._segments.pop(first, None)
        if segment is None:
            try:
                segment = decode_entries(record)
            except StoreCorrupt as error:
                raise StoreCorrupt(
                    error.message,
                    log=f"segment {first} of {self.key}: {error}; run rostra doctor --repair",
                ) from error
        self._segments[first] = segment
        while len(self._segments) > SEGMENT_CACHE:
            self._segments.pop(next(iter(self._segments)))
        return segment

    def _segment_before(
        self, before: int | None, database: Database
    ) -> tuple[int, tuple[Positions, Members]] | None:
        limit = 2**63 - 1 if before is None else before
        first = database.value(
            "SELECT first FROM segments WHERE owner = ? AND kind = ? AND first < ? "
            "ORDER BY first DESC LIMIT 1",
            (*self.key, limit),
        )
        if first is None:
            return None
        if first in self._segments:
            return first, self._decoded_segment(first, b"")
        record = database.value(
            "SELECT data FROM segments WHERE owner = ? AND kind = ? AND first = ?",
            (*self.key, first),
        )
        return first, self._decoded_segment(first, record)

    def _segments_from(self, floor: int, database: Database) -> Iterator[tuple[Positions, Members]]:
        start = database.value(
            "SELECT first FROM segments WHERE owner = ? AND kind = ? AND first <= ? "
            "ORDER BY first DESC LIMIT 1",
            (*self.key, floor),
        )
        for first, record in database.iterate(
            "SELECT first, data FROM segments WHERE owner = ? AND kind = ? AND first >= ? "
            "ORDER BY first",
            (*self.key, -1 if start is None else start),
        ):
            try:
                yield decode_entries(record)
            except StoreCorrupt as error:
                raise StoreCorrupt(
                    error.message,
                    log=f"segment {first} of {self.key}: {error}; run rostra doctor --repair",
                ) from error

    def _void_arrays(self) -> tuple[Members, Positions]:
        count = len(self.tombstones)
        members = np.fromiter(self.tombstones, dtype=np.uint32, count=count)
        until = np.fromiter(self.tombstones.values(), dtype=np.int64, count=count)
        order = np.argsort(members)
        return members[order], until[order]
