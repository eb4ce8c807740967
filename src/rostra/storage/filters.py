"""Filters as stored: one row each, with their keywords and statuses."""

from __future__ import annotations

from typing import Final

import msgspec

from rostra.domain.events import AnyEvent, EverythingReplaced, FiltersChanged
from rostra.domain.filters import Filter
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, Cache

CACHED: Final = 50_000

_encode = msgspec.json.encode
_filter = msgspec.json.Decoder(Filter)


class FilterStore:
    """Filters as one connection sees them; whose were read is kept until an event names them.

    Args:
        database: a connection whose every change reaches ``apply`` before the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Cache[int, tuple[Filter, ...]] | None = Cache(CACHED)

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed says is no longer so."""
        if self._kept is None:
            return
        if isinstance(event, FiltersChanged):
            self._kept.drop(event.account)
        elif isinstance(event, EverythingReplaced):
            self._kept.clear()

    def of(self, account: int) -> tuple[Filter, ...]:
        """Return the filters of an account, oldest first, ended ones included."""
        found = None if self._kept is None else self._kept.get(account)
        if found is None:
            rows = self._database.rows(
                "SELECT data FROM filters WHERE account = ? ORDER BY id", (account,)
            )
            found = tuple(_filter.decode(row[0]) for row in rows)
            if self._kept is not None:
                self._kept.put(account, found)
        return found


class FilterStoreWriter(FilterStore):
    """Filters within a transaction. Nothing is kept here.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._kept = None
        self._announce = announce

    def put(self, value: Filter) -> None:
        """Add a filter, or replace what is stored of it."""
        self._database.run(
            "INSERT INTO filters (account, id, data) VALUES (?, ?, ?) "
            "ON CONFLICT (account, id) DO UPDATE SET data = excluded.data",
            (value.account, value.id, _encode(value).decode()),
        )
        self._announce(FiltersChanged(value.account))

    def delete(self, account: int, filter_id: int) -> None:
        """Remove a filter."""
        self._database.run("DELETE FROM filters WHERE account = ? AND id = ?", (account, filter_id))
        self._announce(FiltersChanged(account))
