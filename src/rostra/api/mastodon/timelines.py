"""https://docs.joinmastodon.org/methods/timelines/"""

from __future__ import annotations

from typing import Final

from msgspec import field
from starlette.routing import BaseRoute

from rostra.api.mastodon.common import statuses_reply
from rostra.api.messages import Call, Reply
from rostra.api.operation import Needs, at, group, reads
from rostra.api.pagination import Page, clamped
from rostra.domain.account_set import SetKey, SetKind
from rostra.ports import Snapshot
from rostra.services.reading import timelines

DEFAULT: Final = 20


@reads(Page, needs=Needs.ACCOUNT, scope="read:statuses")
def home(call: Call, snap: Snapshot, given: Page) -> Reply:
    ids = timelines.home(snap, call.actor, limit=clamped(given.limit, DEFAULT), **given.cursors())
    following = snap.sets.bitmap(SetKey(call.actor, SetKind.FOLLOWING))
    return statuses_reply(call, snap, ids, follows=following)


class PublicPage(Page, frozen=True):
    local: bool = False
    remote: bool = False
    only_media: bool = False


@reads(PublicPage, scope="read:statuses")
def public(call: Call, snap: Snapshot, given: PublicPage) -> Reply:
    ids = timelines.public(
        snap,
        call.viewer,
        limit=clamped(given.limit, DEFAULT),
        **given.cursors(),
        local=given.local,
        remote=given.remote,
        only_media=given.only_media,
    )
    return statuses_reply(call, snap, ids, public=True)


class TagPage(PublicPage, frozen=True):
    any_: list[str] = field(default_factory=list, name="any")
    all_: list[str] = field(default_factory=list, name="all")
    none: list[str] = field(default_factory=list)


@reads(TagPage, scope="read:statuses")
def tag(call: Call, snap: Snapshot, given: TagPage) -> Reply:
    ids = timelines.tag(
        snap,
        call.viewer,
        call.path_params["tag"],
        any=given.any_,
        all=given.all_,
        none=given.none,
        limit=clamped(given.limit, DEFAULT),
        **given.cursors(),
        local=given.local,
        remote=given.remote,
        only_media=given.only_media,
    )
    return statuses_reply(call, snap, ids)


@reads(Page, needs=Needs.ACCOUNT, scope="read:lists")
def in_list(call: Call, snap: Snapshot, given: Page) -> Reply:
    ids = timelines.in_list(
        snap, call.actor, call.id(), limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    return statuses_reply(call, snap, ids)


class LinkPage(Page, frozen=True):
    url: str = ""


@reads(LinkPage, scope="read:statuses")
def link(call: Call, snap: Snapshot, given: LinkPage) -> Reply:
    ids = timelines.link(
        snap,
        call.viewer,
        given.url,
        limit=clamped(given.limit, DEFAULT),
        **given.cursors(),
    )
    return statuses_reply(call, snap, ids)


ROUTES: Final[list[BaseRoute]] = group(
    "/timelines",
    at("/home", GET=home),
    at("/public", GET=public),
    at("/tag/{tag}", GET=tag),
    at("/list/{id}", GET=in_list),
    at("/link", GET=link),
)
