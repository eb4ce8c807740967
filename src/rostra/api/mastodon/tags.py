"""Hashtags: https://docs.joinmastodon.org/methods/tags/, and those followed and featured."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api import entities
from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Header, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot
from rostra.services import accounts
from rostra.services.discovery import tags


def tag_reply(call: Call, snap: Snapshot, name: str) -> Reply:
    """Return the Tag entity of a hashtag as it is stored."""
    view = tags.view_of(snap, call.viewer, name)
    headers = PRIVATE if call.viewer is not None else ()
    return json_reply(entities.tag(call.api.renderer, view), headers=headers)


def _after(call: Call, name: str) -> Reply:
    with call.api.ctx.store.read() as snap:
        return tag_reply(call, snap, name)


@reads(Nothing, scope="read")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return tag_reply(call, snap, tags.show(snap, None, call.path_params["tag"]).name)


@writes(Nothing, scope="write:follows")
async def follow(call: Call, given: Nothing) -> Reply:
    name = call.path_params["tag"]
    return _after(call, await tags.follow(call.api.ctx, actor=call.actor, name=name))


@writes(Nothing, scope="write:follows")
async def unfollow(call: Call, given: Nothing) -> Reply:
    name = call.path_params["tag"]
    return _after(call, await tags.unfollow(call.api.ctx, actor=call.actor, name=name))


@writes(Nothing, scope="write:accounts")
async def feature(call: Call, given: Nothing) -> Reply:
    name = call.path_params["tag"]
    return _after(call, (await tags.feature(call.api.ctx, actor=call.actor, name=name)).tag)


@writes(Nothing, scope="write:accounts")
async def unfeature(call: Call, given: Nothing) -> Reply:
    name = call.path_params["tag"]
    return _after(call, await tags.unfeature(call.api.ctx, actor=call.actor, name=name))


@reads(Page, needs=Needs.ACCOUNT, scope="read:follows")
def followed(call: Call, snap: Snapshot, given: Page) -> Reply:
    """https://docs.joinmastodon.org/methods/followed_tags/"""
    limit = clamped(given.limit, 100)
    found = tags.followed(snap, call.actor, limit=limit, **given.cursors())
    views = [tags.view_of(snap, call.actor, each.tag) for each in found]
    headers: tuple[Header, ...] = link(call, [each.id for each in found], more=len(found) >= limit)
    body = [entities.tag(call.api.renderer, view) for view in views]
    return json_reply(body, headers=(*PRIVATE, *headers))


# -- featured: https://docs.joinmastodon.org/methods/featured_tags/ --------------------------------


def _featured(call: Call, snap: Snapshot, owner: int) -> list[Entity]:
    account = snap.accounts.get(owner)
    if account is None:
        raise NotFound
    return [
        entities.featured_tag(call.api.renderer, account.username, each)
        for each in tags.featured(snap, owner)
    ]


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:accounts")
def featured(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply(_featured(call, snap, call.actor), headers=PRIVATE)


@reads(Nothing, scope="read:accounts")
def featured_by(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """https://docs.joinmastodon.org/methods/accounts/#featured_tags"""
    return json_reply(_featured(call, snap, accounts.show(snap, call.viewer, call.id()).ordinal))


class Name(Struct, frozen=True):
    name: str = ""


@writes(Name, scope="write:accounts")
async def feature_by_name(call: Call, given: Name) -> Reply:
    made = await tags.feature(call.api.ctx, actor=call.actor, name=given.name)
    with call.api.ctx.store.read() as snap:
        found = _featured(call, snap, call.actor)
    return json_reply(next(each for each in found if each["id"] == str(made.id)), headers=PRIVATE)


@writes(Nothing, scope="write:accounts")
async def unfeature_by_id(call: Call, given: Nothing) -> Reply:
    await tags.unfeature_by_id(call.api.ctx, actor=call.actor, featured_id=call.id())
    return json_reply({})


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:accounts")
def suggestions(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    views = [tags.view_of(snap, call.actor, tag) for tag in tags.suggested(snap, call.actor)]
    return json_reply([entities.tag(call.api.renderer, view) for view in views], headers=PRIVATE)


ROUTES: Final[list[BaseRoute]] = [
    at("/followed_tags", GET=followed),
    at("/tags/{tag}", GET=show),
    *group(
        "/tags/{tag}",
        at("/follow", POST=follow),
        at("/unfollow", POST=unfollow),
        at("/feature", POST=feature),
        at("/unfeature", POST=unfeature),
    ),
    at("/featured_tags", GET=featured, POST=feature_by_name),
    *group(
        "/featured_tags",
        at("/suggestions", GET=suggestions),
        at("/{id}", DELETE=unfeature_by_id),
    ),
]
