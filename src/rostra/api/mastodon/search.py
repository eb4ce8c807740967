"""https://docs.joinmastodon.org/methods/search/"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import at, reads
from rostra.api.pagination import clamped
from rostra.domain.errors import NotFound, Unauthenticated
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import accounts, statuses, timelines


class Query(Struct, frozen=True):
    q: str = ""
    type: str | None = None
    resolve: bool = False
    following: bool = False
    limit: int | None = None
    offset: int = 0


def _accounts(call: Call, snap: Snapshot, given: Query, limit: int) -> list[bytes]:
    found = accounts.search(
        snap,
        call.viewer,
        given.q,
        limit=limit,
        offset=max(given.offset, 0),
        following=given.following,
    )
    return call.api.parts.accounts(snap, [account.ordinal for account in found])


def _statuses(call: Call, snap: Snapshot, given: Query) -> list[bytes]:
    """Return the status whose address on this server was pasted; text is not searched yet."""
    url = call.api.ctx.settings.url
    if given.offset > 0 or not given.q.startswith(f"{url}/"):
        return []
    status_id = parse_id(urlsplit(given.q).path.rstrip("/").rsplit("/", 1)[-1])
    if status_id is None:
        return []
    try:
        found = statuses.show(snap, call.viewer, status_id)
    except NotFound:
        return []
    return call.api.parts.statuses(snap, call.viewer, [found.id])[0]


def _hashtags(call: Call, snap: Snapshot, given: Query) -> list[bytes]:
    """Return the hashtag of exactly this name, when somebody has used it."""
    name = given.q.strip().removeprefix("#")
    if given.offset > 0 or not name or any(character.isspace() for character in name):
        return []
    if not timelines.tag(snap, call.viewer, name, limit=1):
        return []
    entity = call.api.renderer.status_tag(name.lower())
    return [encode(entity | {"history": [], "following": False})]


@reads(Query, scope="read:search")
def v2(call: Call, snap: Snapshot, given: Query) -> Reply:
    if call.viewer is None and (given.resolve or given.offset > 0):
        raise Unauthenticated(
            "Search queries pagination and resolving are not supported without authentication"
        )
    limit = clamped(given.limit, 20, 40)
    found = {"accounts": b"[]", "statuses": b"[]", "hashtags": b"[]"}
    if given.q.strip() and limit:
        if given.type in (None, "accounts"):
            found["accounts"] = array(_accounts(call, snap, given, limit))
        if given.type in (None, "statuses"):
            found["statuses"] = array(_statuses(call, snap, given))
        if given.type in (None, "hashtags"):
            found["hashtags"] = array(_hashtags(call, snap, given))
    body = b",".join(encode(name) + b":" + value for name, value in found.items())
    return bytes_reply(call, b"{" + body + b"}")


ROUTES_V2: Final[list[BaseRoute]] = [at("/search", GET=v2)]
