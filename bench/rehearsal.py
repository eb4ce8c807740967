"""``bench rehearsal``: an account with 88 million followers, brought back by the tool.

As an operator does it, in front of visitors, over and over: planned, staged, cut over and confirmed
by its runs, while people visit the star and everybody else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from bench import reinstate
from bench.harness import Bench
from bench.results import percentile
from bench.stars import expect
from rostra.ops.rehearsal import (
    event,
    figures,
    looks,
    making,
    rehearsing,
    shape,
    tools,
    visitors,
    world,
)
from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.looks import LOOKS, Watch
from rostra.ops.rehearsal.record import Course
from rostra.ops.rehearsal.scenes import UNRELATED_READS
from rostra.ops.rehearsal.visitors import Visitors, Visits
from rostra.ops.rehearsal.watching import Watching
from rostra.ops.rehearsal.world import DATA, World
from rostra.testing.server import Client, Server, serve

SETTLE_S: Final = 3.0


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``followers`` of the star; ``rounds`` of suspending it and bringing it back on ``workers``,
    under at most ``rate`` requests a second; ``calm`` seconds of visits before, and ``between``
    the rounds. Tables of ``rows`` edges beside it, rewritten ``rewrites`` times.
    """

    followers: int = 88_000_000
    rounds: int = 20
    workers: int = 2
    rate: float = 300
    calm: float = 60
    between: float = 5
    rows: tuple[int, ...] = (1_000_000, 10_000_000)
    rewrites: int = 3
    seed: int = 1


SMALL = Sizes(
    followers=2_000, rounds=1, rate=60, calm=1, between=0.2, rows=(2_000, 10_000), rewrites=1
)


class Round(Struct, frozen=True):
    """One reinstatement by the tool.

    ``right`` is ms from the cut-over until each view was right in the slowest worker; ``plan``,
    ``staging`` and ``confirming`` are seconds.
    """

    right: dict[str, float]
    plan: float
    staging: float
    confirming: float

    @property
    def everywhere(self) -> float:
        """Ms from the cut-over until all was right in every worker."""
        return max(self.right.values())


class Measured(Struct, frozen=True):
    """What was measured: the rounds, the visits, when it was quiet, and the memory (MB)."""

    rounds: list[Round]
    visits: Visits
    quiet: tuple[float, float]
    ended: float
    memory: float


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: a view never got right, a run did not end well, or a count was off.
    """
    wanted = world.sizes(sizes.followers, sizes.seed)
    bench.say(f"building takes {world.needs(wanted).told()}")
    with making.prepared(
        bench.world, bench.folder / "live", wanted, keep=True, tell=lambda *_: None
    ) as (place, star):
        with serve(place / DATA, workers=sizes.workers) as server:
            rehearsing.reset(place / DATA, star)
            found = _measure(bench, server, place / DATA, star, sizes)
        _report_world(bench, star)
    _report(bench, found)
    rewrites = reinstate.rewrites(bench, sizes.rows, sizes.rewrites, sizes.seed)
    p99 = percentile([one.everywhere for one in found.rounds], 0.99)
    reinstate.report_rewrites(bench, sizes.followers, rewrites, p99)


def _measure(bench: Bench, server: Server, data: Path, star: World, sizes: Sizes) -> Measured:
    rounds: list[Round] = []
    event.warm(server, star)
    with (
        Watching(server) as eyes,
        visitors.visiting(
            server.port,
            star,
            shape.usual(),
            rate=sizes.rate,
            seconds_at_most=86_400,
            seed=sizes.seed,
        ) as crowd,
    ):
        time.sleep(SETTLE_S)
        began = time.time()
        time.sleep(sizes.calm)
        quiet = began, time.time()
        with bench.progress("suspend and bring back", sizes.rounds) as advance:
            for _ in range(sizes.rounds):
                rounds.append(_round(server, data, star, crowd))
                crowd.returned(sizes.between)
                time.sleep(sizes.between)
                advance(1)
        ended = time.time()
        visits = crowd.stop()
        _check(server, star, visits)
        memory = max(sum(sample.memory.values()) for sample in eyes.samples) / 1e6
    return Measured(rounds, visits, quiet, ended, memory)


def _round(server: Server, data: Path, star: World, crowd: Visitors) -> Round:
    """Suspend the star, have the tool bring it back, and see it right everywhere."""
    with (
        Watch(star, server, active=False) as gone,
        Client(server.port, star.moderator.token) as admin,
    ):
        path = f"/api/v1/admin/accounts/{star.star.id}/action"
        answer = admin.post(path, {"type": "suspend", "text": "measured"})
        expect(answer.status == 200, "the suspension to be granted", answer)
        expect(gone.wait(event.GIVE_UP_S), "all to be out of sight", gone.missing())
    crowd.left()
    course = Course()
    with Watch(star, server, active=True) as back:
        tools.reinstate(data, star, course, lambda state: None)
        expect(course.done, "the run to be done", (course.state, course.said))
        expect(back.wait(event.GIVE_UP_S), "all to be right", back.missing())
        by_view = figures.to_right(back.sights, course.cut_over_at)
    took = {step.name: (step.ended or step.began) - step.began for step in course.steps}
    return Round(
        right={look: max(found.values()) for look, found in by_view.items()},
        plan=took["planning"],
        staging=took["staging"],
        confirming=took["confirming"],
    )


def _check(server: Server, star: World, visits: Visits) -> None:
    """Hold the count of every worker against the truth, now that the visitors are gone."""
    expect(not visits.unsure, "every follow to be answered", visits.unsure)
    exact = star.visible + len(visits.following)
    for number in range(server.workers):
        with looks.connected(server, str(number), star.watchers[0].token) as client:
            found = client.get(f"/api/v1/accounts/{star.star.id}").data["followers_count"]
            expect(found == exact, f"{exact} followers in worker {number}", found)
            state = looks.state(star, client)
            expect(all(state.values()), f"all to be right in worker {number}", state)
    failed = [act for act in visits.acts if act.status >= 500 or act.status == 0]
    expect(not failed, "no visitor to be failed", failed[:3])


# -- figures ---------------------------------------------------------------------------------------


def _report_world(bench: Bench, star: World) -> None:
    name = f"the world of {star.sizes.followers:,} followers"
    bench.figures.add("built", f"{name}: built in", star.built_seconds, "s")
    bench.figures.add("built_peak", f"{name}: memory to build it", star.built_peak_mb, "MB")
    bench.figures.add("bytes", f"{name}: on the disk", star.bytes / 1e6, "MB")


def _report(bench: Bench, found: Measured) -> None:
    rounds = found.rounds
    everywhere = [one.everywhere for one in rounds]
    bench.figures.add(
        "right_everywhere",
        "by the tool: count, list, button, home, search and media right in every worker",
        percentile(everywhere, 0.99),
        "ms",
        values=everywhere,
        note="p99, from the cut-over, under live traffic",
    )
    for look, name in LOOKS.items():
        values = [one.right[look] for one in rounds]
        bench.figures.add(
            f"right_{look}", f"by the tool: {name} right", percentile(values, 0.99), "ms",
            values=values,
        )  # fmt: skip
    for key, name in (("plan", "the plan"), ("staging", "staging"), ("confirming", "confirming")):
        values = [getattr(one, key) for one in rounds]
        bench.figures.add(key, f"by the tool: {name}", max(values), "s", values=values)
    _report_traffic(bench, found)
    bench.figures.add("memory", "resident memory of the whole server", found.memory, "MB")


def _report_traffic(bench: Bench, found: Measured) -> None:
    acts = [act for act in found.visits.acts if act.what in UNRELATED_READS]
    begin, end = found.quiet
    quiet = figures.in_span(acts, begin, end)
    during = figures.in_span(acts, end, found.ended)
    ratio = _p99(during) / _p99(quiet)
    bench.figures.add(
        "unrelated_ratio", "unrelated reads: p99 during all of it over p99 when quiet", ratio, "×"
    )
    for key, name, part in (("quiet", "when quiet", quiet), ("during", "during", during)):
        values = [act.ms for act in part]
        bench.figures.add(
            f"unrelated_{key}", f"unrelated reads: p99 {name}", _p99(part), "ms", values=values
        )
    seconds = found.ended - end
    count = len(figures.in_span(found.visits.acts, end, found.ended))
    bench.figures.add(
        "visits", "visits answered meanwhile", count / seconds, "requests/s", more_is_better=True
    )


def _p99(acts: Sequence[Act]) -> float:
    return percentile([act.ms for act in acts], 0.99)
