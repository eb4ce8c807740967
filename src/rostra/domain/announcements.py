"""Announcements: what the server tells everybody, and how people react to it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MAX_REACTIONS: Final = 8
"""How many different reactions an announcement may have, as in Mastodon."""


class Announcement(Struct, frozen=True, kw_only=True):
    """An announcement; times are ms since 1970. ``starts_at`` and ``ends_at`` are when what it
    tells of begins and ends; after its end it is not shown any more.
    """

    id: int
    text: str
    published_at: int
    updated_at: int
    starts_at: int | None = None
    ends_at: int | None = None
    all_day: bool = False


class Reaction(Struct, frozen=True):
    """A reaction to an announcement: ``id`` owns the set of those who reacted so."""

    name: str
    id: int
