"""https://docs.joinmastodon.org/methods/statuses/"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.accounts import Ids
from rostra.api.mastodon.common import (
    array,
    bytes_reply,
    entries_reply,
    status_reply,
    statuses_reply,
)
from rostra.api.messages import PRIVATE, Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import parse_id
from rostra.domain.statuses import Visibility
from rostra.ports import Snapshot
from rostra.services import statuses
from rostra.services.polls import PollDraft

MANY: Final = 40
MAX_KEY: Final = 255
_VISIBILITIES: Final = {visibility.label: visibility for visibility in Visibility}


# -- posting and deleting ----------------------------------------------------------------------


class GivenPoll(Struct, frozen=True):
    options: list[str] = []
    expires_in: int | None = None
    multiple: bool = False
    hide_totals: bool = False


class Posting(Struct, frozen=True):
    status: str = ""
    visibility: str | None = None
    sensitive: bool | None = None
    spoiler_text: str = ""
    language: str | None = None
    in_reply_to_id: str | None = None
    poll: GivenPoll | None = None
    media_ids: list[str] = []
    scheduled_at: str | None = None


def visibility_of(text: str | None) -> Visibility | None:
    """Return the visibility of that name, None when none is given.

    Raises:
        Invalid: there is none of that name.
    """
    if not text:
        return None
    visibility = _VISIBILITIES.get(text)
    if visibility is None:
        raise Invalid(f"Validation failed: Visibility must be one of {', '.join(_VISIBILITIES)}")
    return visibility


def media_ids(given: list[str]) -> tuple[int, ...]:
    """Return the ids of media to attach, each once, in their order.

    Raises:
        Invalid: one of them is no id.
    """
    ids = {text: parse_id(text) for text in given}
    wrong = [text[:30] for text, id_ in ids.items() if id_ is None]
    if wrong:
        raise Invalid(f"Media {', '.join(wrong)} not found or already attached to another post")
    return tuple(id_ for id_ in ids.values() if id_ is not None)


def draft_of(call: Call, given: Posting) -> statuses.Draft:
    """Return the status that is asked for.

    Raises:
        Invalid: it asks for something this server has not, or has no such visibility.
        NotFound: what it answers cannot exist.
    """
    if given.scheduled_at:
        raise Invalid("Validation failed: This server does not schedule posts yet. Post it now")
    parent = parse_id(given.in_reply_to_id) if given.in_reply_to_id else None
    if given.in_reply_to_id and parent is None:
        raise NotFound
    key = call.header(b"idempotency-key").decode("latin-1")
    if len(key) > MAX_KEY:
        raise Invalid(f"Validation failed: Idempotency-Key is too long (at most {MAX_KEY})")
    poll = given.poll
    return statuses.Draft(
        text=given.status,
        visibility=visibility_of(given.visibility),
        sensitive=given.sensitive,
        spoiler_text=given.spoiler_text,
        language=given.language or None,
        in_reply_to_id=parent,
        poll=PollDraft(
            options=poll.options,
            expires_in_s=poll.expires_in,
            multiple=poll.multiple,
            hide_totals=poll.hide_totals,
        )
        if poll is not None and poll.options
        else None,
        idempotency_key=key or None,
        application=call.token.application if call.token is not None else None,
        media=media_ids(given.media_ids),
    )


@writes(Posting, scope="write:statuses")
async def create(call: Call, given: Posting) -> Reply:
    status_id = await statuses.post(call.api.ctx, actor=call.actor, draft=draft_of(call, given))
    return _written(call, status_id)


def _written(call: Call, status_id: int) -> Reply:
    with call.api.ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return status_reply(call, snap, status_id)


@writes(Nothing, scope="write:statuses")
async def delete(call: Call, given: Nothing) -> Reply:
    """Delete a status and return it with the text it was made from, for drafting it anew."""
    ctx, status_id = call.api.ctx, call.id()
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        body, _ = call.api.parts.status(snap, call.viewer, status_id)
    status = await statuses.delete(ctx, actor=call.actor, status_id=status_id)
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
    status = statuses.show(snap, call.viewer, call.id())
    if status.author != call.actor:
        raise NotFound
    return json_reply(
        {"id": str(status.id), "text": status.text, "spoiler_text": status.spoiler_text},
        headers=PRIVATE,
    )


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
    return _written(call, status_id)


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


ROUTES: Final[list[BaseRoute]] = [
    at("/statuses", GET=many, POST=create),
    *group(
        "/statuses",
        at("/{id}", GET=show, DELETE=delete),
        *group(
            "/{id}",
            at("/context", GET=context),
            at("/source", GET=source),
            at("/favourite", POST=favourite),
            at("/unfavourite", POST=unfavourite),
            at("/reblog", POST=reblog),
            at("/unreblog", POST=unreblog),
            at("/bookmark", POST=bookmark),
            at("/unbookmark", POST=unbookmark),
            at("/favourited_by", GET=favourited_by),
            at("/reblogged_by", GET=reblogged_by),
        ),
    ),
]
