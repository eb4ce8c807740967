"""Whether the edges of one account are stored on both sides.

Of few edges each other side is looked up. Beside that, and for many edges, all that is stored of
ranges of accounts is read, in a random order and as long as there is time: so that an edge is
noticed as well that the account's own side has lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.domain.packing import SINGLETON, decode_entries, decode_singletons, is_header
from rostra.ports import Flaw
from rostra.storage.database.sqlite import Database
from rostra.storage.integrity.set_checks import bitmap_of
from rostra.storage.sets import load

FEW: Final = 20_000
LOOKED_UP_AT_ONCE: Final = 200
LEAST: Final = 5_000
"""So many edges are looked up however little time there is, and one range is read."""

RANGE: Final = 1 << 16
ORDINALS: Final = 1 << 32
MOST_FLAWS: Final = 1_000

_KINDS: Final = tuple(sorted(MIRRORS))
_OF_THEM: Final = f"kind IN ({', '.join(str(int(kind)) for kind in _KINDS)})"


class OtherSides:
    """Looks at both sides of the edges of one account.

    Args:
        database: a connection within one snapshot.
        own: returns the members of a set of the account's, as of the same snapshot.
        account: the account.
        random: chance, for where to look.
        over: whether to stop.
    """

    def __init__(
        self,
        database: Database,
        own: Callable[[SetKey], BitMap],
        account: int,
        random: Random,
        over: Callable[[], bool],
    ) -> None:
        self._database = database
        self._read_own = own
        self._account = account
        self._random = random
        self._told_over = over
        self._own: dict[int, BitMap] = {}
        self.edges = 0
        self.checked = 0
        self.scanned = 0.0
        self.flaws: list[Flaw] = []

    def look(self) -> None:
        """Look for as long as there is time."""
        for kind in _KINDS:
            key = SetKey(self._account, kind)
            try:
                self._own[kind] = self._read_own(key)
            except StoreCorrupt as error:
                self.flaws.append(Flaw(str(key), str(error)))
        self.edges = sum(map(len, self._own.values()))
        few = self.edges <= FEW
        if few:
            self._look_up()
        self._scan(count=not few)

    @property
    def _over(self) -> bool:
        return len(self.flaws) >= MOST_FLAWS or self._told_over()

    # -- one by one --------------------------------------------------------------------------------

    def _look_up(self) -> None:
        for kind, members in self._own.items():
            for start in range(0, len(members), LOOKED_UP_AT_ONCE):
                if self._over and self.checked >= LEAST:
                    return
                lot = members[start : start + LOOKED_UP_AT_ONCE]
                there = self._holding(SetKey(member, MIRRORS[kind]) for member in lot)
                self._compare(MIRRORS[kind], lot, BitMap(there))
                self.checked += len(lot)

    def _holding(self, keys: Iterable[SetKey]) -> list[int]:
        """Return the owners of those of several sets that have the account as a member.

        Sets that cannot be read are flaws of this account where they should have it; those of
        others are not looked into here.
        """
        found = []
        for key in keys:
            try:
                if load(key, self._database).contains(self._account, self._database):
                    found.append(key.owner)
            except StoreCorrupt as error:
                if key.owner in self._own.get(MIRRORS[key.kind], ()):
                    self.flaws.append(Flaw(str(key), str(error)))
        return found

    def _compare(self, kind: int, own: BitMap, theirs: BitMap) -> None:
        """Name edges that one side lacks.

        Args:
            kind: the kind of the others' sets.
            own: whose set should have the account.
            theirs: whose does.
        """
        mine = SetKey(self._account, MIRRORS[kind])
        for other in own - theirs:
            what = f"member {self._account} is missing, though {mine} has {other}"
            self.flaws.append(Flaw(str(SetKey(other, kind)), what))
        for other in theirs - own:
            what = f"member {other} is missing, though {SetKey(other, kind)} has {mine.owner}"
            self.flaws.append(Flaw(str(mine), what))

    # -- all of a range ----------------------------------------------------------------------------

    def _scan(self, *, count: bool) -> None:
        """Read ranges of accounts in a random order; ``count`` their edges as looked at."""
        last = max(
            int(
                self._database.value(f"SELECT MAX(owner) FROM {table} WHERE owner < {ORDINALS}")
                or 0
            )
            for table in ("packed", "journal")
        )
        starts = list(range(0, last + 1, RANGE))
        self._random.shuffle(starts)
        read = 0
        for start in starts:
            if self._over and read:
                break
            span = BitMap(range(start, start + RANGE))
            held = self._held(start, start + RANGE)
            for kind, own in self._own.items():
                expected = own & span
                self._compare(MIRRORS[kind], expected, held.get(MIRRORS[kind], BitMap()))
                self.checked += len(expected) if count else 0
            read += 1
        self.scanned = read / len(starts) if starts else 1.0

    def _held(self, low: int, high: int) -> Mapping[int, BitMap]:
        """Return who in a range has the account as a member, by the kind of the set."""
        where = f"WHERE owner >= ? AND owner < ? AND {_OF_THEM}"
        rows = self._database.rows(
            f"SELECT owner, kind, part, data FROM packed {where} ORDER BY owner, kind, part",
            (low, high),
        )
        journalled = {
            SetKey(*row)
            for row in self._database.rows(
                f"SELECT DISTINCT owner, kind FROM journal {where}", (low, high)
            )
        }
        found = {kind: BitMap() for kind in _KINDS}
        whole, apart = _split(rows, self._account)
        for kind, owners in whole.items():
            found[kind] |= owners
        for key in journalled:  # what is packed of it is not all there is
            found[key.kind].discard(key.owner)
        for key in journalled | apart:
            for owner in self._holding([key]):
                found[key.kind].add(owner)
        return found


def _split(rows: list[Any], account: int) -> tuple[dict[int, BitMap], set[SetKey]]:
    """Return, of packed rows, who has an account as a member by kind, and the sets to ask."""
    found: dict[int, BitMap] = {}
    apart: set[SetKey] = set()
    if not rows:
        return found, apart
    columns = tuple(zip(*rows, strict=True))
    owners = np.array(columns[0], dtype=np.int64)
    kinds = np.array(columns[1], dtype=np.int64)
    lengths = np.fromiter(map(len, columns[3]), dtype=np.int64, count=len(rows))
    data = np.frombuffer(b"".join(columns[3]), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    rest = np.ones(len(rows), dtype=np.bool_)
    for size in range(5):
        of_size = np.flatnonzero(lengths == SINGLETON + size)
        if len(of_size):
            members, sound = decode_singletons(data, starts[of_size], size)
            rest[of_size[sound]] = False
            _add(found, owners, kinds, of_size[sound & (members == account)])
    for index in np.flatnonzero(rest).tolist():
        owner, kind, part, record = rows[index]
        if part or is_header(record):
            apart.add(SetKey(owner, kind))
            continue
        try:
            _, members = decode_entries(record)
        except StoreCorrupt:  # a part of a set, or damaged: asked for by itself
            apart.add(SetKey(owner, kind))
            continue
        if account in members:
            found.setdefault(kind, BitMap()).add(owner)
    return found, apart


def _add(
    found: dict[int, BitMap],
    owners: NDArray[np.int64],
    kinds: NDArray[np.int64],
    rows: NDArray[np.intp],
) -> None:
    for kind in np.unique(kinds[rows]).tolist():
        of_kind = rows[kinds[rows] == kind]
        found.setdefault(SetKind(kind), BitMap())
        found[kind] |= bitmap_of(owners[of_kind].astype(np.uint32))
