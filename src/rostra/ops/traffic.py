"""What was asked of this server, taken once a minute from what its workers have counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from rostra.domain.capacity import Traffic
from rostra.edge.counters import active
from rostra.ops import metrics
from rostra.ops.opening import COUNTERS_FILE, METRICS_FOLDER
from rostra.ports import Context
from rostra.services.server import capacity

EVERY: Final = 60.0
WINDOW: Final = 300
"""The window of the rate limits (s), in which those who ask are counted."""


class TrafficCount:
    """Writes down what has been asked since it last looked.

    Args:
        context: the ports.
        cpu_seconds: tells what the workers have taken of the CPUs so far.
        clock: tells seconds since 1970, by which the rate limits count.
    """

    def __init__(
        self,
        context: Context,
        cpu_seconds: Callable[[], float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._context = context
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._before: tuple[list[int], float] | None = None

    async def do(self) -> bool:
        """Write down the last minute, unless nothing was asked in it."""
        now = await asyncio.to_thread(self._counted)
        before, self._before = self._before, now
        if before is None:
            return False  # this process has just begun: how long ago that was asked is not known
        times = [max(0, b - a) for a, b in zip(before[0], now[0], strict=True)]
        if not sum(times):
            return False
        # A worker that began anew has taken less than the one before it.
        cpu = max(0.0, now[1] - before[1])
        readers = await asyncio.to_thread(self._readers)
        minute = Traffic(
            at=self._context.clock.now() - int(EVERY * 1000),
            requests=sum(times),
            busiest=sum(times),
            readers=readers,
            cpu_us=int(cpu * 1e6),
            times=tuple(times),
        )
        await capacity.record(self._context, minute=minute)
        return False

    def _counted(self) -> tuple[list[int], float]:
        folder = self._context.settings.data / METRICS_FOLDER
        return metrics.durations(metrics.summed(folder)), self._cpu_seconds()

    def _readers(self) -> int:
        path = self._context.settings.data / COUNTERS_FILE
        return active(path, int(self._clock()) // WINDOW)
