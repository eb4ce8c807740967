"""What an account keeps for itself: how far and how it reads, and domains it blocks."""

from __future__ import annotations

import enum
import re
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid

MAX_DOMAIN: Final = 253
MAX_DOMAINS: Final = 10_000
_DOMAIN: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class MarkedTimeline(enum.StrEnum):
    """A timeline that apps remember the place in."""

    HOME = "home"
    NOTIFICATIONS = "notifications"


class Marker(Struct, frozen=True):
    """How far an account has read a timeline; ``version`` counts how often it said so."""

    timeline: MarkedTimeline
    last_read: int
    version: int
    updated_at: int


class ExpandMedia(enum.StrEnum):
    """Which media are shown at once."""

    DEFAULT = "default"
    SHOW_ALL = "show_all"
    HIDE_ALL = "hide_all"


class Preferences(Struct, frozen=True):
    """How an account likes to read; how it likes to post is a part of the account."""

    expand_media: ExpandMedia = ExpandMedia.DEFAULT
    expand_spoilers: bool = False
    autoplay_gifs: bool = False


class BlockedDomain(Struct, frozen=True):
    """A domain somebody wants to see nothing of; ``id`` is of the block."""

    id: int
    domain: str


def checked_domain(text: str, *, own: str) -> str:
    """Return a domain as it is stored: lower case, letters beyond ASCII as in DNS.

    Args:
        text: what was typed.
        own: the domain of this server.

    Raises:
        Invalid: it is none, or that of this server.
    """
    domain = text.strip().rstrip(".").lower()
    if not domain:
        raise Invalid("Validation failed: Domain can't be blank")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if len(domain) > MAX_DOMAIN or not _DOMAIN.fullmatch(domain):
        raise Invalid("Validation failed: Domain is not a valid domain name, as in example.org")
    if domain == own.lower():
        raise Invalid(
            "Validation failed: Domain is that of this server. Block or mute its accounts instead"
        )
    return domain
