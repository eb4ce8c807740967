"""Statuses, and what finds them: author, thread, hashtag, mention, idempotency key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Unpack

import msgspec

from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    PinsChanged,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.pages import Page
from rostra.domain.statuses import QuoteState, Status, StatusEdit, Visibility
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import Cache, chunked, marks, span
from rostra.storage.status_rows import COLUMNS, VISIBILITIES, decode

CACHED: Final = 50_000

Reply = tuple[int, int, int]
"""A reply: its id, its author, its visibility."""

_edit = msgspec.json.Decoder(StatusEdit)


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
        self._pins: Cache[int, tuple[int, ...]] = Cache(CACHED)
        self._quoters: Cache[int, dict[int, int]] = Cache(CACHED)
        self._total: int | None = None

    def apply(self, event: AnyEvent) -> None:
        """Forget, or bring up to date, what an event of the change feed touches."""
        if isinstance(event, StatusCreated):
            self._created(event)
        elif isinstance(event, StatusDeleted):
            self._deleted(event)
        elif isinstance(event, StatusChanged):
            self._kept.drop(event.id)
            if event.quote_of is not None:
                self._quoters.drop(event.quote_of)
        elif isinstance(event, PinsChanged):
            self._pins.drop(event.account)
        elif isinstance(event, EverythingReplaced):
            self._forget()

    def _created(self, event: StatusCreated) -> None:
        if self._total is not None:
            self._total += 1
        if event.in_reply_to is not None:
            self._replies.drop(event.in_reply_to)
        if event.quote_of is not None:
            quoters = self._quoters.get(event.quote_of)
            if quoters is not None:
                quoters[event.author] = quoters.get(event.author, 0) + 1
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
        if event.quote_of is not None:
            self._quoters.drop(event.quote_of)

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
        only_media: bool = False,
        tagged: str | None = None,
        **page: Unpack[Page],
    ) -> list[Status]:
        """Return statuses of an author, newest first.

        Args:
            author: whose.
            visibilities: only those with one of these visibilities.
            exclude_replies: leave out replies to others; an author's own threads stay.
            exclude_reblogs: leave out boosts.
            only_media: only those that carry media.
            tagged: only those with this hashtag.
            page: how many at most, between which ids.
        """
        between, bounds, order = span("id", **page)
        conditions = f"author = ?{between}"
        params: Params = (author, *bounds)
        if len(set(visibilities)) < len(VISIBILITIES):
            conditions += f" AND visibility IN ({marks(visibilities)})"
            params += tuple(int(visibility) for visibility in visibilities)
        if exclude_replies:
            conditions += " AND (in_reply_to IS NULL OR in_reply_to_author = author)"
        if exclude_reblogs:
            conditions += " AND reblog_of IS NULL"
        if only_media:
            conditions += " AND media IS NOT NULL"
        if tagged is not None:
            conditions += (
                " AND EXISTS (SELECT 1 FROM status_tags WHERE tag = ? AND status = statuses.id)"
            )
            params += (tagged.lower(),)
        found = self._query(f"{conditions} ORDER BY id {order} LIMIT ?", (*params, page["limit"]))
        return found if order == "DESC" else found[::-1]

    def public_with_media(self, **page: Unpack[Page]) -> list[int]:
        """Return the ids of public statuses that carry media, newest first."""
        between, bounds, order = span("id", **page)
        rows = self._database.rows(
            "SELECT id FROM statuses WHERE media IS NOT NULL AND visibility = 0"
            f"{between} ORDER BY id {order} LIMIT ?",
            (*bounds, page["limit"]),
        )
        ids = [row[0] for row in rows]
        return ids if order == "DESC" else ids[::-1]

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

    def boosts(self, status_id: int, *, limit: int) -> list[Status]:
        """Return some of the boosts of a status, it being there or not."""
        return self._query("reblog_of = ? LIMIT ?", (status_id, limit))

    def edits(self, status_id: int) -> list[StatusEdit]:
        """Return the versions of a status that was edited, the first one first."""
        rows = self._database.rows(
            "SELECT version FROM status_edits WHERE status = ? ORDER BY number", (status_id,)
        )
        return [_edit.decode(row[0]) for row in rows]

    def pinned(self, account: int) -> tuple[int, ...]:
        """Return the statuses an account has pinned, the one pinned last first."""
        pins = self._pins.get(account) if self._keeps else None
        if pins is None:
            rows = self._database.rows(
                "SELECT status FROM pins WHERE account = ? ORDER BY pinned_at DESC, status DESC",
                (account,),
            )
            pins = tuple(row[0] for row in rows)
            self._pins.put(account, pins)
        return pins

    def quotes(self, status_id: int, **page: Unpack[Page]) -> list[Status]:
        """Return a page of the statuses that quote one and were not revoked, newest first."""
        between, bounds, order = span("id", **page)
        found = self._query(
            f"quote_of = ? AND quote_state = ?{between} ORDER BY id {order} LIMIT ?",
            (status_id, int(QuoteState.ACCEPTED), *bounds, page["limit"]),
        )
        return found if order == "DESC" else found[::-1]

    def quoters(self, status_id: int) -> Mapping[int, int]:
        """Return who quotes a status, and how often; quotes that were revoked do not count."""
        quoters = self._quoters.get(status_id) if self._keeps else None
        if quoters is None:
            quoters = dict(
                self._database.rows(
                    "SELECT author, COUNT(*) FROM statuses "
                    "WHERE quote_of = ? AND quote_state = ? GROUP BY author",
                    (status_id, int(QuoteState.ACCEPTED)),
                )
            )
            self._quoters.put(status_id, quoters)
        return quoters

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
        """Return the status, or scheduled status, an account made with an idempotency key."""
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
        statuses = [decode(row) for row in rows]
        if self._keeps:
            for status in statuses:
                self._kept.put(status.id, status)
        return statuses
