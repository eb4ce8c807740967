"""Account sets in plain dictionaries: the simplest thing that could be right, to test against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, Changes, Entry, SetKey


def _counter() -> Callable[[], int]:
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return ticks

    return tick


class MemorySets:
    """A ``MemberSetsWriter`` without a disk, a cache or a clever step.

    Args:
        at: returns the position new members join at; counts from 1 when not given.
    """

    def __init__(self, at: Callable[[], int] | None = None) -> None:
        self._at = at or _counter()
        self._sets: dict[SetKey, dict[int, int]] = {}  # member → position, oldest first
        self._newest: dict[SetKey, int] = {}  # the highest position ever given out
        self._versions: dict[SetKey, int] = {}

    # -- reading -------------------------------------------------------------------------------

    def members(self, key: SetKey) -> dict[int, int]:
        """Return the members of a set and their positions, oldest first."""
        return dict(self._sets.get(SetKey(*key), {}))

    def prefetch(self, keys: Iterable[SetKey]) -> None:
        """Do nothing: everything is in memory."""

    def contains(self, key: SetKey, member: int) -> bool:
        return member in self._sets.get(SetKey(*key), {})

    def contains_many(self, key: SetKey, members: Sequence[int]) -> list[bool]:
        return [self.contains(key, member) for member in members]

    def contained_in(self, keys: Sequence[SetKey], member: int) -> list[bool]:
        return [self.contains(key, member) for key in keys]

    def size(self, key: SetKey) -> int:
        return len(self._sets.get(SetKey(*key), {}))

    def version(self, key: SetKey) -> int:
        return self._versions.get(SetKey(*key), 0)

    def bitmap(self, key: SetKey) -> BitMap:
        return BitMap(self.members(key))

    def warm(self, key: SetKey, *, chunks: int) -> bool:
        return True

    def hidden_count(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> int:
        return len(self.bitmap(key) & mask)

    def newest(
        self,
        key: SetKey,
        *,
        limit: int,
        below: int | None = None,
        above: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        return self._span(key, below, above, without)[::-1][:limit]

    def oldest(
        self,
        key: SetKey,
        *,
        limit: int,
        above: int | None = None,
        below: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        return self._span(key, below, above, without)[:limit]

    def between(self, key: SetKey, *, above: int, below: int) -> BitMap:
        return BitMap([entry.member for entry in self._span(key, below, above, None)])

    def position(self, key: SetKey, member: int) -> int | None:
        return self.members(key).get(member)

    def intersection(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        if common := self.bitmap(first) & self.bitmap(second):
            yield common

    def difference(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        if rest := self.bitmap(first) - self.bitmap(second):
            yield rest

    def entries(self, key: SetKey) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
        if members := self.members(key):
            yield np.array([*members.values()], np.int64), np.array([*members], np.uint32)

    def sizes(self, kind: int, owners: Sequence[int]) -> dict[int, int]:
        return {owner: self.size(SetKey(owner, kind)) for owner in owners}

    def stream(self, kind: int, owners: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        for owner in owners:
            if found := self.members(SetKey(owner, kind)):
                yield owner, np.fromiter(found, dtype=np.uint32, count=len(found))

    def _span(
        self, key: SetKey, below: int | None, above: int | None, without: BitMap | None
    ) -> list[Entry]:
        return [
            Entry(position, member)
            for member, position in self.members(key).items()
            if (below is None or position < below)
            and (above is None or position > above)
            and (without is None or member not in without)
        ]

    # -- changing ------------------------------------------------------------------------------

    def add(self, key: SetKey, member: int, *, at: int | None = None) -> bool:
        key = SetKey(*key)
        if self.contains(key, member):
            return False
        sides = [(key, member)]
        if key.kind in MIRRORS:
            sides.append((key.mirror(member), key.owner))
        start = self._at() if at is None else at
        position = max(start, *(self._newest.get(side, 0) + 1 for side, _ in sides))
        for side, joining in sides:
            self._add(side, joining, position)
        return True

    def remove(self, key: SetKey, member: int) -> bool:
        key = SetKey(*key)
        if not self.contains(key, member):
            return False
        self._remove(key, member)
        if key.kind in MIRRORS:
            self._remove(key.mirror(member), key.owner)
        return True

    def add_many(self, key: SetKey, members: Sequence[int], *, at: int | None = None) -> int:
        return sum(self.add(key, member, at=at) for member in members)

    def remove_many(self, key: SetKey, members: Sequence[int]) -> int:
        return sum(self.remove(key, member) for member in members)

    def _add(self, key: SetKey, member: int, position: int) -> None:
        self._newest[key] = position
        self._sets.setdefault(key, {})[member] = position
        self._versions[key] = self.version(key) + 1

    def _remove(self, key: SetKey, member: int) -> None:
        del self._sets[key][member]
        self._versions[key] = self.version(key) + 1
