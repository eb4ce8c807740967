"""What an account keeps for itself, as stored: markers, preferences, blocked domains."""

from __future__ import annotations

from typing import Unpack

import msgspec

from rostra.domain.pages import Page
from rostra.domain.personal import BlockedDomain, MarkedTimeline, Marker, Preferences
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import span

_encode = msgspec.json.encode
_preferences = msgspec.json.Decoder(Preferences)


class PersonalStore:
    """What accounts keep for themselves, as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def markers(self, account: int) -> dict[MarkedTimeline, Marker]:
        """Return how far an account has read its timelines, those it said so of."""
        rows = self._database.rows(
            "SELECT timeline, last_read, version, updated_at FROM markers WHERE account = ?",
            (account,),
        )
        found = [Marker(MarkedTimeline(name), *rest) for name, *rest in rows]
        return {marker.timeline: marker for marker in found}

    def preferences(self, account: int) -> Preferences:
        """Return how an account likes to read."""
        data = self._database.value("SELECT data FROM preferences WHERE account = ?", (account,))
        return Preferences() if data is None else _preferences.decode(data)

    def blocked_domains(self, account: int, **page: Unpack[Page]) -> list[BlockedDomain]:
        """Return a page of the domains an account blocks, newest first."""
        between, bounds, order = span("id", **page)
        rows = self._database.rows(
            f"SELECT id, domain FROM user_domain_blocks WHERE account = ?{between} "
            f"ORDER BY id {order} LIMIT ?",
            (account, *bounds, page["limit"]),
        )
        found = [BlockedDomain(*row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def blocks_domain(self, account: int, domain: str) -> bool:
        """Return whether an account blocks a domain."""
        found = self._database.row(
            "SELECT 1 FROM user_domain_blocks WHERE account = ? AND domain = ?", (account, domain)
        )
        return found is not None

    def count_blocked_domains(self, account: int) -> int:
        """Return how many domains an account blocks."""
        return int(
            self._database.value(
                "SELECT COUNT(*) FROM user_domain_blocks WHERE account = ?", (account,)
            )
        )


class PersonalStoreWriter(PersonalStore):
    """What accounts keep for themselves, within a transaction."""

    def set_marker(self, account: int, marker: Marker) -> None:
        """Put down how far an account has read a timeline."""
        self._database.run(
            "INSERT INTO markers (account, timeline, last_read, version, updated_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, timeline) DO UPDATE "
            "SET last_read = excluded.last_read, version = excluded.version, "
            "updated_at = excluded.updated_at",
            (account, marker.timeline, marker.last_read, marker.version, marker.updated_at),
        )

    def set_preferences(self, account: int, preferences: Preferences) -> None:
        """Put down how an account likes to read."""
        self._database.run(
            "INSERT INTO preferences (account, data) VALUES (?, ?) "
            "ON CONFLICT (account) DO UPDATE SET data = excluded.data",
            (account, _encode(preferences).decode()),
        )

    def block_domain(self, account: int, blocked: BlockedDomain) -> None:
        """Put down that an account blocks a domain it did not block."""
        self._database.run(
            "INSERT INTO user_domain_blocks (account, id, domain) VALUES (?, ?, ?)",
            (account, blocked.id, blocked.domain),
        )

    def unblock_domain(self, account: int, domain: str) -> None:
        """Put down that an account does not block a domain any more."""
        self._database.run(
            "DELETE FROM user_domain_blocks WHERE account = ? AND domain = ?", (account, domain)
        )

    def forget(self, account: int) -> None:
        """Forget all of it, as of an account that was deleted."""
        for table in ("markers", "preferences", "user_domain_blocks"):
            self._database.run(f"DELETE FROM {table} WHERE account = ?", (account,))
