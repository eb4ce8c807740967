"""Labels that moderators give to accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import record as told
from rostra.api.extension.asked import Asked, any_account
from rostra.api.extension.naming import Names
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.rendering import when
from rostra.domain.labels import Label
from rostra.ports import Snapshot
from rostra.services.moderation import labels

READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"


def _reply(call: Call, snap: Snapshot, found: Sequence[Label]) -> Reply:
    names = Names(snap, {one.moderator for one in found})
    shown = [
        {"name": one.name, "given_at": when(one.given_at), "by": names.of(one.moderator)}
        for one in found
    ]
    return bytes_reply(call, encode(shown))


def _target(call: Call, snap: Snapshot) -> int:
    require_moderator(call, snap)
    return any_account(snap, call.path_params["id"]).ordinal


class Given(Asked, frozen=True):
    name: str


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=list[told.Label])
def listed(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """List the labels of an account."""
    return _reply(call, snap, labels.of(snap, _target(call, snap)))


def _after(call: Call, found: Sequence[Label]) -> Reply:
    with call.api.ctx.store.read() as snap:
        return _reply(call, snap, found)


@writes(Given, scope=WRITE, find=_target, answers=list[told.Label])
async def give(call: Call, given: Given) -> Reply:
    """Give an account a label, and return all it has."""
    ctx = call.api.ctx
    name = given.name
    return _after(call, await labels.give(ctx, moderator=call.actor, target=call.found, name=name))


@writes(Nothing, scope=WRITE, find=_target, answers=list[told.Label])
async def take(call: Call, given: Nothing) -> Reply:
    """Take a label from an account, and return those it still has."""
    ctx = call.api.ctx
    name = call.path_params["label"]
    return _after(call, await labels.take(ctx, moderator=call.actor, target=call.found, name=name))


ROUTES: Final[list[BaseRoute]] = [
    at("/accounts/{id}/labels", GET=listed, POST=give),
    *group("/accounts/{id}/labels", at("/{label}", DELETE=take)),
]
