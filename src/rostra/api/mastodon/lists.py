"""https://docs.joinmastodon.org/methods/lists/"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.entities import account_list
from rostra.api.mastodon.common import accounts_reply, entries_reply
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped
from rostra.domain.choices import chosen
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.domain.lists import RepliesPolicy
from rostra.ports import Snapshot
from rostra.services import accounts
from rostra.services.social_graph import lists

MANY: Final = 1_000
_POLICIES: Final = {policy.label: policy for policy in RepliesPolicy}


def policy_of(text: str | None) -> RepliesPolicy | None:
    """Return the policy of that name, None when none is given.

    Raises:
        Invalid: there is none of that name.
    """
    return chosen("Replies policy", text, _POLICIES) if text else None


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:lists")
def index(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply([account_list(each) for each in snap.lists.of(call.actor)], headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:lists")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply(account_list(lists.show(snap, call.actor, call.id())), headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:lists")
def of_account(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """https://docs.joinmastodon.org/methods/accounts/#lists"""
    member = accounts.show(snap, call.viewer, call.id()).ordinal
    found = lists.containing(snap, call.actor, member)
    return json_reply([account_list(each) for each in found], headers=PRIVATE)


class Given(Struct, frozen=True):
    title: str | None = None
    replies_policy: str | None = None
    exclusive: bool | None = None


@writes(Given, scope="write:lists")
async def create(call: Call, given: Given) -> Reply:
    made = await lists.create(
        call.api.ctx,
        actor=call.actor,
        title=given.title or "",
        replies=policy_of(given.replies_policy) or RepliesPolicy.LIST,
        exclusive=bool(given.exclusive),
    )
    return json_reply(account_list(made), headers=PRIVATE)


@writes(Given, scope="write:lists")
async def update(call: Call, given: Given) -> Reply:
    after = await lists.update(
        call.api.ctx,
        actor=call.actor,
        list_id=call.id(),
        title=given.title,
        replies=policy_of(given.replies_policy),
        exclusive=given.exclusive,
    )
    return json_reply(account_list(after), headers=PRIVATE)


@writes(Nothing, scope="write:lists")
async def delete(call: Call, given: Nothing) -> Reply:
    await lists.delete(call.api.ctx, actor=call.actor, list_id=call.id())
    return json_reply({})


# -- who is in one ---------------------------------------------------------------------------------


@reads(Page, needs=Needs.ACCOUNT, scope="read:lists")
def members(call: Call, snap: Snapshot, given: Page) -> Reply:
    """Answer a page of the members, or all of them for a limit of 0."""
    if given.limit == 0:
        return accounts_reply(call, snap, lists.everybody(snap, call.actor, call.id()))
    limit = clamped(given.limit, 40)
    entries = lists.members(snap, call.actor, call.id(), limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


class Members(Struct, frozen=True):
    account_ids: list[str] = []


def _ordinals(call: Call, given: Members) -> list[int]:
    """Return the ordinals of the accounts that are named.

    Raises:
        NotFound: one of them does not exist.
    """
    found = []
    with call.api.ctx.store.read() as snap:
        for text in dict.fromkeys(given.account_ids[:MANY]):
            account_id = parse_id(text)
            if account_id is None:
                raise NotFound
            found.append(accounts.show(snap, call.viewer, account_id).ordinal)
    return found


@writes(Members, scope="write:lists")
async def add(call: Call, given: Members) -> Reply:
    members = _ordinals(call, given)
    await lists.add_members(call.api.ctx, actor=call.actor, list_id=call.id(), members=members)
    return json_reply({})


@writes(Members, scope="write:lists")
async def remove(call: Call, given: Members) -> Reply:
    members = _ordinals(call, given)
    await lists.remove_members(call.api.ctx, actor=call.actor, list_id=call.id(), members=members)
    return json_reply({})


ROUTES: Final[list[BaseRoute]] = [
    at("/lists", GET=index, POST=create),
    *group(
        "/lists",
        at("/{id}", GET=show, PUT=update, PATCH=update, DELETE=delete),
        at("/{id}/accounts", GET=members, POST=add, DELETE=remove),
    ),
]
