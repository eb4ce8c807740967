"""The world of ``bench amnesty``, run as a process: many suspended accounts, and their edges.

Who follows whom is drawn anew for each account, evenly over the population, from a hash of the
account and the follower's rank: so both sides of every edge can be written in their own order
without sorting, or holding, all of them. What is dense about it: ordinals have no gaps, and an
edge's time follows from its two ends, so that followers came in the order of their ordinals. The
population has rows but no words in the search index, except for those that are suspended.

``python -m bench.amnesty_world make|check FOLDER …`` prints one line of JSON.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, ActionKind, in_force
from rostra.domain.events import EverythingReplaced
from rostra.domain.ids import TICKS_PER_MS, snowflake
from rostra.domain.packing import CRC_BYTES, ENTRIES_TAG, encode_entries
from rostra.storage.account_rows import INSERT, encode_row
from rostra.storage.bulk import load_edges, write_rows
from rostra.storage.packed import PART_BYTES, SMALL_MAX, packed_parts, store_large
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.people import Person, settle, write_statuses
from rostra.testing.worlds import BEGIN_MS, YEAR_MS

WORLD: Final = "world.json"
TRUTH: Final = "truth.npz"
AMNESTIED: Final = "The summer rule"
KEPT: Final = "Spam"
"""The grounds of those the amnesty is for, and of those it leaves alone."""

BLOCK: Final = 65_536
ACCOUNT_BITS: Final = 16
FIRST_TICK: Final = BEGIN_MS * TICKS_PER_MS
POWER: Final = 1.1
MOST: Final = 0.7
"""Nobody is followed by more than this share of the population."""
AT_ONCE: Final = 2_000
ROWS_AT_ONCE: Final = 200_000

Ranks = NDArray[np.int64]


class World(Struct, frozen=True, kw_only=True):
    """Who is who in the data folder; ``first`` is the ordinal of the first suspended account.

    Of the ``suspended`` accounts the first ``amnestied`` are those to be reinstated.
    """

    planner: Person
    approver: Person
    star: Person
    people: list[Person]
    first: int
    ids: list[int]  # of the amnestied
    amnestied: int
    suspended: int
    population: int
    edges: int
    status: int


class Graph:
    """Who follows the suspended accounts, by ranks from 0 on; the first ranks are theirs.

    Args:
        suspended: how many there are.
        population: how many may follow them, they themselves included.
        edges: about how many edges there are.
        seed: what chance begins with.
    """

    def __init__(self, suspended: int, population: int, edges: int, seed: int) -> None:
        self.population = population
        self._seed = np.uint64(seed)
        self.degrees = _degrees(suspended, population, edges, seed)

    def followers(self, account: int) -> Ranks:
        """Return the ranks of an account's followers, ascending."""
        degree = int(self.degrees[account])
        found = self._drawn(np.full(degree, account), np.arange(degree), degree)
        return found[found != account]

    def block(self, number: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return (rank within the block [n], account [n]) of all edges from a block of followers,
        in the order of the followers and then of the accounts.
        """
        low, high = number * BLOCK, min((number + 1) * BLOCK, self.population)
        starts = np.maximum(low * self.degrees // self.population - 1, 0)
        ends = np.minimum(high * self.degrees // self.population + 2, self.degrees)
        counts = np.maximum(ends - starts, 0)
        accounts = np.repeat(np.arange(len(counts)), counts)
        before = np.cumsum(counts) - counts
        ranks = np.arange(len(accounts)) + np.repeat(starts - before, counts)
        found = self._drawn(accounts, ranks, self.degrees[accounts])
        keep = (found >= low) & (found < high) & (found != accounts)
        near = (found[keep] - low).astype(np.uint16)
        order = np.argsort(near, kind="stable")  # a radix sort, for numbers this short
        return near[order], accounts[keep].astype(np.uint16)[order]

    def _drawn(self, accounts: Ranks, ranks: Ranks, degrees: Ranks | int) -> Ranks:
        """Return the follower that stands at ``ranks`` of ``accounts``: one of each equal share."""
        low = -(-ranks * self.population // degrees)
        width = -(-(ranks + 1) * self.population // degrees) - low
        mixed = (accounts.astype(np.uint64) << np.uint64(32)) + ranks.astype(np.uint64)
        mixed = (mixed + self._seed) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed >>= np.uint64(32)
        mixed *= width.astype(np.uint64)
        drawn: Ranks = low + (mixed >> np.uint64(32)).astype(np.int64)
        return drawn


def _degrees(suspended: int, population: int, edges: int, seed: int) -> Ranks:
    """Return followers by account: a power law, cut off where the population ends, shuffled."""
    weights = np.arange(1, suspended + 1) ** -POWER
    most, scale = MOST * population, edges / weights.sum()
    for _ in range(60):  # what is cut off goes to the others
        scale *= edges / np.minimum(scale * weights, most).sum()
    found = np.maximum(np.minimum(scale * weights, most), 1).astype(np.int64)
    return np.random.default_rng(seed).permutation(found)


# -- writing ---------------------------------------------------------------------------------------


def make(
    folder: Path,
    amnestied: int,
    kept: int,
    edges: int,
    population: int,
    people: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
) -> World:
    """Make the data folder, and beside it what is true of it."""
    suspended = amnestied + kept
    graph = Graph(suspended, population, edges, seed)
    store = SqliteStore.open(folder)
    planner, approver = settle(store, ["planner", "approver"], role=Role.MODERATOR)
    star, *visitors = settle(store, ["star", *(f"visitor{n}" for n in range(people))])
    _follow(store, star, visitors)
    first = store.write_now(lambda tx: tx.accounts.reserve_ordinals(population))
    if first + suspended > 1 << ACCOUNT_BITS:
        raise ValueError(f"{suspended} suspended accounts: at most {(1 << ACCOUNT_BITS) - first}")
    _accounts(store, first, suspended, population)
    say("accounts")
    total, truth = _follower_sides(store, graph, first, say)
    _following_sides(store, graph, first, say)
    status = write_statuses(store, [star.ordinal] * 20, "Unmoved by it")[-1]
    write_statuses(store, list(range(first, first + min(200, amnestied))), "Written long ago")
    _suspend(store, first, amnestied, kept, planner.ordinal)
    store.close_now()
    np.savez(folder.parent / TRUTH, **truth)
    return World(
        planner=planner,
        approver=approver,
        star=star,
        people=visitors,
        first=first,
        ids=[_account(first, rank, population).id for rank in range(amnestied)],
        amnestied=amnestied,
        suspended=suspended,
        population=population,
        edges=total,
        status=status,
    )


def _follow(store: SqliteStore, star: Person, fans: list[Person]) -> None:
    owners = np.full(len(fans), star.ordinal, dtype=np.uint32)
    members = np.array([fan.ordinal for fan in fans], dtype=np.uint32)
    times = BEGIN_MS + np.arange(len(fans), dtype=np.int64)
    load_edges(store, SetKind.FOLLOWERS, owners, members, times)


def _accounts(store: SqliteStore, first: int, suspended: int, population: int) -> None:
    account = partial(_account, first, population=population)
    for lot in _lots(range(suspended), AT_ONCE):
        made = [account(rank) for rank in lot]
        with store.exclusive() as tx:
            tx.accounts.create_many(made, announce=False)
    for lot in _lots(range(suspended, population), ROWS_AT_ONCE):
        with store.exclusive() as tx:
            tx.database.run_many(INSERT, (encode_row(account(rank)) for rank in lot))
            tx.announce(EverythingReplaced())


def _account(first: int, rank: int, population: int) -> Account:
    at = BEGIN_MS + rank * (4 * YEAR_MS // population)
    return Account(
        ordinal=first + rank,
        id=snowflake(at, rank & 0xFFFF),
        username=f"p{rank:08}",
        created_at=at,
    )


def _follower_sides(
    store: SqliteStore, graph: Graph, first: int, say: Callable[[str], None]
) -> tuple[int, dict[str, Any]]:
    """Write the followers of each suspended account; return how many, and what is true of them.

    Of each account: its followers, and those of them that are suspended, in one flat array.
    """
    suspended = len(graph.degrees)
    sizes, hidden, ends = np.zeros(suspended, np.int64), [], np.zeros(suspended, np.int64)
    for lot in _lots(range(suspended), AT_ONCE):
        with store.exclusive() as tx:
            for account in lot:
                ranks = graph.followers(account)
                sizes[account] = len(ranks)
                hidden.append(ranks[: np.searchsorted(ranks, suspended)].astype(np.uint16))
                ends[account] = len(hidden[-1])
                _store_followers(tx, first, account, ranks)
            tx.announce(EverythingReplaced())
        say(f"followers of {lot[-1] + 1:,}")
    truth = {"sizes": sizes, "hidden": np.concatenate(hidden), "ends": np.cumsum(ends)}
    return int(sizes.sum()), truth


def _store_followers(tx: WriteView, first: int, account: int, ranks: Ranks) -> None:
    if not len(ranks):
        return
    key = SetKey(first + account, SetKind.FOLLOWERS)
    positions = FIRST_TICK + (ranks << ACCOUNT_BITS) + account
    members = (first + ranks).astype(np.uint32)
    if len(ranks) > SMALL_MAX:
        store_large(key, positions, members, tx.database)
    else:
        write_rows(tx.database, packed_parts(key, encode_entries(positions, members)))


def _following_sides(
    store: SqliteStore, graph: Graph, first: int, say: Callable[[str], None]
) -> None:
    """Write for each of the population whom it follows, a block of followers a transaction."""
    blocks = -(-graph.population // BLOCK)
    for number in range(blocks):
        near, accounts = graph.block(number)
        with store.exclusive() as tx:
            write_rows(tx.database, _following_rows(first, number * BLOCK, near, accounts))
            tx.announce(EverythingReplaced())
        say(f"follows of {number + 1} of {blocks} blocks")


def _following_rows(
    first: int, low: int, near: NDArray[np.uint16], accounts: NDArray[np.uint16]
) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield the rows of a block of followers in the order of their owners.

    Sets of the same size are encoded together, as ``domain.packing`` says, with 16 bits for each
    member and each gap.
    """
    counts = np.bincount(near, minlength=BLOCK)
    starts = np.cumsum(counts) - counts
    records: dict[int, bytes] = {}
    for count in np.unique(counts[counts > 0]).tolist():
        owners = np.flatnonzero(counts == count)
        members = accounts[starts[owners][:, None] + np.arange(count)].astype(np.int64)
        positions = FIRST_TICK + ((low + owners) << ACCOUNT_BITS) + members[:, 0]
        head = np.frombuffer(_head(count), dtype=np.uint8)
        table = np.hstack(
            (
                np.broadcast_to(head, (len(owners), len(head))),
                positions.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :6],
                (members + first).astype("<u2").view(np.uint8).reshape(len(owners), -1),
                np.diff(members, axis=1).astype("<u2").view(np.uint8).reshape(len(owners), -1),
            )
        )
        rows = np.ascontiguousarray(table)
        for owner, row in zip(owners.tolist(), rows, strict=True):
            record = row.tobytes()
            records[owner] = record + zlib.crc32(record).to_bytes(CRC_BYTES, "little")
    for owner in sorted(records):
        record = records[owner]
        key = SetKey(first + low + owner, SetKind.FOLLOWING)
        if counts[owner] > SMALL_MAX:
            raise ValueError(f"{key} has {counts[owner]} members: take a larger population")
        if len(record) <= PART_BYTES:
            yield key.owner, key.kind, 0, record
        else:
            yield from packed_parts(key, record)


def _head(count: int) -> bytes:
    """Return the first bytes of an entries record: tag, widths, and the count in LEB128."""
    low, high = count & 0x7F, count >> 7
    size = bytes((low | 0x80, high)) if high else bytes((low,))
    return bytes((ENTRIES_TAG, ACCOUNT_BITS, ACCOUNT_BITS)) + size


def _suspend(store: SqliteStore, first: int, amnestied: int, kept: int, moderator: int) -> None:
    for lot in _lots(range(amnestied + kept), AT_ONCE):
        with store.exclusive() as tx:
            for rank in lot:
                tx.enforcement.take(
                    Action(
                        id=tx.next_id(),
                        account=first + rank,
                        kind=ActionKind.SUSPEND,
                        ground=AMNESTIED if rank < amnestied else KEPT,
                        moderator=moderator,
                        taken_at=tx.now,
                        starts_at=tx.now,
                    )
                )


def _lots(numbers: range, size: int) -> Iterator[range]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


# -- what is true ----------------------------------------------------------------------------------


class Truth:
    """How many followers anybody may see of each suspended account, from numpy arrays alone.

    Args:
        path: the file ``make`` wrote beside the data folder.
    """

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            self._sizes, self._hidden = stored["sizes"], stored["hidden"]
            self._ends = stored["ends"]

    def count(self, rank: int, suspended: BitMap) -> int:
        """Return the count of an account while these (ranks) are suspended."""
        start = int(self._ends[rank - 1]) if rank else 0
        own = BitMap(self._hidden[start : int(self._ends[rank])])
        return int(self._sizes[rank]) - own.intersection_cardinality(suspended)

    def size(self, rank: int) -> int:
        """Return how many followers an account has as stored."""
        return int(self._sizes[rank])


def check(folder: Path) -> int:
    """Return how many accounts are counted otherwise than is true, by the engine of a new process.

    The truth is made of who is suspended, by the record of enforcement alone, and of the arrays.
    """
    world = msgspec.json.decode((folder.parent / WORLD).read_bytes(), type=World)
    truth = Truth(folder.parent / TRUTH)
    store = SqliteStore.open(folder)
    ranks = range(world.suspended)
    with store.read() as snap:
        suspended = BitMap(
            [
                rank
                for rank in ranks
                if in_force(*snap.enforcement.of_account(world.first + rank), snap.now)
            ]
        )
        wrong = 0
        for rank in ranks:
            key = SetKey(world.first + rank, SetKind.FOLLOWERS)
            seen = 0 if rank in suspended else truth.count(rank, suspended)
            right = (seen, truth.count(rank, suspended), truth.size(rank))
            gate = snap.gate
            wrong += (gate.visible_count(key), gate.size_active(key), gate.true_count(key)) != right
    store.close_now()
    return wrong


def main(arguments: list[str]) -> None:
    """Make the world, telling how far it is on standard error, or check it."""
    step, folder, *numbers = arguments
    path = Path(folder)
    if step == "check":
        print(msgspec.json.encode({"wrong": check(path)}).decode())
        return

    def say(text: str) -> None:
        print(f"\r{text:60}", end="", file=sys.stderr, flush=True)

    world = make(path, *map(int, numbers), say=say)
    (path.parent / WORLD).write_bytes(msgspec.json.encode(world))
    print("{}")


if __name__ == "__main__":
    main(sys.argv[1:])
