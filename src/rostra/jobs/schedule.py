"""The schedule: what the job runner does again and again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct


class Periodic(Struct, frozen=True, kw_only=True):
    """A piece of work that comes round.

    ``do`` does a bounded part of it and returns whether there is more to do at once; ``every`` is
    the pause in seconds after there was not.
    """

    name: str
    every: float
    do: Callable[[], Awaitable[bool]]


class Schedule:
    """When each piece of work is due. All of it is due at the start.

    Args:
        works: the pieces.
        clock: seconds on a clock that never steps back.
    """

    def __init__(
        self, works: Iterable[Periodic], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._due = {work.name: (clock(), work) for work in works}

    def due(self) -> list[Periodic]:
        """Return the work that is due, that which waited longest first."""
        now = self._clock()
        waiting = [(at, name) for name, (at, _) in self._due.items() if at <= now]
        return [self._due[name][1] for _, name in sorted(waiting)]

    def done(self, work: Periodic, *, more: bool = False) -> None:
        """Note that a part of ``work`` was done; with ``more`` it is due again at once."""
        self._due[work.name] = (self._clock() + (0 if more else work.every), work)

    def seconds_to_next(self) -> float:
        """Return how long until something is due; 0 when something is."""
        now = self._clock()
        return max(0.0, min((at - now for at, _ in self._due.values()), default=60.0))
