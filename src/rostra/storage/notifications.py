"""Notifications: the stored ones, and which sets of an account have news for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from rostra.domain.events import Notified
from rostra.domain.ids import SEQUENCE_BITS
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, marks, span

COLUMNS = "id, type, account, source, created_at, status"


def _decode(row: tuple[Any, ...]) -> Notification:
    return Notification(
        id=row[0],
        type=NotificationType(row[1]),
        account=row[2],
        source=row[3],
        created_at=row[4],
        status=row[5],
    )


class NotificationStore:
    """Notifications as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def stored(
        self,
        account: int,
        *,
        types: Sequence[int] | None = None,
        **page: Unpack[Page],
    ) -> list[Notification]:
        """Return stored notifications of an account, newest first.

        Args:
            account: whose.
            types: only those of one of these types.
            page: how many at most, between which ids.
        """
        between, bounds, order = span("id", **page)
        wanted = () if types is None else tuple(int(type_) for type_ in types)
        among = "" if types is None else f" AND type IN ({marks(wanted)})"
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM notifications WHERE account = ?{between}{among} "
            f"ORDER BY id {order} LIMIT ?",
            (account, *bounds, *wanted, page["limit"]),
        )
        found = [_decode(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def get_stored(self, account: int, notification_id: int) -> Notification | None:
        """Return a stored notification of an account."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM notifications WHERE account = ? AND id = ?",
            (account, notification_id),
        )
        return None if row is None else _decode(row)

    def groups(
        self, account: int, *, types: Sequence[int] | None = None, above: int = 0, limit: int = 1000
    ) -> list[tuple[int, int, int]]:
        """Return the sets with news for an account, newest first.

        Each is a tuple of type, subject and latest position.

        Args:
            account: whose.
            types: only those of one of these types.
            above: only those with news above this position.
            limit: how many at most.
        """
        wanted = tuple(NotificationType) if types is None else tuple(types)
        return self._database.rows(
            "SELECT type, subject, latest FROM notification_groups "
            f"WHERE account = ? AND latest > ? AND type IN ({marks(wanted)}) "
            "ORDER BY latest DESC LIMIT ?",
            (account, above, *(int(type_) for type_ in wanted), limit),
        )

    def dismissed(self, account: int) -> tuple[int, frozenset[int]]:
        """Return what an account dismissed: everything up to an id, and single ids above it."""
        rows = self._database.rows(
            "SELECT id, through FROM notifications_dismissed WHERE account = ?", (account,)
        )
        through = max((row[1] for row in rows), default=0)
        return through, frozenset(row[0] for row in rows if row[0])


class NotificationStoreWriter(NotificationStore):
    """Notifications within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def store(self, notification: Notification) -> None:
        """Add a notification with an id that its account has not seen yet."""
        self._database.run(
            f"INSERT INTO notifications ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            (
                notification.id,
                int(notification.type),
                notification.account,
                notification.source,
                notification.created_at,
                notification.status,
            ),
        )
        self._announce(Notified(notification.account, notification.id))

    def forget_status(self, status: int, *, limit: int) -> int:
        """Remove notifications about a status, some at a time; return how many."""
        self._database.run(
            "DELETE FROM notifications WHERE (account, id) IN "
            "(SELECT account, id FROM notifications WHERE status = ? LIMIT ?)",
            (status, limit),
        )
        return self._database.changes

    def touch_group(self, account: int, type_: int, subject: int, position: int) -> None:
        """Note that a set with notifications for an account has a member at ``position``."""
        self._database.run(
            "INSERT INTO notification_groups (account, type, subject, latest) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, type, subject) DO UPDATE SET latest = excluded.latest "
            "WHERE excluded.latest > notification_groups.latest",
            (account, int(type_), subject, position),
        )

    def dismiss(self, account: int, notification_id: int) -> None:
        """Dismiss one notification, stored or not."""
        self._database.run(
            "DELETE FROM notifications WHERE account = ? AND id = ?", (account, notification_id)
        )
        self._database.run(
            "INSERT INTO notifications_dismissed (account, id) VALUES (?, ?) "
            "ON CONFLICT (account, id) DO NOTHING",
            (account, notification_id),
        )

    def dismiss_all(self, account: int, through: int) -> None:
        """Dismiss every notification up to an id."""
        run = self._database.run
        run("DELETE FROM notifications WHERE account = ? AND id <= ?", (account, through))
        # A set whose newest member is dismissed has nothing to say until it gets another one.
        run(
            "DELETE FROM notification_groups WHERE account = ? AND latest < ?",
            (account, through >> SEQUENCE_BITS),
        )
        run(
            "DELETE FROM notifications_dismissed WHERE account = ? AND id > 0 AND id <= ?",
            (account, through),
        )
        run(
            "INSERT INTO notifications_dismissed (account, id, through) VALUES (?, 0, ?) "
            "ON CONFLICT (account, id) DO UPDATE SET through = excluded.through "
            "WHERE excluded.through > notifications_dismissed.through",
            (account, through),
        )
