"""Whether the edges of one account are stored on their other side as well."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.ports import Flaw
from rostra.storage.database.sqlite import Database
from rostra.storage.sets import load

LOT: Final = 1_000


class OtherSides:
    """Looks for the other sides of edges, in random ranges when there is no time for all.

    Args:
        database: a connection within one snapshot.
        random: chance, for where to look.
        ends: when (``time.monotonic``) to stop; None for never.
    """

    def __init__(self, database: Database, random: Random, ends: float | None) -> None:
        self._database = database
        self._random = random
        self._ends = ends
        self.edges = 0
        self.checked = 0
        self.flaws: list[Flaw] = []

    def look(self, key: SetKey) -> None:
        """Look for the other side of each edge of a set."""
        try:
            members = load(key, self._database).bitmap(self._database)
        except StoreCorrupt as error:
            self.flaws.append(Flaw(str(key), str(error)))
            return
        self.edges += len(members)
        starts = list(range(0, len(members), LOT))
        self._random.shuffle(starts)
        for start in starts:
            if self._ends is not None and time.monotonic() >= self._ends:
                return
            self._look_at(key, members[start : start + LOT])

    def _look_at(self, key: SetKey, members: BitMap) -> None:
        for member in members:
            mirror = key.mirror(member)
            try:
                there = load(mirror, self._database).contains(key.owner, self._database)
            except StoreCorrupt as error:
                self.flaws.append(Flaw(str(mirror), str(error)))
                continue
            if not there:
                what = f"member {key.owner} is missing, though {key} has {member}"
                self.flaws.append(Flaw(str(mirror), what))
        self.checked += len(members)
