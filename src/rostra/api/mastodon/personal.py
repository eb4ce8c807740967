"""Markers, preferences and blocked domains.

https://docs.joinmastodon.org/methods/markers/, …/preferences/ and …/domain_blocks/
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import parse_id
from rostra.domain.personal import MarkedTimeline, Marker
from rostra.ports import Snapshot
from rostra.services.reading import personal

# -- markers ---------------------------------------------------------------------------------------


def _entity(marker: Marker) -> Entity:
    return {
        "last_read_id": str(marker.last_read),
        "version": marker.version,
        "updated_at": when(marker.updated_at),
    }


class Timelines(Struct, frozen=True):
    timeline: list[str] = []


@reads(Timelines, needs=Needs.ACCOUNT, scope="read:statuses")
def markers(call: Call, snap: Snapshot, given: Timelines) -> Reply:
    found = snap.personal.markers(call.actor)
    entities = {
        str(name): _entity(marker) for name, marker in found.items() if name in given.timeline
    }
    return json_reply(entities, headers=PRIVATE)


class GivenPlace(Struct, frozen=True):
    last_read_id: str | None = None
    version: int | None = None


class Places(Struct, frozen=True):
    home: GivenPlace | None = None
    notifications: GivenPlace | None = None


def _place(given: GivenPlace) -> personal.Place:
    last_read = parse_id(given.last_read_id or "")
    if last_read is None:
        raise Invalid("Validation failed: Last read must be the id of what was read last")
    return personal.Place(last_read, given.version)


@writes(Places, scope="write:statuses")
async def mark(call: Call, given: Places) -> Reply:
    asked = {
        MarkedTimeline.HOME: given.home,
        MarkedTimeline.NOTIFICATIONS: given.notifications,
    }
    places = {name: _place(place) for name, place in asked.items() if place is not None}
    made = await personal.mark(call.api.ctx, actor=call.actor, places=places)
    return json_reply({str(marker.timeline): _entity(marker) for marker in made}, headers=PRIVATE)


# -- preferences -----------------------------------------------------------------------------------


def _preferences(snap: Snapshot, owner: int) -> Reply:
    account = snap.accounts.get(owner)
    if account is None:
        raise NotFound
    reading = snap.personal.preferences(owner)
    return json_reply(
        {
            "posting:default:visibility": account.default_visibility,
            "posting:default:sensitive": account.default_sensitive,
            "posting:default:language": account.default_language,
            "posting:default:quote_policy": account.default_quote_policy,
            "reading:expand:media": str(reading.expand_media),
            "reading:expand:spoilers": reading.expand_spoilers,
            "reading:autoplay:gifs": reading.autoplay_gifs,
        },
        headers=PRIVATE,
    )


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:accounts")
def preferences(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return _preferences(snap, call.actor)


class Reading(Struct, frozen=True):
    media: str | None = field(default=None, name="reading:expand:media")
    spoilers: bool | None = field(default=None, name="reading:expand:spoilers")
    gifs: bool | None = field(default=None, name="reading:autoplay:gifs")


@writes(Reading, scope="write:accounts")
async def prefer(call: Call, given: Reading) -> Reply:
    """Change how one likes to read, by the names that reading them gives; Mastodon has no such
    method. What concerns posting is changed with the profile.
    """
    await personal.prefer(
        call.api.ctx,
        actor=call.actor,
        expand_media=given.media,
        expand_spoilers=given.spoilers,
        autoplay_gifs=given.gifs,
    )
    with call.api.ctx.store.read() as snap:
        return _preferences(snap, call.actor)


# -- domains ---------------------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope="read:blocks")
def domains(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 100)
    found = personal.blocked_domains(snap, call.actor, limit=limit, **given.cursors())
    headers = link(call, [each.id for each in found], more=len(found) >= limit)
    return json_reply([each.domain for each in found], headers=(*PRIVATE, *headers))


class Named(Struct, frozen=True):
    domain: str = ""


@writes(Named, scope="write:blocks")
async def block_domain(call: Call, given: Named) -> Reply:
    await personal.block_domain(call.api.ctx, actor=call.actor, domain=given.domain)
    return json_reply({})


@writes(Named, scope="write:blocks")
async def unblock_domain(call: Call, given: Named) -> Reply:
    await personal.unblock_domain(call.api.ctx, actor=call.actor, domain=given.domain)
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at("/markers", GET=markers, POST=mark),
    at("/preferences", GET=preferences, PATCH=prefer),
    at("/domain_blocks", GET=domains, POST=block_domain, DELETE=unblock_domain),
]
