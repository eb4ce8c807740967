"""The verifier: proves that the journal and the packed form agree, and each set with its mirror.

A whole run reads every set once. Whether the two sides of every edge are there is told by sums of
hashes in buckets; only where these differ are the edges read again and named one by one. A sampled
run looks at some sets, and asks the other side of each edge directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.domain.errors import StoreCorrupt
from rostra.storage.collected import KINDS
from rostra.storage.database.sqlite import Database, translated
from rostra.storage.differences import Difference, Problem
from rostra.storage.integrity.edge_sums import PAIRS, Edges, EdgeSums, Side, hash_edges, mix
from rostra.storage.integrity.index_checks import index_differences, tag_follower_differences
from rostra.storage.integrity.ledger_checks import ledger_differences
from rostra.storage.integrity.server_checks import (
    boosters,
    boosts,
    collected_difference,
    listed,
    of_those_there,
    server_differences,
    statuses_there,
)
from rostra.storage.integrity.verdict_checks import verdict_differences
from rostra.storage.integrity.walk import Walk
from rostra.storage.integrity.word_checks import word_differences
from rostra.storage.sets import load

__all__ = ["Difference", "Problem", "verify"]

MIRRORS_A_SET: Final = 10_000
"""How many edges of one sampled set are looked up on their other side."""

FAULTS_OF_FILE: Final = 100

Progress = Callable[[int, int], None]


def _quiet(done: int, total: int) -> None:
    """Show no progress."""


def verify(
    database: Database,
    *,
    random: Random,
    sample: float = 1.0,
    progress: Progress = _quiet,
    now: int | None = None,
) -> Iterator[Difference]:
    """Yield each difference between what is stored and what should be, in one snapshot.

    Args:
        database: a connection; a server may be writing through others meanwhile.
        random: chance, for which sets a sampled run takes.
        sample: the share of the sets to look at, 0 to 1.
        progress: called with (packed rows read, packed rows in all).
        now: the time in ms that timed enforcement is judged at; the machine's when not given.
    """
    at = time.time_ns() // 1_000_000 if now is None else now
    run = _Run(database, random, sample, progress)
    try:
        with translated(), _snapshot(database):
            yield from run.whole(at) if sample >= 1 else run.sampled(at)
    except StoreCorrupt as error:
        yield Difference(
            set=None,
            problem=Problem.DAMAGED_FILE,
            detail=f"{error}; what comes after it was not checked",
            repairable=False,
        )


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    if database.connection.in_transaction:
        yield
        return
    database.run("BEGIN")
    try:
        yield
    finally:
        database.run("ROLLBACK")


class _Run:
    """One run of the verifier."""

    def __init__(
        self, database: Database, random: Random, sample: float, progress: Progress
    ) -> None:
        self._database = database
        self._random = random
        self._share = np.uint64(min(int(sample * 2**64), 2**64 - 1))
        self._seed = np.uint64(random.getrandbits(64))
        self._progress = progress
        self._found: list[Difference] = []

    def whole(self, now: int) -> Iterator[Difference]:
        """Check everything."""
        yield from self._file()
        kinds = (*PAIRS, SetKind.BOOSTS, *KINDS)
        sums: dict[int, EdgeSums] = {kind: EdgeSums() for kind in kinds}
        walk = self._walk()
        there = statuses_there(self._database)
        for edges in walk.edges():
            yield from self._take()
            pair, side = _place(edges.kind)
            if pair in KINDS:
                edges = of_those_there(edges, there)
            if pair in sums:
                sums[pair].add(side, hash_edges(edges))
        for edges in boosts(self._database):
            sums[SetKind.BOOSTS].add(1, hash_edges(edges))
        for kind in KINDS:
            for edges in listed(kind, self._database):
                sums[kind].add(1, hash_edges(edges))
        yield from self._take()
        for pair, of_pair in sums.items():
            for buckets in of_pair.unequal():
                yield from self._named(pair, buckets, walk.damaged)
        yield from server_differences(self._database, now)
        yield from word_differences(self._database)
        yield from index_differences(self._database)
        yield from tag_follower_differences(self._database)
        yield from ledger_differences(self._database)
        yield from verdict_differences(self._database)

    def sampled(self, now: int) -> Iterator[Difference]:
        """Check some sets, and their edges on the other side."""
        walk = self._walk(self._in_sample)
        for edges in walk.edges():
            yield from self._take()
            if edges.kind in MIRRORS:
                yield from self._other_sides(edges)
        yield from self._take()
        yield from self._sampled_boosts(walk.damaged)
        yield from server_differences(self._database, now)
        yield from word_differences(self._database)
        yield from ledger_differences(self._database)
        yield from verdict_differences(self._database)

    def _file(self) -> Iterator[Difference]:
        """Let SQLite check the structure of its file."""
        for (found,) in self._database.rows(f"PRAGMA quick_check({FAULTS_OF_FILE})"):
            if found != "ok":
                yield Difference(
                    set=None,
                    problem=Problem.DAMAGED_FILE,
                    detail=f"SQLite: {found}; restore a backup",
                    repairable=False,
                )

    def _walk(
        self,
        wanted: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]] | None = None,
    ) -> Walk:
        total = int(self._database.value("SELECT COUNT(*) FROM packed"))
        return Walk(
            self._database,
            self._found.append,
            wanted,
            lambda done: self._progress(done, total),
        )

    def _take(self) -> Iterator[Difference]:
        found, self._found[:] = list(self._found), []
        return iter(found)

    def _in_sample(self, owners: NDArray[np.int64], kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
        hashes = mix(mix(owners.astype(np.uint64) ^ self._seed) ^ kinds.astype(np.uint64))
        return hashes < self._share

    # -- both sides of every edge ------------------------------------------------------------------

    def _named(
        self, pair: int, buckets: NDArray[np.bool_], damaged: set[SetKey]
    ) -> Iterator[Difference]:
        """Name the edges that one side lacks, reading both sides again."""
        one, other = Side(buckets), Side(buckets)
        for edges in Walk(self._database, lambda difference: None, _of_pair(pair)).edges():
            (one if edges.kind == pair else other).add(edges)
        if pair == SetKind.BOOSTS:
            for edges in boosts(self._database):
                other.add(edges)
            yield from _boost_differences(one, other, damaged)
            return
        if pair in KINDS:
            yield from self._collected(pair, one, buckets, damaged)
            return
        second = MIRRORS[pair]
        for owner, member in one.without(other):
            yield from self._missing(SetKey(member, second), owner, damaged)
        for member, owner in other.without(one):
            yield from self._missing(SetKey(owner, pair), member, damaged)

    def _collected(
        self, kind: int, sets: Side, buckets: NDArray[np.bool_], damaged: set[SetKey]
    ) -> Iterator[Difference]:
        """Name what a list and a set do not agree on; a set that is damaged says nothing."""
        there = statuses_there(self._database)
        lists, members = Side(buckets), Side(buckets)
        for edges in listed(kind, self._database):
            lists.add(edges)
        for edges in sets.kept(kind):
            members.add(of_those_there(edges, there))
        for missing, found in ((True, members.without(lists)), (False, lists.without(members))):
            for status, account in found:
                key = SetKey(status, kind)
                if key not in damaged:
                    yield collected_difference(key, account, missing=missing)

    def _missing(self, key: SetKey, member: int, damaged: set[SetKey]) -> Iterator[Difference]:
        if key in damaged:  # named already; its members come back with its repair
            return
        mirror = key.mirror(member)
        yield Difference(
            set=key,
            problem=Problem.MIRROR,
            detail=f"member {member} is missing, though {mirror} has {key.owner}",
            repairable=True,
            place=member,
        )

    def _other_sides(self, edges: Edges) -> Iterator[Difference]:
        """Look for the edges of sampled sets on their other side."""
        pairs = list(zip(edges.owners.tolist(), edges.members.tolist(), strict=True))
        if len(pairs) > MIRRORS_A_SET:
            pairs = self._random.sample(pairs, MIRRORS_A_SET)
        for owner, member in pairs:
            mirror = SetKey(owner, edges.kind).mirror(member)
            try:
                there = load(mirror, self._database).contains(owner, self._database)
            except StoreCorrupt as error:
                detail = f"cannot be read: {error}"
                yield Difference(
                    set=mirror, problem=Problem.DAMAGED_ROW, detail=detail, repairable=True
                )
                continue
            if not there:
                yield from self._missing(mirror, owner, set())

    def _sampled_boosts(self, damaged: set[SetKey]) -> Iterator[Difference]:
        rows = self._database.rows(
            "SELECT owner FROM packed WHERE kind = ? UNION SELECT owner FROM journal "
            "WHERE kind = ? UNION SELECT reblog_of FROM statuses WHERE reblog_of IS NOT NULL",
            (SetKind.BOOSTS, SetKind.BOOSTS),
        )
        owners: NDArray[np.int64] = np.array([row[0] for row in rows], dtype=np.int64)
        chosen = self._in_sample(owners, np.full(len(owners), SetKind.BOOSTS, dtype=np.int64))
        for status in owners[chosen].tolist():
            key = SetKey(status, SetKind.BOOSTS)
            if key not in damaged:
                by_set = load(key, self._database).bitmap(self._database)
                by_rows = boosters(status, self._database)
                for account in by_set - by_rows:
                    yield _boost(key, account, "though no status of it is a boost")
                for account in by_rows - by_set:
                    yield _boost(key, account, "though a status of it is a boost", missing=True)


def _place(kind: int) -> tuple[int, int]:
    """Return the first kind of a pair, and which side of it a kind is."""
    if kind in MIRRORS and kind not in PAIRS:
        return MIRRORS[kind], 1
    return kind, 0


def _of_pair(
    pair: int,
) -> Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]:
    kinds = [pair, MIRRORS[pair]] if pair in MIRRORS else [pair]
    return lambda owners, of: np.isin(of, kinds)


def _boost_differences(sets: Side, statuses: Side, damaged: set[SetKey]) -> Iterator[Difference]:
    for status, account in sets.without(statuses):
        key = SetKey(status, SetKind.BOOSTS)
        yield _boost(key, account, "though no status of it is a boost")
    for status, account in statuses.without(sets):
        key = SetKey(status, SetKind.BOOSTS)
        if key not in damaged:
            yield _boost(key, account, "though a status of it is a boost", missing=True)
    for status, account in statuses.doubled():
        key = SetKey(status, SetKind.BOOSTS)
        yield _boost(key, account, "by more than one status", repairable=False)


def _boost(
    key: SetKey, account: int, why: str, *, missing: bool = False, repairable: bool = True
) -> Difference:
    what = "is missing" if missing else "is a member"
    return Difference(
        set=key,
        problem=Problem.BOOST,
        detail=f"account {account} {what}, {why}",
        repairable=repairable,
        place=account,
    )
