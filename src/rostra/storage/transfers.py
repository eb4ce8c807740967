"""Imports and exports: what was asked for, the lines still to do, and what was brought along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from rostra.domain.transfers import Line, Transfer, TransferKind, TransferState
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import chunked, marks

COLUMNS: Final = (
    "account, id, kind, state, created_at, name, file, overwrite, replies, visibility, total, "
    "done, failed, place, error, finished_at"
)
_line = msgspec.json.Decoder(Line)


def _decode(row: tuple[Any, ...]) -> Transfer:
    return Transfer(
        account=row[0],
        id=row[1],
        kind=TransferKind(row[2]),
        state=TransferState(row[3]),
        created_at=row[4],
        name=row[5],
        file=row[6],
        overwrite=bool(row[7]),
        replies=bool(row[8]),
        visibility=row[9],
        total=row[10],
        done=row[11],
        failed=row[12],
        place=row[13],
        error=row[14],
        finished_at=row[15],
    )


class TransferStore:
    """Imports and exports as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: int, transfer_id: int) -> Transfer | None:
        """Return what an account asked for under an id."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM transfers WHERE account = ? AND id = ?",
            (account, transfer_id),
        )
        return None if row is None else _decode(row)

    def of(self, account: int, *, limit: int = 50) -> list[Transfer]:
        """Return what an account asked for, newest first."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM transfers WHERE account = ? ORDER BY id DESC LIMIT ?",
            (account, limit),
        )
        return [_decode(row) for row in rows]

    def over(self, *, before: int, limit: int) -> list[Transfer]:
        """Return what was over before a time (ms) and still has a file."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM transfers WHERE finished_at < ? AND file != '' LIMIT ?",
            (before, limit),
        )
        return [_decode(row) for row in rows]

    def lines(self, transfer_id: int, *, after: int, limit: int) -> list[tuple[int, Line]]:
        """Return lines still to do, with their numbers, above a number."""
        rows = self._database.rows(
            "SELECT line, data FROM transfer_lines "
            "WHERE transfer = ? AND line > ? AND reason IS NULL ORDER BY line LIMIT ?",
            (transfer_id, after, limit),
        )
        return [(number, _line.decode(data)) for number, data in rows]

    def failures(self, transfer_id: int, *, limit: int) -> list[tuple[Line, str]]:
        """Return lines that could not be done, and why, in their order."""
        rows = self._database.rows(
            "SELECT data, reason FROM transfer_lines "
            "WHERE transfer = ? AND reason IS NOT NULL ORDER BY line LIMIT ?",
            (transfer_id, limit),
        )
        return [(_line.decode(data), reason) for data, reason in rows]

    def brought(self, author: int, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of an author that were brought along, by their numbers there."""
        found: dict[int, int] = {}
        for places, lot in chunked(ids):
            found |= dict(
                self._database.rows(
                    "SELECT source_id, status FROM brought_statuses "
                    f"WHERE author = ? AND source = ? AND source_id IN ({places})",
                    (author, source, *lot),
                )
            )
        return found

    def brought_by_anybody(self, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of anybody that were brought along, by their numbers there."""
        found: dict[int, int] = {}
        for places, lot in chunked(ids):
            found |= dict(
                self._database.rows(
                    "SELECT source_id, status FROM brought_statuses "
                    f"WHERE source = ? AND source_id IN ({places}) ORDER BY status DESC",
                    (source, *lot),
                )
            )
        return found

    def known_ties(self, account: int, source: str, *, followed: bool, limit: int) -> list[int]:
        """Return accounts that say to be those an account followed (or was followed by) there."""
        rows = self._database.rows(
            "SELECT DISTINCT a.account FROM brought_ties t JOIN brought_accounts a "
            "ON a.source = t.source AND a.source_id = t.source_id "
            "WHERE t.account = ? AND t.source = ? AND t.followed = ? AND a.account != t.account "
            "ORDER BY 1 LIMIT ?",
            (account, source, int(followed), limit),
        )
        return [row[0] for row in rows]


class TransferStoreWriter(TransferStore):
    """Imports and exports within a transaction."""

    def put(self, transfer: Transfer) -> None:
        """Add what was asked for, or replace what is stored of it."""
        row = (
            transfer.account,
            transfer.id,
            transfer.kind.value,
            transfer.state.value,
            transfer.created_at,
            transfer.name,
            transfer.file,
            int(transfer.overwrite),
            int(transfer.replies),
            transfer.visibility,
            transfer.total,
            transfer.done,
            transfer.failed,
            transfer.place,
            transfer.error,
            transfer.finished_at,
        )
        self._database.run(
            f"INSERT OR REPLACE INTO transfers ({COLUMNS}) VALUES ({marks(row)})", row
        )

    def remove(self, account: int, transfer_id: int) -> None:
        """Forget what was asked for, and its lines."""
        self._database.run("DELETE FROM transfer_lines WHERE transfer = ?", (transfer_id,))
        self._database.run(
            "DELETE FROM transfers WHERE account = ? AND id = ?", (account, transfer_id)
        )

    def add_lines(self, transfer_id: int, lines: Iterable[Line], *, first: int = 1) -> None:
        """Add the lines of a file, numbered in their order."""
        self._database.run_many(
            "INSERT INTO transfer_lines (transfer, line, data) VALUES (?, ?, ?)",
            (
                (transfer_id, number, msgspec.json.encode(line).decode())
                for number, line in enumerate(lines, first)
            ),
        )

    def drop_lines(self, transfer_id: int) -> None:
        """Forget the lines that are done, or need not be."""
        self._database.run(
            "DELETE FROM transfer_lines WHERE transfer = ? AND reason IS NULL", (transfer_id,)
        )

    def fail_line(self, transfer_id: int, number: int, line: Line, reason: str) -> None:
        """Keep a line with why it could not be done."""
        self._database.run(
            "INSERT OR REPLACE INTO transfer_lines (transfer, line, data, reason) "
            "VALUES (?, ?, ?, ?)",
            (transfer_id, number, msgspec.json.encode(line).decode(), reason),
        )

    def bring(self, author: int, source: str, brought: Iterable[tuple[int, int]]) -> None:
        """Remember statuses that were brought along, as (number there, status)."""
        self._database.run_many(
            "INSERT INTO brought_statuses (author, source, source_id, status) VALUES (?, ?, ?, ?)",
            ((author, source, there, status) for there, status in brought),
        )

    def claim(self, account: int, source: str, source_id: int) -> None:
        """Remember who an account says to have been elsewhere."""
        self._database.run(
            "INSERT OR IGNORE INTO brought_accounts (source, source_id, account) VALUES (?, ?, ?)",
            (source, source_id, account),
        )

    def tie(self, account: int, source: str, ids: Iterable[int], *, followed: bool) -> None:
        """Remember whom an account followed there, or by whom it was followed."""
        self._database.run_many(
            "INSERT OR IGNORE INTO brought_ties (account, source, source_id, followed) "
            "VALUES (?, ?, ?, ?)",
            ((account, source, there, int(followed)) for there in ids),
        )

    def forget_account(self, account: int) -> None:
        """Forget everything an account brought along or asked for."""
        self._database.run(
            "DELETE FROM transfer_lines WHERE transfer IN "
            "(SELECT id FROM transfers WHERE account = ?)",
            (account,),
        )
        for table in ("transfers", "brought_ties"):
            self._database.run(f"DELETE FROM {table} WHERE account = ?", (account,))
        self._database.run("DELETE FROM brought_accounts WHERE account = ?", (account,))
        self._database.run("DELETE FROM brought_statuses WHERE author = ?", (account,))
