"""What the server says about itself: its rules, and longer texts."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

TEXTS: Final = ("extended_description", "privacy_policy", "terms_of_service")


class Rule(Struct, frozen=True):
    """A rule of the server."""

    id: int
    text: str
    hint: str = ""


class ServerText(Struct, frozen=True):
    """A text as typed, and when it was set (ms)."""

    text: str
    updated_at: int
