"""https://docs.joinmastodon.org/methods/suggestions/ and methods/directory/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import accounts_reply, array, bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import clamped
from rostra.ports import Snapshot
from rostra.services.discovery import suggestions


class Some(Struct, frozen=True):
    limit: int | None = None


@reads(Some, needs=Needs.ACCOUNT, scope="read")
def v1(call: Call, snap: Snapshot, given: Some) -> Reply:
    found = suggestions.suggestions(snap, call.actor, limit=clamped(given.limit, 40))
    return accounts_reply(call, snap, [each.account for each in found])


@reads(Some, needs=Needs.ACCOUNT, scope="read")
def v2(call: Call, snap: Snapshot, given: Some) -> Reply:
    found = suggestions.suggestions(snap, call.actor, limit=clamped(given.limit, 40))
    bodies = [
        encode(
            {
                "source": suggestions.FORMER.get(each.sources[0], "global"),
                "sources": each.sources,
            }
        )[:-1]
        + b',"account":'
        + call.api.parts.account(snap, each.account)
        + b"}"
        for each in found
    ]
    return bytes_reply(call, array(bodies))


@writes(Nothing, scope="write:accounts")
async def dismiss(call: Call, given: Nothing) -> Reply:
    await suggestions.dismiss(call.api.ctx, actor=call.actor, account_id=call.id())
    return json_reply({})


class Directory(Struct, frozen=True):
    limit: int | None = None
    offset: int = 0
    order: str = "active"
    local: bool = False


@reads(Directory)
def directory(call: Call, snap: Snapshot, given: Directory) -> Reply:
    """Return accounts that want to be found; all of them are of this server."""
    found = suggestions.directory(
        snap,
        call.viewer,
        order="new" if given.order == "new" else "active",
        limit=clamped(given.limit, 40),
        offset=max(given.offset, 0),
    )
    return accounts_reply(call, snap, found)


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/suggestions", GET=v1),
    at("/suggestions/{id}", DELETE=dismiss),
    at("/directory", GET=directory),
]
ROUTES_V2: Final[list[BaseRoute]] = [at("/suggestions", GET=v2)]
