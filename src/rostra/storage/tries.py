"""How often secrets were tried, for all processes of a server together."""

from __future__ import annotations

from rostra.domain.throttle import Tries
from rostra.storage.database.sqlite import Database


class TriesStore:
    """The tries as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: bytes) -> Tries:
        """Return how often the thing named by ``key`` was tried."""
        row = self._database.row("SELECT count, last_at FROM tries WHERE key = ?", (key,))
        return Tries(row[0], row[1]) if row else Tries()


class TriesStoreWriter(TriesStore):
    """The tries within a transaction."""

    def put(self, key: bytes, tries: Tries, forget_at: int) -> None:
        """Keep how often something was tried until ``forget_at`` (ms); clear away what is over."""
        self._database.run(
            "DELETE FROM tries WHERE key IN "
            "(SELECT key FROM tries WHERE forget_at <= ? ORDER BY forget_at LIMIT 20)",
            (tries.last_at,),
        )
        self._database.run(
            "INSERT INTO tries (key, count, last_at, forget_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET count = excluded.count, "
            "last_at = excluded.last_at, forget_at = excluded.forget_at",
            (key, tries.count, tries.last_at, forget_at),
        )

    def forget(self, key: bytes) -> None:
        """Forget how often something was tried."""
        self._database.run("DELETE FROM tries WHERE key = ?", (key,))
