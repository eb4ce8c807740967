"""Web Push subscriptions: one a token, gone with it."""

from __future__ import annotations

from typing import Any, Final

from rostra.domain.events import PushChanged
from rostra.domain.push import Policy, PushSubscription
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce

COLUMNS: Final = (
    "account, id, token, endpoint, p256dh, auth, access, standard, policy, alerts, through, "
    "attempts, due_at, failing_since"
)
_HELD: Final = "token IN (SELECT hash FROM tokens)"


def _decode(row: tuple[Any, ...]) -> PushSubscription:
    return PushSubscription(
        account=row[0],
        id=row[1],
        token=row[2],
        endpoint=row[3],
        p256dh=row[4],
        auth=row[5],
        access=row[6],
        standard=bool(row[7]),
        policy=Policy(row[8]),
        alerts=frozenset(row[9].split()),
        through=row[10],
        attempts=row[11],
        due_at=row[12],
        failing_since=row[13],
    )


class PushStore:
    """Push subscriptions as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_token(self, token_hash: bytes) -> PushSubscription | None:
        """Return the subscription made with a token."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM push_subscriptions WHERE token = ?", (token_hash,)
        )
        return None if row is None else _decode(row)

    def of(self, account: int) -> list[PushSubscription]:
        """Return the subscriptions of an account whose tokens are still good."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM push_subscriptions WHERE account = ? AND {_HELD}", (account,)
        )
        return [_decode(row) for row in rows]

    def accounts(self) -> list[int]:
        """Return the accounts that have any."""
        rows = self._database.rows("SELECT DISTINCT account FROM push_subscriptions")
        return [row[0] for row in rows]


class PushStoreWriter(PushStore):
    """Push subscriptions within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, value: PushSubscription) -> None:
        """Add a subscription in place of any other of its token."""
        self._database.run("DELETE FROM push_subscriptions WHERE token = ?", (value.token,))
        self._database.run(
            f"INSERT INTO push_subscriptions ({COLUMNS}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                value.account,
                value.id,
                value.token,
                value.endpoint,
                value.p256dh,
                value.auth,
                value.access,
                value.standard,
                int(value.policy),
                " ".join(sorted(value.alerts)),
                value.through,
                value.attempts,
                value.due_at,
                value.failing_since,
            ),
        )
        self._announce(PushChanged(value.account))

    def delete(self, account: int, id_: int) -> None:
        """Remove a subscription."""
        self._database.run(
            "DELETE FROM push_subscriptions WHERE account = ? AND id = ?", (account, id_)
        )
        self._announce(PushChanged(account))

    def note(
        self,
        account: int,
        id_: int,
        *,
        through: int,
        attempts: int,
        due_at: int,
        failing_since: int,
    ) -> None:
        """Note how pushing to a subscription went; nothing happens when it is gone."""
        self._database.run(
            "UPDATE push_subscriptions SET through = MAX(through, ?), attempts = ?, due_at = ?, "
            "failing_since = ? WHERE account = ? AND id = ?",
            (through, attempts, due_at, failing_since, account, id_),
        )
