"""Statuses within a transaction: made, edited, pinned and deleted, with what finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from rostra.domain.events import (
    PinsChanged,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.ids import snowflake_ms
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Status, StatusEdit
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce
from rostra.storage.status_rows import INSERT, UPDATE, encode
from rostra.storage.statuses import StatusStore


class StatusStoreWriter(StatusStore):
    """Statuses within a transaction. Nothing is kept here: another process may have written last.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._keeps = False
        self._announce = announce
        self.quietly: Callable[[Sequence[Status]], None] = lambda statuses: None
        """Told of statuses whose coming no event announces."""

    def create(self, status: Status) -> None:
        """Add a status or boost."""
        self.create_many([status])

    def create_many(self, statuses: Sequence[Status], *, announce: bool = True) -> None:
        """Add statuses; without ``announce`` the caller announces that everything was replaced."""
        self._database.run_many(INSERT, (encode(status) for status in statuses))
        self._index(statuses)
        if announce:
            for status in statuses:
                self._announce(_created(status))
        else:
            self.quietly(statuses)

    def _index(self, statuses: Sequence[Status]) -> None:
        self._database.run_many(
            "INSERT INTO status_tags (tag, status, author) VALUES (?, ?, ?)",
            ((tag, s.id, s.author) for s in statuses for tag in dict.fromkeys(s.tags)),
        )
        self._database.run_many(
            "INSERT INTO mentions (account, status) VALUES (?, ?)",
            ((account, s.id) for s in statuses for account in dict.fromkeys(s.mentions)),
        )

    def _unindex(self, status: Status) -> None:
        self._database.run_many(
            "DELETE FROM status_tags WHERE tag = ? AND status = ?",
            ((tag, status.id) for tag in status.tags),
        )
        self._database.run_many(
            "DELETE FROM mentions WHERE account = ? AND status = ?",
            ((account, status.id) for account in status.mentions),
        )

    def update(self, before: Status, after: Status, *, edited: bool = False) -> None:
        """Replace what is stored of a status; ``edited`` is whether its author edited it."""
        self._database.run(UPDATE, (*encode(after), after.id))
        if (before.tags, before.mentions) != (after.tags, after.mentions):
            self._unindex(before)
            self._index([after])
        self._announce(
            StatusChanged(id=after.id, author=after.author, edited=edited, quote_of=after.quote_of)
        )

    def keep_version(self, status_id: int, version: StatusEdit) -> None:
        """Add a version to the history of a status."""
        self._database.run(
            "INSERT INTO status_edits (status, number, version) SELECT ?1, "
            "COALESCE((SELECT MAX(number) + 1 FROM status_edits WHERE status = ?1), 0), ?2",
            (status_id, msgspec.json.encode(version).decode()),
        )

    def pin(self, account: int, status_id: int, at: int) -> None:
        """Pin a status to the profile of its author at a time (ms)."""
        self._database.run(
            "INSERT INTO pins (account, status, pinned_at) VALUES (?, ?, ?) "
            "ON CONFLICT (account, status) DO NOTHING",
            (account, status_id, at),
        )
        self._announce(PinsChanged(account))

    def unpin(self, account: int, status_id: int) -> None:
        """Unpin a status, if it is pinned."""
        self._database.run(
            "DELETE FROM pins WHERE account = ? AND status = ?", (account, status_id)
        )
        if self._database.changes:
            self._announce(PinsChanged(account))

    def delete(self, status: Status) -> None:
        """Remove a status with its edits, pin and what finds it.

        Its boosts, who likes it and what notified of it stay, for ``purge_status`` to remove: of a
        status that is gone they show nothing.
        """
        run, status_id = self._database.run, status.id
        run("DELETE FROM statuses WHERE id = ?", (status_id,))
        self._unindex(status)
        run("DELETE FROM idempotency WHERE account = ? AND status = ?", (status.author, status_id))
        if status.reblog_of is None:
            run("DELETE FROM status_edits WHERE status = ?", (status_id,))
            self.unpin(status.author, status_id)
            run(
                "DELETE FROM notification_groups WHERE account = ? AND type IN (?, ?) "
                "AND subject = ?",
                (
                    status.author,
                    int(NotificationType.FAVOURITE),
                    int(NotificationType.REBLOG),
                    status_id,
                ),
            )
        self._announce(
            StatusDeleted(
                id=status_id,
                author=status.author,
                reblog_of=status.reblog_of,
                in_reply_to=status.in_reply_to,
                quote_of=status.quote_of,
                visibility=int(status.visibility),
                tags=status.tags,
                mentions=status.mentions,
            )
        )

    def remember_idempotency(self, account: int, key: str, status_id: int) -> None:
        """Remember what status, or scheduled status, an account made with an idempotency key."""
        self._database.run(
            "INSERT INTO idempotency (account, key, status, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, key) DO UPDATE "
            "SET status = excluded.status, created_at = excluded.created_at",
            (account, key, status_id, snowflake_ms(status_id)),
        )


def _created(status: Status) -> StatusCreated:
    return StatusCreated(
        id=status.id,
        author=status.author,
        visibility=int(status.visibility),
        reblog_of=status.reblog_of,
        in_reply_to=status.in_reply_to,
        in_reply_to_author=status.in_reply_to_author,
        tags=status.tags,
        mentions=status.mentions,
        quote_of=status.quote_of,
    )
