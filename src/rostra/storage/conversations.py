"""Conversations of direct statuses, and statuses to be published later."""

from __future__ import annotations

from typing import Any, Final, Unpack

from rostra.domain.conversations import Conversation, ScheduledStatus
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import span

COLUMNS: Final = "account, root, last, unread"
SCHEDULED_COLUMNS: Final = "id, account, at, draft, held"


def _conversation(row: tuple[Any, ...]) -> Conversation:
    return Conversation(account=row[0], root=row[1], last=row[2], unread=bool(row[3]))


def _scheduled(row: tuple[Any, ...]) -> ScheduledStatus:
    return ScheduledStatus(id=row[0], account=row[1], at=row[2], draft=row[3], held=bool(row[4]))


class ConversationStore:
    """Conversations as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, account: int, **page: Unpack[Page]) -> list[Conversation]:
        """Return a page of the conversations of an account by their newest statuses."""
        between, bounds, order = span("last", **page)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM conversations WHERE account = ?{between} "
            f"ORDER BY last {order} LIMIT ?",
            (account, *bounds, page["limit"]),
        )
        found = [_conversation(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def get(self, account: int, root: int) -> Conversation | None:
        """Return a conversation of an account."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM conversations WHERE account = ? AND root = ?", (account, root)
        )
        return None if row is None else _conversation(row)

    def said(self, account: int, root: int, *, limit: int) -> list[int]:
        """Return the newest direct statuses of a conversation that are by or to an account."""
        rows = self._database.rows(
            "SELECT id FROM statuses WHERE COALESCE(conversation, id) = ? AND visibility = 3 "
            "AND (author = ? OR EXISTS "
            "(SELECT 1 FROM mentions WHERE account = ? AND status = statuses.id)) "
            "ORDER BY id DESC LIMIT ?",
            (root, account, account, limit),
        )
        return [row[0] for row in rows]


class ConversationStoreWriter(ConversationStore):
    """Conversations within a transaction."""

    def put(self, conversation: Conversation) -> None:
        """Write a conversation of an account, in place of what was stored of it."""
        self._database.run(
            f"INSERT INTO conversations ({COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (account, root)"
            " DO UPDATE SET last = excluded.last, unread = excluded.unread",
            (
                conversation.account,
                conversation.root,
                conversation.last,
                int(conversation.unread),
            ),
        )

    def remove(self, account: int, root: int) -> None:
        """Take a conversation out of the list of an account."""
        self._database.run(
            "DELETE FROM conversations WHERE account = ? AND root = ?", (account, root)
        )


class ScheduledStore:
    """Statuses to be published later, as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, account: int, **page: Unpack[Page]) -> list[ScheduledStatus]:
        """Return a page of what an account has scheduled, newest first."""
        between, bounds, order = span("id", **page)
        rows = self._database.rows(
            f"SELECT {SCHEDULED_COLUMNS} FROM scheduled_statuses WHERE account = ?{between} "
            f"ORDER BY id {order} LIMIT ?",
            (account, *bounds, page["limit"]),
        )
        found = [_scheduled(row) for row in rows]
        return found if order == "DESC" else found[::-1]

    def get(self, account: int, scheduled_id: int) -> ScheduledStatus | None:
        """Return what an account has scheduled under an id."""
        row = self._database.row(
            f"SELECT {SCHEDULED_COLUMNS} FROM scheduled_statuses WHERE account = ? AND id = ?",
            (account, scheduled_id),
        )
        return None if row is None else _scheduled(row)

    def count(self, account: int, *, since: int = 0, before: int | None = None) -> int:
        """Return how many an account has scheduled for times (ms) from ``since`` to ``before``."""
        until, bounds = ("", ()) if before is None else (" AND at < ?", (before,))
        return int(
            self._database.value(
                "SELECT COUNT(*) FROM scheduled_statuses WHERE account = ? AND at >= ?" + until,
                (account, since, *bounds),
            )
        )


class ScheduledStoreWriter(ScheduledStore):
    """Statuses to be published later, within a transaction."""

    def put(self, scheduled: ScheduledStatus) -> None:
        """Write a scheduled status, in place of what was stored under its id."""
        self._database.run(
            f"INSERT INTO scheduled_statuses ({SCHEDULED_COLUMNS}) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (account, id) DO UPDATE SET at = excluded.at, draft = excluded.draft, "
            "held = excluded.held",
            (
                scheduled.id,
                scheduled.account,
                scheduled.at,
                scheduled.draft,
                int(scheduled.held),
            ),
        )

    def remove(self, account: int, scheduled_id: int) -> None:
        """Forget a scheduled status."""
        self._database.run(
            "DELETE FROM scheduled_statuses WHERE account = ? AND id = ?", (account, scheduled_id)
        )

    def clear(self, account: int) -> None:
        """Forget all that an account has scheduled."""
        self._database.run("DELETE FROM scheduled_statuses WHERE account = ?", (account,))
