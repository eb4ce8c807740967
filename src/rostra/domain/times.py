"""Times as they are written: for programs and records, and for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


@lru_cache(4096)
def timestamp(ms: int) -> str:
    """Return a time (ms since 1970) as ISO 8601 in UTC with milliseconds."""
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms_of(text: str) -> int:
    """Return the ms since 1970 of a time as ``timestamp`` writes it.

    Raises:
        ValueError: it is no such time.
    """
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (when - _EPOCH) // _MS


def moment(ms: int) -> str:
    """Return a time (ms since 1970) as people read it, in UTC."""
    return (_EPOCH + ms * _MS).strftime("%Y-%m-%d %H:%M:%S UTC")
