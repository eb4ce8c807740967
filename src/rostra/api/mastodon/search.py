"""https://docs.joinmastodon.org/methods/search/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api import entities
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import at, reads
from rostra.api.pagination import clamped, cursor
from rostra.domain.accounts import Account
from rostra.domain.errors import Unauthenticated
from rostra.domain.ids import parse_id
from rostra.domain.statuses import Status
from rostra.ports import Snapshot
from rostra.services.discovery import search, tags


class Query(Struct, frozen=True):
    q: str = ""
    type: str | None = None
    resolve: bool = False
    following: bool = False
    account_id: str | None = None
    exclude_unreviewed: bool = False
    max_id: str | None = None
    min_id: str | None = None
    limit: int | None = None
    offset: int = 0

    def wants(self, kind: str) -> bool:
        """Return whether results of a kind are asked for."""
        return self.type in (None, "", kind)


def _accounts(call: Call, snap: Snapshot, given: Query, limit: int) -> list[bytes]:
    found = search.accounts(
        snap,
        call.viewer,
        given.q,
        limit=limit,
        offset=max(given.offset, 0),
        following=given.following,
        domain=call.api.ctx.settings.domain,
    )
    return call.api.parts.accounts(snap, [account.ordinal for account in found])


def _statuses(call: Call, snap: Snapshot, given: Query, limit: int) -> list[bytes]:
    found = search.statuses(
        snap,
        call.viewer,
        given.q,
        limit=limit,
        offset=max(given.offset, 0),
        account=(parse_id(given.account_id) or 0) if given.account_id else None,
        max_id=cursor(given.max_id),
        min_id=cursor(given.min_id),
    )
    return call.api.parts.statuses(snap, call.viewer, found)[0]


def _hashtags(call: Call, snap: Snapshot, given: Query, limit: int) -> list[bytes]:
    found = search.hashtags(snap, call.viewer, given.q, limit=limit, offset=max(given.offset, 0))
    return [
        encode(entities.tag(call.api.renderer, tags.view_of(snap, call.viewer, name)))
        for name in found
    ]


@reads(Query, scope="read:search")
def v2(call: Call, snap: Snapshot, given: Query) -> Reply:
    if call.viewer is None and (given.resolve or given.offset > 0):
        raise Unauthenticated(
            "Search queries pagination and resolving are not supported without authentication"
        )
    limit = clamped(given.limit, 20, 40)
    found: dict[str, list[bytes]] = {"accounts": [], "statuses": [], "hashtags": []}
    named = search.address(snap, call.viewer, given.q, url=call.api.ctx.settings.url)
    if named is not None and given.offset <= 0 and limit:
        if isinstance(named, Account) and given.wants("accounts"):
            found["accounts"] = [call.api.parts.account(snap, named.ordinal)]
        elif isinstance(named, Status) and given.wants("statuses"):
            found["statuses"] = call.api.parts.statuses(snap, call.viewer, [named.id])[0]
    elif named is None and given.q.strip() and limit:
        if given.wants("accounts") and not given.q.strip().startswith("#"):
            found["accounts"] = _accounts(call, snap, given, limit)
        if given.wants("statuses"):
            found["statuses"] = _statuses(call, snap, given, limit)
        if given.wants("hashtags") and not given.q.strip().startswith("@"):
            found["hashtags"] = _hashtags(call, snap, given, limit)
    body = b",".join(encode(name) + b":" + array(bodies) for name, bodies in found.items())
    return bytes_reply(call, b"{" + body + b"}")


ROUTES_V2: Final[list[BaseRoute]] = [at("/search", GET=v2)]
