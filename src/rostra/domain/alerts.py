"""Alerts: what operators are told at addresses of their choice, and how those may be named."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from rostra.domain.errors import RostraError
from rostra.domain.times import moment

MAX_SUBJECT: Final = 200
MAX_TEXT: Final = 4_000

_HOST_IS_NO_SECRET: Final = frozenset({"form", "forms", "json", "jsons", "xml", "xmls"})
"""Schemes whose addresses name a host where others have a token: ``slack://TOKEN/…``."""


class Alert(Struct, frozen=True, kw_only=True):
    """What happened, with its figures and what to do; ``at`` in ms, ``link`` whole or empty.

    An alert may arrive twice: ``id`` is the same both times, and stands in the text.
    """

    id: str
    subject: str
    text: str
    link: str = ""
    grave: bool = False
    at: int

    def body(self, server: str) -> str:
        """Return the text as it is sent: what happened, the link, who says so and when."""
        parts = (self.text, self.link, f"{server}, {moment(self.at)}, alert {self.id}")
        return "\n\n".join(part for part in parts if part)


class AlertPlace(Struct, frozen=True, kw_only=True):
    """Where alerts go: ``key`` names the address without telling it, ``shown`` is for people."""

    key: str
    shown: str


class Undelivered(RostraError):
    """An alert did not reach its address; the message names neither that nor what it answered."""

    status = 503


def shown(number: int, address: str) -> str:
    """Return how the address of a number is called in public: its scheme, its host at most."""
    scheme, separator, _ = address.partition("://")
    scheme = scheme.lower()
    if not separator or not scheme.isalnum() or len(scheme) > 20:
        return f"address {number}"
    if scheme not in _HOST_IS_NO_SECRET:
        return f"address {number} ({scheme})"
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return f"address {number} ({scheme}://{host})"


def clipped(text: str, limit: int) -> str:
    """Return ``text`` with at most ``limit`` characters, and a sign where it was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
