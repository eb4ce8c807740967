"""What the repositories share: a bounded cache, and parameters by the hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, TypeVar, Unpack

from rostra.domain.events import AnyEvent
from rostra.domain.pages import Page

K = TypeVar("K")
V = TypeVar("V")

CHUNK: Final = 500
"""How many parameters one ``IN (…)`` gets; SQLite allows 32,766, PostgreSQL 65,535."""

Announce = Callable[[AnyEvent], None]
"""Adds an event to the change feed entry of the transaction."""


class Cache(Generic[K, V]):
    """A bounded map that forgets what has not been used for long.

    Two generations: what is asked for moves to the young one; when that is full it becomes the old
    one, and the old one is dropped. So a hit on something hot is one look-up, with no reordering.

    Args:
        capacity: how many entries at most.
    """

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, capacity: int) -> None:
        self._half = max(1, capacity // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Return what is kept under ``key``, or None."""
        value = self._young.get(key)
        if value is not None:
            return value
        value = self._old.pop(key, None)
        if value is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep ``value`` (which is not None) under ``key``."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        self._old.pop(key, None)
        self._young[key] = value

    def drop(self, key: K) -> None:
        """Forget one entry, if it is kept."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young = {}
        self._old = {}


def chunked(values: Iterable[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the values in lots that fit a statement: placeholders for ``IN (…)``, and values."""
    values = list(values)
    for start in range(0, len(values), CHUNK):
        lot = tuple(values[start : start + CHUNK])
        yield marks(lot), lot


def marks(values: Sequence[object]) -> str:
    """Return the placeholders for a row of ``values``."""
    return ",".join("?" * len(values))


def span(column: str, **page: Unpack[Page]) -> tuple[str, tuple[int, ...], str]:
    """Return the conditions for a page on an id column, their parameters, and the order to read in.

    Each condition begins with AND; the order is DESC or ASC.
    """
    min_id = page.get("min_id")
    above = max((id_ for id_ in (min_id, page.get("since_id")) if id_ is not None), default=None)
    sql = ""
    params: tuple[int, ...] = ()
    for sign, bound in (("<", page.get("max_id")), (">", above)):
        if bound is not None:
            sql += f" AND {column} {sign} ?"
            params += (bound,)
    return sql, params, "DESC" if min_id is None else "ASC"


def escape_like(text: str) -> str:
    r"""Return ``text`` so that LIKE … ESCAPE '\' matches it letter by letter."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
