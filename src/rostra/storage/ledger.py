"""The ledger in storage: entries are appended, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Unpack

import msgspec

from rostra.domain import ledger
from rostra.domain.ledger import START, Entry, LedgerKind
from rostra.domain.pages import Page
from rostra.domain.times import ms_of
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import span

COLUMNS: Final = "number, account, moderator, content, hash"
READ: Final = f"{COLUMNS}, (SELECT p.hash FROM ledger p WHERE p.number = l.number - 1)"


def _entry(row: tuple[Any, ...]) -> Entry:
    number, account, moderator, content, hash_, previous = row
    try:
        said = ledger.read(content)
        kind, at, about = said.kind, ms_of(said.at), said.about
    except (msgspec.DecodeError, ValueError):
        kind, at, about = ledger.UNREADABLE, 0, {}  # named by the doctor
    return Entry(
        number=number,
        account=account,
        moderator=moderator,
        kind=kind,
        at=at,
        about=about,
        content=content,
        previous=previous or (START if number == 1 else b""),
        hash=hash_,
    )


def named(ordinal: int | None, public_id: int | None) -> str | None:
    """Return what an account is called in the ledger: its id, or # and its ordinal when no such
    account is stored.
    """
    if ordinal is None:
        return None
    return f"#{ordinal}" if public_id is None else str(public_id)


class LedgerStore:
    """The ledger as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> tuple[int, bytes]:
        """Return the number and the hash of the newest entry; 0 and ``START`` without any."""
        row = self._database.row("SELECT number, hash FROM ledger ORDER BY number DESC LIMIT 1")
        return (0, START) if row is None else (row[0], row[1])

    def get(self, number: int) -> Entry | None:
        """Return an entry by its number."""
        row = self._database.row(f"SELECT {READ} FROM ledger l WHERE number = ?", (number,))
        return None if row is None else _entry(row)

    def page(self, *, account: int | None = None, **page: Unpack[Page]) -> list[Entry]:
        """Return a page of entries (about an account), newest first; ids are their numbers."""
        sql, params, order = span("number", **page)
        if account is not None:
            sql += " AND account = ?"
            params += (account,)
        rows = self._database.rows(
            f"SELECT {READ} FROM ledger l WHERE number > 0{sql} ORDER BY number {order} LIMIT ?",
            (*params, page["limit"]),
        )
        found = [_entry(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def iterate(self, *, account: int | None = None) -> Iterator[Entry]:
        """Yield the entries (about an account), oldest first, without holding them all."""
        where, params = ("", ()) if account is None else ("WHERE account = ?", (account,))
        rows = self._database.iterate(
            f"SELECT {READ} FROM ledger l {where} ORDER BY number", params
        )
        return map(_entry, rows)


class LedgerStoreWriter(LedgerStore):
    """Appends to the ledger within a transaction.

    Args:
        database: the connection that writes.
        now: returns the time of the transaction in ms.
    """

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        super().__init__(database)
        self._now = now

    def append(
        self,
        kind: LedgerKind,
        *,
        account: int | None,
        moderator: int | None,
        about: Mapping[str, object],
    ) -> int:
        """Append an entry and return its number.

        Raises:
            TypeError: ``about`` holds what canonical JSON cannot (see ``domain.ledger.canonical``).
        """
        number, previous = self.head()
        content = ledger.write(
            number=number + 1,
            at=self._now(),
            kind=kind,
            account=self._public_id(account),
            moderator=self._public_id(moderator),
            about=about,
        )
        hash_ = ledger.sealed(previous, ledger.digest(content))
        self._database.run(
            f"INSERT INTO ledger ({COLUMNS}) VALUES (?, ?, ?, ?, ?)",
            (number + 1, account, moderator, content, hash_),
        )
        return number + 1

    def _public_id(self, ordinal: int | None) -> str | None:
        if ordinal is None:
            return None
        found = self._database.value("SELECT id FROM accounts WHERE ordinal = ?", (ordinal,))
        return named(ordinal, found)
