"""Recent statuses in memory: columns in order of id, each row linked to its author's last one.

The newest statuses of any number of authors are a merge of chains, begun at the newest heads, so
the cost of a first page does not depend on how much anybody posted. From a place further back the
columns are scanned, which numpy does at about a nanosecond a row.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.statuses import Visibility

Slots = NDArray[np.int32]

DELETED: Final = 0
"""The slot of rows that are deleted: no author has it, so nobody's chain or scan shows them."""

NONE: Final = -1
"""The end of a chain."""

UNKNOWN: Final = -1
"""The author of a status that is not here."""

FIRST_LOT: Final = 48
FIRST_SCAN: Final = 2_048
LARGEST_SCAN: Final = 65_536


class Row(Struct, frozen=True, gc=False):
    """What timelines need to know of a status.

    ``boost_of`` is the status it boosts and ``boosted`` that one's author, ``reply_to`` the author
    it answers; each is 0 where it does nothing of the kind, and an author may be ``UNKNOWN``.
    """

    id: int
    author: int
    visibility: int
    boost_of: int
    reply_to: int
    boosted: int = 0

    @property
    def public(self) -> bool:
        """Whether the public timeline has it: a public status that answers nobody else."""
        return (
            self.visibility == Visibility.PUBLIC
            and not self.boost_of
            and self.reply_to in (0, self.author)
        )


class Column:
    """A numpy array that grows at its end, with a view that reads single values fast."""

    __slots__ = ("size", "values", "view")

    def __init__(self, values: NDArray[Any]) -> None:
        self.size = len(values)
        self._hold(values)

    def _hold(self, values: NDArray[Any]) -> None:
        self.values = values
        self.view = memoryview(values.data)

    def append(self, value: int) -> None:
        if self.size == len(self.values):
            grown = np.empty(self.size + self.size // 4 + 1024, self.values.dtype)
            grown[: self.size] = self.values
            self._hold(grown)
        self.view[self.size] = value
        self.size += 1

    @property
    def filled(self) -> NDArray[Any]:
        """The values there are."""
        return self.values[: self.size]


class Window:
    """The statuses from some id on.

    Args:
        table: one row a status, ascending by id, with the first five columns of ``Row`` (int64).
    """

    def __init__(self, table: NDArray[np.int64]) -> None:
        authors = table[:, 1]
        order = np.argsort(authors, kind="stable")
        grouped = authors[order]
        begins = np.ones(len(grouped), bool)
        begins[1:] = grouped[1:] != grouped[:-1]
        slots = np.empty(len(grouped), np.int32)
        slots[order] = np.cumsum(begins, dtype=np.int32)
        links = np.full(len(grouped), NONE, np.int32)
        links[order[1:]] = np.where(begins[1:], NONE, order[:-1])
        known = grouped[begins]
        ends = np.append(np.flatnonzero(begins)[1:], len(order)) - 1 if len(order) else order

        self._ids = Column(np.ascontiguousarray(table[:, 0]))
        self._visibilities = Column(table[:, 2].astype(np.int8))
        self._boosts = Column(np.ascontiguousarray(table[:, 3]))
        self._replies = Column(np.ascontiguousarray(table[:, 4]))
        self._boosted = Column(_boosted(table))
        self._slots = Column(slots)
        self._links = Column(links)
        self._public = Column(np.flatnonzero(_public(table)).astype(np.int32))
        # By slot, slot 0 being nobody's:
        self._ordinals = Column(np.append(np.int64(0), known))
        self._heads = Column(np.append(np.int32(NONE), order[ends].astype(np.int32)))
        # From ordinal to slot: sorted arrays, and those that came since.
        self._known = known
        self._known_slots = np.arange(1, len(known) + 1, dtype=np.int32)
        self._new: dict[int, int] = {}

    def __len__(self) -> int:
        return self._ids.size

    @property
    def authors(self) -> int:
        """How many authors ever had a status here; it grows when one more does."""
        return self._ordinals.size - 1

    @property
    def first(self) -> int:
        """The lowest id here, or 0."""
        return self._ids.view[0] if self._ids.size else 0

    @property
    def last(self) -> int:
        """The highest id here, or 0."""
        return self._ids.view[self._ids.size - 1] if self._ids.size else 0

    def rows(self, numbers: Iterable[int]) -> Iterator[Row]:
        """Yield rows by their numbers."""
        ids, visibilities, boosts = self._ids.view, self._visibilities.view, self._boosts.view
        replies, boosted = self._replies.view, self._boosted.view
        slots, ordinals = self._slots.view, self._ordinals.view
        return (
            Row(ids[n], ordinals[slots[n]], visibilities[n], boosts[n], replies[n], boosted[n])
            for n in numbers
        )

    def table(self, since: int = 0) -> NDArray[np.int64]:
        """Return the rows from a number on, without deleted ones, as ``__init__`` takes them."""
        slots = self._slots.filled[since:]
        columns = (self._visibilities, self._boosts, self._replies)
        table: NDArray[np.int64] = np.column_stack(
            (
                self._ids.filled[since:],
                self._ordinals.values[slots],
                *(column.filled[since:] for column in columns),
            )
        )
        alive: NDArray[np.int64] = table[slots != DELETED]
        return alive

    # -- changing ------------------------------------------------------------------------------

    def append(self, row: Row) -> None:
        """Add a status with a higher id than all before."""
        number, slot = self._ids.size, self._slot(row.author)
        self._ids.append(row.id)
        self._visibilities.append(row.visibility)
        self._boosts.append(row.boost_of)
        self._replies.append(row.reply_to)
        self._boosted.append(self.author_of(row.boost_of) if row.boost_of else 0)
        self._slots.append(slot)
        self._links.append(self._heads.view[slot])
        self._heads.view[slot] = number
        if row.public:
            self._public.append(number)

    def delete(self, status_id: int) -> None:
        """Take a status out, if it is here."""
        number = self.find(status_id)
        if number is None:
            return
        slot = self._slots.view[number]
        self._slots.view[number] = DELETED
        head = self._heads.view[slot]
        while head != NONE and self._slots.view[head] == DELETED:
            head = self._links.view[head]
        self._heads.view[slot] = head

    def _slot(self, author: int) -> int:
        """Return the slot of an author, giving it one when it has none."""
        slot = self._new.get(author)
        if slot is not None:
            return slot
        place = int(np.searchsorted(self._known, author))
        if place < len(self._known) and self._known[place] == author:
            return int(self._known_slots[place])
        slot = self._new[author] = self._ordinals.size
        self._ordinals.append(author)
        self._heads.append(NONE)
        if len(self._new) > 1024 + len(self._known) // 16:
            self._sort_new()
        return slot

    def _sort_new(self) -> None:
        new = np.array(sorted(self._new), np.int64)
        slots = np.array([self._new[author] for author in new.tolist()], np.int32)
        places = np.searchsorted(self._known, new)
        self._known = np.insert(self._known, places, new)
        self._known_slots = np.insert(self._known_slots, places, slots)
        self._new.clear()

    # -- finding -------------------------------------------------------------------------------

    def find(self, status_id: int) -> int | None:
        """Return the number of the row with an id, unless it is deleted."""
        number = self.place(status_id)
        if number == self._ids.size or self._ids.view[number] != status_id:
            return None
        return None if self._slots.view[number] == DELETED else number

    def place(self, status_id: int) -> int:
        """Return the number of the first row whose id is not below ``status_id``."""
        return bisect_left(self._ids.view, status_id, 0, self._ids.size)

    def author_of(self, status_id: int) -> int:
        """Return the author of a status, or ``UNKNOWN``."""
        number = self.find(status_id)
        return UNKNOWN if number is None else self._ordinals.view[self._slots.view[number]]

    def slots_of(self, authors: BitMap) -> Slots:
        """Return the slots of those of ``authors`` that have any status here."""
        wanted = np.frombuffer(authors.to_array(), np.uint32).astype(np.int64)
        if len(self._known):
            places = np.minimum(np.searchsorted(self._known, wanted), len(self._known) - 1)
            slots: Slots = self._known_slots[places[self._known[places] == wanted]]
        else:
            slots = np.empty(0, np.int32)
        if not self._new:
            return slots
        new = [self._new[author] for author in authors & BitMap(self._new)]
        return np.append(slots, np.array(new, np.int32))

    def activity(self, above: int, below: int) -> tuple[int, int]:
        """Return how many rows have ids between two, and how many authors they are of."""
        slots = self._slots.values[self.place(above + 1) : self.place(below)]
        alive = slots[slots != DELETED]
        return len(alive), len(np.unique(alive))

    # -- reading -------------------------------------------------------------------------------

    def newest(self, slots: Slots, below: int | None = None) -> Iterator[int]:
        """Yield the numbers of the rows of authors, newest first.

        Args:
            slots: the authors.
            below: begin with the first row whose id is lower than this.
        """
        place = self._ids.size if below is None else self.place(below)
        if place == self._ids.size:
            return self._merge(slots)
        return self._scan(slots, place)

    def oldest(self, slots: Slots, above: int) -> Iterator[int]:
        """Yield the numbers of the rows of authors with ids above ``above``, oldest first."""
        wanted = self._wanted(slots)
        begin, step = self.place(above + 1), FIRST_SCAN
        while begin < self._ids.size:
            hits = wanted[self._slots.filled[begin : begin + step]].nonzero()[0]
            yield from (hits + begin).tolist()
            begin, step = begin + step, min(2 * step, LARGEST_SCAN)

    def public_newest(self, below: int | None = None) -> Iterator[int]:
        """Yield the numbers of the rows of the public timeline, newest first."""
        rows, slots = self._public.view, self._slots.view
        place = self._public.size
        if below is not None:
            place = bisect_left(rows, self.place(below), 0, place)
        for at in range(place - 1, -1, -1):
            if slots[rows[at]] != DELETED:
                yield rows[at]

    def public_oldest(self, above: int) -> Iterator[int]:
        """Yield the numbers of the rows of the public timeline above an id, oldest first."""
        rows, slots = self._public.view, self._slots.view
        begin = bisect_left(rows, self.place(above + 1), 0, self._public.size)
        for at in range(begin, self._public.size):
            if slots[rows[at]] != DELETED:
                yield rows[at]

    def _merge(self, slots: Slots) -> Iterator[int]:
        """Yield rows from the heads of chains on; the heads are taken in lots, newest first."""
        waiting = self._heads.values[slots]
        links, alive = self._links.view, self._slots.view
        heap: list[int] = []  # of negative numbers, so that the newest comes first
        lot = FIRST_LOT
        while True:
            waiting, heads, newest_waiting = _newest_heads(waiting, lot)
            heap += [-head for head in heads if head != NONE]
            heapq.heapify(heap)
            while heap and -heap[0] > newest_waiting:
                number = -heap[0]
                link = links[number]
                if link == NONE:
                    heapq.heappop(heap)
                else:
                    heapq.heapreplace(heap, -link)
                if alive[number] != DELETED:
                    yield number
            if newest_waiting == NONE:
                return
            lot *= 4

    def _scan(self, slots: Slots, end: int) -> Iterator[int]:
        """Yield the rows of authors before the row ``end``, newest first."""
        wanted = self._wanted(slots)
        if len(slots):
            end = min(end, int(self._heads.values[slots].max()) + 1)
        step = FIRST_SCAN
        while end > 0:
            begin = max(0, end - step)
            hits = wanted[self._slots.values[begin:end]].nonzero()[0]
            yield from (hits[::-1] + begin).tolist()
            end, step = begin, min(2 * step, LARGEST_SCAN)

    def _wanted(self, slots: Slots) -> NDArray[np.bool_]:
        wanted = np.zeros(self._ordinals.size, bool)
        wanted[slots] = True
        return wanted


def _newest_heads(heads: Slots, lot: int) -> tuple[Slots, list[int], int]:
    """Return the other heads, the ``lot`` newest ones, and the newest of the others (or NONE)."""
    if len(heads) <= lot:
        return heads[:0], heads.tolist(), NONE
    split = len(heads) - lot
    parted = np.partition(heads, split - 1)
    return parted[:split], parted[split:].tolist(), int(parted[split - 1])


def _boosted(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row of a table ``Row.boosted``."""
    ids, boosts = table[:, 0], table[:, 3]
    boosted = np.zeros(len(ids), np.int64)
    rows = boosts.nonzero()[0]
    originals = boosts[rows]
    places = np.minimum(np.searchsorted(ids, originals), len(ids) - 1)
    boosted[rows] = np.where(ids[places] == originals, table[places, 1], UNKNOWN)
    return boosted


def _public(table: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows of a table ``Row.public`` holds for."""
    _, authors, visibilities, boosts, replies = table.T
    public: NDArray[np.bool_] = (
        (visibilities == Visibility.PUBLIC)
        & (boosts == 0)
        & ((replies == 0) | (replies == authors))
    )
    return public
