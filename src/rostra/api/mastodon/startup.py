"""What apps ask for when they start, where an empty answer is the truth about this server today."""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, Read, at, reads
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:accounts")
def preferences(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """https://docs.joinmastodon.org/methods/preferences/"""
    account = snap.accounts.get(call.actor)
    if account is None:
        raise NotFound
    return json_reply(
        {
            "posting:default:visibility": account.default_visibility,
            "posting:default:sensitive": account.default_sensitive,
            "posting:default:language": account.default_language,
            "reading:expand:media": "default",
            "reading:expand:spoilers": False,
            "reading:autoplay:gifs": False,
        },
        headers=PRIVATE,
    )


def empty(value: Any, scope: str = "", needs: Needs = Needs.ACCOUNT) -> Read[Nothing]:
    """Return an operation that answers ``value``: there is nothing of this kind here."""

    @reads(Nothing, needs=needs, scope=scope)
    def nothing(call: Call, snap: Snapshot, given: Nothing) -> Reply:
        return json_reply(value)

    return nothing


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/preferences", GET=preferences),
    at("/markers", GET=empty({}, "read:statuses")),
    at("/conversations", GET=empty([], "read:statuses")),
    at("/scheduled_statuses", GET=empty([], "read:statuses")),
    at("/domain_blocks", GET=empty([], "read:blocks")),
    at("/endorsements", GET=empty([], "read:accounts")),
    at("/trends/tags", GET=empty([], needs=Needs.NOBODY)),
    at("/trends/statuses", GET=empty([], needs=Needs.NOBODY)),
    at("/trends/links", GET=empty([], needs=Needs.NOBODY)),
]
