"""The shape of a crowd that returns: requests by the minute around the busiest one of a real log.

``python -m rostra.ops.rehearsal.shape LOG > src/rostra/ops/rehearsal/crowd.json`` made the one
that rehearsals use, from the SNAP data set "higgs-twitter" (De Domenico, Lima, Mougel & Musolesi,
*The Anatomy of a Scientific Rumor*, Scientific Reports 3, 2980, 2013).
"""

from __future__ import annotations

import sys
import time
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.words import how_many
from rostra.ops.activity_log import survey

BEFORE: Final = 60
"""Minutes before the busiest one at which the crowd begins to come."""
AFTER: Final = 240
"""Minutes after the busiest one that are kept."""
LEAST_EVENTS: Final = 100
DATA: Final = "crowd.json"


class Shape(Struct, frozen=True, kw_only=True):
    """How a crowd comes.

    ``waiting`` is the share of the busiest minute before it begins to come, ``shares`` those of
    the minutes since (0 to 1, one of them 1); ``events`` were counted in the log ``source``.
    """

    source: str
    events: int
    busiest_per_minute: int
    waiting: float
    shares: tuple[float, ...]

    def at(self, progress: float) -> float:
        """Return the share at a part of the whole (0: it begins to come, 1: the last minute)."""
        if progress < 0:
            return self.waiting
        where = min(progress, 1.0) * (len(self.shares) - 1)
        return float(np.interp(where, np.arange(len(self.shares)), self.shares))


def usual() -> Shape:
    """Return the shape that was derived from the log around the Higgs boson."""
    file = resources.files("rostra.ops.rehearsal") / DATA
    return msgspec.json.decode(file.read_bytes(), type=Shape)


def derive(path: Path) -> Shape:
    """Return the shape of a log (``actor target unix_seconds kind`` a line, gzip or not).

    Raises:
        Invalid: it cannot be read, is no such log, or is too short to have a shape.
    """
    now = int(time.time())
    log = survey(path, now)
    minutes = np.array([event.seconds // 60 for event in log.events(now)], dtype=np.int64)
    if len(minutes) < LEAST_EVENTS:
        raise Invalid(
            f"{path} tells of {how_many(len(minutes), 'event')}, "
            f"and a crowd has {LEAST_EVENTS} at least: name a longer log"
        )
    first = int(minutes.min())
    counts = np.bincount(minutes - first)
    peak = int(counts.argmax())

    def between(begin: int, end: int) -> list[int]:
        """Return the counts of some minutes around the busiest; 0 outside the log."""
        wanted = range(peak + begin, peak + end)
        return [int(counts[at]) if 0 <= at < len(counts) else 0 for at in wanted]

    busiest = int(counts[peak])
    waiting = sum(between(-2 * BEFORE, -BEFORE)) / BEFORE / busiest
    return Shape(
        source=path.name,
        events=len(minutes),
        busiest_per_minute=busiest,
        waiting=round(waiting, 4),
        shares=tuple(round(one / busiest, 4) for one in between(-BEFORE, AFTER + 1)),
    )


if __name__ == "__main__":
    print(msgspec.json.encode(derive(Path(sys.argv[1]))).decode())
