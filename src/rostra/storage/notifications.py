"""Notifications: the stored ones, and which sets of an account have news for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from rostra.domain.account_set import SetKind
from rostra.domain.events import NotificationsChanged, Notified
from rostra.domain.ids import SEQUENCE_BITS, TICKS_PER_MS
from rostra.domain.notifications import Notification, NotificationType, Policy, Verdict
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, marks, span

COLUMNS = "id, type, account, source, created_at, status, event"
_POLICY = Policy.__struct_fields__
POLICY = ", ".join(_POLICY)


def _decode(row: tuple[Any, ...]) -> Notification:
    return Notification(
        id=row[0],
        type=NotificationType(row[1]),
        account=row[2],
        source=row[3],
        created_at=row[4],
        status=row[5],
        event=row[6],
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
        source: int | None = None,
        **page: Unpack[Page],
    ) -> list[Notification]:
        """Return stored notifications of an account, newest first.

        Args:
            account: whose.
            types: only those of one of these types.
            source: only what this account did.
            page: how many at most, between which ids.
        """
        between, bounds, order = span("id", **page)
        wanted = () if types is None else tuple(int(type_) for type_ in types)
        among = "" if types is None else f" AND type IN ({marks(wanted)})"
        by = "" if source is None else " AND source = ?"
        whose = () if source is None else (source,)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM notifications WHERE account = ?{between}{among}{by} "
            f"ORDER BY id {order} LIMIT ?",
            (account, *bounds, *wanted, *whose, page["limit"]),
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

    def groups_by_subject(
        self, account: int, type_: int, *, after: int, above: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return (subject, latest position) of sets with news, by subject, rising.

        Args:
            account: whose.
            type_: what the sets are of.
            after: only subjects above this one.
            above: only those with news above this position.
            limit: how many at most.
        """
        return self._database.rows(
            "SELECT subject, latest FROM notification_groups "
            "WHERE account = ? AND type = ? AND subject > ? AND latest > ? "
            "ORDER BY subject LIMIT ?",
            (account, int(type_), after, above, limit),
        )

    def groups_dismissed(
        self, account: int, type_: int, subject: int | None = None
    ) -> dict[int, int]:
        """Return up to which position groups of a type were dismissed, by subject."""
        one = "" if subject is None else " AND subject = ?"
        return dict(
            self._database.rows(
                "SELECT subject, through FROM notification_groups_dismissed "
                f"WHERE account = ? AND type = ?{one}",
                (account, int(type_)) if subject is None else (account, int(type_), subject),
            )
        )

    def done_by(self, account: int, source: int) -> list[tuple[int, int, int]]:
        """Return (type, status, about when in ticks) of likes and boosts of an account's statuses
        by ``source``.
        """
        return self._database.rows(
            "SELECT ?, c.status, c.position FROM collected c JOIN statuses s ON s.id = c.status "
            "WHERE c.account = ? AND c.kind = ? AND s.author = ? "
            "UNION ALL SELECT ?, s.id, b.created_at * ? "
            "FROM statuses b JOIN statuses s ON s.id = b.reblog_of "
            "WHERE b.author = ? AND b.reblog_of IS NOT NULL AND s.author = ?",
            (
                int(NotificationType.FAVOURITE),
                source,
                int(SetKind.LIKES),
                account,
                int(NotificationType.REBLOG),
                TICKS_PER_MS,
                source,
                account,
            ),
        )

    def policy(self, account: int) -> Policy:
        """Return from whom an account wants to hear."""
        row = self._database.row(
            f"SELECT {POLICY} FROM notification_policies WHERE account = ?", (account,)
        )
        if row is None:
            return Policy()
        return Policy(**{name: Verdict(value) for name, value in zip(_POLICY, row, strict=True)})

    def requests_dismissed(self, account: int) -> dict[int, int]:
        """Return up to which id the requests of accounts were dismissed."""
        return dict(
            self._database.rows(
                "SELECT source, through FROM notification_requests_dismissed WHERE account = ?",
                (account,),
            )
        )


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
            f"INSERT INTO notifications ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                notification.id,
                int(notification.type),
                notification.account,
                notification.source,
                notification.created_at,
                notification.status,
                notification.event,
            ),
        )
        self._announce(Notified(notification.account, notification.id))

    def withdraw(self, account: int, type_: int, status: int, *, before: int) -> None:
        """Take back what an account was told of a status, with ids before one."""
        self._database.run(
            "DELETE FROM notifications WHERE status = ? AND account = ? AND type = ? AND id < ?",
            (status, account, int(type_), before),
        )

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
        self._announce(NotificationsChanged(account))

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
        self._announce(NotificationsChanged(account))

    def dismiss_group(self, account: int, type_: int, subject: int, through: int) -> None:
        """Dismiss the members of a group up to a position."""
        self._database.run(
            "INSERT INTO notification_groups_dismissed (account, type, subject, through) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (account, type, subject) "
            "DO UPDATE SET through = excluded.through",
            (account, int(type_), subject, through),
        )
        self._announce(NotificationsChanged(account))

    def dismiss_request(self, account: int, source: int, through: int) -> None:
        """Let what ``source`` did up to an id ask no more."""
        self._database.run(
            "INSERT INTO notification_requests_dismissed (account, source, through) "
            "VALUES (?, ?, ?) ON CONFLICT (account, source) "
            "DO UPDATE SET through = excluded.through",
            (account, source, through),
        )
        self._announce(NotificationsChanged(account))

    def set_policy(self, account: int, policy: Policy) -> None:
        """Set from whom an account wants to hear."""
        self._database.run(
            f"INSERT OR REPLACE INTO notification_policies (account, {POLICY}) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (account, *(int(getattr(policy, name)) for name in _POLICY)),
        )
        self._announce(NotificationsChanged(account))

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
            "DELETE FROM notification_groups_dismissed WHERE account = ? AND through <= ?",
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
        self._announce(NotificationsChanged(account))
