"""https://docs.joinmastodon.org/methods/trends/ and methods/admin/trends/"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api import entities
from rostra.api.binding import Nothing
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Header, Reply, encode
from rostra.api.operation import Needs, Read, Write, at, group, reads, writes
from rostra.api.pagination import clamped
from rostra.api.rendering import Entity
from rostra.domain.cards import Card
from rostra.domain.errors import NotFound
from rostra.domain.trends import DAY_MS, Trend, TrendKind
from rostra.ports import Snapshot
from rostra.services.attachments import cards
from rostra.services.discovery import tags, trends

T = TypeVar("T")

MANAGE: Final = "admin:read"
HISTORY_DAYS: Final = 7


class Part(Struct, frozen=True):
    limit: int | None = None
    offset: int = 0

    def of(self, found: Sequence[T], default: int) -> Sequence[T]:
        """Return the part of a list that is asked for."""
        start = max(self.offset, 0)
        return found[start : start + clamped(self.limit, default)]

    def links(self, call: Call, total: int, default: int) -> tuple[Header, ...]:
        """Return the ``Link`` header: these lists are paged by how many to pass over."""
        size, start = clamped(self.limit, default), max(self.offset, 0)
        address = call.api.ctx.settings.url + call.scope["path"]
        found = []
        if size and start + size < total:
            found.append(("next", start + size))
        if start:
            found.append(("prev", max(start - size, 0)))
        texts = [
            f'<{address}?{urlencode({"limit": size, "offset": offset})}>; rel="{rel}"'
            for rel, offset in found
        ]
        return ((b"link", ", ".join(texts).encode("ascii", "replace")),) if texts else ()


def _reply(
    call: Call, given: Part, found: Sequence[T], default: int, render: Callable[[T], bytes]
) -> Reply:
    body = array([render(each) for each in given.of(found, default)])
    return bytes_reply(call, body, headers=given.links(call, len(found), default))


# -- entities --------------------------------------------------------------------------------------


def tag_entity(call: Call, snap: Snapshot, name: str) -> Entity:
    """Return the Tag entity with its history."""
    return entities.tag(call.api.renderer, tags.view_of(snap, call.viewer, name))


def link_id(address: str) -> int:
    """Return the number a link has in the admin API: there is no row to number."""
    return int.from_bytes(hashlib.sha256(address.encode()).digest()[:7])


def link_entity(call: Call, snap: Snapshot, trend: Trend) -> Entity:
    """Return the Trends::Link entity: the card of the page, a bare one while there is none."""
    card = snap.cards.get(cards.hash_of(trend.subject))
    today = trend.counted_at - trend.counted_at % DAY_MS
    days = [*trend.days, *[(0, 0)] * HISTORY_DAYS][:HISTORY_DAYS]
    return {
        **call.api.renderer.card(card if card is not None and card.found else _bare(trend.subject)),
        "history": [
            {
                "day": str((today - back * DAY_MS) // 1000),
                "uses": str(uses),
                "accounts": str(accounts),
            }
            for back, (uses, accounts) in enumerate(days)
        ],
    }


def _bare(address: str) -> Card:
    parts = urlsplit(address)
    return Card(
        url=address,
        title=f"{parts.netloc}{parts.path.rstrip('/')}",
        provider_name=parts.netloc,
        provider_url=f"{parts.scheme}://{parts.netloc}",
    )


# -- for everybody ---------------------------------------------------------------------------------


@reads(Part)
def trending_tags(call: Call, snap: Snapshot, given: Part) -> Reply:
    found = trends.tags(snap, call.viewer)
    return _reply(call, given, found, 10, lambda name: encode(tag_entity(call, snap, name)))


@reads(Part)
def trending_statuses(call: Call, snap: Snapshot, given: Part) -> Reply:
    found = trends.statuses(snap, call.viewer)
    bodies, until = call.api.parts.statuses(snap, call.viewer, given.of(found, 20))
    headers = given.links(call, len(found), 20)
    return bytes_reply(call, array(bodies), headers=headers, until=until)


@reads(Part)
def trending_links(call: Call, snap: Snapshot, given: Part) -> Reply:
    found = trends.links(snap, call.viewer)
    return _reply(call, given, found, 10, lambda trend: encode(link_entity(call, snap, trend)))


# -- for moderators --------------------------------------------------------------------------------


def _reviewed(snap: Snapshot, trend: Trend) -> Entity:
    return {"requires_review": trend.subject not in snap.trends.reviews(trend.kind)}


def _admin_body(call: Call, snap: Snapshot, trend: Trend) -> bytes:
    """Return the entity of something that trends as moderators see it."""
    if trend.kind == TrendKind.STATUS:
        body, _ = call.api.parts.status(snap, call.viewer, int(trend.subject))
        if body is None:
            raise NotFound
        return body[:-1] + b"," + encode(_reviewed(snap, trend))[1:]
    if trend.kind == TrendKind.LINK:
        entity = {"id": str(link_id(trend.subject)), **link_entity(call, snap, trend)}
        return encode(entity | _reviewed(snap, trend))
    allowed = snap.trends.reviews(trend.kind).get(trend.subject, True)
    number = snap.tags.number(trend.subject)
    return encode(
        {
            "id": str(number) if number is not None else trend.subject,
            **tag_entity(call, snap, trend.subject),
            "trendable": allowed,
            "usable": True,
            **_reviewed(snap, trend),
        }
    )


def _listing(kind: TrendKind, default: int) -> Read[Part]:
    @reads(Part, needs=Needs.ACCOUNT, scope=MANAGE)
    def listed(call: Call, snap: Snapshot, given: Part) -> Reply:
        require_moderator(call, snap)
        found = trends.shown(snap, call.viewer, kind, rejected=True)
        return _reply(call, given, found, default, lambda each: _admin_body(call, snap, each))

    return listed


def _named(call: Call, snap: Snapshot, kind: TrendKind) -> Trend:
    """Return what trends and is named in the path.

    Raises:
        NotFound: nothing of this id trends.
    """
    id_ = call.path_params["id"]
    for trend in snap.trends.kept(kind):
        names = {trend.subject}
        if kind == TrendKind.LINK:
            names = {str(link_id(trend.subject))}
        elif kind == TrendKind.TAG:
            names.add(str(snap.tags.number(trend.subject)))
        if id_ in names:
            return trend
    raise NotFound


def _review(kind: TrendKind, *, allowed: bool) -> Write[Nothing]:
    @writes(Nothing, scope="admin:write")
    async def review(call: Call, given: Nothing) -> Reply:
        ctx = call.api.ctx
        with ctx.store.read() as snap:
            require_moderator(call, snap)
            trend = _named(call, snap, kind)
        await trends.review(
            ctx, moderator=call.actor, kind=kind, subject=trend.subject, allowed=allowed
        )
        with ctx.store.read() as snap:
            call.api.parts.follow(snap)
            return bytes_reply(call, _admin_body(call, snap, trend))

    return review


def _admin(name: str, kind: TrendKind, default: int) -> list[BaseRoute]:
    return [
        at(f"/{name}", GET=_listing(kind, default)),
        *group(
            f"/{name}/{{id}}",
            at("/approve", POST=_review(kind, allowed=True)),
            at("/reject", POST=_review(kind, allowed=False)),
        ),
    ]


ROUTES: Final[list[BaseRoute]] = [
    at("/trends", GET=trending_tags),
    *group(
        "/trends",
        at("/tags", GET=trending_tags),
        at("/statuses", GET=trending_statuses),
        at("/links", GET=trending_links),
    ),
    *group(
        "/admin/trends",
        *_admin("tags", TrendKind.TAG, 10),
        *_admin("statuses", TrendKind.STATUS, 20),
        *_admin("links", TrendKind.LINK, 10),
    ),
]
