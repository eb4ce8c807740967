"""Lists as stored; their members are account sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rostra.domain.events import ListsChanged
from rostra.domain.lists import AccountList, RepliesPolicy
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, chunked

COLUMNS: Final = "account, id, title, replies, exclusive"


def _decode(row: tuple[Any, ...]) -> AccountList:
    account, id_, title, replies, exclusive = row
    return AccountList(
        account=account,
        id=id_,
        title=title,
        replies=RepliesPolicy(replies),
        exclusive=bool(exclusive),
    )


class ListStore:
    """Lists as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: int, list_id: int) -> AccountList | None:
        """Return a list of an account."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM lists WHERE account = ? AND id = ?", (account, list_id)
        )
        return None if row is None else _decode(row)

    def of(self, account: int) -> list[AccountList]:
        """Return the lists of an account, oldest first."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM lists WHERE account = ? ORDER BY id", (account,)
        )
        return [_decode(row) for row in rows]

    def of_many(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the lists of accounts."""
        return self._of("", accounts)

    def exclusive(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the exclusive lists of accounts."""
        return self._of("exclusive = 1 AND ", accounts)

    def _of(self, condition: str, accounts: Iterable[int]) -> list[AccountList]:
        found: list[AccountList] = []
        for holes, lot in chunked(accounts):
            rows = self._database.rows(
                f"SELECT {COLUMNS} FROM lists WHERE {condition}account IN ({holes})", lot
            )
            found += map(_decode, rows)
        return found


class ListStoreWriter(ListStore):
    """Lists within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, value: AccountList) -> None:
        """Add a list, or replace what is stored of it."""
        self._database.run(
            f"INSERT INTO lists ({COLUMNS}) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (account, id) DO UPDATE SET title = excluded.title, "
            "replies = excluded.replies, exclusive = excluded.exclusive",
            (value.account, value.id, value.title, int(value.replies), int(value.exclusive)),
        )
        self._announce(ListsChanged(value.account))

    def delete(self, account: int, list_id: int) -> None:
        """Remove a list; its members are the caller's to remove."""
        self._database.run("DELETE FROM lists WHERE account = ? AND id = ?", (account, list_id))
        self._announce(ListsChanged(account))
