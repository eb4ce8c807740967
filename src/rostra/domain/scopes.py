"""Scopes: what an access token may do (https://docs.joinmastodon.org/api/oauth-scopes/)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

from rostra.domain.errors import Invalid

_BOTH: Final = (
    "accounts",
    "blocks",
    "bookmarks",
    "favourites",
    "filters",
    "follows",
    "lists",
    "mutes",
    "notifications",
    "statuses",
)
_READ: Final = (*_BOTH, "search")
_WRITE: Final = (*_BOTH, "conversations", "media", "reports")
_ADMIN: Final = (
    "accounts",
    "reports",
    "domain_allows",
    "domain_blocks",
    "ip_blocks",
    "email_domain_blocks",
    "canonical_email_blocks",
)

BROAD: Final = ("read", "write", "follow", "push", "profile", "admin:read", "admin:write")

COVERED: Final[dict[str, frozenset[str]]] = {
    "read": frozenset(f"read:{name}" for name in _READ),
    "write": frozenset(f"write:{name}" for name in _WRITE),
    "follow": frozenset(
        f"{verb}:{name}" for verb in ("read", "write") for name in ("blocks", "follows", "mutes")
    ),
    "admin:read": frozenset(f"admin:read:{name}" for name in _ADMIN),
    "admin:write": frozenset(f"admin:write:{name}" for name in _ADMIN),
}
"""What the broad scopes include."""

ALL: Final = tuple(
    dict.fromkeys([*BROAD, *sorted(name for names in COVERED.values() for name in names)])
)
"""Every scope of this server."""

_KNOWN: Final = frozenset(ALL)
DEFAULT: Final = "read"


def parse(text: str) -> tuple[str, ...]:
    """Return the scopes in a text that separates them by spaces or plus signs, each once.

    Raises:
        Invalid: one of them is unknown.
    """
    scopes = tuple(dict.fromkeys(text.replace("+", " ").split()))
    if not _KNOWN.issuperset(scopes):
        raise Invalid("The requested scope is invalid, unknown, or malformed.")
    return scopes


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes and all that they include."""
    given = frozenset(scopes)
    return given.union(*(COVERED[scope] for scope in given if scope in COVERED))


@functools.lru_cache(maxsize=4096)
def covers(granted: str, needed: str) -> bool:
    """Return whether the granted scopes (separated by spaces) include every one of the needed."""
    return expand(granted.split()).issuperset(needed.split())
