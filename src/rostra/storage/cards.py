"""Cards: previews of linked pages, and which status shows which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import msgspec

from rostra.domain.cards import Card
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import chunked, span

_encode = msgspec.json.encode
_card = msgspec.json.Decoder(Card)


class CardStore:
    """Cards as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, hash_: bytes) -> Card | None:
        """Return the card of the page whose address has a SHA-256."""
        data = self._database.value("SELECT data FROM cards WHERE hash = ?", (hash_,))
        return None if data is None else _card.decode(data)

    def of_statuses(self, ids: Iterable[int]) -> dict[int, Card]:
        """Return the cards of statuses, those that have nothing to show left out."""
        found: dict[int, Card] = {}
        for holes, lot in chunked(ids):
            for status, data in self._database.rows(
                "SELECT status, data FROM status_cards JOIN cards USING (hash) "
                f"WHERE status IN ({holes})",
                lot,
            ):
                card = _card.decode(data)
                if card.found:
                    found[status] = card
        return found

    def hash_of(self, status: int) -> bytes | None:
        """Return the SHA-256 of the address a status links to."""
        found: bytes | None = self._database.value(
            "SELECT hash FROM status_cards WHERE status = ?", (status,)
        )
        return found

    def linking(self, hash_: bytes, *, below: int, limit: int) -> list[int]:
        """Return statuses that show a card, those with ids below a bound, newest first."""
        rows = self._database.rows(
            "SELECT status FROM status_cards WHERE hash = ? AND status < ? "
            "ORDER BY status DESC LIMIT ?",
            (hash_, below, limit),
        )
        return [status for (status,) in rows]

    def showing(self, hash_: bytes, **page: Unpack[Page]) -> list[int]:
        """Return a page of the statuses of any visibility that link to a page, newest first."""
        between, bounds, order = span("status", **page)
        rows = self._database.rows(
            f"SELECT status FROM status_cards WHERE hash = ?{between} "
            f"ORDER BY status {order} LIMIT ?",
            (hash_, *bounds, page["limit"]),
        )
        ids = [status for (status,) in rows]
        return ids if order == "DESC" else ids[::-1]

    def unused(self, before: int, *, limit: int) -> list[tuple[bytes, Card]]:
        """Return cards fetched before a time (ms) that no status shows, by their hashes."""
        rows = self._database.rows(
            "SELECT hash, data FROM cards WHERE fetched_at < ? AND NOT EXISTS "
            "(SELECT 1 FROM status_cards WHERE status_cards.hash = cards.hash) "
            "ORDER BY fetched_at LIMIT ?",
            (before, limit),
        )
        return [(hash_, _card.decode(data)) for hash_, data in rows]


class CardStoreWriter(CardStore):
    """Cards within a transaction."""

    def put(self, hash_: bytes, card: Card) -> None:
        """Add a card, or replace what is stored of it."""
        self._database.run(
            "INSERT INTO cards (hash, fetched_at, data) VALUES (?, ?, ?) ON CONFLICT (hash) "
            "DO UPDATE SET fetched_at = excluded.fetched_at, data = excluded.data",
            (hash_, card.fetched_at, _encode(card).decode()),
        )

    def delete(self, hash_: bytes) -> None:
        """Forget a card that no status shows."""
        self._database.run("DELETE FROM cards WHERE hash = ?", (hash_,))

    def link(self, status: int, hash_: bytes | None) -> None:
        """Note which card a status shows, None for none."""
        if hash_ is None:
            self._database.run("DELETE FROM status_cards WHERE status = ?", (status,))
        else:
            self._database.run(
                "INSERT INTO status_cards (status, hash) VALUES (?, ?) "
                "ON CONFLICT (status) DO UPDATE SET hash = excluded.hash",
                (status, hash_),
            )
