"""What the change feed carries: a list of events a commit, applied by every process in order."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Event(Struct, frozen=True, tag=True, array_like=True):
    """Base of all events."""


class SetChanged(Event, frozen=True, tag="s"):
    """Entries were added to or removed from a set; ``entries`` is in the journal's format."""

    owner: int
    kind: int
    entries: bytes


class SetPacked(Event, frozen=True, tag="p"):
    """The packer moved journal rows of a set into its packed form; its members are the same."""

    owner: int
    kind: int
    through: int


class SetReplaced(Event, frozen=True, tag="r"):
    """A set was loaded in bulk or repaired: forget what is in memory."""

    owner: int
    kind: int


class EverythingReplaced(Event, frozen=True, tag="R"):
    """A bulk load touched too many things to name: forget everything in memory."""


class ActionTaken(Event, frozen=True, tag="e"):
    """An action began or was lifted for an account, or its standing changed: fold again."""

    account: int


class AccountChanged(Event, frozen=True, tag="a"):
    """An account was created, or its profile, role or credentials changed."""

    ordinal: int


class OptionsChanged(Event, frozen=True, tag="o"):
    """An account changed how it follows another."""

    account: int


class StatusCreated(Event, frozen=True, tag="n"):
    """A status (or boost) appeared."""

    id: int
    author: int
    visibility: int
    reblog_of: int | None = None
    in_reply_to: int | None = None
    in_reply_to_author: int | None = None
    tags: tuple[str, ...] = ()
    mentions: tuple[int, ...] = ()
    quote_of: int | None = None


class StatusChanged(Event, frozen=True, tag="c"):
    """What is said in a status, its poll or its quote changed.

    ``edited`` is whether its author edited it, so that open streams show it anew.
    """

    id: int
    author: int = 0
    edited: bool = False
    quote_of: int | None = None


class StatusDeleted(Event, frozen=True, tag="d"):
    """A status (or boost) was deleted."""

    id: int
    author: int
    reblog_of: int | None = None
    in_reply_to: int | None = None
    quote_of: int | None = None
    visibility: int = 0
    tags: tuple[str, ...] = ()
    mentions: tuple[int, ...] = ()


class PinsChanged(Event, frozen=True, tag="stp"):
    """An account pinned or unpinned a status."""

    account: int


class Notified(Event, frozen=True, tag="t"):
    """An account has a new stored notification."""

    account: int
    id: int = 0


class NotificationsChanged(Event, frozen=True, tag="not.c"):
    """The list of notifications of an account is another, though none was stored: somebody joined a
    set it is told of, or it dismissed some, read on or changed from whom it wants to hear.
    """

    account: int


class TokenChanged(Event, frozen=True, tag="k"):
    """A token was revoked by its hash or, with ``account``, all tokens and sessions of one."""

    account: int | None
    hash: bytes = b""


class ListsChanged(Event, frozen=True, tag="list.l"):
    """An account made, changed or removed a list; its members are a set, which tells by itself."""

    account: int


class TagsFollowed(Event, frozen=True, tag="list.t"):
    """An account follows other hashtags than before."""

    account: int


class FiltersChanged(Event, frozen=True, tag="list.f"):
    """An account made, changed or removed a filter."""

    account: int


class EmojisChanged(Event, frozen=True, tag="disc-emojis"):
    """A custom emoji was added, replaced or removed."""


class AnnouncementChanged(Event, frozen=True, tag="disc-announcement"):
    """An announcement was published, changed or removed."""

    id: int
    deleted: bool = False


class AnnouncementReacted(Event, frozen=True, tag="disc-reaction"):
    """Somebody reacted to an announcement, or took that back; who is in the set of ``reaction``."""

    announcement: int
    name: str
    reaction: int


class TrendsCounted(Event, frozen=True, tag="disc-trends"):
    """Trends were counted anew or reviewed."""


class PushChanged(Event, frozen=True, tag="push.s"):
    """An account has other push subscriptions than before."""

    account: int


class AmnestyChanged(Event, frozen=True, tag="amn.c"):
    """An amnesty went on: a decision, a wave, some of its accounts, or its end."""

    amnesty: int


class RunChanged(Event, frozen=True, tag="run.c"):
    """A reinstatement went on: a step, a probe, or its end."""

    account: int
    run: int


AnyEvent = (
    SetChanged
    | SetPacked
    | SetReplaced
    | EverythingReplaced
    | ActionTaken
    | AccountChanged
    | OptionsChanged
    | StatusCreated
    | StatusChanged
    | StatusDeleted
    | PinsChanged
    | Notified
    | NotificationsChanged
    | TokenChanged
    | EmojisChanged
    | TrendsCounted
    | AnnouncementChanged
    | AnnouncementReacted
    | PushChanged
    | ListsChanged
    | TagsFollowed
    | FiltersChanged
    | RunChanged
    | AmnestyChanged
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyEvent])


def encode(events: list[AnyEvent]) -> bytes:
    """Return the events of one commit as the bytes stored in the feed."""
    return _encoder.encode(events)


def decode(data: bytes) -> list[AnyEvent]:
    """Return the events of one commit.

    Raises:
        msgspec.DecodeError: the bytes are not a feed entry of this version.
    """
    return _decoder.decode(data)
