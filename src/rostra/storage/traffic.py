"""What was asked of this server, by minutes and hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rostra.domain.capacity import HOUR_MS, MINUTE_MS, Traffic
from rostra.storage.database.sqlite import Database

MINUTES_KEPT_MS: Final = 2 * HOUR_MS
HOURS_KEPT_MS: Final = 90 * 24 * HOUR_MS
_COLUMNS: Final = "at, requests, busiest, readers, cpu_us, times"


class TrafficStore:
    """What was asked as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def hours(self, *, since: int) -> Sequence[Traffic]:
        """Return the hours since a time (ms), oldest first."""
        return self._since(HOUR_MS, since)

    def minutes(self, *, since: int) -> Sequence[Traffic]:
        """Return the minutes since a time (ms), oldest first."""
        return self._since(MINUTE_MS, since)

    def _since(self, span: int, since: int) -> list[Traffic]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM traffic WHERE span = ? AND at >= ? ORDER BY at", (span, since)
        )
        return [_traffic(row) for row in rows]


class TrafficStoreWriter(TrafficStore):
    """What was asked, within a transaction."""

    def add(self, minute: Traffic) -> None:
        """Add a minute, to its hour as well, and let go of what is too old."""
        for span, kept in ((MINUTE_MS, MINUTES_KEPT_MS), (HOUR_MS, HOURS_KEPT_MS)):
            at = minute.at - minute.at % span
            row = self._database.rows(
                f"SELECT {_COLUMNS} FROM traffic WHERE span = ? AND at = ?", (span, at)
            )
            before = _traffic(row[0]) if row else Traffic(at=at)
            self._put(span, before.plus(minute))
            self._database.run("DELETE FROM traffic WHERE span = ? AND at < ?", (span, at - kept))

    def _put(self, span: int, seen: Traffic) -> None:
        times = msgspec.json.encode(seen.times).decode()
        self._database.run(
            f"INSERT OR REPLACE INTO traffic (span, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (span, seen.at, seen.requests, seen.busiest, seen.readers, seen.cpu_us, times),
        )


def _traffic(row: tuple[Any, ...]) -> Traffic:
    return Traffic(
        at=row[0],
        requests=row[1],
        busiest=row[2],
        readers=row[3],
        cpu_us=row[4],
        times=msgspec.json.decode(row[5], type=tuple[int, ...]),
    )
