"""Trends as last counted, and what they are counted from."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from pyroaring import BitMap

from rostra.domain.account_set import SetKind
from rostra.domain.events import TrendsCounted
from rostra.domain.trends import Trend, TrendKind, Use
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce

_LINK: Final = re.compile(r'<a href="([^"]*)" rel="nofollow')
_names = msgspec.json.Decoder(tuple[str, ...])
_days = msgspec.json.Decoder(tuple[tuple[int, int], ...])


class TrendStore:
    """Trends as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, kind: TrendKind) -> list[Trend]:
        """Return what trended at the last count, most of it first."""
        rows = self._database.rows(
            "SELECT subject, score, peak, peak_at, counted_at, accounts, data FROM trends "
            "WHERE kind = ? ORDER BY score DESC, subject",
            (int(kind),),
        )
        return [
            Trend(
                kind=kind,
                subject=row[0],
                score=row[1],
                peak=row[2],
                peak_at=row[3],
                counted_at=row[4],
                accounts=BitMap.deserialize(row[5]),
                days=_days.decode(row[6]),
            )
            for row in rows
        ]

    def reviews(self, kind: TrendKind) -> dict[str, bool]:
        """Return whether moderators let things trend, where they said so."""
        rows = self._database.rows(
            "SELECT subject, allowed FROM trend_reviews WHERE kind = ?", (int(kind),)
        )
        return {subject: bool(allowed) for subject, allowed in rows}

    def most_followed(self) -> list[int]:
        """Return the accounts with most followers at the last count, most first."""
        rows = self._database.rows("SELECT account FROM most_followed ORDER BY rank")
        return [row[0] for row in rows]

    # -- what is counted -----------------------------------------------------------------------

    def uses(self, since: int) -> Iterator[Use]:
        """Yield the public statuses with hashtags or links from an id on."""
        for status, author, tags, content in self._database.iterate(
            "SELECT id, author, tags, content FROM statuses WHERE id >= ? AND visibility = 0 "
            "AND reblog_of IS NULL AND (tags IS NOT NULL OR content LIKE '%rel=\"nofollow%')",
            (since,),
        ):
            links = tuple(dict.fromkeys(map(html.unescape, _LINK.findall(content))))
            yield Use(status, author, _names.decode(tags) if tags else (), links)

    def touched(self, since: int, limit: int) -> list[int]:
        """Return the statuses with ids from ``since`` on that are liked and boosted most, roughly:
        judged by the bytes of their sets.
        """
        kinds = (int(SetKind.LIKES), int(SetKind.BOOSTS))
        rows = self._database.rows(
            "SELECT owner, SUM(bytes) FROM ("
            "SELECT owner, LENGTH(data) AS bytes FROM packed WHERE owner >= ?1 AND kind IN (?2, ?3)"
            " UNION ALL "
            "SELECT owner, LENGTH(entries) FROM journal WHERE owner >= ?1 AND kind IN (?2, ?3)"
            " UNION ALL "
            "SELECT owner, 65536 FROM chunks WHERE owner >= ?1 AND kind IN (?2, ?3)"
            ") GROUP BY owner ORDER BY 2 DESC LIMIT ?4",
            (since, *kinds, limit),
        )
        return [row[0] for row in rows]

    def large_owners(self, kind: int, limit: int) -> list[int]:
        """Return the owners of sets of a kind that are kept in chunks: the largest there are."""
        rows = self._database.rows(
            "SELECT owner FROM chunks WHERE kind = ? GROUP BY owner ORDER BY COUNT(*) DESC LIMIT ?",
            (int(kind), limit),
        )
        return [row[0] for row in rows]

    def recent_authors(self, *, below: int, limit: int) -> list[tuple[int, int]]:
        """Return (id, author) of the statuses for anybody below an id, newest first."""
        rows: list[tuple[int, int]] = self._database.rows(
            "SELECT id, author FROM statuses WHERE id < ? AND visibility <= 1 "
            "ORDER BY id DESC LIMIT ?",
            (below, limit),
        )
        return rows


class TrendStoreWriter(TrendStore):
    """Trends within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def replace(self, kind: TrendKind, trends: Sequence[Trend]) -> None:
        """Keep a new count of a kind of trends."""
        self._database.run("DELETE FROM trends WHERE kind = ?", (int(kind),))
        self._database.run_many(
            "INSERT INTO trends (kind, subject, score, peak, peak_at, counted_at, accounts, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    int(kind),
                    trend.subject,
                    trend.score,
                    trend.peak,
                    trend.peak_at,
                    trend.counted_at,
                    trend.accounts.serialize(),
                    msgspec.json.encode(trend.days).decode(),
                )
                for trend in trends
            ),
        )
        self._announce(TrendsCounted())

    def review(self, kind: TrendKind, subject: str, *, allowed: bool) -> None:
        """Put down whether a moderator lets something trend."""
        self._database.run(
            "INSERT OR REPLACE INTO trend_reviews (kind, subject, allowed) VALUES (?, ?, ?)",
            (int(kind), subject, int(allowed)),
        )
        self._announce(TrendsCounted())

    def set_most_followed(self, accounts: Sequence[int]) -> None:
        """Keep who is followed most, in order."""
        self._database.run("DELETE FROM most_followed")
        self._database.run_many(
            "INSERT INTO most_followed (rank, account) VALUES (?, ?)", enumerate(accounts)
        )
