"""Reckoning what lifting the suspensions of many accounts brings, from their edges, each read once.

An account outside is shown or hidden whatever happens; one that returns is shown from the end of
its wave on. So one byte an account (its *rank*) says all that a count needs: 0 for who is shown
anyway, the number of its wave for who returns, 255 for who stays hidden. An edge comes alive when
at least one of its ends returns and neither stays hidden; between two who return it is stored on
both sides, and counted on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.amnesty import MAX_WAVES, Expected, Moved
from rostra.domain.packing import Members

HIDDEN: Final = 255
BLOCK: Final = 1 << 22
Counts = NDArray[np.uint16] | NDArray[np.uint32]
assert MAX_WAVES < HIDDEN


class Reckoning:
    """Counts what comes alive; fed with all members of the sets of the accounts concerned.

    It takes five bytes of memory for each account of the server, nine when many return.

    Args:
        highest: the highest ordinal there is.
        waves: account → the number (from 1) of its wave, for all accounts of the amnesty.
        returning: those of them that are hidden now and will be shown when they are lifted.
        hidden: all who are hidden now.
        locked: whose followers must ask.
        dormant: those who return after so long that their follows of locked accounts become
            requests instead.
    """

    def __init__(
        self,
        *,
        highest: int,
        waves: Mapping[int, int],
        returning: BitMap,
        hidden: BitMap,
        locked: BitMap,
        dormant: BitMap,
    ) -> None:
        self._rank = np.zeros(highest + 1, dtype=np.uint8)
        self._rank[_array(hidden)] = HIDDEN
        for account in returning:
            self._rank[account] = waves[account]
        self._waves = waves
        self._returning = returning
        self._locked = locked
        self._dormant = dormant
        wide: Any = np.uint16 if len(returning) < 1 << 16 else np.uint32
        self._followed: Counts = np.zeros(highest + 1, dtype=wide)  # by how many who return
        self._following: Counts = np.zeros(highest + 1, dtype=wide)  # how many who return
        self._then: dict[tuple[int, bool], int] = {}
        self._finally: dict[tuple[int, bool], int] = {}
        self.edges = 0

    def add_followers(self, account: int, members: Members) -> None:
        """Take some of an account's followers into account."""
        ranks = self._rank.take(members)
        lost = None
        if account in self._locked and self._dormant:
            lost = _among(members, self._dormant)
            ranks[lost] = HIDDEN
        shown = self._count(account, ranks, follows=False)
        if account in self._returning:
            self.edges += shown
            self._move(self._following, members, lost)

    def add_following(self, account: int, members: Members) -> None:
        """Take some of those an account follows into account."""
        ranks = self._rank.take(members)
        lost = None
        if account in self._dormant:
            lost = _among(members, self._locked)
            ranks[lost] = HIDDEN
        self._count(account, ranks, follows=True)
        if account in self._returning:
            self.edges += int(np.count_nonzero(ranks == 0))
            self._move(self._followed, members, lost)

    def _count(self, account: int, ranks: NDArray[np.uint8], *, follows: bool) -> int:
        """Count one block of an account's edges; return how many will be shown in the end."""
        then = int(np.count_nonzero(ranks <= self._waves[account]))
        finally_ = int(np.count_nonzero(ranks < HIDDEN))
        key = (account, follows)
        self._then[key] = self._then.get(key, 0) + then
        self._finally[key] = self._finally.get(key, 0) + finally_
        return finally_

    def _move(self, counts: Counts, members: Members, lost: NDArray[np.bool_] | None) -> None:
        """Add one to the counts of those at the other ends; who is not outside is not asked."""
        # In one pass, which ``counts[members] += 1`` is not: memory is what all this waits for.
        np.add.at(counts, members if lost is None else members[~lost], counts.dtype.type(1))

    def expected(self, account: int) -> tuple[Expected, Expected]:
        """Return the counts an account is shown with when its own wave is over, and in the end."""
        if account not in self._returning and self._rank[account]:
            return Expected(0, 0), Expected(0, 0)
        both = [(account, False), (account, True)]
        then, finally_ = (
            Expected(*(counts.get(key, 0) for key in both))
            for counts in (self._then, self._finally)
        )
        return then, finally_

    def others(self, most: int) -> tuple[int, tuple[Moved, ...]]:
        """Return how many accounts outside change their counts, and up to ``most`` of those that
        change most.
        """
        count = 0
        found: list[tuple[int, int]] = []
        for start in range(0, len(self._followed), BLOCK):
            both = self._followed[start : start + BLOCK].astype(np.uint32)
            both += self._following[start : start + BLOCK].astype(np.uint32)
            both[self._rank[start : start + BLOCK] != 0] = 0
            moved = np.flatnonzero(both)
            count += len(moved)
            totals = both[moved]
            if len(moved) > most:  # of as many as the last of the first, those first in order
                least = np.partition(totals, len(moved) - most)[len(moved) - most]
                moved = np.r_[moved[totals > least], moved[totals == least][:most]]
            found += zip(both[moved].tolist(), (moved + start).tolist(), strict=True)
        found.sort(key=lambda pair: (-pair[0], pair[1]))
        return count, tuple(
            Moved(account, int(self._followed[account]), int(self._following[account]))
            for _, account in found[:most]
        )


def _array(accounts: BitMap) -> Members:
    return np.frombuffer(accounts.to_array(), dtype=np.uint32) if accounts else np.empty(0, "u4")


def _among(members: Members, accounts: BitMap) -> NDArray[np.bool_]:
    """Return for each of ``members`` [n] whether it is in ``accounts``."""
    both = BitMap(members) & accounts
    return np.isin(members, _array(both))
