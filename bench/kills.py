"""``bench kills``: the server is killed a thousand times under load; nothing may be lost."""

from __future__ import annotations

from msgspec import Struct

from bench.harness import Bench
from bench.results import percentile
from rostra.testing.kills import Kills


class Sizes(Struct, frozen=True, kw_only=True):
    """How large: ``kills`` in all, up to ``most`` in one life of a server with ``workers``."""

    kills: int = 1_000
    most: int = 3
    workers: int = 2
    seed: int = 1


SMALL = Sizes(kills=2, most=2)


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure and add the figures.

    Raises:
        RuntimeError: the server gave an answer that no server may give.
    """
    kills = Kills(bench.folder, seed=sizes.seed, workers=sizes.workers)
    report = kills.report
    with bench.progress("kill -9", sizes.kills) as advance:
        while report.kills < sizes.kills and not report.faults:
            advance(kills.round(most=min(sizes.most, sizes.kills - report.kills)))
    figures = bench.figures
    for key, name, faults in (
        ("lost", f"acknowledged writes lost over {report.kills:,} kill -9 under load", report.lost),
        ("halves", "edges with one side only", report.halves),
        ("doubled", "posts tried again that are there twice", report.doubled),
        (
            "differences",
            "differences the verifier finds after the kills",
            report.differences,
        ),
    ):
        note = "; ".join(faults[:5])
        figures.add(key, name, len(faults), "", goal="kills.lost", note=note)
    figures.add("acknowledged", "writes acknowledged", report.acknowledged, "")
    figures.add("checked", "memberships and posts looked up afterwards", report.checked, "")
    restarts = report.restarts_ms
    figures.add(
        "restart_p99",
        "from starting the server after a kill until it answers that it is ready, p99",
        percentile(restarts, 0.99),
        "ms",
        values=restarts,
    )
