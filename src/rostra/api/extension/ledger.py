"""The record of all decisions, for moderators: what was decided, and the hashes that seal it."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import record as told
from rostra.api.extension.asked import any_account, path_id
from rostra.api.extension.naming import Names
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, reads
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when
from rostra.domain.errors import NotFound
from rostra.domain.ledger import UNREADABLE, Entry
from rostra.ports import Snapshot

DEFAULT: Final = 40
READ: Final = "admin:read:accounts"


def entity(entry: Entry, names: Names) -> Entity:
    """Return an entry; ``entry`` in it is what the hash seals, letter for letter once canonical."""

    readable = entry.kind != UNREADABLE
    return {
        "id": str(entry.number),
        "kind": entry.kind,
        "created_at": when(entry.at),
        "account": names.of(entry.account),
        "moderator": names.of(entry.moderator),
        "about": entry.about,
        "entry": msgspec.Raw(entry.content.encode()) if readable else None,
        "previous": entry.previous.hex(),
        "hash": entry.hash.hex(),
    }


def _names(snap: Snapshot, entries: list[Entry]) -> Names:
    return Names(snap, {who for entry in entries for who in (entry.account, entry.moderator)})


class Filters(Page, frozen=True):
    account_id: str | None = None


@reads(Filters, needs=Needs.ACCOUNT, scope=READ, answers=list[told.LedgerEntry])
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    """List entries, newest first; ids are their numbers."""
    require_moderator(call, snap)
    account = None
    if given.account_id:
        account = any_account(snap, given.account_id).ordinal
    entries = snap.ledger.page(
        account=account, limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    names = _names(snap, entries)
    body = encode([entity(entry, names) for entry in entries])
    return bytes_reply(call, body, headers=link(call, [entry.number for entry in entries]))


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.LedgerEntry)
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Return one entry by its number."""
    require_moderator(call, snap)
    number = path_id(call, "entry")
    entry = snap.ledger.get(number)
    if entry is None:
        raise NotFound(f"There is no entry {number} in the ledger")
    return bytes_reply(call, encode(entity(entry, _names(snap, [entry]))))


ROUTES: Final[list[BaseRoute]] = [
    at("/ledger", GET=many),
    at("/ledger/{id}", GET=show),
]
