"""Capacity: whether this server can bear the audience of an account that comes back."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from rostra.api.extension.answers import reinstatements as told
from rostra.api.extension.asked import Asked
from rostra.api.extension.asked import account as account_of
from rostra.api.extension.reinstatement_entities import headroom
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import at, writes
from rostra.services.server import capacity as service

READ: Final = "admin:read:accounts"


class Audience(Asked, frozen=True):
    followers: int = 0
    account_id: str | None = None


@writes(Audience, scope=READ, answers=told.Capacity)
async def capacity(call: Call, given: Audience) -> Reply:
    """What the returning audience will ask, and what this server has left for it.

    The audience is that of an account, or of any with so many followers.
    """
    account = None
    if given.account_id is not None:
        with call.api.ctx.store.read() as snap:
            require_moderator(call, snap)
            account = account_of(snap, given.account_id).id
    found = await service.shown(
        call.api.ctx, moderator=call.actor, followers=given.followers, account_id=account
    )
    return bytes_reply(call, encode(headroom(found.told())))


ROUTES: Final[list[BaseRoute]] = [at("/capacity", GET=capacity)]
