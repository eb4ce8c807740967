"""https://docs.joinmastodon.org/methods/statuses/#quotes and those that follow it"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import status_reply, statuses_reply
from rostra.api.mastodon.drafts import policy_of
from rostra.api.messages import Call, Reply
from rostra.api.operation import at, reads, writes
from rostra.api.pagination import Page, clamped
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services.publishing import quotes


@reads(Page, scope="read:statuses")
def listed(call: Call, snap: Snapshot, given: Page) -> Reply:
    ids = quotes.page(
        snap, call.viewer, call.id(), limit=clamped(given.limit, 20), **given.cursors()
    )
    return statuses_reply(call, snap, ids)


@writes(Nothing, scope="write:statuses")
async def revoke(call: Call, given: Nothing) -> Reply:
    quoting = parse_id(call.path_params["quoting"])
    if quoting is None:
        raise NotFound
    ctx = call.api.ctx
    await quotes.revoke(ctx, actor=call.actor, status_id=call.id(), quoting_id=quoting)
    return _changed(call, quoting)


class Policy(Struct, frozen=True):
    quote_approval_policy: str | None = None


@writes(Policy, scope="write:statuses")
async def set_policy(call: Call, given: Policy) -> Reply:
    policy = policy_of(given.quote_approval_policy)
    if policy is None:
        raise Invalid("Validation failed: Quote approval policy can't be blank")
    await quotes.set_policy(call.api.ctx, actor=call.actor, status_id=call.id(), policy=policy)
    return _changed(call, call.id())


def _changed(call: Call, status_id: int) -> Reply:
    with call.api.ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return status_reply(call, snap, status_id)


ROUTES: Final[list[BaseRoute]] = [
    at("/quotes", GET=listed),
    at("/quotes/{quoting}/revoke", POST=revoke),
    at("/interaction_policy", PUT=set_policy),
]
