"""An account with very many followers, made and read in processes of their own.

``python -m bench.stars STEP FOLDER …`` prints one line of JSON; ``bench sets`` runs it so that no
figure is helped by what an earlier step left in memory.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from bench.harness import memory, repeated, settled_bytes, timed
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.ids import ticks
from rostra.storage.bulk import load_edges, load_set
from rostra.storage.store import SqliteStore
from rostra.testing.worlds import Edges, arrivals, sample, star, zipf

OWNER: Final = 1
"""The account that has the followers."""

FIRST: Final = 1_000
"""The lowest ordinal that follows it."""

SUSPENDED: Final = SetKey(SERVER, SetKind.SUSPENDED)
KEY: Final = SetKey(OWNER, SetKind.FOLLOWERS)
DEPTHS: Final = (0.0, 0.01, 0.5, 0.99)
PAGE: Final = 40
TRUTH: Final = "truth.json"


class Page(Struct, frozen=True):
    """The newest ``members`` that are not suspended among those who came before ``below`` (ms)."""

    depth: float
    below: int
    members: list[int]


class Truth(Struct, frozen=True):
    """What the arrays a world was made of say, to hold the store's answers against."""

    followers: int
    visible: int
    pages: list[Page]
    hits: list[int]
    misses: list[int]


class Made(Struct, frozen=True):
    """What making a world cost. Bytes are those of the edges alone, both sides of each."""

    edges: int
    seconds: float
    bytes: int
    peak_mb: float


class Opening(Struct, frozen=True):
    """One process that opened the store and asked for the count first; ms and MB."""

    open_ms: float
    count_disk_ms: float
    count_memory_ms: float
    resident_open_mb: float
    resident_counted_mb: float


class Reading(Struct, frozen=True):
    """One process that opened the store and did everything but count first; µs, ms and MB."""

    contains_first_us: float
    pages_first_ms: dict[str, float]
    resident_mb: float
    cached_us: list[float]
    read_and_count_us: list[float]
    hit_us: list[float]
    miss_us: list[float]
    pages_ms: dict[str, list[float]]
    peak_mb: float


def make_star(folder: Path, followers: int, ordinals: int, suspended: int, seed: int) -> Made:
    """Make a store with one star and its mask, and write down what is true of it."""
    rng = np.random.default_rng(seed)
    world = star(rng, followers, first=FIRST, last=ordinals)
    hidden = sample(rng, suspended, FIRST, ordinals)
    store = SqliteStore.open(folder)
    load_set(store, SUSPENDED, hidden, arrivals(rng, suspended, years=4))
    before = settled_bytes(folder)
    owners = np.full(followers, OWNER, dtype=np.uint32)
    seconds, _ = timed(
        lambda: load_edges(store, SetKind.FOLLOWERS, owners, world.members, world.times)
    )
    after = settled_bytes(folder)
    peak = memory()[1]
    store.close_now()
    is_hidden = np.zeros(ordinals + 1, dtype=bool)
    is_hidden[hidden] = True
    is_follower = np.zeros(ordinals + 1, dtype=bool)
    is_follower[world.members] = True
    shown = ~is_hidden[world.members]
    others = sample(rng, min(20_000, ordinals - FIRST), FIRST, ordinals)
    truth = Truth(
        followers=followers,
        visible=int(np.count_nonzero(shown)),
        pages=[_true_page(world.members, world.times, shown, depth) for depth in DEPTHS],
        hits=rng.choice(world.members, 10_000).tolist(),
        misses=others[~is_follower[others]][:10_000].tolist(),
    )
    (folder.parent / TRUTH).write_bytes(msgspec.json.encode(truth))
    return Made(edges=followers, seconds=seconds, bytes=after - before, peak_mb=peak)


def _true_page(members: Any, times: Any, shown: Any, depth: float) -> Page:
    end = len(members) - int(depth * len(members))
    while end < len(members) and times[end] == times[end - 1]:
        end += 1
    below = int(times[end]) if end < len(members) else int(times[-1]) + 1
    found = np.flatnonzero(shown[:end][::-1])[:PAGE]
    return Page(depth=depth, below=below, members=members[end - 1 - found].tolist())


def make_zipf(folder: Path, accounts: int, each: int, seed: int) -> Made:
    """Make a store in which accounts follow each other by Zipf's law, and check it.

    Raises:
        AssertionError: the store does not say what the arrays say.
    """
    rng = np.random.default_rng(seed)
    world = zipf(rng, accounts, each)
    store = SqliteStore.open(folder)
    before = settled_bytes(folder)
    seconds, _ = timed(
        lambda: load_edges(store, SetKind.FOLLOWING, world.owners, world.members, world.times)
    )
    after = settled_bytes(folder)
    peak = memory()[1]
    _check_zipf(store, world, each, rng)
    store.close_now()
    return Made(edges=accounts * each, seconds=seconds, bytes=after - before, peak_mb=peak)


def _check_zipf(store: SqliteStore, world: Edges, each: int, rng: np.random.Generator) -> None:
    counts = np.bincount(world.members)
    popular = np.argsort(counts)[-10:]
    checked = {*popular.tolist(), *rng.choice(world.owners, 200).tolist()}
    with store.read() as snapshot:
        for account in checked:
            followers = snapshot.gate.visible_count(SetKey(account, SetKind.FOLLOWERS))
            following = snapshot.gate.visible_count(SetKey(account, SetKind.FOLLOWING))
            expected = int(counts[account]) if account < len(counts) else 0
            expect(followers == expected, f"{account} has {expected} followers", followers)
            expect(following == each, f"{account} follows {each}", following)


def read_opening(folder: Path) -> Opening:
    """Open the store and ask for the count: from disk, then from memory without what was kept."""
    truth = read_truth(folder)
    opening, store = timed(lambda: SqliteStore.open(folder))
    resident_open = memory()[0]
    with store.read() as snapshot:
        from_disk, count = timed(lambda: snapshot.gate.visible_count(KEY))
    expect(count == truth.visible, f"a visible count of {truth.visible}", count)
    resident_counted = memory()[0]
    store.close_now()
    store = SqliteStore.open(folder)
    with store.read() as snapshot:
        snapshot.sets.bitmap(KEY)
        in_memory, count = timed(lambda: snapshot.gate.visible_count(KEY))
    expect(count == truth.visible, f"a visible count of {truth.visible}", count)
    store.close_now()
    return Opening(
        open_ms=opening * 1e3,
        count_disk_ms=from_disk * 1e3,
        count_memory_ms=in_memory * 1e3,
        resident_open_mb=resident_open,
        resident_counted_mb=resident_counted,
    )


def read_rest(folder: Path) -> Reading:
    """Open the store and read members and pages: for the first time, then over and over."""
    truth = read_truth(folder)
    store = SqliteStore.open(folder)
    with store.read() as snapshot:
        first, found = timed(lambda: snapshot.sets.contains(KEY, truth.hits[0]))
        expect(found, "a member", found)

        def read_page(page: Page) -> Callable[[], object]:
            below = ticks(page.below)

            def read() -> None:
                entries = snapshot.gate.visible_page(KEY, limit=PAGE, max_id=below)
                members = [entry.member for entry in entries]
                expect(members == page.members, f"the page at {page.depth}", members)

            return read

        reads = {f"{page.depth:.0%}": read_page(page) for page in truth.pages}
        pages_first = {depth: timed(read)[0] * 1e3 for depth, read in reads.items()}
        resident = memory()[0]
        snapshot.gate.visible_count(KEY)
        cached = repeated(lambda: snapshot.gate.visible_count(KEY), 10_000)
        contains = snapshot.sets.contains
        hits = [_timed_contains(contains, member, True) for member in truth.hits]
        misses = [_timed_contains(contains, member, False) for member in truth.misses]
        pages = {
            depth: [second * 1e3 for second in repeated(read, 50)] for depth, read in reads.items()
        }

    def open_and_count() -> None:
        with store.read() as snapshot:
            snapshot.gate.visible_count(KEY)

    opened = repeated(open_and_count, 10_000)
    peak = memory()[1]
    store.close_now()
    return Reading(
        contains_first_us=first * 1e6,
        pages_first_ms=pages_first,
        resident_mb=resident,
        cached_us=[second * 1e6 for second in cached],
        read_and_count_us=[second * 1e6 for second in opened],
        hit_us=hits,
        miss_us=misses,
        pages_ms=pages,
        peak_mb=peak,
    )


def _timed_contains(contains: Callable[[SetKey, int], bool], member: int, expected: bool) -> float:
    started = time.perf_counter()
    found = contains(KEY, member)
    elapsed = time.perf_counter() - started
    expect(found == expected, f"contains({member}) = {expected}", found)
    return elapsed * 1e6


def read_truth(folder: Path) -> Truth:
    """Return what was written down when the star was made."""
    return msgspec.json.decode((folder.parent / TRUTH).read_bytes(), type=Truth)


def expect(holds: bool, what: str, found: object) -> None:
    """Stop a benchmark whose store is wrong: a fast wrong answer is no figure.

    Raises:
        AssertionError: it does not hold.
    """
    if not holds:
        raise AssertionError(f"expected {what}, found {found}")


def main(arguments: list[str]) -> None:
    """Run one of the steps and print what it measured."""
    step, folder, *numbers = arguments
    steps: dict[str, Callable[..., Struct]] = {
        "make-star": make_star,
        "make-zipf": make_zipf,
        "open": read_opening,
        "read": read_rest,
    }
    print(msgspec.json.encode(steps[step](Path(folder), *map(int, numbers))).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
