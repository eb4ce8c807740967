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
        if keep is not None:
            read += len(chosen)
            kept = set(keep([row.id for row in chosen]))
            chosen = [row for row in chosen if row.id in kept]
        for row in chosen:
            shown = row.boost_of or row.id
            if span.ascending:
                page.pop(shown, None)
            elif shown in page:
                continue
            page[shown] = row.id
            if len(page) == limit:
                break
    ids = list(page.values())
    return ids[::-1] if span.ascending else ids
