"""Statuses, and what finds them: author, thread, hashtag, mention, idempotency key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Unpack

import msgspec

from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.ids import snowflake_ms
from rostra.domain.notifications import NotificationType
from rostra.domain.pages import Page
from rostra.domain.statuses import Poll, Status, Visibility
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import Announce, Cache, chunked, marks, span

CACHED: Final = 50_000

COLUMNS: Final = (
    "id, author, created_at, visibility, text, content, spoiler_text, sensitive, language, "
    "in_reply_to, in_reply_to_author, reblog_of, mentions, tags, poll, application, edited_at, "
    "media"
)
INSERT: Final = f"INSERT INTO statuses ({COLUMNS}) VALUES ({marks(range(18))})"

Reply = tuple[int, int, int]
"""A reply: its id, its author, its visibility."""

_encode = msgspec.json.encode
_numbers = msgspec.json.Decoder(tuple[int, ...])
_names = msgspec.json.Decoder(tuple[str, ...])
_poll = msgspec.json.Decoder(Poll)
_visibilities: Final = tuple(Visibility)


def _decode(row: tuple[Any, ...]) -> Status:
    return Status(
        id=row[0],
        author=row[1],
        created_at=row[2],
        visibility=_visibilities[row[3]],
        text=row[4],
        content=row[5],
        spoiler_text=row[6],
        sensitive=bool(row[7]),
        language=row[8],
        in_reply_to=row[9],
        in_reply_to_author=row[10],
        reblog_of=row[11],
        mentions=_numbers.decode(row[12]) if row[12] else (),
        tags=_names.decode(row[13]) if row[13] else (),
        poll=_poll.decode(row[14]) if row[14] else None,
        application=row[15],
        edited_at=row[16],
        media=_numbers.decode(row[17]) if row[17] else (),
    )


def _encode_row(status: Status) -> Params:
    return (
        status.id,
        status.author,
        status.created_at,
        int(status.visibility),
        status.text,
        status.content,
        status.spoiler_text,
        int(status.sensitive),
        status.language,
        status.in_reply_to,
        status.in_reply_to_author,
        status.reblog_of,
        _encode(status.mentions).decode() if status.mentions else None,
        _encode(status.tags).decode() if status.tags else None,
        _encode(status.poll).decode() if status.poll else None,
        status.application,
        status.edited_at,
        _encode(status.media).decode() if status.media else None,
    )


class StatusStore:
    """Statuses as one connection sees them; what was read is kept until an event names it.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keeps = True
        self._forget()

    def _forget(self) -> None:
        self._kept: Cache[int, Status] = Cache(CACHED)
        self._replies: Cache[int, list[Reply]] = Cache(CACHED)
        self._counts: Cache[int, int] = Cache(CACHED)
        self._last: Cache[int, int] = Cache(CACHED)  # author → id, 0 for none
        self._total: int | None = None

    def apply(self, event: AnyEvent) -> None:
        """Forget, or bring up to date, what an event of the change feed touches."""
        if isinstance(event, StatusCreated):
            self._created(event)
        elif isinstance(event, StatusDeleted):
            self._deleted(event)
        elif isinstance(event, StatusChanged):
            self._kept.drop(event.id)
        elif isinstance(event, EverythingReplaced):
            self._forget()

    def _created(self, event: StatusCreated) -> None:
        if self._total is not None:
            self._total += 1
        if event.in_reply_to is not None:
            self._replies.drop(event.in_reply_to)
        if event.visibility == Visibility.DIRECT:
            return
        self._last.drop(event.author)
        count = self._counts.get(event.author)
        if count is not None:
            self._counts.put(event.author, count + 1)

    def _deleted(self, event: StatusDeleted) -> None:
        if self._total is not None:
            self._total -= 1
        self._kept.drop(event.id)
        self._replies.drop(event.id)
        self._counts.drop(event.author)
        self._last.drop(event.author)
        if event.in_reply_to is not None:
            self._replies.drop(event.in_reply_to)

    def get(self, status_id: int) -> Status | None:
        """Return a status by its id."""
        status = self._kept.get(status_id) if self._keeps else None
        if status is None:
            found = self._query("id = ?", (status_id,))
            status = found[0] if found else None
        return status

    def many(self, ids: Iterable[int]) -> dict[int, Status]:
        """Return the statuses there are of ``ids``, in their order."""
        wanted = dict.fromkeys(ids)
        found: dict[int, Status] = {}
        missing = []
        for status_id in wanted:
            status = self._kept.get(status_id) if self._keeps else None
            if status is None:
                missing.append(status_id)
            else:
                found[status_id] = status
        if not missing:
            return found
        for holes, lot in chunked(missing):
            for status in self._query(f"id IN ({holes})", lot):
                found[status.id] = status
        return {status_id: found[status_id] for status_id in wanted if status_id in found}

    def by_author(
        self,
        author: int,
        *,
        visibilities: Sequence[int] = (0, 1, 2, 3),
        exclude_replies: bool = False,
        exclude_reblogs: bool = False,
        tagged: str | None = None,
        **page: Unpack[Page],
    ) -> list[Status]:
        """Return statuses of an author, newest first.

        Args:
            author: whose.
            visibilities: only those with one of these visibilities.
            exclude_replies: leave out replies to others; an author's own threads stay.
            exclude_reblogs: leave out boosts.
            tagged: only those with this hashtag.
            page: how many at most, between which ids.
        """
        between, bounds, order = span("id", **page)
        conditions = f"author = ?{between}"
        params: Params = (author, *bounds)
        if len(set(visibilities)) < len(_visibilities):
            conditions += f" AND visibility IN ({marks(visibilities)})"
            params += tuple(int(visibility) for visibility in visibilities)
        if exclude_replies:
            conditions += " AND (in_reply_to IS NULL OR in_reply_to_author = author)"
        if exclude_reblogs:
            conditions += " AND reblog_of IS NULL"
        if tagged is not None:
            conditions += (
                " AND EXISTS (SELECT 1 FROM status_tags WHERE tag = ? AND status = statuses.id)"
            )
            params += (tagged.lower(),)
        found = self._query(f"{conditions} ORDER BY id {order} LIMIT ?", (*params, page["limit"]))
        return found if order == "DESC" else found[::-1]

    def count_by_author(self, author: int) -> int:
        """Return how many statuses and boosts an author has, direct ones not counted."""
        count = self._counts.get(author) if self._keeps else None
        if count is None:
            count = int(
                self._database.value(
                    "SELECT COUNT(*) FROM statuses WHERE author = ? AND visibility < 3", (author,)
                )
            )
            self._counts.put(author, count)
        return count

    def last_by_author(self, author: int) -> Status | None:
        """Return the newest status or boost of an author that is not direct."""
        last = self._last.get(author) if self._keeps else None
        if last is None:
            found = self.by_author(author, limit=1, visibilities=(0, 1, 2))
            last = found[0].id if found else 0
            self._last.put(author, last)
        return self.get(last) if last else None

    def replies(self, status_id: int) -> list[Reply]:
        """Return the direct replies to a status, oldest first, as (id, author, visibility)."""
        replies = self._replies.get(status_id) if self._keeps else None
        if replies is None:
            replies = self._database.rows(
                "SELECT id, author, visibility FROM statuses WHERE in_reply_to = ? ORDER BY id",
                (status_id,),
            )
            self._replies.put(status_id, replies)
        return replies

    def boost_by(self, author: int, status_id: int) -> Status | None:
        """Return the boost of a status by an author."""
        found = self._query(
            "reblog_of = ? AND author = ? ORDER BY id DESC LIMIT 1", (status_id, author)
        )
        return found[0] if found else None

    def tagged(self, tag: str, **page: Unpack[Page]) -> list[int]:
        """Return the ids of statuses of any visibility with a hashtag, newest first."""
        between, bounds, order = span("status", **page)
        rows = self._database.rows(
            f"SELECT status FROM status_tags WHERE tag = ?{between} "
            f"ORDER BY status {order} LIMIT ?",
            (tag.lower(), *bounds, page["limit"]),
        )
        ids = [row[0] for row in rows]
        return ids if order == "DESC" else ids[::-1]

    def idempotent(self, account: int, key: str) -> int | None:
        """Return the status an account made with an idempotency key."""
        found: int | None = self._database.value(
            "SELECT status FROM idempotency WHERE account = ? AND key = ?", (account, key)
        )
        return found

    def latest_by_author(self, *, below: int, visibilities: Sequence[int]) -> dict[int, int]:
        """Return for each author the newest status, no boost, with an id below a bound.

        Args:
            below: only statuses with ids below this one.
            visibilities: only those with one of these visibilities.
        """
        return dict(
            self._database.iterate(
                "SELECT author, MAX(id) FROM statuses WHERE id < ? AND reblog_of IS NULL "
                f"AND visibility IN ({marks(visibilities)}) GROUP BY author",
                (below, *(int(visibility) for visibility in visibilities)),
            )
        )

    def authors_between(self, low: int, high: int) -> dict[int, int]:
        """Return the authors, by id, of the statuses and boosts from ``low`` to before ``high``."""
        return dict(
            self._database.iterate(
                "SELECT id, author FROM statuses WHERE id >= ? AND id < ?", (low, high)
            )
        )

    def count(self) -> int:
        """Return how many statuses and boosts there are, hidden ones included."""
        if self._total is None or not self._keeps:
            self._total = int(self._database.value("SELECT COUNT(*) FROM statuses"))
        return self._total

    def _query(self, condition: str, params: Params) -> list[Status]:
        rows = self._database.rows(f"SELECT {COLUMNS} FROM statuses WHERE {condition}", params)
        statuses = [_decode(row) for row in rows]
        if self._keeps:
            for status in statuses:
                self._kept.put(status.id, status)
        return statuses


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

    def create(self, status: Status) -> None:
        """Add a status or boost."""
        self.create_many([status])

    def create_many(self, statuses: Sequence[Status], *, announce: bool = True) -> None:
        """Add statuses; without ``announce`` the caller announces that everything was replaced."""
        self._database.run_many(INSERT, (_encode_row(status) for status in statuses))
        self._database.run_many(
            "INSERT INTO status_tags (tag, status, author) VALUES (?, ?, ?)",
            ((tag, s.id, s.author) for s in statuses for tag in dict.fromkeys(s.tags)),
        )
        self._database.run_many(
            "INSERT INTO mentions (account, status) VALUES (?, ?)",
            ((account, s.id) for s in statuses for account in dict.fromkeys(s.mentions)),
        )
        if announce:
            for status in statuses:
                self._announce(_created(status))

    def delete(self, status: Status) -> None:
        """Remove a status with every boost of it and every notification about it.

        Who liked and boosted it stays in its sets, which nobody asks for any more.
        """
        boosts = self._query("reblog_of = ?", (status.id,))
        for one in (*boosts, status):
            self._remove(one)

    def _remove(self, status: Status) -> None:
        run, status_id = self._database.run, status.id
        run("DELETE FROM statuses WHERE id = ?", (status_id,))
        for tag in status.tags:
            run("DELETE FROM status_tags WHERE tag = ? AND status = ?", (tag, status_id))
        for account in status.mentions:
            run("DELETE FROM mentions WHERE account = ? AND status = ?", (account, status_id))
        run("DELETE FROM idempotency WHERE account = ? AND status = ?", (status.author, status_id))
        run("DELETE FROM notifications WHERE status = ?", (status_id,))
        run(
            "DELETE FROM notification_groups WHERE account = ? AND type IN (?, ?) AND subject = ?",
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
            )
        )

    def remember_idempotency(self, account: int, key: str, status_id: int) -> None:
        """Remember that an account made a status with an idempotency key."""
        self._database.run(
            "INSERT INTO idempotency (account, key, status, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, key) DO UPDATE "
            "SET status = excluded.status, created_at = excluded.created_at",
            (account, key, status_id, snowflake_ms(status_id)),
        )

    def forget_idempotency(self, before: int) -> None:
        """Forget the idempotency keys of statuses made before a time (ms)."""
        self._database.run("DELETE FROM idempotency WHERE created_at < ?", (before,))


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
    )
