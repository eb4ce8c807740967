"""The policy of notifications, and the requests of those it holds back.

https://docs.joinmastodon.org/methods/notifications/#get-policy
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import parse_id
from rostra.domain.notifications import Policy, Verdict
from rostra.ports import Snapshot
from rostra.services.notifying import requesting
from rostra.services.notifying.requesting import Request, Summary

DEFAULT: Final = 40
_VERDICTS: Final = {verdict.label: verdict for verdict in Verdict}
_V1: Final = ("not_following", "not_followers", "new_accounts", "private_mentions")
"""What the first version knows; it has no limited accounts."""


# -- the policy ------------------------------------------------------------------------------------


class PolicyForm(Struct, frozen=True):
    for_not_following: str | None = None
    for_not_followers: str | None = None
    for_new_accounts: str | None = None
    for_private_mentions: str | None = None
    for_limited_accounts: str | None = None


class PolicyFormV1(Struct, frozen=True):
    filter_not_following: bool | None = None
    filter_not_followers: bool | None = None
    filter_new_accounts: bool | None = None
    filter_private_mentions: bool | None = None


def _summary(summary: Summary) -> Entity:
    return {
        "pending_requests_count": summary.requests,
        "pending_notifications_count": summary.notifications,
    }


def _policy(policy: Policy, summary: Summary) -> Entity:
    rules = policy.__struct_fields__
    entity: Entity = {f"for_{rule}": getattr(policy, rule).label for rule in rules}
    return entity | {"summary": _summary(summary)}


def _policy_v1(policy: Policy, summary: Summary) -> Entity:
    entity: Entity = {f"filter_{rule}": getattr(policy, rule) != Verdict.ACCEPT for rule in _V1}
    return entity | {"summary": _summary(summary)}


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def policy(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply(_policy(*requesting.policy(snap, call.actor)))


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def policy_v1(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply(_policy_v1(*requesting.policy(snap, call.actor)))


def _verdict(name: str, text: str) -> Verdict:
    verdict = _VERDICTS.get(text)
    if verdict is None:
        raise Invalid(f"'{text}' is not a valid {name}: use accept, filter or drop")
    return verdict


@writes(PolicyForm, scope="write:notifications")
async def set_policy(call: Call, given: PolicyForm) -> Reply:
    changes = {
        name.removeprefix("for_"): _verdict(name, text)
        for name in given.__struct_fields__
        if (text := getattr(given, name)) is not None
    }
    await requesting.set_policy(call.api.ctx, actor=call.actor, changes=changes)
    with call.api.ctx.store.read() as snap:
        return json_reply(_policy(*requesting.policy(snap, call.actor)))


@writes(PolicyFormV1, scope="write:notifications")
async def set_policy_v1(call: Call, given: PolicyFormV1) -> Reply:
    changes = {
        rule: Verdict.FILTER if wanted else Verdict.ACCEPT
        for rule in _V1
        if (wanted := getattr(given, f"filter_{rule}")) is not None
    }
    await requesting.set_policy(call.api.ctx, actor=call.actor, changes=changes)
    with call.api.ctx.store.read() as snap:
        return json_reply(_policy_v1(*requesting.policy(snap, call.actor)))


# -- requests --------------------------------------------------------------------------------------


def _bodies(call: Call, snap: Snapshot, found: Sequence[Request]) -> list[bytes]:
    """Return NotificationRequest entities, accounts and statuses joined in."""
    about = dict.fromkeys(one.last_status for one in found if one.last_status is not None)
    statuses = call.api.parts.statuses_by_id(snap, call.viewer, about)[0]
    bodies = []
    for one in found:
        head = {
            "id": str(one.id),
            "created_at": when(one.created_at),
            "updated_at": when(one.updated_at),
            "notifications_count": str(one.count),
        }
        status = statuses.get(one.last_status) if one.last_status is not None else None
        account = call.api.parts.account(snap, one.source)
        tail = b',"last_status":' + (status or b"null") + b"}"
        bodies.append(encode(head)[:-1] + b',"account":' + account + tail)
    return bodies


@reads(Page, needs=Needs.ACCOUNT, scope="read:notifications")
def many(call: Call, snap: Snapshot, given: Page) -> Reply:
    limit = clamped(given.limit, DEFAULT)
    found = requesting.page(snap, call.actor, limit=limit, **given.cursors())
    headers = link(call, [one.last for one in found], more=len(found) >= limit)
    return bytes_reply(call, array(_bodies(call, snap, found)), headers=headers)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    found = requesting.get(snap, call.actor, call.id())
    return bytes_reply(call, _bodies(call, snap, [found])[0])


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:notifications")
def merged(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """What was accepted is in the list at once: there is nothing to wait for."""
    return json_reply({"merged": True})


@writes(Nothing, scope="write:notifications")
async def accept(call: Call, given: Nothing) -> Reply:
    await requesting.accept(call.api.ctx, actor=call.actor, ids=[call.id()])
    return json_reply({})


@writes(Nothing, scope="write:notifications")
async def dismiss(call: Call, given: Nothing) -> Reply:
    await requesting.dismiss(call.api.ctx, actor=call.actor, ids=[call.id()])
    return json_reply({})


class Chosen(Struct, frozen=True):
    id: list[Any] = field(default_factory=list)

    def ids(self) -> list[int]:
        """
        Raises:
            NotFound: one is no id.
        """
        found = [parse_id(text) for text in _texts(self.id)]
        if None in found:
            raise NotFound
        return [one for one in found if one is not None]


def _texts(value: object) -> Iterator[str]:
    """Yield the ids in what was sent: some apps nest the list once more (``id[][]``)."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)


@writes(Chosen, scope="write:notifications")
async def accept_chosen(call: Call, given: Chosen) -> Reply:
    await requesting.accept(call.api.ctx, actor=call.actor, ids=given.ids())
    return json_reply({})


@writes(Chosen, scope="write:notifications")
async def dismiss_chosen(call: Call, given: Chosen) -> Reply:
    await requesting.dismiss(call.api.ctx, actor=call.actor, ids=given.ids())
    return json_reply({})


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/notifications/policy", GET=policy_v1, PATCH=set_policy_v1, PUT=set_policy_v1),
    at("/notifications/requests", GET=many),
    *group(
        "/notifications/requests",
        at("/accept", POST=accept_chosen),
        at("/dismiss", POST=dismiss_chosen),
        at("/merged", GET=merged),
        at("/{id}", GET=show),
        at("/{id}/accept", POST=accept),
        at("/{id}/dismiss", POST=dismiss),
    ),
]

ROUTES_V2: Final[list[BaseRoute]] = [
    at("/notifications/policy", GET=policy, PATCH=set_policy, PUT=set_policy)
]
