"""Public statuses by hashtag, for the homes of those who follow one: the newest ids in memory.

A hashtag is read from storage when somebody who follows it is first shown its home, and kept
current by the change feed. What lies further back is read from storage.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import chain
from typing import Final

from rostra.domain.events import AnyEvent, EverythingReplaced, StatusChanged, StatusCreated
from rostra.domain.statuses import Visibility
from rostra.storage.database.sqlite import Database
from rostra.storage.older import LOT, Span
from rostra.storage.rows import Cache

TAGS: Final = 20_000
HELD: Final = 400
"""How many ids of a hashtag are read at first; twice as many are held before some are let go."""


class TagIds:
    """The newest ids with one hashtag, ascending, all there are from ``floor`` on."""

    __slots__ = ("floor", "ids")

    def __init__(self, ids: list[int], floor: int) -> None:
        self.ids = ids
        self.floor = floor

    def add(self, status_id: int) -> None:
        """Take in a status."""
        if status_id < self.floor:
            return
        insort(self.ids, status_id)
        if len(self.ids) > 2 * HELD:
            del self.ids[:HELD]
            self.floor = self.ids[0]

    def between(self, span: Span) -> Iterator[int]:
        """Yield the ids held that are in a span, in its order."""
        low, high = bisect_right(self.ids, span.above), bisect_left(self.ids, span.below)
        found = self.ids[low:high]
        return iter(found if span.ascending else found[::-1])


class RecentTags:
    """The newest ids of the hashtags that were asked for; one for each process."""

    def __init__(self) -> None:
        self._tags: Cache[str, TagIds] = Cache(TAGS)

    def apply(self, event: AnyEvent) -> None:
        """Follow an event of the change feed. What was deleted is passed over when read."""
        if isinstance(event, StatusCreated):
            if event.visibility == Visibility.PUBLIC and event.reblog_of is None:
                for tag in event.tags:
                    held = self._tags.get(tag)
                    if held is not None:
                        held.add(event.id)
        elif isinstance(event, EverythingReplaced) or (
            isinstance(event, StatusChanged) and event.edited
        ):
            self._tags.clear()  # an edit may have given a status other hashtags

    def ids(self, tag: str, span: Span, database: Database) -> Iterator[int]:
        """Yield the ids of public statuses with a hashtag that are in a span, in its order."""
        held = self._tags.get(tag)
        if held is None:
            held = self._load(tag, database)
        if span.above >= held.floor - 1:
            return held.between(span)
        older = _stored(tag, span._replace(below=min(span.below, held.floor)), database)
        recent = held.between(span)
        return chain(older, recent) if span.ascending else chain(recent, older)

    def _load(self, tag: str, database: Database) -> TagIds:
        newest = Span(below=2**63 - 1, above=0, ascending=False)
        found = _lot(tag, newest, database, HELD)
        held = TagIds(found[::-1], found[-1] if len(found) == HELD else 0)
        self._tags.put(tag, held)
        return held


def _stored(tag: str, span: Span, database: Database) -> Iterator[int]:
    while found := _lot(tag, span, database, LOT):
        yield from found
        if len(found) < LOT:
            return
        span = span.after(found[-1])


def _lot(tag: str, span: Span, database: Database, limit: int) -> list[int]:
    order = "ASC" if span.ascending else "DESC"
    rows = database.rows(
        "SELECT t.status FROM status_tags t JOIN statuses s ON s.id = t.status "
        "WHERE t.tag = ? AND t.status < ? AND t.status > ? AND s.visibility = 0 "
        f"ORDER BY t.status {order} LIMIT ?",
        (tag, span.below, span.above, limit),
    )
    return [row[0] for row in rows]
