"""Web Push subscriptions: where an app wants to hear of what notifications (RFC 8030)."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

ALERTS: Final = (
    "mention",
    "quote",
    "status",
    "reblog",
    "follow",
    "follow_request",
    "favourite",
    "poll",
    "update",
    "quoted_update",
    "admin.sign_up",
    "admin.report",
)
"""The types of notifications an app can choose from, as Mastodon names them."""

MOST_AT_ONCE: Final = 10
REFILL_MS: Final = 6_000
"""A subscription is pushed at most ten notifications at once, and one more every six seconds."""

FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 3_600_000
GIVEN_UP_MS: Final = 7 * 24 * 3_600_000
"""A subscription that failed for so long is forgotten."""


class Policy(enum.IntEnum):
    """Whose acts are pushed."""

    ALL = 0
    FOLLOWED = 1
    FOLLOWER = 2
    NONE = 3

    @property
    def label(self) -> str:
        """The name the Mastodon API uses."""
        return self.name.lower()


class PushSubscription(Struct, frozen=True, kw_only=True):
    """Where and what an app wants to hear.

    ``token`` is the SHA-256 of its access token and ``access`` that token, encrypted; ``p256dh``
    and ``auth`` are the keys of RFC 8291. ``through`` is the newest notification that was pushed.
    Times are ms since 1970; ``failing_since`` is 0 for one that does not fail.
    """

    account: int
    id: int
    token: bytes
    endpoint: str
    p256dh: bytes
    auth: bytes
    access: bytes
    standard: bool
    policy: Policy
    alerts: frozenset[str]
    through: int
    attempts: int = 0
    due_at: int = 0
    failing_since: int = 0


def retry_delay(attempts: int) -> int:
    """Return how many ms to wait after a failure: doubled each time, from 5 s to an hour.

    Args:
        attempts: how often it failed in a row before.
    """
    return int(min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(attempts, 20)))
