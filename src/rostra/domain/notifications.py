"""Notifications: what happened to an account.

Likes, boosts, follows and follow requests are not stored as notifications: they *are* members of
sets (``LIKES(status)``, ``BOOSTS(status)``, ``FOLLOWERS(account)``, ``FOLLOW_REQUESTS(account)``),
and the list of notifications is a merge of those sets with the stored ones (mentions, ended polls,
new statuses), newest first. So 172,000 likes cost no row, and an unlike takes its notification
away.
"""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

from rostra.domain.ids import TICKS_PER_MS


class NotificationType(enum.IntEnum):
    """The types of the Mastodon API; the label is the name the API uses."""

    MENTION = 0
    FAVOURITE = 1
    REBLOG = 2
    FOLLOW = 3
    FOLLOW_REQUEST = 4
    POLL = 5
    STATUS = 6
    UPDATE = 7
    MODERATION_WARNING = 8
    QUOTE = 9
    QUOTED_UPDATE = 10
    SEVERED_RELATIONSHIPS = 11  # nobody makes one: what ties there are outlives every action
    ADMIN_SIGN_UP = 16
    ADMIN_REPORT = 17

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower().replace("admin_", "admin.")


GROUPED_TOGETHER: Final = (
    NotificationType.FAVOURITE,
    NotificationType.REBLOG,
    NotificationType.FOLLOW,
)
"""Types of which many are listed as one: by the status, follows by the day (UTC)."""

FILTERABLE: Final = frozenset(
    {
        NotificationType.MENTION,
        NotificationType.FAVOURITE,
        NotificationType.REBLOG,
        NotificationType.FOLLOW,
        NotificationType.FOLLOW_REQUEST,
        NotificationType.QUOTE,
    }
)
"""Types that a policy holds back; of the others one asked to be told."""

ASKING: Final = (NotificationType.MENTION, NotificationType.QUOTE)
"""Types that, held back, show as a request."""

DAY_TICKS: Final = 86_400_000 * TICKS_PER_MS
NEW_ACCOUNT_MS: Final = 30 * 86_400_000
NEW_FOLLOWER_MS: Final = 3 * 86_400_000


class Notification(Struct, frozen=True, kw_only=True):
    """One thing that happened. ``id`` sorts by time; ``source`` and ``account`` are ordinals.

    ``event`` is the action of a warning, or the report of an ``ADMIN_REPORT``.
    """

    id: int
    type: NotificationType
    account: int
    source: int
    created_at: int
    status: int | None = None
    event: int | None = None


class Verdict(enum.IntEnum):
    """What a policy does with what it catches."""

    ACCEPT = 0
    FILTER = 1
    DROP = 2

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class Policy(Struct, frozen=True, kw_only=True):
    """From whom an account wants to hear.

    ``not_followers`` also catches who has followed for less than three days, ``new_accounts`` who
    came less than thirty days ago; that one, and those after it, never whom the account follows.
    """

    not_following: Verdict = Verdict.ACCEPT
    not_followers: Verdict = Verdict.ACCEPT
    new_accounts: Verdict = Verdict.ACCEPT
    private_mentions: Verdict = Verdict.FILTER
    limited_accounts: Verdict = Verdict.FILTER


def group_key(notification: Notification) -> str:
    """Return the key of the group a notification is in (``ungrouped-…``: of none)."""
    type_ = notification.type
    if type_ == NotificationType.FOLLOW:
        return f"{type_.label}-{day_of(notification.id >> 16)}"
    if type_ in GROUPED_TOGETHER:
        return f"{type_.label}-{notification.status}"
    return f"ungrouped-{notification.id}"


def day_of(position: int) -> int:
    """Return the day (since 1970, UTC) of a position in a set."""
    return position // DAY_TICKS
