"""Statuses: what accounts say, and the boosts of what others said."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

URL_CHARACTERS: Final = 23


class Visibility(enum.IntEnum):
    """Who a status is for, from the widest to the narrowest."""

    PUBLIC = 0
    UNLISTED = 1
    PRIVATE = 2
    DIRECT = 3

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class QuoteState(enum.IntEnum):
    """What became of a quote; whether the quoted status can be shown is the gate's to say."""

    ACCEPTED = 0
    REVOKED = 1


class QuotePolicy(enum.IntEnum):
    """Who may quote a status; its author may always, unless it is direct."""

    PUBLIC = 0
    FOLLOWERS = 1
    NOBODY = 2

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class Poll(Struct, frozen=True, kw_only=True):
    """The question under a status, whose id it shares; its votes are an account set an option.

    ``expires_at`` is milliseconds since 1970, or None for a poll that stays open. ``round`` grows
    when an edit of the options begins the voting anew: its votes are in sets of their own.
    """

    options: tuple[str, ...]
    multiple: bool = False
    hide_totals: bool = False
    expires_at: int | None = None
    round: int = 0


class Status(Struct, frozen=True, kw_only=True):
    """A status as stored; a boost is a status with ``reblog_of`` and no text.

    ``text`` is what was typed, ``content`` the sanitised HTML made of it. Accounts are ordinals,
    statuses and media snowflakes, times milliseconds since 1970. ``conversation`` is the status the
    thread begins with, None when that is this one; see ``root``.
    """

    id: int
    author: int
    created_at: int
    visibility: Visibility = Visibility.PUBLIC
    text: str = ""
    content: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    in_reply_to: int | None = None
    in_reply_to_author: int | None = None
    reblog_of: int | None = None
    mentions: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    poll: Poll | None = None
    application: int | None = None
    edited_at: int | None = None
    media: tuple[int, ...] = ()
    conversation: int | None = None
    quote_of: int | None = None
    quote_state: QuoteState = QuoteState.ACCEPTED
    quote_policy: QuotePolicy = QuotePolicy.PUBLIC

    @property
    def root(self) -> int:
        """The id of the status its conversation begins with, which may be gone."""
        return self.id if self.conversation is None else self.conversation


class StatusEdit(Struct, frozen=True, kw_only=True):
    """One version of a status that was edited, ``created_at`` (ms) being when it was made.

    ``options`` are those of its poll, None when it had none.
    """

    created_at: int
    text: str
    content: str
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    options: tuple[str, ...] | None = None
    quote_of: int | None = None
    media: tuple[int, ...] = ()
