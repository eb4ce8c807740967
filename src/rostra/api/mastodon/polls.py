"""https://docs.joinmastodon.org/methods/polls/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply
from rostra.api.operation import at, group, reads, writes
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot
from rostra.services.publishing import polls


def poll_reply(call: Call, snap: Snapshot, poll_id: int) -> Reply:
    """Return the Poll entity as who asks sees it."""
    polls.show(snap, call.viewer, poll_id)
    body, until = call.api.parts.poll(snap, call.viewer, poll_id)
    if body is None:
        raise NotFound
    return bytes_reply(call, body, until=until)


@reads(Nothing, scope="read:statuses")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return poll_reply(call, snap, call.id())


class Choices(Struct, frozen=True):
    choices: list[int] = []


@writes(Choices, scope="write:statuses")
async def vote(call: Call, given: Choices) -> Reply:
    ctx, poll_id = call.api.ctx, call.id()
    await polls.vote(ctx, actor=call.actor, poll_id=poll_id, choices=given.choices)
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return poll_reply(call, snap, poll_id)


ROUTES: Final[list[BaseRoute]] = group(
    "/polls", at("/{id}", GET=show), at("/{id}/votes", POST=vote)
)
