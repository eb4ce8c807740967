"""Standings: who may not act for another reason than enforcement, and how accounts came to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pyroaring import BitMap

from rostra.domain.accounts import SignUp, Standing
from rostra.domain.events import ActionTaken
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, chunked

COLUMNS: Final = ("unconfirmed_at", "pending_at", "deactivated_at")
SIGN_UP: Final = "account, application, address, locale, reason, created_at"


def _standing(row: tuple[Any, ...]) -> Standing:
    return Standing(account=row[0], unconfirmed_at=row[1], pending_at=row[2], deactivated_at=row[3])


class StandingStore:
    """The standings as one connection sees them; there is a row only where one is not plain.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: int) -> Standing:
        """Return the standing of an account."""
        row = self._database.row(
            f"SELECT account, {', '.join(COLUMNS)} FROM standings WHERE account = ?", (account,)
        )
        return Standing(account=account) if row is None else _standing(row)

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, Standing]:
        """Return the standings of many accounts, those alone that are not plain."""
        found: dict[int, Standing] = {}
        for holes, lot in chunked(accounts):
            for row in self._database.rows(
                f"SELECT account, {', '.join(COLUMNS)} FROM standings WHERE account IN ({holes})",
                lot,
            ):
                found[row[0]] = _standing(row)
        return found

    def all(self) -> dict[str, BitMap]:
        """Return who is unconfirmed, pending and deactivated, under these names."""
        return {
            column.removesuffix("_at"): BitMap(
                [
                    row[0]
                    for row in self._database.iterate(
                        f"SELECT account FROM standings WHERE {column} IS NOT NULL"
                    )
                ]
            )
            for column in COLUMNS
        }

    def pending(self, *, limit: int, below: int | None = None) -> list[int]:
        """Return who waits for approval with a confirmed address: newest first, by ordinal."""
        rows = self._database.rows(
            "SELECT account FROM standings WHERE pending_at IS NOT NULL "
            "AND unconfirmed_at IS NULL AND account < ? ORDER BY account DESC LIMIT ?",
            (2**62 if below is None else below, limit),
        )
        return [row[0] for row in rows]

    def deactivated_before(self, time: int, *, limit: int) -> list[int]:
        """Return who was put away before a time (ms); those with an open appeal have to wait."""
        rows = self._database.rows(
            "SELECT s.account FROM standings s WHERE s.deactivated_at < ? AND NOT EXISTS "
            "(SELECT 1 FROM appeals a WHERE a.account = s.account AND a.state = 'open') "
            "ORDER BY s.deactivated_at LIMIT ?",
            (time, limit),
        )
        return [row[0] for row in rows]

    def unconfirmed_before(self, time: int, *, limit: int) -> list[int]:
        """Return whose address has been waiting to be confirmed since before a time (ms)."""
        rows = self._database.rows(
            "SELECT account FROM standings WHERE unconfirmed_at < ? LIMIT ?", (time, limit)
        )
        return [row[0] for row in rows]

    def sign_up(self, account: int) -> SignUp | None:
        """Return how an account came to be, when that was kept."""
        row = self._database.row(f"SELECT {SIGN_UP} FROM sign_ups WHERE account = ?", (account,))
        return row and SignUp(
            account=row[0],
            application=row[1],
            address=row[2],
            locale=row[3],
            reason=row[4],
            created_at=row[5],
        )


class StandingStoreWriter(StandingStore):
    """The standings within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, standing: Standing) -> None:
        """Set the standing of an account; masks follow at the commit."""
        if standing.plain:
            self._database.run("DELETE FROM standings WHERE account = ?", (standing.account,))
        else:
            self._database.run(
                "INSERT INTO standings (account, unconfirmed_at, pending_at, deactivated_at) "
                "VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET "
                "unconfirmed_at = excluded.unconfirmed_at, pending_at = excluded.pending_at, "
                "deactivated_at = excluded.deactivated_at",
                (
                    standing.account,
                    standing.unconfirmed_at,
                    standing.pending_at,
                    standing.deactivated_at,
                ),
            )
        self._announce(ActionTaken(standing.account))

    def keep_sign_up(self, sign_up: SignUp) -> None:
        """Keep how an account came to be."""
        self._database.run(
            f"INSERT OR REPLACE INTO sign_ups ({SIGN_UP}) VALUES (?, ?, ?, ?, ?, ?)",
            (
                sign_up.account,
                sign_up.application,
                sign_up.address,
                sign_up.locale,
                sign_up.reason,
                sign_up.created_at,
            ),
        )

    def forget(self, account: int) -> None:
        """Forget how an account came to be."""
        self._database.run("DELETE FROM sign_ups WHERE account = ?", (account,))
