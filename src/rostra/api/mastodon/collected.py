"""https://docs.joinmastodon.org/methods/favourites/ and https://docs.joinmastodon.org/methods/bookmarks/"""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from rostra.api.mastodon.common import places_reply
from rostra.api.messages import Call, Reply
from rostra.api.operation import Needs, at, reads
from rostra.api.pagination import Page, clamped
from rostra.domain.account_set import SetKind
from rostra.ports import Snapshot
from rostra.services import statuses


@reads(Page, needs=Needs.ACCOUNT, scope="read:favourites")
def favourites(call: Call, snap: Snapshot, given: Page) -> Reply:
    return _listed(call, snap, given, SetKind.LIKES)


@reads(Page, needs=Needs.ACCOUNT, scope="read:bookmarks")
def bookmarks(call: Call, snap: Snapshot, given: Page) -> Reply:
    return _listed(call, snap, given, SetKind.BOOKMARKS)


def _listed(call: Call, snap: Snapshot, given: Page, kind: SetKind) -> Reply:
    limit = clamped(given.limit, 20)
    places = statuses.listed(snap, call.actor, kind, limit=limit, **given.cursors())
    return places_reply(call, snap, places, limit)


ROUTES: Final[list[BaseRoute]] = [
    at("/favourites", GET=favourites),
    at("/bookmarks", GET=bookmarks),
]
