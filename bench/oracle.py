"""``bench oracle``: a million random acts while the tool runs, all held against a plain oracle.

Reinstatements and amnesties are planned, run, killed and rolled back by chance, with others acting
between any two of their commits; what probes say is chance (``rostra.testing.tool_world``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from random import Random

import structlog
from msgspec import Struct

from bench.harness import Bench
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.random_world import Disagreement, Shape
from rostra.testing.tool_world import ToolWorld


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


SMALL = Sizes(operations=1_200, accounts=300, crowd=200, lot=60)


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure and add the figures; a disagreement is a figure too, and ends the run."""
    shape = Shape(accounts=sizes.accounts, crowd=sizes.crowd, lot=sizes.lot)
    folder = bench.folder / "data"
    world = ToolWorld(folder, seed=sizes.seed, shape=shape)
    started = time.perf_counter()
    problem = ""
    log = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        asyncio.run(_live(bench, sizes, world))
    except Disagreement as error:
        problem = str(error)
    finally:
        structlog.configure(**log)
    seconds = time.perf_counter() - started
    with bench.step("the verifier"):
        database = Database(folder / DATABASE_FILE, writable=False)
        differences = [str(found) for found in verify(database, random=Random(sizes.seed))]
        database.close()
    figures = bench.figures
    figures.add(
        "drift",
        f"disagreements in {world.operations:,} random acts while the tool runs",
        int(bool(problem)),
        "",
        goal="oracle.drift",
        note=problem,
    )
    _tool(bench, world)
    figures.add("compared", "counts, lists and ties compared", world.compared, "")
    figures.add("refused", "acts refused, as the oracle said they must be", world.refused, "")
    figures.add(
        "differences",
        "differences the verifier finds afterwards, the ledger's check included",
        len(differences),
        "",
        goal="oracle.drift",
        note="; ".join(differences[:5]),
    )
    rate = world.operations / seconds
    figures.add("rate", "acts, each compared with the oracle", rate, "acts/s", more_is_better=True)


def _tool(bench: Bench, world: ToolWorld) -> None:
    """Add how often the tool did what."""
    figures, runs, amnesties = bench.figures, world.runs, world.amnesties
    figures.add(
        "plans",
        "plans of reinstatements, each figure as counted edge by edge",
        runs.planned,
        "",
        note=f"{runs.stale} went stale before they were carried out",
    )
    figures.add("runs", "reinstatements run", sum(runs.ended.values()), "", note=_told(runs.ended))
    figures.add(
        "amnesties",
        "amnesties planned, each count of each account as counted edge by edge",
        amnesties.planned,
        "",
        note=f"how those that were run ended: {_told(amnesties.ended)}",
    )
    figures.add(
        "outcomes",
        "accounts that a wave or a rollback came to",
        sum(amnesties.became.values()),
        "",
        note=_told(amnesties.became),
    )
    figures.add("kills", "times the tool was killed at work and taken up again", world.kills, "")


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


async def _live(bench: Bench, sizes: Sizes, world: ToolWorld) -> None:
    async with world.opened():
        await world.populate()
        due = sizes.whole
        with bench.progress("random acts", sizes.operations) as advance:
            while world.operations < sizes.operations:
                advance(await world.step())
                if world.operations >= due:
                    world.compare_all()
                    due += sizes.whole
        await world.end()
