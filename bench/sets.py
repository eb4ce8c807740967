"""``bench sets``: one account with 88 million followers, and a world of many small sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from bench.edges import EdgeStore, PostgresEdges, SqliteEdges
from bench.harness import Bench, forget_cached, in_new_process, timed
from bench.postgres import cluster
from bench.results import percentile
from bench.stars import FIRST, OWNER, Made, Opening, Reading, expect, read_truth
from rostra.testing.worlds import sample, star, zipf

S = TypeVar("S", bound=Struct)


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``members`` followers among ``ordinals``, ``suspended`` of them; a world in which ``accounts``
    follow ``each`` others; ``rows`` edges in each table beside them; ``opens`` processes that open
    the store.
    """

    members: int = 88_000_000
    ordinals: int = 440_000_000
    suspended: int = 1_000_000
    accounts: int = 1_000_000
    each: int = 100
    rows: int = 10_000_000
    opens: int = 7
    seed: int = 1


SMALL = Sizes(
    members=40_000,
    ordinals=200_000,
    suspended=1_000,
    accounts=500,
    each=20,
    rows=5_000,
    opens=2,
)


class Beside(Struct, frozen=True, kw_only=True):
    """What a table does with a star of ``rows`` followers and a world of ``rows`` edges."""

    load_rate: float
    star_bytes: float
    zipf_bytes: float
    count_ms: float
    contains_us: float
    page_ms: float


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: a store gave a wrong answer.
    """
    beside = _tables(bench, sizes)
    made, openings, reading = _star(bench, sizes)
    _report_star(bench, sizes, made, openings, reading, beside)
    with bench.step(f"a world of {sizes.accounts:,} accounts that follow {sizes.each} others"):
        folder = bench.folder / "zipf"
        zipf_made = _child(Made, "make-zipf", folder, sizes.accounts, sizes.each, sizes.seed)
    _report_made(bench, "zipf", "Zipf world", zipf_made, beside)


def _child(kind: type[S], step: str, folder: Path, *numbers: int) -> S:
    found = in_new_process("bench.stars", [step, str(folder), *map(str, numbers)])
    return msgspec.convert(found, kind)


def _star(bench: Bench, sizes: Sizes) -> tuple[Made, list[Opening], Reading]:
    folder = bench.folder / "star"
    with bench.step(f"a star of {sizes.members:,} followers, both sides of each edge"):
        made = _child(
            Made,
            "make-star",
            folder,
            sizes.members,
            sizes.ordinals,
            sizes.suspended,
            sizes.seed,
        )
    openings = []
    with bench.progress("open and count in new processes", sizes.opens) as advance:
        for _ in range(sizes.opens):
            forget_cached(folder)
            openings.append(_child(Opening, "open", folder))
            advance(1)
    with bench.step("members and pages"):
        forget_cached(folder)
        reading = _child(Reading, "read", folder)
    bench.say(f"{read_truth(folder).visible:,} visible, in every answer")
    return made, openings, reading


# -- the tables beside it --------------------------------------------------------------------------


def _tables(bench: Bench, sizes: Sizes) -> dict[str, Beside]:
    found = {}
    with _stores(bench) as stores:
        for star_store, zipf_store in stores:
            with bench.step(f"{star_store.name}: {sizes.rows:,} edges"):
                found[star_store.name] = _measure_table(star_store, zipf_store, sizes)
            star_store.close()
            zipf_store.close()
    return found


@contextmanager
def _stores(bench: Bench) -> Iterator[Iterator[tuple[EdgeStore, EdgeStore]]]:
    """Give pairs of empty tables, for the star and for the world, in one store, then another."""
    with cluster(bench.folder) as address:

        def pairs() -> Iterator[tuple[EdgeStore, EdgeStore]]:
            files = bench.folder / "star.sqlite", bench.folder / "zipf.sqlite"
            yield SqliteEdges(files[0]), SqliteEdges(files[1])
            yield PostgresEdges(address, "star"), PostgresEdges(address, "zipf")

        yield pairs()


def _measure_table(star_store: EdgeStore, zipf_store: EdgeStore, sizes: Sizes) -> Beside:
    rng = np.random.default_rng(sizes.seed)
    ordinals = max(FIRST + sizes.rows, round(sizes.ordinals * sizes.rows / sizes.members))
    hidden = max(1, round(sizes.suspended * ordinals / sizes.ordinals))
    world = star(rng, sizes.rows, first=FIRST, last=ordinals)
    suspended = sample(rng, hidden, FIRST, ordinals)
    targets = np.full(sizes.rows, OWNER, dtype=np.uint32)
    loading, _ = timed(lambda: star_store.load(world.members, targets, world.times, suspended))
    visible = int(np.count_nonzero(~np.isin(world.members, suspended)))
    counts = []
    for _ in range(5):
        seconds, count = timed(lambda: star_store.count(OWNER))
        expect(count == visible, f"{star_store.name} to count {visible}", count)
        counts.append(seconds * 1e3)
    some = world.members[:: max(1, sizes.rows // 1_000)].tolist()
    contains = [timed(partial(star_store.contains, OWNER, m))[0] * 1e6 for m in some]
    middle = int(world.times[sizes.rows // 2])
    pages = [timed(lambda: star_store.page(OWNER, middle))[0] * 1e3 for _ in range(50)]
    accounts = max(sizes.each + 1, sizes.rows // sizes.each)
    edges = zipf(rng, accounts, sizes.each)
    zipf_store.load(edges.owners, edges.members, edges.times, suspended)
    return Beside(
        load_rate=sizes.rows / loading,
        star_bytes=star_store.size() / sizes.rows,
        zipf_bytes=zipf_store.size() / len(edges.owners),
        count_ms=percentile(counts, 0.5),
        contains_us=percentile(contains, 0.5),
        page_ms=percentile(pages, 0.5),
    )


# -- figures ---------------------------------------------------------------------------------------


def _report_made(bench: Bench, key: str, what: str, made: Made, beside: dict[str, Beside]) -> None:
    sizes = {
        name: other.star_bytes if key == "star" else other.zipf_bytes
        for name, other in beside.items()
    }
    bench.figures.add(
        f"bytes_{key}",
        f"{what}: bytes on disk an edge, both directions, order and time kept",
        made.bytes / made.edges,
        "bytes",
        beside=sizes,
    )
    bench.figures.add(
        f"load_{key}",
        f"{what}: bulk load of {made.edges:,} edges, both sides",
        made.edges / made.seconds,
        "edges/s",
        beside={name: other.load_rate for name, other in beside.items()},
        more_is_better=True,
    )
    bench.figures.add(f"load_peak_{key}", f"{what}: peak memory of the load", made.peak_mb, "MB")


def _report_star(
    bench: Bench,
    sizes: Sizes,
    made: Made,
    openings: list[Opening],
    reading: Reading,
    beside: dict[str, Beside],
) -> None:
    figures = bench.figures
    at_rows = f"the tables beside it hold {sizes.rows:,} edges"
    _report_made(bench, "star", "star", made, beside)

    def spread(key: str, name: str, values: list[float], unit: str, **more: Any) -> None:
        figures.add(key, name, percentile(values, 0.5), unit, values=values, **more)

    counts = {name: other.count_ms for name, other in beside.items()}
    contains = {name: other.contains_us for name, other in beside.items()}
    pages = {name: other.page_ms for name, other in beside.items()}
    spread("open", "open the store, nothing cached", [o.open_ms for o in openings], "ms")
    figures.add("open_memory", "resident memory when open", openings[-1].resident_open_mb, "MB")
    spread(
        "count_disk",
        "exact visible count, read from disk",
        [o.count_disk_ms for o in openings],
        "ms",
        beside=counts,
        note=at_rows,
    )
    spread(
        "count_cold",
        "exact visible count, cold in memory",
        [o.count_memory_ms for o in openings],
        "ms",
        beside=counts,
        note=at_rows,
    )
    spread(
        "count_cached",
        "exact visible count, cached",
        reading.cached_us,
        "µs",
        beside={name: value * 1e3 for name, value in counts.items()},
        note=at_rows,
    )
    spread("count_read", "the same with opening a view", reading.read_and_count_us, "µs")
    figures.add(
        "count_memory", "resident memory after counting", openings[-1].resident_counted_mb, "MB"
    )
    figures.add("contains_first", "contains, the first from disk", reading.contains_first_us, "µs")
    spread("contains_hit", "contains, a member", reading.hit_us, "µs", beside=contains)
    spread("contains_miss", "contains, not a member", reading.miss_us, "µs", beside=contains)
    for depth, first in reading.pages_first_ms.items():
        figures.add(f"page_first_{depth}", f"page of 40 at {depth}, first from disk", first, "ms")
        spread(
            f"page_{depth}",
            f"page of 40 at {depth}",
            reading.pages_ms[depth],
            "ms",
            beside=pages,
            note="beside it: a page in the middle",
        )
    figures.add("read_memory", "resident memory after members and pages", reading.resident_mb, "MB")
    figures.add("peak_memory", "peak memory of all reads", reading.peak_mb, "MB")
