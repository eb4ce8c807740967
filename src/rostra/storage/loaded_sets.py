"""Account sets in memory: what each can tell, and the small ones, which are held whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import numpy as np
from pyroaring import BitMap

from rostra.domain.account_set import Changes, Entry
from rostra.domain.packing import ADD, Change, Members, Positions
from rostra.storage.database.sqlite import Database

SMALL_ENTRY_BYTES: Final = 120
EMPTY_BYTES: Final = 400

_versions = itertools.count(1)


def new_version() -> int:
    """Return a number that no set has had as its version in this process."""
    return next(_versions)


class LoadedSet(Protocol):
    """A set as this process holds it, at the process's place in the change feed."""

    version: int
    last: int

    def __len__(self) -> int:
        """Return the number of members, hidden ones included."""

    def contains(self, member: int, database: Database) -> bool:
        """Return whether ``member`` is in the set."""

    def apply(self, change: Change) -> None:
        """Take a change that was committed after the set was read."""

    def bitmap(self, database: Database) -> BitMap:
        """Return all members, as the set's own bitmap."""

    def hidden_count(self, epoch: int, mask: BitMap, changed: Changes, database: Database) -> int:
        """Return how many members are in ``mask``; see ``MemberSets.hidden_count``."""

    def descending(self, below: int | None, database: Database) -> Iterator[Entry]:
        """Yield the entries below a position, newest first."""

    def ascending(self, above: int | None, database: Database) -> Iterator[Entry]:
        """Yield the entries above a position, oldest first."""

    def between(self, above: int, below: int, database: Database) -> BitMap:
        """Return the members of positions between two, as the set's own bitmap."""

    def blocks(self, database: Database) -> Iterator[tuple[Positions, Members]]:
        """Yield (positions [n], members [n]) of the whole set in blocks, oldest first."""

    def position(self, member: int, database: Database) -> int | None:
        """Return the position of a member, or None when it is not in the set."""

    def cost(self) -> int:
        """Return about how many bytes of memory the set takes."""


class HiddenMembers:
    """The members of a set that a mask holds, and how many, kept right as either changes."""

    __slots__ = ("_count", "epoch", "members")

    def __init__(self) -> None:
        self.epoch = -1
        self.members = BitMap()
        self._count: int | None = 0

    @property
    def count(self) -> int:
        """How many there are; kept, since counting a bitmap reads all of its containers."""
        if self._count is None:
            self._count = len(self.members)
        return self._count

    def catch_up(self, epoch: int, mask: BitMap, changed: Changes, whole: BitMap) -> None:
        """Become ``whole ∩ mask``, from what the mask gained or lost when that is known."""
        toggled = changed(self.epoch) if self.epoch >= 0 else None
        if toggled is None:
            self.members = whole & mask
            self._count = None
        else:
            for member in toggled:
                self.follow(member, member in whole, mask)
        self.epoch = epoch

    def follow(self, member: int, present: bool, mask: BitMap) -> None:
        """Follow a change of the set or of the mask at one member."""
        hide = present and member in mask
        if hide != (member in self.members):
            (self.members.add if hide else self.members.discard)(member)
            self._count = None


class SmallSet:
    """A set held whole: member → position, in order of position."""

    __slots__ = ("_bitmap", "_hidden", "_hidden_mask", "entries", "last", "version")

    def __init__(self, positions: list[int], members: list[int]) -> None:
        self.entries = dict(zip(members, positions, strict=True))
        self.last = positions[-1] if positions else 0
        self.version = new_version()
        self._bitmap: BitMap | None = None
        self._hidden: HiddenMembers | None = None
        self._hidden_mask: BitMap | None = None

    def begin(self, changes: Iterable[Change]) -> None:
        """Apply changes before anybody has read the set."""
        entries, last = self.entries, self.last
        for op, member, position in changes:
            entries.pop(member, None)
            if op == ADD:
                entries[member] = position
            if position > last:
                last = position
        self.last = last

    def __len__(self) -> int:
        return len(self.entries)

    def contains(self, member: int, database: Database) -> bool:
        return member in self.entries

    def apply(self, change: Change) -> None:
        op, member, position = change
        present = self.entries.pop(member, None) is not None
        if op == ADD:
            self.entries[member] = position
        if position > self.last:
            self.last = position
        self.version = new_version()
        if self._bitmap is not None:
            if op == ADD:
                self._bitmap.add(member)
            elif present:
                self._bitmap.discard(member)
        if self._hidden is not None and self._hidden_mask is not None:
            self._hidden.follow(member, op == ADD, self._hidden_mask)

    def bitmap(self, database: Database) -> BitMap:
        if self._bitmap is None:
            self._bitmap = BitMap(self.entries)
        return self._bitmap

    def hidden_count(self, epoch: int, mask: BitMap, changed: Changes, database: Database) -> int:
        if self._hidden is None:
            self._hidden = HiddenMembers()
        self._hidden_mask = mask
        if epoch != self._hidden.epoch:
            self._hidden.catch_up(epoch, mask, changed, self.bitmap(database))
        return self._hidden.count

    def descending(self, below: int | None, database: Database) -> Iterator[Entry]:
        for member, position in reversed(self.entries.items()):
            if below is None or position < below:
                yield Entry(position, member)

    def ascending(self, above: int | None, database: Database) -> Iterator[Entry]:
        for member, position in self.entries.items():
            if above is None or position > above:
                yield Entry(position, member)

    def between(self, above: int, below: int, database: Database) -> BitMap:
        return BitMap(
            [member for member, position in self.entries.items() if above < position < below]
        )

    def blocks(self, database: Database) -> Iterator[tuple[Positions, Members]]:
        count = len(self.entries)
        if count:
            yield (
                np.fromiter(self.entries.values(), dtype=np.int64, count=count),
                np.fromiter(self.entries, dtype=np.uint32, count=count),
            )

    def position(self, member: int, database: Database) -> int | None:
        return self.entries.get(member)

    def cost(self) -> int:
        return EMPTY_BYTES + SMALL_ENTRY_BYTES * len(self.entries)
