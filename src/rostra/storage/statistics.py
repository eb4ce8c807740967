"""What is counted over spans of time, for moderators: whole tables are read, in a thread."""

from __future__ import annotations

from typing import Final

from rostra.domain.ids import SEQUENCE_BITS
from rostra.ports import Counted
from rostra.storage.database.sqlite import Database


def _bucket(milliseconds: str, *, monthly: bool = False) -> str:
    form = "%Y-%m-01" if monthly else "%Y-%m-%d"
    return f"strftime('{form}', {milliseconds} / 1000, 'unixepoch')"


_DAY_OF_ID: Final = _bucket(f"(id >> {SEQUENCE_BITS})")


class StatisticsStore:
    """Counts as one connection sees them.

    Args:
        database: a connection that nobody else uses meanwhile.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def _by_day(self, sql: str, *params: object) -> dict[str, int]:
        return dict(self._database.rows(sql, params))

    def active_accounts(self, low: int, high: int) -> dict[str, int]:
        """Return how many accounts posted or boosted, by day, and under "" in the whole span."""
        span = "FROM statuses WHERE id >= ? AND id < ?"
        days = self._by_day(
            f"SELECT {_DAY_OF_ID}, COUNT(DISTINCT author) {span} GROUP BY 1", low, high
        )
        total = self._database.value(f"SELECT COUNT(DISTINCT author) {span}", (low, high))
        return days | {"": total}

    def interactions(self, low: int, high: int) -> dict[str, int]:
        """Return how many replies and boosts there were, by day."""
        return self._by_day(
            f"SELECT {_DAY_OF_ID}, COUNT(*) FROM statuses WHERE id >= ? AND id < ? "
            "AND (reblog_of IS NOT NULL OR in_reply_to IS NOT NULL) GROUP BY 1",
            low,
            high,
        )

    def new_accounts(self, low: int, high: int) -> dict[str, int]:
        """Return how many accounts were created, by day."""
        return self.joined(low, high, monthly=False)

    def new_statuses(self, low: int, high: int) -> dict[str, int]:
        """Return how many statuses and boosts there were, by day."""
        return self._by_day(
            f"SELECT {_DAY_OF_ID}, COUNT(*) FROM statuses WHERE id >= ? AND id < ? GROUP BY 1",
            low,
            high,
        )

    def reports(self, low: int, high: int, *, resolved: bool) -> dict[str, int]:
        """Return how many reports were opened, or resolved, by day."""
        if not resolved:
            return self._by_day(
                f"SELECT {_DAY_OF_ID}, COUNT(*) FROM reports WHERE id >= ? AND id < ? GROUP BY 1",
                low,
                high,
            )
        return self._by_day(
            f"SELECT {_bucket('action_taken_at')}, COUNT(*) FROM reports "
            "WHERE action_taken_at >= ? AND action_taken_at < ? GROUP BY 1",
            low >> SEQUENCE_BITS,
            high >> SEQUENCE_BITS,
        )

    def tag(self, tag: str, low: int, high: int, *, accounts: bool) -> dict[str, int]:
        """Return how often a hashtag was used, or by how many ``accounts``, by day and, under "",
        in the whole span.
        """
        counted = "COUNT(DISTINCT author)" if accounts else "COUNT(*)"
        span = "FROM status_tags WHERE tag = ? AND status >= ? AND status < ?"
        day = _bucket(f"(status >> {SEQUENCE_BITS})")
        days = self._by_day(f"SELECT {day}, {counted} {span} GROUP BY 1", tag, low, high)
        return days | {"": self._database.value(f"SELECT {counted} {span}", (tag, low, high))}

    def languages(self, low: int, high: int, *, tag: str | None, limit: int) -> list[Counted]:
        """Return the languages by how many accounts posted in them (with a hashtag)."""
        tagged = "" if tag is None else "AND id IN (SELECT status FROM status_tags WHERE tag = ?)"
        return self._database.rows(
            "SELECT language, COUNT(DISTINCT author) FROM statuses WHERE id >= ? AND id < ? "
            f"AND language IS NOT NULL {tagged} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (low, high, *(() if tag is None else (tag,)), limit),
        )

    def applications(self, low: int, high: int, *, limit: int) -> list[Counted]:
        """Return the applications by how many accounts posted with them."""
        return self._database.rows(
            "SELECT a.name, COUNT(DISTINCT s.author) FROM statuses s "
            "JOIN applications a ON a.id = s.application WHERE s.id >= ? AND s.id < ? "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (low, high, limit),
        )

    def cohorts(self, low: int, high: int, *, monthly: bool) -> list[tuple[str, str, int]]:
        """Return (bucket of joining, bucket of posting, accounts that did both)."""
        joined = _bucket(f"(a.id >> {SEQUENCE_BITS})", monthly=monthly)
        posted = _bucket(f"(s.id >> {SEQUENCE_BITS})", monthly=monthly)
        return self._database.rows(
            f"SELECT {joined}, {posted}, COUNT(DISTINCT s.author) FROM accounts a "
            "JOIN statuses s ON s.author = a.ordinal "
            "WHERE a.id >= ? AND a.id < ? AND s.id >= ? AND s.id < ? GROUP BY 1, 2",
            (low, high, low, high),
        )

    def joined(self, low: int, high: int, *, monthly: bool) -> dict[str, int]:
        """Return how many accounts were created, by bucket."""
        bucket = _bucket(f"(id >> {SEQUENCE_BITS})", monthly=monthly)
        return self._by_day(
            f"SELECT {bucket}, COUNT(*) FROM accounts WHERE id >= ? AND id < ? GROUP BY 1",
            low,
            high,
        )

    def database_bytes(self) -> int:
        """Return the size of the database."""
        pages = self._database.value("PRAGMA page_count")
        return int(pages * self._database.value("PRAGMA page_size"))

    def database_version(self) -> str:
        """Return the name and version of the database."""
        return f"SQLite {self._database.value('SELECT sqlite_version()')}"
