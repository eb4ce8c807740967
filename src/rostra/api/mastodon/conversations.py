"""https://docs.joinmastodon.org/methods/conversations/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.state import Api
from rostra.ports import Snapshot
from rostra.services.reading import conversations
from rostra.services.reading.conversations import ConversationView


def bodies(call: Call, snap: Snapshot, views: Sequence[ConversationView]) -> list[bytes]:
    """Return the Conversation entities of who asks."""
    return bodies_for(call.api, snap, call.viewer, views)


def bodies_for(
    api: Api, snap: Snapshot, viewer: int | None, views: Sequence[ConversationView]
) -> list[bytes]:
    """Return the Conversation entities of a viewer."""
    parts = api.parts
    found, _ = parts.statuses_by_id(snap, viewer, [view.status.id for view in views])
    return [
        encode({"id": str(view.conversation.root), "unread": view.conversation.unread})[:-1]
        + b',"accounts":'
        + array(parts.accounts(snap, view.accounts))
        + b',"last_status":'
        + found.get(view.status.id, b"null")
        + b"}"
        for view in views
    ]


@reads(Page, needs=Needs.ACCOUNT, scope="read:statuses")
def listed(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, 20, 40)
    views = conversations.page(snap, call.actor, limit=limit, **given.cursors())
    lasts = [view.conversation.last for view in views]
    headers = link(call, lasts, more=len(views) >= limit)
    return bytes_reply(call, array(bodies(call, snap, views)), headers=headers)


@writes(Nothing, scope="write:conversations")
async def remove(call: Call, given: Nothing) -> Reply:
    await conversations.remove(call.api.ctx, actor=call.actor, root=call.id())
    return json_reply({})


@writes(Nothing, scope="write:conversations")
async def read(call: Call, given: Nothing) -> Reply:
    return await _mark(call, unread=False)


@writes(Nothing, scope="write:conversations")
async def unread(call: Call, given: Nothing) -> Reply:
    return await _mark(call, unread=True)


async def _mark(call: Call, *, unread: bool) -> Reply:
    ctx = call.api.ctx
    await conversations.mark(ctx, actor=call.actor, root=call.id(), unread=unread)
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        view = conversations.show(snap, call.actor, call.id())
        return bytes_reply(call, bodies(call, snap, [view])[0])


ROUTES: Final[list[BaseRoute]] = [
    at("/conversations", GET=listed),
    *group(
        "/conversations",
        at("/{id}", DELETE=remove),
        *group("/{id}", at("/read", POST=read), at("/unread", POST=unread)),
    ),
]
