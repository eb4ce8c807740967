"""Full pages of what may be seen: read on while the gate takes away from what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar, Unpack

from rostra.domain.pages import Page

T = TypeVar("T")

MAX_READ: Final = 4000
"""How much of a list is read for one page before the page is given out as it is."""


class Fetch(Protocol[T]):
    """Reads part of a list, newest first."""

    def __call__(self, **page: Unpack[Page]) -> list[T]: ...


def fill(
    fetch: Fetch[T],
    keep: Callable[[list[T]], list[T]],
    place: Callable[[T], int],
    **wanted: Unpack[Page],
) -> list[T]:
    """Return the page of the items ``keep`` leaves, newest first.

    Args:
        fetch: reads part of the list.
        keep: leaves out of what was read what is not to be shown.
        place: the cursor of an item.
        wanted: the page, in terms of that cursor.
    """
    limit, since_id = wanted["limit"], wanted.get("since_id")
    max_id, min_id = wanted.get("max_id"), wanted.get("min_id")
    page: list[T] = []
    read, step = 0, limit
    while len(page) < limit and read < MAX_READ:
        found = fetch(limit=step, max_id=max_id, since_id=since_id, min_id=min_id)
        kept = keep(found)
        if min_id is None:
            page += kept[: limit - len(page)]
        else:
            page = kept[max(0, len(kept) - (limit - len(page))) :] + page
        read += len(found)
        if len(found) < step:
            break
        if min_id is None:
            max_id = place(found[-1])
        else:
            min_id = place(found[0])
        step = min(step * 2, 400)
    return page
