"""The bytes sets are stored as: what goes in comes out, and damage never goes unseen."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import (
    ADD,
    REMOVE,
    SINGLETON,
    Change,
    Header,
    count_changes,
    decode_chunk,
    decode_entries,
    decode_header,
    decode_singletons,
    encode_chunk,
    encode_entries,
    encode_few,
    encode_header,
    encode_singletons,
    is_header,
    pack_additions,
    pack_change,
    split_chunks,
    spread,
    unpack_changes,
)

ordinals = st.integers(0, 2**32 - 1)
ticks = st.integers(0, 2**47 - 1)
gaps = st.one_of(
    st.integers(1, 9),
    st.integers(1, 10**6).map(lambda ms: ms * 10),
    st.integers(1, 10**4).map(lambda seconds: seconds * 10_000),
)


@st.composite
def entries(draw: st.DrawFn, max_size: int = 80) -> tuple[list[int], list[int]]:
    """Positions that ascend, and distinct members."""
    members = draw(st.lists(ordinals, unique=True, max_size=max_size))
    unit = draw(st.sampled_from((gaps, st.just(10_000), st.integers(1, 2**30))))
    positions = [draw(st.integers(0, 2**46))] if members else []
    for _ in members[1:]:
        positions.append(positions[-1] + draw(unit))
    return positions, members


def arrays(positions: list[int], members: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(positions, dtype=np.int64), np.array(members, dtype=np.uint32)


def plain(record: bytes) -> tuple[list[int], list[int]]:
    positions, members = decode_entries(record)
    return positions.tolist(), members.tolist()


# -- entries ---------------------------------------------------------------------------------------


@given(entries())
def test_entries_come_back(given_entries: tuple[list[int], list[int]]) -> None:
    positions, members = given_entries
    assert plain(encode_entries(*arrays(positions, members))) == given_entries


@given(entries(max_size=60))
def test_many_entries_take_the_same_bytes_as_few(
    given_entries: tuple[list[int], list[int]],
) -> None:
    """Above 24 entries they are packed with numpy; the bytes are the same."""
    positions, members = given_entries
    assert encode_few(positions, members) == encode_entries(*arrays(positions, members))


@pytest.mark.parametrize("count", [1, 2, 24, 25, 127, 128, 1023, 1024, 8192, 20_000])
def test_entries_of_every_length_come_back(count: int) -> None:
    random = np.random.default_rng(count)
    members = random.permutation(count * 3)[:count].astype(np.uint32)
    positions = np.cumsum(random.integers(1, 5000, count)).astype(np.int64)
    found_positions, found_members = decode_entries(encode_entries(positions, members))
    assert np.array_equal(found_positions, positions)
    assert np.array_equal(found_members, members)


def test_the_largest_values_come_back() -> None:
    positions, members = [0, 1, 2**47], [2**32 - 1, 0, 2**32 - 2]
    assert plain(encode_few(positions, members)) == (positions, members)


@given(st.lists(st.tuples(ticks, ordinals), min_size=1, max_size=40))
def test_singletons_written_at_once_are_those_written_one_by_one(
    pairs: list[tuple[int, int]],
) -> None:
    positions, members = arrays([position for position, _ in pairs], [m for _, m in pairs])
    assert encode_singletons(positions, members) == [
        encode_few([position], [member]) for position, member in pairs
    ]


@given(st.lists(ordinals, min_size=1, max_size=40), st.data())
def test_singletons_read_at_once_are_those_read_one_by_one(
    members: list[int], data: st.DataObject
) -> None:
    records = [encode_few([17], [member]) for member in members]
    broken = data.draw(st.sets(st.integers(0, len(records) - 1)))
    for index in broken:
        at = data.draw(st.integers(0, len(records[index]) - 1))
        records[index] = flipped(records[index], at, 1 << data.draw(st.integers(0, 7)))
    for size in range(5):
        of_size = [i for i, record in enumerate(records) if len(record) == SINGLETON + size]
        if of_size:
            joined = np.frombuffer(b"".join(records[i] for i in of_size), dtype=np.uint8)
            starts = np.arange(len(of_size)) * (SINGLETON + size)
            found, sound = decode_singletons(joined, starts, size)
            assert sound.tolist() == [i not in broken for i in of_size]
            assert found[sound].tolist() == [members[i] for i in of_size if i not in broken]


# -- damage ----------------------------------------------------------------------------------------


def flipped(record: bytes, at: int, mask: int) -> bytes:
    return record[:at] + bytes((record[at] ^ mask,)) + record[at + 1 :]


@given(entries(max_size=40), st.data())
def test_a_flipped_bit_in_entries_is_found(
    given_entries: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    record = encode_few(*given_entries)
    at = data.draw(st.integers(0, len(record) - 1))
    with pytest.raises(StoreCorrupt):
        decode_entries(flipped(record, at, 1 << data.draw(st.integers(0, 7))))


@given(entries(max_size=40), st.data())
def test_entries_cut_short_are_found(
    given_entries: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    record = encode_few(*given_entries)
    with pytest.raises(StoreCorrupt):
        decode_entries(record[: data.draw(st.integers(0, len(record) - 1))])


@given(st.dictionaries(ordinals, ticks, max_size=20), st.data())
def test_a_flipped_bit_in_a_header_is_found(
    tombstones: dict[int, int], data: st.DataObject
) -> None:
    record = encode_header(Header(5, 7, tombstones))
    at = data.draw(st.integers(0, len(record) - 1))
    with pytest.raises(StoreCorrupt):
        decode_header(flipped(record, at, 1 << data.draw(st.integers(0, 7))))


@given(st.sets(ordinals, max_size=60), st.data())
def test_a_flipped_bit_in_a_chunk_is_found(members: set[int], data: st.DataObject) -> None:
    record = encode_chunk(BitMap(members))
    at = data.draw(st.integers(0, len(record) - 1))
    with pytest.raises(StoreCorrupt):
        decode_chunk(flipped(record, at, 1 << data.draw(st.integers(0, 7))))


def test_a_record_is_not_taken_for_one_of_another_kind() -> None:
    with pytest.raises(StoreCorrupt, match="not 1"):
        decode_entries(encode_header(Header(0, 0)))
    with pytest.raises(StoreCorrupt, match="not 3"):
        decode_chunk(encode_few([1], [1]))


def test_a_sealed_record_of_a_wrong_length_is_found() -> None:
    body = encode_few([1, 2], [3, 4])[:-4] + b"\0"
    with pytest.raises(StoreCorrupt, match="length"):
        decode_entries(body + zlib.crc32(body).to_bytes(4, "little"))


def test_an_empty_row_is_no_header() -> None:
    assert not is_header(b"")


# -- headers, chunks, journal ----------------------------------------------------------------------


@given(st.integers(0, 2**40), ticks, st.dictionaries(ordinals, ticks, max_size=50))
def test_headers_come_back(size: int, newest: int, tombstones: dict[int, int]) -> None:
    record = encode_header(Header(size, newest, tombstones))
    assert is_header(record)
    assert decode_header(record) == Header(size, newest, tombstones)


@given(st.sets(ordinals, max_size=200))
def test_chunks_come_back(members: set[int]) -> None:
    assert decode_chunk(encode_chunk(BitMap(members))) == BitMap(members)


@given(st.lists(st.tuples(st.sampled_from((ADD, REMOVE)), ordinals, ticks), max_size=30))
def test_journal_rows_come_back(changes: list[tuple[int, int, int]]) -> None:
    row = b"".join(pack_change(*change) for change in changes)
    assert list(unpack_changes(row)) == [Change(*change) for change in changes]
    assert count_changes(len(row)) == len(changes)


@given(entries())
def test_additions_packed_at_once_are_those_packed_one_by_one(
    given_entries: tuple[list[int], list[int]],
) -> None:
    positions, members = given_entries
    assert pack_additions(*arrays(positions, members)) == b"".join(
        pack_change(ADD, member, position)
        for position, member in zip(positions, members, strict=True)
    )


def test_a_journal_row_cut_short_is_found() -> None:
    with pytest.raises(StoreCorrupt, match="cut short"):
        unpack_changes(pack_change(ADD, 1, 2)[:-1])


# -- positions and chunks --------------------------------------------------------------------------


@given(st.lists(ticks, max_size=60).map(sorted), st.integers(0, 2**47))
def test_spread_raises_positions_as_little_as_needed(positions: list[int], floor: int) -> None:
    found = spread(np.array(positions, dtype=np.int64), floor).tolist()
    last = floor
    for position, given_position in zip(found, positions, strict=True):
        assert position == max(given_position, last + 1)
        last = position
    assert all(before < after for before, after in pairwise(found))


@given(st.sets(st.one_of(ordinals, st.integers(0, 200_000)), max_size=100))
def test_chunks_are_split_by_their_upper_bits(members: set[int]) -> None:
    found = list(split_chunks(members))
    numbers = [number for number, _ in found]
    assert numbers == sorted({member >> 16 for member in members})
    for number, part in found:
        assert set(part) == {member for member in members if member >> 16 == number}
