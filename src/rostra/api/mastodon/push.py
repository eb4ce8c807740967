"""https://docs.joinmastodon.org/methods/push/"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import PRIVATE, Call, Reply, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.domain.errors import Invalid, Unauthenticated
from rostra.domain.push import ALERTS, Policy, PushSubscription
from rostra.ports import Snapshot, Token
from rostra.services.notifying import push, web_push


class Keys(Struct, frozen=True):
    p256dh: str = ""
    auth: str = ""


class Given(Struct, frozen=True):
    endpoint: str = ""
    keys: Keys = Keys()
    standard: bool = False


class Alerts(Struct, frozen=True):
    mention: bool = False
    quote: bool = False
    status: bool = False
    reblog: bool = False
    follow: bool = False
    follow_request: bool = False
    favourite: bool = False
    poll: bool = False
    update: bool = False
    quoted_update: bool = False
    admin_sign_up: bool = msgspec.field(default=False, name="admin.sign_up")
    admin_report: bool = msgspec.field(default=False, name="admin.report")


class Data(Struct, frozen=True):
    alerts: Alerts | None = None
    policy: str | None = None


class Change(Struct, frozen=True):
    data: Data = Data()
    policy: str | None = None


class Subscribing(Change, frozen=True):
    subscription: Given = Given()


def _alerts(given: Change) -> frozenset[str] | None:
    if given.data.alerts is None:
        return None
    return push.known_alerts(msgspec.to_builtins(given.data.alerts))


def _policy(given: Change) -> Policy | None:
    name = given.data.policy or given.policy  # some apps send it outside of data
    return push.policy_of(name) if name else None


def _token(call: Call) -> Token:
    if call.token is None:
        raise Unauthenticated
    return call.token


def _presented(call: Call) -> str:
    """Return the token as it was sent, which an app is sent back with each message."""
    credentials = call.header(b"authorization").decode("utf-8", "surrogateescape")
    if credentials:
        return credentials.partition(" ")[2].strip()
    return dict(call.query_pairs()).get("access_token", "")


def entity(call: Call, value: PushSubscription) -> dict[str, Any]:
    """Return the WebPushSubscription entity."""
    return {
        "id": str(value.id),
        "endpoint": value.endpoint,
        "standard": value.standard,
        "server_key": web_push.server_key(call.api.ctx.store),
        "alerts": {name: name in value.alerts for name in ALERTS},
        "policy": value.policy.label,
    }


@writes(Subscribing, scope="push")
async def create(call: Call, given: Subscribing) -> Reply:
    asked = given.subscription
    for name, value in (
        ("endpoint", asked.endpoint),
        ("keys[p256dh]", asked.keys.p256dh),
        ("keys[auth]", asked.keys.auth),
    ):
        if not value:
            raise Invalid(f"Validation failed: subscription[{name}] can't be blank")
    made = await push.subscribe(
        call.api.ctx,
        token=_token(call),
        text=_presented(call),
        wanted=push.Subscribing(
            endpoint=asked.endpoint,
            p256dh=asked.keys.p256dh,
            auth=asked.keys.auth,
            standard=asked.standard,
            policy=_policy(given) or Policy.ALL,
            alerts=_alerts(given) or frozenset(),
        ),
    )
    return json_reply(entity(call, made), headers=PRIVATE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="push")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return json_reply(entity(call, push.show(snap, _token(call))), headers=PRIVATE)


@writes(Change, scope="push")
async def change(call: Call, given: Change) -> Reply:
    changed = await push.change(
        call.api.ctx, token=_token(call), policy=_policy(given), alerts=_alerts(given)
    )
    return json_reply(entity(call, changed), headers=PRIVATE)


@writes(Nothing, scope="push")
async def delete(call: Call, given: Nothing) -> Reply:
    await push.unsubscribe(call.api.ctx, token=_token(call))
    return json_reply({}, headers=PRIVATE)


ROUTES: Final[list[BaseRoute]] = [
    *group("/push", at("/subscription", POST=create, GET=show, PUT=change, DELETE=delete)),
]
