"""Push: apps say where they want to hear of notifications, and are told there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from rostra.config import Settings
from rostra.domain.accounts import Account
from rostra.domain.choices import chosen
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import ticks
from rostra.domain.notification_ids import HASH_BITS, HASH_MASK
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.push import ALERTS, Policy, PushSubscription
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Token, Transaction
from rostra.services.notifying import notifications, web_push

MAX_ENDPOINT: Final = 2048
MAX_BODY: Final = 140
OLDEST_MS: Final = 60 * 60 * 1000
"""What happened longer ago is not pushed any more: a server that was away does not wake phones."""

_POLICIES: Final = {policy.label: policy for policy in Policy}

TITLES: Final = {
    NotificationType.MENTION: "{name} mentioned you",
    NotificationType.FAVOURITE: "{name} favourited your post",
    NotificationType.REBLOG: "{name} boosted your post",
    NotificationType.FOLLOW: "{name} followed you",
    NotificationType.FOLLOW_REQUEST: "{name} asks to follow you",
    NotificationType.POLL: "A poll by {name} has ended",
    NotificationType.STATUS: "{name} just posted",
    NotificationType.UPDATE: "{name} edited a post",
    NotificationType.QUOTE: "{name} quoted your post",
    NotificationType.QUOTED_UPDATE: "{name} edited a post you quoted",
    NotificationType.ADMIN_SIGN_UP: "{name} signed up",
    NotificationType.ADMIN_REPORT: "{name} sent a report",
    NotificationType.MODERATION_WARNING: "The moderators sent you a notice",
}
OTHER: Final = "Something happened at {name}"
_URGENT: Final = (NotificationType.MENTION, NotificationType.FOLLOW_REQUEST)


class Subscribing(Struct, frozen=True, kw_only=True):
    """A subscription as an app asks for it; the keys are base64."""

    endpoint: str
    p256dh: str
    auth: str
    standard: bool
    policy: Policy
    alerts: frozenset[str]


def policy_of(name: str) -> Policy:
    """Return the policy of a name.

    Raises:
        Invalid: there is none of that name.
    """
    return chosen("Policy", name, _POLICIES)


# -- subscribing -----------------------------------------------------------------------------------


async def subscribe(
    ctx: Context, *, token: Token, text: str, wanted: Subscribing
) -> PushSubscription:
    """Push an account's notifications to an app, in place of what its token wanted before.

    Args:
        ctx: the ports.
        token: the app's token.
        text: the same as it is presented; the app is sent it back with each message.
        wanted: what the app asks for.

    Raises:
        Invalid: the endpoint is no address, or a key is none.
        Forbidden: the account may not act.
    """
    account = _account(token)
    _check_endpoint(wanted.endpoint)
    p256dh, auth = web_push.given_key(wanted.p256dh), web_push.given_auth(wanted.auth)
    access = web_push.sealed(ctx.store, text)

    def change(tx: Transaction) -> PushSubscription:
        tx.gate.require_may_act(account)
        if tx.access.token(token.hash) is None:
            raise NotFound
        made = PushSubscription(
            account=account,
            id=tx.next_id(),
            token=token.hash,
            endpoint=wanted.endpoint,
            p256dh=p256dh,
            auth=auth,
            access=access,
            standard=wanted.standard,
            policy=wanted.policy,
            alerts=wanted.alerts,
            through=until(tx.now),
        )
        tx.push.put(made)
        return made

    return await ctx.store.write(change)


def _account(token: Token) -> int:
    if token.account is None:
        raise NotFound
    return token.account


def until(now: int) -> int:
    """Return the highest id of a notification of a time (ms)."""
    return ticks(now) << HASH_BITS | HASH_MASK


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good or len(endpoint) > MAX_ENDPOINT or not endpoint.isascii():
        raise Invalid("Validation failed: Endpoint is not a valid URL")


async def change(
    ctx: Context, *, token: Token, policy: Policy | None, alerts: frozenset[str] | None
) -> PushSubscription:
    """Change what an app hears of, from now on; None leaves that as it is.

    Raises:
        NotFound: the token has no subscription.
        Forbidden: the account may not act.
    """

    def write(tx: Transaction) -> PushSubscription:
        tx.gate.require_may_act(_account(token))
        found = tx.push.of_token(token.hash)
        if found is None:
            raise NotFound
        changed = msgspec.structs.replace(
            found,
            policy=found.policy if policy is None else policy,
            alerts=found.alerts if alerts is None else alerts,
            through=until(tx.now),
        )
        tx.push.put(changed)
        return changed

    return await ctx.store.write(write)


def show(snap: Snapshot, token: Token) -> PushSubscription:
    """Return the subscription of a token.

    Raises:
        NotFound: there is none.
    """
    found = snap.push.of_token(token.hash)
    if found is None:
        raise NotFound
    return found


async def unsubscribe(ctx: Context, *, token: Token) -> None:
    """Push to an app no longer; nothing happens when it is not pushed to."""

    def write(tx: Transaction) -> None:
        found = tx.push.of_token(token.hash)
        if found is not None:
            tx.push.delete(found.account, found.id)

    await ctx.store.write(write)


# -- what is pushed --------------------------------------------------------------------------------


def unpushed(snap: Snapshot, subscription: PushSubscription, *, limit: int) -> list[Notification]:
    """Return the newest notifications of an account since it was last pushed any."""
    return notifications.page(
        snap, subscription.account, limit=limit, since_id=subscription.through
    )


def wanted(
    snap: Snapshot, subscription: PushSubscription, found: Sequence[Notification]
) -> list[Notification]:
    """Return those of an account's notifications that an app is to hear of.

    What the account's own list would not show (of who is away, blocked, muted) is not among them,
    nor is what happened too long ago.
    """
    if subscription.policy == Policy.NONE:
        return []
    oldest = snap.now - OLDEST_MS
    chosen = [
        one for one in found if one.type.label in subscription.alerts and one.created_at > oldest
    ]
    return [
        one
        for one in notifications.still(snap, subscription.account, chosen)
        if _from_wanted(snap, subscription, one.source)
    ]


def _from_wanted(snap: Snapshot, subscription: PushSubscription, source: int) -> bool:
    if subscription.policy == Policy.FOLLOWED:
        return snap.gate.follows(subscription.account, source)
    if subscription.policy == Policy.FOLLOWER:
        return snap.gate.follows(source, subscription.account)
    return True


def is_urgent(one: Notification) -> bool:
    """Return whether somebody waits for an answer."""
    return one.type in _URGENT


def content(snap: Snapshot, settings: Settings, one: Notification, access: str) -> bytes:
    """Return what an app is told of a notification, in the fields Mastodon has.

    Args:
        snap: the view.
        settings: who this server is.
        one: the notification.
        access: the app's token.
    """
    source = snap.accounts.get(one.source)
    status = snap.statuses.get(one.status) if one.status is not None else None
    name = settings.title if source is None else source.display_name or source.username
    owner = snap.accounts.get(one.account)
    return msgspec.json.encode(
        {
            "access_token": access,
            "preferred_locale": (owner.default_language if owner else None) or "en",
            "notification_id": one.id,
            "notification_type": one.type.label,
            "icon": _icon(settings, source),
            "title": TITLES.get(one.type, OTHER).format(name=name),
            "body": _body(source, status),
        }
    )


def _icon(settings: Settings, source: Account | None) -> str:
    """Return the address of a picture of who did it."""
    if source is not None and source.avatar:
        return f"{settings.url}/{source.avatar.lstrip('/')}"
    return f"{settings.url}/avatars/{source.id if source is not None else 'default'}.png"


def _body(source: Account | None, status: Status | None) -> str:
    if status is not None:
        text = status.spoiler_text or status.text
    else:
        text = source.note if source is not None else ""
    text = " ".join(text.split())
    return text if len(text) <= MAX_BODY else f"{text[: MAX_BODY - 1]}…"


def known_alerts(names: dict[str, bool]) -> frozenset[str]:
    """Return the types that are switched on."""
    return frozenset(name for name in ALERTS if names.get(name))
