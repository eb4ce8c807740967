"""Mail: what the links in it are good for, once and for a while."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

HOUR_MS: Final = 60 * 60 * 1000


class MailPurpose(enum.IntEnum):
    """What a link in a mail does."""

    CONFIRM = 1
    RESET = 2
    CHANGE = 3

    @property
    def lifetime(self) -> int:
        """How long such a link is good (ms)."""
        return HOUR_MS if self is MailPurpose.RESET else 48 * HOUR_MS


class MailToken(Struct, frozen=True, kw_only=True):
    """A token that was mailed to ``email``, known by its SHA-256; ``expires_at`` in ms."""

    hash: bytes
    account: int
    purpose: MailPurpose
    email: str
    expires_at: int
