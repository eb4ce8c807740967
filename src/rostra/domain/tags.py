"""Hashtags: how often one was used, who follows it, and those an account shows on its profile."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.text import normal_tag, whole_tag

DAY_MS: Final = 86_400_000
HISTORY_DAYS: Final = 7
MAX_FEATURED: Final = 10
MAX_FOLLOWED: Final = 1_000
_SIGNS: Final = re.compile(r"[#\uff03]+")


class TagDay(Struct, frozen=True):
    """The use of a hashtag on one day, which began at ``day`` (ms since 1970, UTC)."""

    day: int
    uses: int
    accounts: int


class TagFollow(Struct, frozen=True):
    """A hashtag an account follows; ``id`` is of the follow."""

    id: int
    tag: str


class FeaturedTag(Struct, frozen=True):
    """A hashtag an account features; ``id`` is of the featuring."""

    id: int
    tag: str


class TagUse(Struct, frozen=True):
    """How often an author used a hashtag where anybody sees it, and in which status last."""

    tag: str
    statuses: int
    last_status: int | None


def checked_tag(name: str) -> str:
    """Return a hashtag as it is stored.

    Raises:
        Invalid: no hashtag can have this name.
    """
    tag = normal_tag(_SIGNS.sub("", name.strip(), count=1))
    if not whole_tag(tag):
        raise Invalid("Validation failed: Tag is invalid: use letters, digits and underscores")
    return tag
