"""Who used a hashtag when, kept by each process so that a hashtag in every mouth is not read anew.

What came since is read when a hashtag is asked for again; statuses that were deleted or changed are
looked at anew, once for each hashtag they may have had.
"""

from __future__ import annotations

from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Cache, chunked

TAGS: Final = 1_000
MAX_TOUCHED: Final = 10_000

USES: Final = (
    "SELECT t.status, t.author FROM status_tags t JOIN statuses s ON s.id = t.status "
    "WHERE t.tag = ? AND s.visibility = 0 AND "
)


class Uses(NamedTuple):
    """The public statuses with a hashtag, ascending by id, and their authors."""

    ids: NDArray[np.int64]
    authors: NDArray[np.uint32]

    def chosen(self, rows: NDArray[np.bool_]) -> Uses:
        """Return some of them."""
        return Uses(self.ids[rows], self.authors[rows])


def read_uses(database: Database, tag: str, since: int) -> Uses:
    """Return the uses of a hashtag in statuses from an id on, as they are stored."""
    found = database.iterate(f"{USES} t.status >= ? ORDER BY t.status", (tag, since))
    return _uses(np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 2))


def _uses(table: NDArray[np.int64]) -> Uses:
    return Uses(np.ascontiguousarray(table[:, 0]), table[:, 1].astype(np.uint32))


class _Held:
    """The uses of one hashtag from an id on, and how many touched statuses were looked at."""

    __slots__ = ("seen", "since", "uses")

    def __init__(self, uses: Uses, since: int, seen: int) -> None:
        self.uses = uses
        self.since = since
        self.seen = seen

    @property
    def last(self) -> int:
        """The highest id, or 0."""
        return int(self.uses.ids[-1]) if len(self.uses.ids) else 0


class TagUses:
    """The uses of the hashtags that were asked for."""

    def __init__(self) -> None:
        self._held: Cache[str, _Held] = Cache(TAGS)
        self._touched: list[int] = []

    def apply(self, event: AnyEvent) -> None:
        """Follow an event of the change feed."""
        if isinstance(event, EverythingReplaced):
            self._clear()
        elif not len(self._held):
            return
        elif isinstance(event, StatusDeleted) or (
            isinstance(event, StatusChanged) and event.edited
        ):
            self._touched.append(event.id)
            if len(self._touched) > MAX_TOUCHED:
                self._clear()
        elif isinstance(event, StatusCreated):
            for tag in event.tags:
                held = self._held.get(tag)
                if held is not None and event.id <= held.last:
                    self._held.drop(tag)  # one of the past, as imports bring

    def _clear(self) -> None:
        self._held.clear()
        self._touched.clear()

    def of(self, tag: str, since: int, database: Database) -> Uses:
        """Return the uses of a hashtag in public statuses from an id on."""
        held = self._held.get(tag)
        if held is None or held.since > since:
            held = _Held(read_uses(database, tag, since), since, len(self._touched))
            self._held.put(tag, held)
            return held.uses
        touched = self._touched[held.seen :]
        uses = held.uses.chosen(held.uses.ids >= since)
        newer = read_uses(database, tag, max(held.last + 1, since))
        if touched:
            newer = _joined(newer, _again(database, tag, touched, since, held.last))
            uses = uses.chosen(~np.isin(uses.ids, touched))
        if len(newer.ids):
            uses = _joined(uses, newer)
        held.uses, held.since, held.seen = uses, since, len(self._touched)
        return uses


def _again(database: Database, tag: str, ids: list[int], since: int, last: int) -> Uses:
    """Return the uses in some statuses, those up to ``last`` that are still there."""
    rows: list[tuple[int, int]] = []
    for holes, lot in chunked({id_ for id_ in ids if since <= id_ <= last}):
        rows += database.rows(f"{USES} t.status IN ({holes})", (tag, *lot))
    return _uses(np.array(rows, np.int64).reshape(-1, 2))


def _joined(first: Uses, second: Uses) -> Uses:
    ids = np.concatenate((first.ids, second.ids))
    authors = np.concatenate((first.authors, second.authors))
    order = np.argsort(ids, kind="stable")
    return Uses(ids[order], authors[order])
