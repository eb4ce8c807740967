"""What accounts like and bookmark: the sets of statuses from the other side, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Unpack

from rostra.domain.account_set import SetKind
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import span

KINDS: Final = (SetKind.LIKES, SetKind.BOOKMARKS)
"""The kinds of sets that an account can list from its own side."""

PUT: Final = (
    "INSERT INTO collected (account, kind, position, status) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (account, kind, position) DO NOTHING"
)


class CollectedStore:
    """The lists as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, account: int, kind: int, **page: Unpack[Page]) -> list[tuple[int, int]]:
        """Return (position, status) of what an account likes or keeps, newest first."""
        between, bounds, order = span("position", **page)
        rows: list[tuple[int, int]] = self._database.rows(
            f"SELECT position, status FROM collected WHERE account = ? AND kind = ?{between} "
            f"ORDER BY position {order} LIMIT ?",
            (account, int(kind), *bounds, page["limit"]),
        )
        return rows if order == "DESC" else rows[::-1]

    def owners(self, kind: int, *, above: int, limit: int) -> list[int]:
        """Return which statuses have a set of a kind: ids above a bound, rising."""
        found: set[int] = set()
        for table in ("packed", "journal"):
            rows = self._database.rows(
                f"SELECT DISTINCT owner FROM {table} WHERE kind = ? AND owner > ? "
                "ORDER BY owner LIMIT ?",
                (int(kind), above, limit),
            )
            found.update(owner for (owner,) in rows)
        return sorted(found)[:limit]


class CollectedStoreWriter(CollectedStore):
    """The lists within a transaction; who calls changes the set in the same one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._execute = database.connection.execute
        self._changes = database.connection.changes

    def add(self, account: int, kind: int, status: int, position: int) -> None:
        """Put a status on a list it is not on, at the position it has in its set or, where another
        one has that place, at the next that is free.
        """
        while not self._put(account, int(kind), position, status):
            position += 1

    def _put(self, account: int, kind: int, position: int, status: int) -> bool:
        self._execute(PUT, (account, kind, position, status))
        return self._changes() > 0

    def remove(self, accounts: Iterable[int], kind: int, status: int, since: int) -> None:
        """Take a status off the lists of accounts.

        Args:
            accounts: whose lists.
            kind: which lists.
            status: the status.
            since: a position before which nobody can have listed it, which saves reading those.
        """
        for account in accounts:
            for low in (since, 0):  # a clock that was set back leaves rows before that
                self._database.run(
                    "DELETE FROM collected WHERE account = ? AND kind = ? AND position >= ? "
                    "AND status = ?",
                    (account, int(kind), low, status),
                )
                if self._database.changes:
                    break

    def restore(self, account: int, kind: int, status: int, position: int) -> bool:
        """Put a status on a list where its set says it belongs, unless it is on it; return whether
        it was not.
        """
        key = (account, int(kind))
        there = self._database.value(
            "SELECT 1 FROM collected WHERE account = ? AND kind = ? AND status = ?", (*key, status)
        )
        if there is not None:
            return False
        self.add(account, kind, status, position)
        return True
