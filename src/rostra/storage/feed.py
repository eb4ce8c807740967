"""The change feed as it can be asked about the past."""

from __future__ import annotations

from collections.abc import Iterator

from rostra.domain.events import AnyEvent, decode
from rostra.storage.database.sqlite import Database


class FeedStore:
    """The change feed as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, seq: int) -> Iterator[AnyEvent] | None:
        """Return the events of the commits after a place in order; None when it does not reach."""
        oldest = self._database.value("SELECT MIN(seq) FROM feed")
        if oldest is None or oldest > seq + 1:
            return None
        return self._events(seq)

    def _events(self, seq: int) -> Iterator[AnyEvent]:
        for (events,) in self._database.iterate(
            "SELECT events FROM feed WHERE seq > ? ORDER BY seq", (seq,)
        ):
            yield from decode(events)
