"""Statuses that timelines need and that are only stored: the rows before what is held in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Final, NamedTuple, Unpack

from pyroaring import BitMap

from rostra.domain.ids import MAX_SNOWFLAKE
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.recent import UNKNOWN, Row
from rostra.storage.rows import chunked

LOT: Final = 200

ROW: Final = (
    "id, author, visibility, COALESCE(reblog_of, 0), "
    f"CASE WHEN in_reply_to IS NULL THEN 0 ELSE COALESCE(in_reply_to_author, {UNKNOWN}) END"
)
PUBLIC: Final = (
    "visibility = 0 AND reblog_of IS NULL AND (in_reply_to IS NULL OR in_reply_to_author = author)"
)


class Span(NamedTuple):
    """Which ids a page may have (``above < id < below``), and from which end it is filled."""

    below: int
    above: int
    ascending: bool

    @classmethod
    def of(cls, **page: Unpack[Page]) -> Span:
        """Return the span of a page."""
        max_id, min_id = page.get("max_id"), page.get("min_id")
        below = MAX_SNOWFLAKE if max_id is None else max_id
        return cls(below, max(page.get("since_id") or 0, min_id or 0), min_id is not None)

    def after(self, status_id: int) -> Span:
        """Return what is left of the span after a page that came as far as an id."""
        if self.ascending:
            return self._replace(above=status_id)
        return self._replace(below=status_id)

    def cut(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows, in the order of the span, up to its far end."""
        if self.ascending:
            return takewhile(lambda row: row.id < self.below, rows)
        return takewhile(lambda row: row.id > self.above, rows) if self.above else rows


class OlderStatuses:
    """The rows of timelines as one connection reads them from storage.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def row(self, status_id: int) -> Row | None:
        """Return the row of a status."""
        found = self._database.row(f"SELECT {ROW} FROM statuses WHERE id = ?", (status_id,))
        return None if found is None else _row(found)

    def home(self, authors: BitMap, span: Span) -> Iterator[Row]:
        """Yield the rows of authors by merging them, each author's next one read when it is due."""
        sign = 1 if span.ascending else -1
        heap = [
            (sign * status_id, author)
            for author, status_id in self._next(authors, span)
            if status_id is not None
        ]
        heapq.heapify(heap)
        while heap:
            place, author = heap[0]
            row = self._database.row(f"SELECT {ROW} FROM statuses WHERE id = ?", (sign * place,))
            yield _row(row)
            ((_, status_id),) = self._next([author], span.after(sign * place))
            if status_id is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (sign * status_id, author))

    def _next(self, authors: Iterable[int], span: Span) -> list[tuple[int, int | None]]:
        """Return the authors, and for each the first id in the span, from the index alone."""
        first = "MIN" if span.ascending else "MAX"
        found: list[tuple[int, int | None]] = []
        for holes, lot in chunked(authors):
            found += self._database.rows(
                f"WITH followed (author) AS (VALUES {holes.replace('?', '(?)')}) SELECT author, "
                f"(SELECT {first}(id) FROM statuses "
                "WHERE author = followed.author AND id < ? AND id > ?) FROM followed",
                (*lot, span.below, span.above),
            )
        return found

    def public(self, span: Span) -> Iterator[Row]:
        """Yield the rows of the public timeline, a lot at a time."""
        order = "ASC" if span.ascending else "DESC"
        while True:
            found = self._database.rows(
                f"SELECT {ROW} FROM statuses WHERE {PUBLIC} AND id < ? AND id > ? "
                f"ORDER BY id {order} LIMIT ?",
                (span.below, span.above, LOT),
            )
            yield from map(_row, found)
            if len(found) < LOT:
                return
            span = span.after(found[-1][0])


def _row(found: tuple[int, int, int, int, int]) -> Row:
    return Row(*found, boosted=UNKNOWN if found[3] else 0)
