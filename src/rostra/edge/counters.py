"""Counters of requests that all workers share: a table of fixed size in mapped memory.

A counter is found by the hash of its name in one of a few neighbouring places. When those are taken
by others the one that counted least goes: who asks rarely may be forgotten, who asks often is
not, however many come (the idea of the Space-Saving algorithm, Metwally et al. 2005). Two
processes that count the same name in the same instant may count one too few.
"""

from __future__ import annotations

import mmap
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np

from rostra.edge.mapping import NO_ACCESS, NO_ROOM, mapped

SLOTS: Final = 1 << 16
NEIGHBOURS: Final = 4
_WORDS: Final = 2  # the hash of the name; the window in the upper half, the count in the lower
_BYTES: Final = SLOTS * _WORDS * 8
_COUNT: Final = 0xFFFF_FFFF


def active(path: Path, window: int) -> int:
    """Return how many names were counted in a window or the one before, whichever had more.

    Args:
        path: the file that the processes share; none have been counted when it is not there.
        window: the number of the window that has begun.
    """
    try:
        words = np.fromfile(path, dtype="<u8")
    except OSError:
        return 0
    windows = words[1::_WORDS] >> np.uint64(32)
    return max(int(np.count_nonzero(windows == each)) for each in (window, window - 1))


class Counters:
    """A table of counters, each for one name in one window of time.

    Args:
        path: the file that the processes share; None for counters of this process alone. Where
            there is no room for the file, each process counts for itself.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            memory = mmap.mmap(-1, _BYTES)
        else:
            memory = mapped(path, _BYTES, alone=NO_ROOM | NO_ACCESS)
        self._words = memoryview(memory).cast("Q")

    def add(self, name: bytes, window: int, amount: int = 1) -> int:
        """Count ``amount`` for a name and return its count.

        Args:
            name: what is counted.
            window: the number of the window of time (32 bits); a count starts from 0 in each.
            amount: how much; 0 only reads.
        """
        hashed = int.from_bytes(blake2b(name, digest_size=8).digest(), "little") or 1
        words = self._words
        place = self._place(hashed, window)
        if words[place] == hashed and words[place + 1] >> 32 == window:
            count = min((words[place + 1] & _COUNT) + amount, _COUNT)
        elif amount:
            count = amount
            words[place + 1] = 0  # before the name: nobody may take another's count for this one
            words[place] = hashed
        else:
            return 0
        words[place + 1] = window << 32 | count
        return count

    def _place(self, hashed: int, window: int) -> int:
        """Return where a counter is, or which place it may take."""
        words = self._words
        first = hashed % SLOTS
        least, lowest = 0, -1
        for step in range(NEIGHBOURS):
            place = (first + step) % SLOTS * _WORDS
            if words[place] == hashed:
                return place
            since, count = divmod(words[place + 1], 1 << 32)
            weight = count if since == window else 0
            if lowest < 0 or weight < lowest:
                least, lowest = place, weight
        return least
