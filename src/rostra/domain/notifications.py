"""Notifications: what happened to an account.

Likes, boosts, follows and follow requests are not stored as notifications: they *are* members of
sets (``LIKES(status)``, ``BOOSTS(status)``, ``FOLLOWERS(account)``, ``FOLLOW_REQUESTS(account)``),
and the list of notifications is a merge of those sets with the stored ones (mentions, ended polls,
new statuses), newest first. So 172,000 likes cost no row, and an unlike takes its notification
away.
"""

from __future__ import annotations

import enum

from msgspec import Struct


class NotificationType(enum.IntEnum):
    """The types of the Mastodon API that this server makes; the label is the name in lower case."""

    MENTION = 0
    FAVOURITE = 1
    REBLOG = 2
    FOLLOW = 3
    FOLLOW_REQUEST = 4
    POLL = 5
    STATUS = 6
    UPDATE = 7
    MODERATION_WARNING = 8
    ADMIN_SIGN_UP = 16

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        name = self.name.lower()
        return f"admin.{name[6:]}" if name.startswith("admin_") else name


class Notification(Struct, frozen=True, kw_only=True):
    """One thing that happened. ``id`` sorts by time; ``source`` and ``account`` are ordinals."""

    id: int
    type: NotificationType
    account: int
    source: int
    created_at: int
    status: int | None = None
