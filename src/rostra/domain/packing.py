"""The bytes account sets are stored as: little-endian, closed by a CRC-32 of all before it.

- A *journal row* is changes in order, 13 bytes each: operation (1), member (4), position (8).
  SQLite and the write-ahead log guard it, so it has no checksum of its own.
- An *entries* record is members in order of position, a small set or a segment of a large one:
  tag, bits a member, bits a gap with the gaps' unit in its two upper bits (1 byte each), count
  (LEB128), first position (6), the members, then the gaps between positions, both bit-packed to
  the width of the largest. Times mostly come in whole milliseconds or seconds, so gaps are stored
  in the largest unit that divides them all.
- A *header* record stands for a large set: its size, its newest position, and the *tombstones*:
  members that left since, with the position up to which their entries in segments are void.
- A *chunk* record is a roaring bitmap (https://github.com/RoaringBitmap/RoaringFormatSpec) of the
  members that share their upper 16 bits.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import gcd
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.errors import StoreCorrupt

Positions = NDArray[np.int64]
Members = NDArray[np.uint32]

ADD: Final = 1
REMOVE: Final = 2
ENTRIES_TAG: Final = 1
HEADER_TAG: Final = 2
CHUNK_TAG: Final = 3
CHUNK_BITS: Final = 16
LOOP_UP_TO: Final = 24
GATHERED_BITS: Final = 57  # with up to 7 before them these fit in eight bytes
UNITS: Final = (1, 10, 10_000)  # ticks: a tick, a millisecond, a second
CRC_BYTES: Final = 4
SINGLETON: Final = 14  # bytes of an entries record of one member, those for the member left out

_JOURNAL: Final = struct.Struct("<BIq")
_CRC: Final = struct.Struct("<I")
_JOURNAL_DTYPE: Final = np.dtype([("op", "u1"), ("member", "<u4"), ("position", "<i8")])


class Change(NamedTuple):
    """One journal entry; the ``position`` of a removal is the newest an earlier entry can have."""

    op: int
    member: int
    position: int


def pack_change(op: int, member: int, position: int) -> bytes:
    """Return one journal entry as bytes."""
    return _JOURNAL.pack(op, member, position)


def pack_additions(positions: Positions, members: Members) -> bytes:
    """Return journal entries that add ``members`` [n] at ``positions`` [n] (ticks)."""
    rows = np.empty(len(members), dtype=_JOURNAL_DTYPE)
    rows["op"] = ADD
    rows["member"] = members
    rows["position"] = positions
    return rows.tobytes()


def unpack_changes(data: bytes) -> Iterator[Change]:
    """Yield the entries of a journal row in order.

    Raises:
        StoreCorrupt: the row is not a whole number of entries.
    """
    if len(data) % _JOURNAL.size:
        raise StoreCorrupt("The server's data is damaged", log="a journal row is cut short")
    return map(Change._make, _JOURNAL.iter_unpack(data))


def last_changes(data: bytes, count: int) -> bytes:
    """Return the last entries of a journal row."""
    return data[-count * _JOURNAL.size :]


def count_changes(length: int) -> int:
    """Return how many entries a journal row of ``length`` bytes holds."""
    return length // _JOURNAL.size


# -- entries ---------------------------------------------------------------------------------------


def encode_entries(positions: Positions, members: Members) -> bytes:
    """Return an entries record of ``members`` [n] at ascending ``positions`` [n] (ticks)."""
    count = len(members)
    if count <= LOOP_UP_TO:
        return encode_few(positions.tolist(), members.tolist())
    gaps = np.diff(positions).astype(np.uint64)
    unit = _unit(int(np.gcd.reduce(gaps)))
    gaps //= np.uint64(UNITS[unit])
    member_bits = int(members.max()).bit_length()
    gap_bits = int(gaps.max()).bit_length()
    return _sealed(
        _prefix(member_bits, gap_bits, unit, count, int(positions[0]))
        + _pack(members.astype(np.uint64), member_bits)
        + _pack(gaps, gap_bits)
    )


def encode_few(positions: list[int], members: list[int]) -> bytes:
    """Return an entries record as ``encode_entries`` does, faster for a handful."""
    count = len(members)
    if not count:
        return _sealed(_prefix(0, 0, 0, 0, 0))
    member_bits = max(members).bit_length()
    gaps = [after - before for before, after in pairwise(positions)]
    unit = _unit(gcd(*gaps))
    gaps = [gap // UNITS[unit] for gap in gaps]
    gap_bits = max(gaps, default=0).bit_length()
    return _sealed(
        _prefix(member_bits, gap_bits, unit, count, positions[0])
        + _pack_few(members, member_bits)
        + _pack_few(gaps, gap_bits)
    )


def encode_singletons(positions: Positions, members: Members) -> list[bytes]:
    """Return for each of many sets of one member the same record as ``encode_few``, all at once.

    Args:
        positions: [n] ticks.
        members: [n] ordinals.
    """
    bits = np.zeros(len(members), dtype=np.uint8)
    for bit in range(32):
        bits[members >= np.uint32(1 << bit)] = bit + 1
    records = np.empty(len(members), dtype=object)
    for width in np.unique(bits).tolist():
        chosen = bits == width
        size = (width + 7) // 8
        table = np.zeros((int(chosen.sum()), 10 + size + CRC_BYTES), dtype=np.uint8)
        table[:, :4] = np.frombuffer(_prefix(width, 0, _unit(0), 1, 0)[:4], dtype=np.uint8)
        table[:, 4:10] = positions[chosen].astype("<i8").view(np.uint8).reshape(-1, 8)[:, :6]
        table[:, 10 : 10 + size] = (
            members[chosen].astype("<u4").view(np.uint8).reshape(-1, 4)[:, :size]
        )
        table[:, -CRC_BYTES:] = (
            _crc32_of_rows(table[:, :-CRC_BYTES]).astype("<u4").view(np.uint8).reshape(-1, 4)
        )
        records[chosen] = table.view(f"V{table.shape[1]}").ravel().tolist()
    return records.tolist()


def decode_entries(record: bytes) -> tuple[Positions, Members]:
    """Return (positions [n] in ticks, ascending; members [n]) of an entries record.

    Raises:
        StoreCorrupt: the checksum or the layout is wrong.
    """
    data = _opened(record, ENTRIES_TAG)
    member_bits, gap_bits, unit = data[1], data[2] & 63, UNITS[data[2] >> 6]
    count, start = _read_count(data, 3)
    first = int.from_bytes(data[start : start + 6], "little")
    start += 6
    members_end = start + _packed_size(count, member_bits)
    gaps_end = members_end + _packed_size(max(count - 1, 0), gap_bits)
    if gaps_end != len(data):
        raise StoreCorrupt(
            "The server's data is damaged", log="an entries record has a wrong length"
        )
    positions = np.empty(count, dtype=np.int64)
    if not count:
        return positions, np.empty(0, dtype=np.uint32)
    members = _unpack(data[start:members_end], count, member_bits).astype(np.uint32)
    positions[0] = first
    if count > 1:
        positions[1:] = _unpack(data[members_end:gaps_end], count - 1, gap_bits) * unit
        np.cumsum(positions, out=positions)
    return positions, members


def decode_members(record: bytes) -> Members:
    """Return the members [n] of an entries record in their order, without their positions.

    Raises:
        StoreCorrupt: the checksum is wrong.
    """
    data = _opened(record, ENTRIES_TAG)
    count, start = _read_count(data, 3)
    start += 6
    end = start + _packed_size(count, data[1])
    return _unpack(data[start:end], count, data[1]).astype(np.uint32)


def entries_count(record: bytes) -> int:
    """Return how many members an entries record has, from its first bytes alone."""
    return _read_count(record, 3)[0]


def decode_singletons(
    data: NDArray[np.uint8], starts: NDArray[np.int64], member_bytes: int
) -> tuple[Members, NDArray[np.bool_]]:
    """Return (members [n], whether the record is sound [n]) of many entries records of one member.

    Args:
        data: bytes in which the records are.
        starts: [n] where each of them begins, ``SINGLETON + member_bytes`` bytes long.
        member_bytes: how many bytes (0 to 4) each has for its member.
    """
    table = data[starts[:, None] + np.arange(SINGLETON + member_bytes)]
    body = table[:, :-CRC_BYTES]
    sound = _crc32_of_rows(body) == _small_numbers(table[:, -CRC_BYTES:])
    sound &= (table[:, 0] == ENTRIES_TAG) & (table[:, 2] & 63 == 0) & (table[:, 3] == 1)
    sound &= (table[:, 1].astype(np.int64) + 7) // 8 == member_bytes
    return _small_numbers(body[:, SINGLETON - CRC_BYTES :]), sound


def _small_numbers(columns: NDArray[np.uint8]) -> Members:
    """Return the little-endian numbers [n] in rows of up to 4 bytes [n, width]."""
    numbers = np.zeros(len(columns), dtype=np.uint32)
    for index in range(columns.shape[1]):
        numbers |= columns[:, index].astype(np.uint32) << np.uint32(8 * index)
    return numbers


def _prefix(member_bits: int, gap_bits: int, unit: int, count: int, first: int) -> bytes:
    return (
        bytes((ENTRIES_TAG, member_bits, gap_bits | unit << 6))
        + _write_count(count)
        + first.to_bytes(6, "little")
    )


def _unit(divisor: int) -> int:
    """Return the index of the largest unit that divides all gaps, given their common divisor."""
    return max(index for index, unit in enumerate(UNITS) if divisor % unit == 0)


def _packed_size(count: int, bits: int) -> int:
    return (count * bits + 7) // 8


def _pack(values: NDArray[np.uint64], bits: int) -> bytes:
    if not bits:
        return b""
    if bits % 8 == 0:
        columns = values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, : bits // 8]
        return columns.tobytes()
    columns = values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, : (bits + 7) // 8]
    flags = np.unpackbits(columns, axis=1, bitorder="little")[:, :bits]
    return np.packbits(flags.ravel(), bitorder="little").tobytes()


def _pack_few(values: list[int], bits: int) -> bytes:
    joined = 0
    for index, value in enumerate(values):
        joined |= value << (index * bits)
    return joined.to_bytes(_packed_size(len(values), bits), "little")


def _unpack(data: bytes, count: int, bits: int) -> NDArray[np.int64]:
    if not bits:
        return np.zeros(count, dtype=np.int64)
    if count <= LOOP_UP_TO:
        joined, mask = int.from_bytes(data, "little"), (1 << bits) - 1
        return np.array([joined >> (i * bits) & mask for i in range(count)], dtype=np.int64)
    if bits > GATHERED_BITS:
        return _unpack_wide(data, count, bits)
    raw = np.frombuffer(data + bytes(8), dtype=np.uint8)
    every: NDArray[np.uint64] = np.ndarray((len(data) + 1,), dtype="<u8", buffer=raw, strides=(1,))
    at = np.arange(0, count * bits, bits)
    found = every[at >> 3]  # the eight bytes from the one on in which each value begins
    found >>= (at & 7).view(np.uint64)
    found &= np.uint64((1 << bits) - 1)
    values: NDArray[np.int64] = found.view(np.int64)
    return values


def _unpack_wide(data: bytes, count: int, bits: int) -> NDArray[np.int64]:
    raw = np.frombuffer(data, dtype=np.uint8)
    flags = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
    wide = np.zeros((count, 64), dtype=np.uint8)
    wide[:, :bits] = flags
    return np.packbits(wide, axis=1, bitorder="little").view("<i8").reshape(count).astype(np.int64)


def _write_count(count: int) -> bytes:
    out = bytearray()
    while count >= 0x80:
        out.append(count & 0x7F | 0x80)
        count >>= 7
    out.append(count)
    return bytes(out)


def _read_count(data: bytes, start: int) -> tuple[int, int]:
    count = shift = 0
    while True:
        byte = data[start]
        start += 1
        count |= (byte & 0x7F) << shift
        if byte < 0x80:
            return count, start
        shift += 7


# -- headers ---------------------------------------------------------------------------------------


class Header(Struct, frozen=True):
    """What the packed row of a large set says.

    Args:
        size: how many members the packed form has.
        newest: no entry of the packed form is above this position (tick).
        tombstones: member → entries in segments up to this position are void.
    """

    size: int
    newest: int
    tombstones: dict[int, int] = {}


def encode_header(header: Header) -> bytes:
    """Return a header record."""
    count = len(header.tombstones)
    return _sealed(
        struct.pack("<BQqI", HEADER_TAG, header.size, header.newest, count)
        + np.fromiter(header.tombstones.keys(), dtype="<u4", count=count).tobytes()
        + np.fromiter(header.tombstones.values(), dtype="<i8", count=count).tobytes()
    )


def decode_header(record: bytes) -> Header:
    """Return what a header record says.

    Raises:
        StoreCorrupt: the checksum or the layout is wrong.
    """
    data = _opened(record, HEADER_TAG)
    _, size, newest, count = struct.unpack_from("<BQqI", data)
    members = np.frombuffer(data, dtype="<u4", count=count, offset=21)
    positions = np.frombuffer(data, dtype="<i8", count=count, offset=21 + 4 * count)
    return Header(size, newest, dict(zip(members.tolist(), positions.tolist(), strict=True)))


def is_header(record: bytes) -> bool:
    """Return whether a packed row is the header of a large set."""
    return record[:1] == bytes((HEADER_TAG,))


# -- chunks ----------------------------------------------------------------------------------------


def encode_chunk(members: BitMap) -> bytes:
    """Return a chunk record."""
    return _sealed(bytes((CHUNK_TAG,)) + members.serialize())


def decode_chunk(record: bytes) -> BitMap:
    """Return the members of a chunk record.

    Raises:
        StoreCorrupt: the checksum or the layout is wrong.
    """
    return BitMap.deserialize(_opened(record, CHUNK_TAG)[1:])


# -- checksums -------------------------------------------------------------------------------------


def _sealed(data: bytes) -> bytes:
    return data + _CRC.pack(zlib.crc32(data))


def _opened(record: bytes, tag: int) -> bytes:
    data = record[:-CRC_BYTES]
    if len(record) <= CRC_BYTES or zlib.crc32(data) != _CRC.unpack(record[-CRC_BYTES:])[0]:
        raise StoreCorrupt("The server's data is damaged", log="the checksum does not match")
    if data[0] != tag:
        raise StoreCorrupt(
            "The server's data is damaged", log=f"record of kind {data[0]}, not {tag}"
        )
    return data


def _crc32_of_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return zlib.crc32 of each row of bytes [n, width] (byte by byte, as in RFC 1952, §8)."""
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in range(rows.shape[1]):
        crc = _CRC_TABLE[(crc ^ rows[:, column]) & 0xFF] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, np.uint32(0xEDB88320) ^ (table >> 1), table >> 1)
    return table.astype(np.uint32)


_CRC_TABLE: Final = _crc_table()


# -- positions -------------------------------------------------------------------------------------


def spread(positions: Positions, floor: int = 0) -> Positions:
    """Return ascending ``positions`` [n], raised just enough to be unique and above ``floor``.

    Each result is the larger of its input and one above its predecessor.
    """
    steps = np.arange(len(positions), dtype=np.int64)
    raised: Positions = np.maximum(positions, floor + 1) - steps
    return np.maximum.accumulate(raised) + steps


def split_chunks(members: Iterable[int] | BitMap) -> Iterator[tuple[int, BitMap]]:
    """Yield (chunk number, its members) of a set of ordinals, ascending."""
    whole = members if isinstance(members, BitMap) else BitMap(members)
    start = 0
    while whole and start <= whole.max():
        number = whole.next_set_bit(start) >> CHUNK_BITS
        start = (number + 1) << CHUNK_BITS
        yield number, whole & chunk_range(number)


def chunk_range(number: int) -> BitMap:
    """Return all the ordinals of a chunk."""
    return BitMap(range(number << CHUNK_BITS, (number + 1) << CHUNK_BITS))
