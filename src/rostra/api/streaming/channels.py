"""Channels: what can be listened to (https://docs.joinmastodon.org/methods/streaming/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from rostra.domain.errors import Malformed, Unauthenticated
from rostra.domain.ids import parse_id
from rostra.domain.scopes import covers
from rostra.domain.text import normal_tag
from rostra.ports import Snapshot, Token
from rostra.services import roles

MAX_TAG: Final = 255


class Channel(NamedTuple):
    """What is listened to: a name, and the hashtag, list or thread where it needs one."""

    name: str
    subject: str = ""


USER: Final = Channel("user")
NOTIFICATIONS: Final = Channel("user:notification")
PUBLIC: Final = Channel("public")
PUBLIC_LOCAL: Final = Channel("public:local")
DIRECT: Final = Channel("direct")
MODERATION: Final = Channel("moderation")
"""Runs and amnesties that go on, for moderators."""

PLAIN: Final = frozenset(
    {
        "public",
        "public:media",
        "public:local",
        "public:local:media",
        "public:remote",
        "public:remote:media",
    }
)
TAGGED: Final = frozenset({"hashtag", "hashtag:local"})

_SCOPES: Final = {NOTIFICATIONS: "read:notifications", MODERATION: "admin:read:accounts"}
"""Which scope a channel needs, where it is not ``read:statuses``."""

NO_TOKEN: Final = "Missing access token"
WRONG_TOKEN: Final = "Invalid access token"
NO_SCOPE: Final = "Access token does not have the required scopes"
NO_LIST: Final = "Not authorized to stream this list"


class Wanted(NamedTuple):
    """A channel somebody asks for, and its name as that one is told it with each event."""

    channel: Channel
    names: tuple[str, ...]


def wanted(name: str, given: Mapping[str, str]) -> Wanted:
    """Return the channel of a name with its parameters.

    Raises:
        Malformed: there is no such channel, or its hashtag or list is not named.
    """
    if name in PLAIN or name in ("user", "user:notification", "direct", "moderation"):
        return Wanted(Channel(name), (name,))
    if name in TAGGED:
        tag = given.get("tag", "")
        if not normal_tag(tag) or len(tag) > MAX_TAG:
            raise Malformed("Missing tag name parameter")
        return Wanted(Channel(name, normal_tag(tag)), (name, tag))
    if name == "list":
        number = given.get("list", "")
        if not number:
            raise Malformed("Missing list name parameter")
        return Wanted(Channel(name, str(parse_id(number) or 0)), (name, number))
    raise Malformed("Unknown stream type")


def require(snap: Snapshot, token: Token, channel: Channel) -> None:
    """Refuse a channel to those who may not listen to it.

    Raises:
        Unauthenticated: the token does not cover it, or it is a list of somebody else.
        Forbidden: it is for moderators.
    """
    if channel.name in PLAIN or channel.name in TAGGED:
        return
    if not covers(token.scopes, _SCOPES.get(channel, "read:statuses")):
        raise Unauthenticated(NO_SCOPE)
    if channel == MODERATION:
        roles.require_moderator(snap, token.account or 0)
    if channel.name == "list" and not owns_list(snap, token.account, channel):
        raise Unauthenticated(NO_LIST)


def owns_list(snap: Snapshot, account: int | None, channel: Channel) -> bool:
    """Return whether the list of a channel is one of an account."""
    return account is not None and snap.lists.get(account, int(channel.subject)) is not None
