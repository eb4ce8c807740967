"""Pages of timelines: rows of several sources in one order, and what of them makes a page."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from rostra.storage.older import Span
from rostra.storage.recent import Row

MAX_READ: Final = 4_000
"""How many statuses are offered to who leaves out more, before a page is given out as it is."""

Keep = Callable[[list[int]], list[int]]
"""Leaves out of ids of statuses those that are not to be shown."""


def joined(first: Iterator[Row], second: Iterator[Row], span: Span) -> Iterator[Row]:
    """Yield the rows of both, in the order of the span, each once."""
    last = 0
    for row in heapq.merge(first, second, key=lambda row: row.id, reverse=not span.ascending):
        if row.id != last:
            yield row
        last = row.id


def page_of(
    rows: Iterator[Row],
    limit: int,
    span: Span,
    select: Callable[[list[Row]], list[Row]],
    keep: Keep | None = None,
) -> list[int]:
    """Return the ids of a page, newest first; of what would stand there twice, the newest stays."""
    page: dict[int, int] = {}
    read = 0
    while (
        read < MAX_READ
        and (wanted := limit - len(page)) > 0
        and (lot := list(islice(rows, wanted * 3 // 2 + 4)))
    ):
        chosen = select(lot)
        while chosen and (wanted := limit - len(page)) > 0:
            some, chosen = _next(page, chosen, wanted, span)
            if keep is not None:
                read += len(some)
                kept = set(keep([row.id for row in some]))
                some = [row for row in some if row.id in kept]
            _put(page, some, span)
    return sorted(page.values(), reverse=True)


def _next(
    page: dict[int, int], rows: list[Row], wanted: int, span: Span
) -> tuple[list[Row], list[Row]]:
    """Return the rows to look at next, ``wanted`` at most, and those left for afterwards.

    Newest first, what stands in the page already is passed over, and what a newer row shows as well
    is left until that one is in the page or was left out.
    """
    if span.ascending:
        return rows[:wanted], rows[wanted:]
    some: dict[int, Row] = {}
    left = []
    for row in rows:
        shown = row.boost_of or row.id
        if shown in page:
            continue
        if len(some) < wanted and shown not in some:
            some[shown] = row
        else:
            left.append(row)
    return list(some.values()), left


def _put(page: dict[int, int], rows: list[Row], span: Span) -> None:
    """Put rows, in the order of the span, in a page: of each thing shown the newest."""
    for row in rows:
        shown = row.boost_of or row.id
        if span.ascending or shown not in page:
            page[shown] = row.id
