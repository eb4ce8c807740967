"""https://docs.joinmastodon.org/methods/statuses/"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon import quotes
from rostra.api.mastodon.accounts import Ids
from rostra.api.mastodon.common import (
    array,
    bytes_reply,
    entries_reply,
    status_reply,
    statuses_reply,
)
from rostra.api.mastodon.drafts import (
    GivenPoll,
    Posting,
    draft_of,
    media_ids,
    policy_of,
    poll_of,
    time_of,
    visibility_of,
)
from rostra.api.mastodon.scheduled_statuses import scheduled_reply
from rostra.api.messages import PRIVATE, Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped
from rostra.api.pieces import ACCOUNT
from rostra.domain.errors import NotFound, NotOffered
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import statuses
from rostra.services.attachments.media import Described
from rostra.services.publishing import editing, marking, scheduling

MANY: Final = 40


# -- posting and deleting ----------------------------------------------------------------------


@writes(Posting, scope="write:statuses")
async def create(call: Call, given: Posting) -> Reply:
    ctx, draft = call.api.ctx, draft_of(call, given)
    at = time_of(given.scheduled_at)
    if at is not None and scheduling.is_ahead(ctx, at):
        scheduled = await scheduling.schedule(ctx, actor=call.actor, draft=draft, at=at)
        return scheduled_reply(call, scheduled)
    return written(call, await statuses.post(ctx, actor=call.actor, draft=draft))


def written(call: Call, status_id: int) -> Reply:
    """Return a status as it is now that it was changed."""
    with call.api.ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return status_reply(call, snap, status_id)


class GivenWords(Struct, frozen=True):
    id: str
    description: str | None = None
    focus: str | None = None


class Editing(Struct, frozen=True):
    status: str = ""
    sensitive: bool | None = None
    spoiler_text: str = ""
    language: str | None = None
    poll: GivenPoll | None = None
    media_ids: list[str] = []
    media_attributes: list[GivenWords] = []
    quote_approval_policy: str | None = None


@writes(Editing, scope="write:statuses")
async def edit(call: Call, given: Editing) -> Reply:
    draft = statuses.Draft(
        text=given.status,
        sensitive=given.sensitive,
        spoiler_text=given.spoiler_text,
        language=given.language or None,
        poll=poll_of(given.poll),
        media=media_ids(given.media_ids),
        quote_policy=policy_of(given.quote_approval_policy),
    )
    described = [
        Described(media_id, one.description, one.focus)
        for one in given.media_attributes
        for media_id in media_ids([one.id])
    ]
    return await _act(call, editing.edit, draft=draft, described=described)


class Deleting(Struct, frozen=True):
    delete_media: bool = False


@writes(Deleting, scope="write:statuses")
async def delete(call: Call, given: Deleting) -> Reply:
    """Delete a status and return it with the text it was made from, for drafting it anew."""
    ctx, status_id = call.api.ctx, call.id()
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        body, _ = call.api.parts.status(snap, call.viewer, status_id)
    status = await statuses.delete(
        ctx, actor=call.actor, status_id=status_id, delete_media=given.delete_media
    )
    if body is None:
        raise NotFound
    return bytes_reply(call, body[:-1] + b"," + encode({"text": status.text})[1:])


# -- reading -----------------------------------------------------------------------------------


@reads(Nothing, scope="read:statuses")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    status = statuses.show(snap, call.viewer, call.id())
    return status_reply(call, snap, status.id)


@reads(Ids, scope="read:statuses")
def many(call: Call, snap: Snapshot, given: Ids) -> Reply:
    ids = []
    for text in dict.fromkeys(given.id[:MANY]):
        status_id = parse_id(text)
        if status_id is None:
            continue
        try:
            ids.append(statuses.show(snap, call.viewer, status_id).id)
        except NotFound:
            continue
    return statuses_reply(call, snap, ids, paged=False)


@reads(Nothing, scope="read:statuses")
def context(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    above, below = statuses.context(snap, call.viewer, call.id())
    parts = call.api.parts
    ancestors, first = parts.statuses(snap, call.viewer, above)
    descendants, second = parts.statuses(snap, call.viewer, below)
    body = b'{"ancestors":' + array(ancestors) + b',"descendants":' + array(descendants) + b"}"
    return bytes_reply(call, body, until=min(first, second))


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:statuses")
def source(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    status = editing.source(snap, call.actor, call.id())
    return json_reply(
        {"id": str(status.id), "text": status.text, "spoiler_text": status.spoiler_text},
        headers=PRIVATE,
    )


@reads(Nothing, scope="read:statuses")
def history(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    status, versions = editing.history(snap, call.viewer, call.id())
    author = call.api.parts.account(snap, status.author)
    ids = {id_ for version in versions for id_ in version.media}
    media = snap.media.many(ids) if ids else {}
    bodies = [
        encode(call.api.renderer.version(version, media))[:-1] + ACCOUNT + author + b"}"
        for version in versions
    ]
    return bytes_reply(call, array(bodies))


@reads(Page, scope="read:accounts")
def favourited_by(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 40)
    entries = statuses.favourited_by(snap, call.viewer, call.id(), limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


@reads(Page, scope="read:accounts")
def reblogged_by(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 40)
    entries = statuses.reblogged_by(snap, call.viewer, call.id(), limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


# -- acting on one -----------------------------------------------------------------------------


async def _act(call: Call, act: Callable[..., Awaitable[int]], **options: Any) -> Reply:
    status_id = await act(call.api.ctx, actor=call.actor, status_id=call.id(), **options)
    return written(call, status_id)


@writes(Nothing, scope="write:favourites")
async def favourite(call: Call, given: Nothing) -> Reply:
    return await _act(call, statuses.favourite)


@writes(Nothing, scope="write:favourites")
async def unfavourite(call: Call, given: Nothing) -> Reply:
    return await _act(call, statuses.unfavourite)


@writes(Nothing, scope="write:bookmarks")
async def bookmark(call: Call, given: Nothing) -> Reply:
    return await _act(call, statuses.bookmark)


@writes(Nothing, scope="write:bookmarks")
async def unbookmark(call: Call, given: Nothing) -> Reply:
    return await _act(call, statuses.unbookmark)


class Boosting(Struct, frozen=True):
    visibility: str | None = None


@writes(Boosting, scope="write:statuses")
async def reblog(call: Call, given: Boosting) -> Reply:
    return await _act(call, statuses.reblog, visibility=visibility_of(given.visibility))


@writes(Nothing, scope="write:statuses")
async def unreblog(call: Call, given: Nothing) -> Reply:
    return await _act(call, statuses.unreblog)


@writes(Nothing, scope="write:accounts")
async def pin(call: Call, given: Nothing) -> Reply:
    return await _act(call, marking.pin)


@writes(Nothing, scope="write:accounts")
async def unpin(call: Call, given: Nothing) -> Reply:
    return await _act(call, marking.unpin)


@writes(Nothing, scope="write:mutes")
async def mute(call: Call, given: Nothing) -> Reply:
    return await _act(call, marking.mute_thread)


@writes(Nothing, scope="write:mutes")
async def unmute(call: Call, given: Nothing) -> Reply:
    return await _act(call, marking.unmute_thread)


class Translating(Struct, frozen=True):
    lang: str | None = None


@reads(Translating, needs=Needs.ACCOUNT, scope="read:statuses")
def translate(call: Call, snap: Snapshot, given: Translating) -> Reply:
    statuses.show(snap, call.viewer, call.id())
    raise NotOffered(
        "This server has no translation service. Translate the text with another program"
    )


ROUTES: Final[list[BaseRoute]] = [
    at("/statuses", GET=many, POST=create),
    *group(
        "/statuses",
        at("/{id}", GET=show, PUT=edit, DELETE=delete),
        *group(
            "/{id}",
            at("/context", GET=context),
            at("/source", GET=source),
            at("/history", GET=history),
            at("/favourite", POST=favourite),
            at("/unfavourite", POST=unfavourite),
            at("/reblog", POST=reblog),
            at("/unreblog", POST=unreblog),
            at("/bookmark", POST=bookmark),
            at("/unbookmark", POST=unbookmark),
            at("/pin", POST=pin),
            at("/unpin", POST=unpin),
            at("/mute", POST=mute),
            at("/unmute", POST=unmute),
            at("/translate", POST=translate),
            *quotes.ROUTES,
            at("/favourited_by", GET=favourited_by),
            at("/reblogged_by", GET=reblogged_by),
        ),
    ),
]
