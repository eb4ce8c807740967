"""How far resumable pieces of long work have come, written in their own transactions."""

from __future__ import annotations

from rostra.storage.database.sqlite import Database


class ProgressStore:
    """The progress of long work as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, work: str) -> str | None:
        """Return what was last put down about a piece of work."""
        state: str | None = self._database.value(
            "SELECT state FROM progress WHERE work = ?", (work,)
        )
        return state


class ProgressStoreWriter(ProgressStore):
    """The progress of long work within a transaction."""

    def put(self, work: str, state: str) -> None:
        """Put down how far a piece of work is once this transaction is committed."""
        self._database.run(
            "INSERT INTO progress (work, state) VALUES (?, ?) "
            "ON CONFLICT (work) DO UPDATE SET state = excluded.state",
            (work, state),
        )
