"""Account sets: ordered sets of ordinals, and the bytes they are stored as.

A set is named by a ``SetKey`` (whose, and what of). Its members are *entries*: an ordinal and a
position, the tick (100 µs since 1970) at which it joined, unique within the set and growing, so
that newest first is descending position and a position is a stable cursor.

How they are stored is in ``domain/packing.py``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap


class SetKind(enum.IntEnum):
    """What a set is of; its owner is the ordinal of an account or the id of what it belongs to."""

    FOLLOWERS = 0
    FOLLOWING = 1
    FOLLOW_REQUESTS = 2
    FOLLOW_REQUESTED = 3
    BLOCKING = 4
    BLOCKED_BY = 5
    MUTING = 6
    MUTED_BY = 7
    LIKES = 8
    BOOSTS = 9
    BOOKMARKS = 10
    LIST_MEMBERS = 11  # owned by a list
    TAG_FOLLOWERS = 12  # owned by a hashtag's id
    THREAD_MUTES = 13  # owned by the status that begins a conversation: who mutes it
    ANNOUNCEMENT_READ = 14  # owned by an announcement: who dismissed it
    REACTED = 15  # owned by a reaction to an announcement: who reacted so
    SUSPENDED = 16
    LIMITED = 17
    FROZEN = 18
    SENSITIVE = 19
    DELETED = 20
    LOCKED = 21
    FEATURED = 22  # whom the staff suggests to everybody
    ENDORSING = 24  # whom an account features on its profile
    NOT_SUGGESTED = 25  # whom an account does not want to be suggested again
    HEEDING = 26  # whose notifications an account accepts, whatever its policy says
    VOTES = 32  # VOTES + n: those who chose option n of the poll that has the owner's id

    @classmethod
    def label(cls, kind: int) -> str:
        """Return the name of a kind, the options of a poll included."""
        return f"votes[{kind - cls.VOTES}]" if kind >= cls.VOTES else cls(kind).name.lower()


MIRRORS: Final[dict[int, SetKind]] = {
    SetKind.FOLLOWERS: SetKind.FOLLOWING,
    SetKind.FOLLOWING: SetKind.FOLLOWERS,
    SetKind.FOLLOW_REQUESTS: SetKind.FOLLOW_REQUESTED,
    SetKind.FOLLOW_REQUESTED: SetKind.FOLLOW_REQUESTS,
    SetKind.BLOCKING: SetKind.BLOCKED_BY,
    SetKind.BLOCKED_BY: SetKind.BLOCKING,
    SetKind.MUTING: SetKind.MUTED_BY,
    SetKind.MUTED_BY: SetKind.MUTING,
}
"""Kinds whose entries are stored on both sides, which are written in one transaction."""

SERVER: Final = 0
"""The owner of the sets that belong to the server itself (``SUSPENDED`` and the like)."""


class SetKey(NamedTuple):
    """The name of a set."""

    owner: int
    kind: int

    def mirror(self, member: int) -> SetKey:
        """Return the set on the other side of the edge to ``member``."""
        return SetKey(member, MIRRORS[self.kind])

    def __str__(self) -> str:
        return f"{SetKind.label(self.kind)}({self.owner})"


class Entry(NamedTuple):
    """A member of a set and the position (tick) it joined at."""

    position: int
    member: int


class MemberSets(Protocol):
    """Account sets as they can be read; every answer is as of the same place in the change feed."""

    def prefetch(self, keys: Iterable[SetKey]) -> None:
        """Read many sets in a few queries, so that asking for them one by one costs none."""
        ...

    def contains(self, key: SetKey, member: int) -> bool:
        """Return whether ``member`` is in the set."""
        ...

    def contains_many(self, key: SetKey, members: Sequence[int]) -> list[bool]:
        """Return for each of ``members`` whether it is in the set."""
        ...

    def contained_in(self, keys: Sequence[SetKey], member: int) -> list[bool]:
        """Return for each of ``keys`` whether ``member`` is in that set."""
        ...

    def size(self, key: SetKey) -> int:
        """Return the number of members, hidden ones included."""
        ...

    def version(self, key: SetKey) -> int:
        """Return a number that changes whenever the members do, for this process alone."""
        ...

    def bitmap(self, key: SetKey) -> BitMap:
        """Return all members. The bitmap is the store's own: read it, never change it."""
        ...

    def warm(self, key: SetKey, *, chunks: int) -> bool:
        """Read up to so many more chunks of a set into memory; return whether all of it is there.

        So a large set is read in steps, with room between them for those who wait for an answer.
        """
        ...

    def hidden_count(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> int:
        """Return how many members are also in ``mask``, kept between calls.

        Args:
            key: the set.
            epoch: the mask's epoch.
            mask: the mask.
            changed: tells which ordinals the mask gained or lost since an earlier epoch, or None
                when that is not known any more.
        """
        ...

    def newest(
        self,
        key: SetKey,
        *,
        limit: int,
        below: int | None = None,
        above: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        """Return up to ``limit`` entries, newest first, with ``above < position < below``.

        Args:
            key: the set.
            limit: how many entries at most.
            below: return entries of lower position than this only.
            above: return entries of higher position than this only.
            without: pass over these members.
        """
        ...

    def oldest(
        self,
        key: SetKey,
        *,
        limit: int,
        above: int | None = None,
        below: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        """Return up to ``limit`` entries as ``newest`` does, but oldest first."""
        ...

    def between(self, key: SetKey, *, above: int, below: int) -> BitMap:
        """Return the members with ``above < position < below``, as the store's own bitmap.

        Of a large set the same bounds are kept up to date, so that asking again costs nothing.
        """
        ...

    def position(self, key: SetKey, member: int) -> int | None:
        """Return the position of a member, or None when it has none; reads the set's order."""
        ...

    def intersection(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        """Yield the members both sets have, chunk by chunk, ascending."""
        ...

    def difference(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        """Yield the members of the first set that the second has not, chunk by chunk, ascending."""
        ...

    def entries(self, key: SetKey) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
        """Yield (positions [n], members [n]) of the whole set in blocks, oldest first."""
        ...

    def sizes(self, kind: int, owners: Sequence[int]) -> dict[int, int]:
        """Return the size of each of many sets of a kind, keeping nothing of them in memory."""
        ...

    def stream(self, kind: int, owners: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """Yield (owner, some of its members [n]) until all members of many sets of a kind were
        given, owner after owner in their order; nothing is kept in memory.

        Of an empty set nothing is given, and members come in no order.
        """
        ...


class MemberSetsWriter(MemberSets, Protocol):
    """Account sets within a transaction: reads see the transaction's own changes."""

    def add(self, key: SetKey, member: int, *, at: int | None = None) -> bool:
        """Add a member as the newest; return False when it is in the set already.

        A mirrored kind is written on both sides.

        Args:
            key: the set.
            member: an ordinal.
            at: the position (tick) to join at; the transaction's time when not given. Raised to one
                above the newest position of the set where it is not above that.
        """
        ...

    def remove(self, key: SetKey, member: int) -> bool:
        """Remove a member, on both sides of a mirrored kind; return whether it was in the set."""
        ...

    def add_many(self, key: SetKey, members: Sequence[int], *, at: int | None = None) -> int:
        """Add members in their order, as ``add`` does; return how many were new."""
        ...

    def remove_many(self, key: SetKey, members: Sequence[int]) -> int:
        """Remove members; return how many were in the set."""
        ...


Changes = Callable[[int], "set[int] | None"]
