"""``bench oracle``: a million random acts, and every count held against a brute-force oracle."""

from __future__ import annotations

import asyncio
import time
from random import Random

from msgspec import Struct

from bench.harness import Bench
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.random_world import Disagreement, RandomWorld, Shape


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``operations`` in lots of up to ``lot``, among ``accounts``; the largest sets begin with
    ``crowd`` members; everything is compared every ``whole`` operations, and some after each lot.
    """

    operations: int = 1_000_000
    accounts: int = 4_000
    crowd: int = 2_500
    lot: int = 200
    whole: int = 100_000
    seed: int = 1


SMALL = Sizes(operations=400, accounts=300, crowd=200, lot=60)


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure and add the figures; a disagreement is a figure too, and ends the run."""
    shape = Shape(accounts=sizes.accounts, crowd=sizes.crowd, lot=sizes.lot)
    folder = bench.folder / "data"
    world = RandomWorld(folder, seed=sizes.seed, shape=shape)
    started = time.perf_counter()
    problem = ""
    try:
        asyncio.run(_live(bench, sizes, world))
    except Disagreement as error:
        problem = str(error)
    seconds = time.perf_counter() - started
    with bench.step("the verifier"):
        database = Database(folder / DATABASE_FILE, writable=False)
        differences = [str(found) for found in verify(database, random=Random(sizes.seed))]
        database.close()
    figures = bench.figures
    figures.add(
        "drift",
        f"disagreements in {world.operations:,} random acts with suspensions",
        int(bool(problem)),
        "",
        note=problem,
    )
    figures.add("compared", "counts, lists and ties compared", world.compared, "")
    figures.add("refused", "acts refused, as the oracle said they must be", world.refused, "")
    figures.add(
        "differences",
        "differences the verifier finds afterwards",
        len(differences),
        "",
        goal="oracle.drift",
        note="; ".join(differences[:5]),
    )
    rate = world.operations / seconds
    figures.add("rate", "acts, each compared with the oracle", rate, "acts/s", more_is_better=True)


async def _live(bench: Bench, sizes: Sizes, world: RandomWorld) -> None:
    async with world.opened():
        await world.populate()
        due = sizes.whole
        with bench.progress("random acts", sizes.operations) as advance:
            while world.operations < sizes.operations:
                advance(await world.step())
                if world.operations >= due:
                    world.compare_all()
                    due += sizes.whole
        world.compare_all()
