"""https://docs.joinmastodon.org/methods/announcements/ and methods/custom_emojis/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import PRIVATE, Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.rendering import Entity, Renderer, when, when_known
from rostra.ports import Snapshot
from rostra.services.server import announcements
from rostra.services.server.announcements import AnnouncementView, ReactionView


def entity(renderer: Renderer, view: AnnouncementView, snap: Snapshot) -> Entity:
    """Return the Announcement entity."""
    announcement = view.announcement
    authors = snap.accounts.many(status.author for status in view.statuses)
    return {
        "id": str(announcement.id),
        "content": view.content,
        "published": True,
        "starts_at": when_known(announcement.starts_at),
        "ends_at": when_known(announcement.ends_at),
        "all_day": announcement.all_day,
        "published_at": when(announcement.published_at),
        "updated_at": when(announcement.updated_at),
        "read": view.read,
        "mentions": [renderer.mention(account) for account in view.mentions],
        "statuses": [
            {"id": str(status.id), "url": f"{renderer.account_url(author)}/{status.id}"}
            for status in view.statuses
            if (author := authors.get(status.author)) is not None
        ],
        "tags": [renderer.status_tag(name) for name in view.tags],
        "emojis": renderer.emojis(view.emojis),
        "reactions": [reaction(renderer, each) for each in view.reactions],
    }


def reaction(renderer: Renderer, view: ReactionView) -> Entity:
    """Return the Reaction entity; only custom emojis have addresses."""
    emoji = renderer.emoji(view.emoji) if view.emoji is not None else {}
    return {
        "name": view.name,
        "count": view.count,
        "me": view.me,
        "url": emoji.get("url"),
        "static_url": emoji.get("static_url"),
    }


class Listing(Struct, frozen=True):
    with_dismissed: bool = False


@reads(Listing, needs=Needs.ACCOUNT)
def listed(call: Call, snap: Snapshot, given: Listing) -> Reply:
    views = announcements.listed(
        snap, call.actor, call.api.ctx.settings, with_dismissed=given.with_dismissed
    )
    return json_reply([entity(call.api.renderer, view, snap) for view in views], headers=PRIVATE)


@writes(Nothing, scope="write:accounts")
async def dismiss(call: Call, given: Nothing) -> Reply:
    await announcements.dismiss(call.api.ctx, actor=call.actor, announcement_id=call.id())
    return json_reply({})


@writes(Nothing, scope="write:favourites")
async def react(call: Call, given: Nothing) -> Reply:
    await announcements.react(
        call.api.ctx,
        actor=call.actor,
        announcement_id=call.id(),
        name=call.path_params["name"],
    )
    return json_reply({})


@writes(Nothing, scope="write:favourites")
async def unreact(call: Call, given: Nothing) -> Reply:
    await announcements.unreact(
        call.api.ctx,
        actor=call.actor,
        announcement_id=call.id(),
        name=call.path_params["name"],
    )
    return json_reply({})


@reads(Nothing, needs=Needs.NOTHING)
def emojis(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Return every custom emoji that pickers show."""
    shown = (emoji for emoji in snap.emojis.all().values() if emoji.visible)
    return bytes_reply(call, encode(call.api.renderer.emojis(shown)))


ROUTES: Final[list[BaseRoute]] = [
    at("/custom_emojis", GET=emojis),
    at("/announcements", GET=listed),
    *group(
        "/announcements/{id}",
        at("/dismiss", POST=dismiss),
        at("/reactions/{name}", PUT=react, DELETE=unreact),
    ),
]
