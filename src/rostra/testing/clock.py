"""A clock that stands still until it is told to move."""

from __future__ import annotations

from typing import Final

START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the moment a fake clock begins at."""


class FakeClock:
    """A ``ports.Clock`` for tests; times are milliseconds since 1970.

    Args:
        now: the moment to begin at.
        step: how far the clock moves by itself each time it is read.
    """

    def __init__(self, now: int = START, *, step: int = 0) -> None:
        self._now = now
        self._step = step

    def now(self) -> int:
        """Return milliseconds since 1970."""
        now = self._now
        self._now += self._step
        return now

    def advance(self, ms: int = 0, *, seconds: float = 0, hours: float = 0, days: float = 0) -> int:
        """Move on by the sum of the given times, or back; return the new moment."""
        self._now += ms + int((seconds + 3600 * hours + 86_400 * days) * 1000)
        return self._now

    def set(self, now: int) -> None:
        """Jump to a moment, in either direction."""
        self._now = now
