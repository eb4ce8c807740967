"""Whether two lists of edges are the same, told by sums of hashes instead of by sorting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rostra.domain.account_set import MIRRORS, SetKind
from rostra.domain.packing import Members

BUCKETS: Final = 4096
EDGES_A_LOT: Final = 8_000_000

PAIRS: Final = (
    SetKind.FOLLOWERS,
    SetKind.FOLLOW_REQUESTS,
    SetKind.BLOCKING,
    SetKind.MUTING,
)
"""The first kind of each mirrored pair; an edge is (owner, member) as that kind has it."""

Hashes = NDArray[np.uint64]


class Edges(NamedTuple):
    """Members of sets of one kind: ``owners`` [n] and ``members`` [n] beside each other."""

    kind: int
    owners: NDArray[np.int64]
    members: Members


def mix(values: Hashes) -> Hashes:
    """Return the splitmix64 hash of 64-bit numbers [n].

    The mixer of https://prng.di.unimi.it/splitmix64.c.
    """
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hash_edges(edges: Edges) -> Hashes:
    """Return a hash [n] of each edge, the same from either side of a mirrored pair."""
    first, second = edges.owners.astype(np.uint64), edges.members.astype(np.uint64)
    if edges.kind in MIRRORS and edges.kind not in PAIRS:
        first, second = second, first
    return mix(mix(first) ^ second)


class EdgeSums:
    """The sums of the hashes of two sides' edges, in buckets; equal sums mean equal edges.

    Two different lists have the same sums with a chance of one in 2⁶⁴.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((2, BUCKETS), dtype=np.uint64)
        self._counts = np.zeros((2, BUCKETS), dtype=np.int64)

    def add(self, side: int, hashes: Hashes) -> None:
        """Add edges to a side (0 or 1)."""
        buckets = (hashes >> np.uint64(52)).astype(np.intp)
        np.add.at(self._sums[side], buckets, hashes)
        self._counts[side] += np.bincount(buckets, minlength=BUCKETS)

    def unequal(self) -> Iterator[NDArray[np.bool_]]:
        """Yield the buckets [4096] in which the sides differ, in lots of edges that fit memory."""
        differ = np.flatnonzero(
            (self._sums[0] != self._sums[1]) | (self._counts[0] != self._counts[1])
        )
        lot = np.zeros(BUCKETS, dtype=np.bool_)
        held = 0
        for bucket in differ.tolist():
            lot[bucket] = True
            held += int(self._counts[:, bucket].sum())
            if held > EDGES_A_LOT:
                yield lot
                lot, held = np.zeros(BUCKETS, dtype=np.bool_), 0
        if lot.any():
            yield lot


class Side:
    """The edges of one side whose hashes fall in some buckets."""

    def __init__(self, wanted: NDArray[np.bool_]) -> None:
        self._wanted = wanted
        self._hashes: list[Hashes] = []
        self._owners: list[NDArray[np.int64]] = []
        self._members: list[Members] = []

    def add(self, edges: Edges) -> None:
        """Keep those of ``edges`` that fall in the buckets."""
        hashes = hash_edges(edges)
        kept = self._wanted[(hashes >> np.uint64(52)).astype(np.intp)]
        if kept.any():
            self._hashes.append(hashes[kept])
            self._owners.append(edges.owners[kept])
            self._members.append(edges.members[kept])

    def kept(self, kind: int) -> Iterator[Edges]:
        """Yield the edges that were kept, as edges of a kind."""
        for owners, members in zip(self._owners, self._members, strict=True):
            yield Edges(kind, owners, members)

    def without(self, other: Side) -> Iterator[tuple[int, int]]:
        """Yield (owner, member) of the edges this side has and ``other`` has not."""
        if not self._hashes:
            return
        mine = np.concatenate(self._hashes)
        theirs = np.concatenate(other._hashes) if other._hashes else np.empty(0, dtype=np.uint64)
        extra = ~np.isin(mine, theirs)
        owners, members = np.concatenate(self._owners)[extra], np.concatenate(self._members)[extra]
        yield from zip(owners.tolist(), members.tolist(), strict=True)

    def doubled(self) -> Iterator[tuple[int, int]]:
        """Yield (owner, member) of the edges this side has more than once."""
        if not self._hashes:
            return
        hashes = np.concatenate(self._hashes)
        _, index, counts = np.unique(hashes, return_index=True, return_counts=True)
        again = index[counts > 1]
        owners, members = np.concatenate(self._owners)[again], np.concatenate(self._members)[again]
        yield from zip(owners.tolist(), members.tolist(), strict=True)
