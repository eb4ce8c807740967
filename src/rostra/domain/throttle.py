"""Throttling of tries at a secret: some are free, then each waits twice as long as the last."""

from __future__ import annotations

from msgspec import Struct


class Limit(Struct, frozen=True, kw_only=True):
    """How often something may be tried.

    ``free`` tries need not wait; after that the wait is ``first`` ms, doubled with each try, up to
    ``longest`` ms. Tries are forgotten ``memory`` ms after the last one.
    """

    free: int
    first: int
    longest: int
    memory: int

    def pause(self, count: int) -> int:
        """Return how many ms must lie between try number ``count`` and the next."""
        if count < self.free:
            return 0
        return int(min(self.longest, self.first * 2 ** min(count - self.free, 40)))


class Tries(Struct, frozen=True):
    """How often something was tried, and when last (ms)."""

    count: int = 0
    last_at: int = 0

    def wait(self, limit: Limit, now: int) -> int:
        """Return how many ms to wait from ``now`` until the next try is allowed."""
        if self.forgotten(limit, now):
            return 0
        return max(0, self.last_at + limit.pause(self.count) - now)

    def after(self, limit: Limit, now: int) -> Tries:
        """Return the tries with one more."""
        return Tries(1 if self.forgotten(limit, now) else self.count + 1, now)

    def forgotten(self, limit: Limit, now: int) -> bool:
        """Return whether the last try is so long ago that none counts any more."""
        return now - self.last_at >= limit.memory
