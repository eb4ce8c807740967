"""The record of all decisions, for moderators: what was decided, and the hashes that seal it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import record as told
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, reads
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when
from rostra.domain.accounts import Account
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.domain.ledger import UNREADABLE, Entry
from rostra.ports import Snapshot

DEFAULT: Final = 40
READ: Final = "admin:read:accounts"


def entity(entry: Entry, accounts: Mapping[int, Account]) -> Entity:
    """Return an entry; ``entry`` in it is what the hash seals, letter for letter once canonical."""

    def who(ordinal: int | None) -> Entity | None:
        account = accounts.get(ordinal) if ordinal is not None else None
        return None if account is None else {"id": str(account.id), "username": account.username}

    readable = entry.kind != UNREADABLE
    return {
        "id": str(entry.number),
        "kind": entry.kind,
        "created_at": when(entry.at),
        "account": who(entry.account),
        "moderator": who(entry.moderator),
        "about": entry.about,
        "entry": msgspec.Raw(entry.content.encode()) if readable else None,
        "previous": entry.previous.hex(),
        "hash": entry.hash.hex(),
    }


def _accounts(snap: Snapshot, entries: list[Entry]) -> dict[int, Account]:
    named = {ordinal for entry in entries for ordinal in (entry.account, entry.moderator)}
    return snap.accounts.many(ordinal for ordinal in named if ordinal is not None)


class Filters(Page, frozen=True):
    account_id: str | None = None


@reads(Filters, needs=Needs.ACCOUNT, scope=READ, answers=list[told.LedgerEntry])
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    """List entries, newest first; ids are their numbers."""
    require_moderator(call, snap)
    account = None
    if given.account_id:
        account_id = parse_id(given.account_id)
        found = snap.accounts.by_id(account_id) if account_id is not None else None
        if found is None:
            raise NotFound("There is no such account: ask with the id of one")
        account = found.ordinal
    entries = snap.ledger.page(
        account=account, limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    accounts = _accounts(snap, entries)
    body = encode([entity(entry, accounts) for entry in entries])
    return bytes_reply(call, body, headers=link(call, [entry.number for entry in entries]))


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.LedgerEntry)
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Return one entry by its number."""
    require_moderator(call, snap)
    entry = snap.ledger.get(call.id())
    if entry is None:
        raise NotFound
    return bytes_reply(call, encode(entity(entry, _accounts(snap, [entry]))))


ROUTES: Final[list[BaseRoute]] = [
    at("/ledger", GET=many),
    at("/ledger/{id}", GET=show),
]
