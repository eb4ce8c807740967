"""``bench reinstate``: an account with 88 million followers, suspended and reinstated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from bench.edges import EdgeStore, PostgresEdges, SqliteEdges
from bench.harness import Bench, in_new_process, timed
from bench.postgres import cluster
from bench.results import percentile
from bench.stage import WORLD, Rows, World
from bench.stars import FIRST, OWNER, expect
from bench.visitor import Act, visitors
from rostra.testing.server import Client, Server, serve
from rostra.testing.worlds import sample, star

LOOKS: Final = ("count", "list", "button", "timeline")
GIVE_UP_S: Final = 120.0


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``members`` followers among ``ordinals``, ``suspended`` of these; ``people`` of the followers
    are full accounts; ``clients`` visit meanwhile; ``rounds`` of suspending and reinstating on
    ``workers``; tables of ``rows`` edges beside it, rewritten ``rewrites`` times; ``calm`` seconds
    of visits before and after.
    """

    members: int = 88_000_000
    ordinals: int = 440_000_000
    suspended: int = 1_000_000
    people: int = 10_000
    clients: int = 2
    workers: int = 2
    rounds: int = 25
    calm: float = 10
    rows: tuple[int, ...] = (1_000_000, 10_000_000)
    rewrites: int = 3
    seed: int = 1


SMALL = Sizes(
    members=20_000,
    ordinals=100_000,
    suspended=500,
    people=100,
    rounds=2,
    calm=0.2,
    rows=(2_000, 10_000),
    rewrites=1,
)


class Turn(Struct, frozen=True):
    """One suspension or reinstatement.

    ``answered`` ms until its answer came; ``right`` ms from sending it until the first right read,
    by what was looked at, in the worker where that took longest.
    """

    answered: float
    right: dict[str, float]

    @property
    def everywhere(self) -> float:
        """Ms from sending it until all of it was right in every worker."""
        return max(self.right.values())


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: the server never gave a right answer, or a count was off at the end.
    """
    folder = bench.folder / "data"
    with bench.step(f"a star of {sizes.members:,} followers, {sizes.people:,} full accounts"):
        numbers = (
            sizes.members,
            sizes.ordinals,
            sizes.suspended,
            sizes.people,
            sizes.clients,
            sizes.seed,
        )
        in_new_process("bench.stage", ["make", str(folder), *map(str, numbers)])
    world = msgspec.json.decode((bench.folder / WORLD).read_bytes(), type=World)
    with serve(folder, workers=sizes.workers) as server:
        cold = _cold(bench, server, world)
        hidden, shown, acts, phases = _rounds(bench, server, world, sizes)
        memory = server.memory()
    few = _rows(bench, folder, world.small.ordinal, world)
    many = _rows(bench, folder, world.star.ordinal, world)
    rewritten = rewrites(bench, sizes.rows, sizes.rewrites, sizes.seed)
    _report_turns(bench, hidden, shown, cold)
    _report_rows(bench, sizes, few, many)
    _report_throughput(bench, acts, phases)
    bench.figures.add("memory", "resident memory of the whole server", memory, "MB")
    p99 = percentile([turn.everywhere for turn in shown], 0.99)
    report_rewrites(bench, sizes.members, rewritten, p99)


# -- the server ------------------------------------------------------------------------------------


def _cold(bench: Bench, server: Server, world: World) -> float:
    """Return how long a fresh server takes to count first, in its slowest worker; ms."""
    path = f"/api/v1/accounts/{world.star.id}"
    with server.client_of_each_worker(world.people[0].token) as clients:
        slowest = max(timed(partial(c.get, path))[0] for c in clients.values())
    bench.say(f"the first count in a fresh worker: {slowest * 1e3:.0f} ms")
    return slowest * 1e3


def _rounds(
    bench: Bench, server: Server, world: World, sizes: Sizes
) -> tuple[list[Turn], list[Turn], list[Act], tuple[float, float]]:
    looks = _looks(world, sizes.clients)
    hidden, shown = [], []
    with (
        Client(server.port, world.moderator.token) as admin,
        server.client_of_each_worker(world.people[-1].token) as clients,
        visitors(server.port, world.clients, world.star.id, bench.folder) as at_work,
    ):
        time.sleep(sizes.calm)
        begun = time.time()
        with bench.progress("suspend and reinstate", sizes.rounds) as advance:
            for _ in range(sizes.rounds):
                hidden.append(_turn(admin, clients, world, looks, active=False))
                shown.append(_turn(admin, clients, world, looks, active=True))
                advance(1)
        ended = time.time()
        time.sleep(sizes.calm)
        acts = at_work.stop()
        _check_count(clients, world, acts)
    return hidden, shown, acts, (begun, ended)


Look = Callable[[Client, bool], bool]
"""(a connection, whether the star should be active) → whether the answer is right."""


def _looks(world: World, clients: int) -> dict[str, Look]:
    """Return what a visitor looks at, and what is right; visitors may come and go at the top."""
    star, fans = world.star, set(world.newest)

    def count(client: Client, active: bool) -> bool:
        answer = client.get(f"/api/v1/accounts/{star.id}")
        followers = answer.data["followers_count"]
        if not active:
            return bool(followers == 0 and answer.data.get("suspended"))
        return bool(world.visible <= followers <= world.visible + clients)

    def listed(client: Client, active: bool) -> bool:
        answer = client.get(f"/api/v1/accounts/{star.id}/followers?limit=40")
        if answer.status == 404:
            return not active
        ids = [int(account["id"]) for account in answer.data]
        own = [id_ for id_ in ids if id_ in fans]
        return own == (world.newest if active else []) and (active or not ids)

    def button(client: Client, active: bool) -> bool:
        answer = client.get(f"/api/v1/accounts/relationships?id[]={star.id}")
        return [r["following"] for r in answer.data] == ([True] if active else [])

    def timeline(client: Client, active: bool) -> bool:
        answer = client.get("/api/v1/timelines/home?limit=20")
        return (str(world.status) in [status["id"] for status in answer.data]) == active

    return dict(zip(LOOKS, (count, listed, button, timeline), strict=True))


def _turn(
    admin: Client,
    clients: dict[str, Client],
    world: World,
    looks: dict[str, Look],
    *,
    active: bool,
) -> Turn:
    """Suspend or reinstate the star, and look in every worker at once until all is right."""
    path = f"/api/v1/admin/accounts/{world.star.id}"
    sent = time.perf_counter()
    if active:
        answer = admin.post(f"{path}/unsuspend")
    else:
        answer = admin.post(f"{path}/action", {"type": "suspend", "text": "measured"})
    answered = time.perf_counter() - sent
    expect(answer.status == 200, "the moderator's request to be granted", answer)
    right: dict[str, dict[str, float]] = {worker: {} for worker in clients}

    def look(worker: str, client: Client) -> None:
        while time.perf_counter() - sent < GIVE_UP_S:
            waiting = [what for what in LOOKS if what not in right[worker]]
            if not waiting:
                return
            for what in waiting:
                if looks[what](client, active):
                    right[worker][what] = (time.perf_counter() - sent) * 1e3

    threads = [threading.Thread(target=look, args=item) for item in clients.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(all(len(found) == len(LOOKS) for found in right.values()), "all to be right", right)
    slowest = {what: max(found[what] for found in right.values()) for what in LOOKS}
    return Turn(answered=answered * 1e3, right=slowest)


def _check_count(clients: dict[str, Client], world: World, acts: Sequence[Act]) -> None:
    """Hold the count of every worker against the truth, now that the visitors are gone."""
    path = f"/api/v1/accounts/{world.star.id}"
    found = {worker: c.get(path).data["followers_count"] for worker, c in clients.items()}
    following = 0
    for person in world.clients:
        client = next(iter(clients.values()))
        answer = client.get(
            f"/api/v1/accounts/relationships?id[]={world.star.id}", token=person.token
        )
        following += bool(answer.data[0]["following"])
    exact = world.visible + following
    expect(set(found.values()) == {exact}, f"{exact} followers in every worker", found)
    expect(any(act.status == 404 for act in acts), "follows refused while suspended", len(acts))


# -- rows ------------------------------------------------------------------------------------------


def _rows(bench: Bench, folder: Path, target: int, world: World) -> Rows:
    with bench.step("rows written"):
        arguments = ["rows", str(folder), str(target), str(world.moderator.ordinal)]
        return msgspec.convert(in_new_process("bench.stage", arguments), Rows)


class Rewrite(Struct, frozen=True):
    """How long a table of edges takes, in seconds, by its number of edges."""

    suspend: dict[int, float]
    reinstate: dict[int, float]

    def fitted(self, edges: int) -> tuple[float, float]:
        """Return the power of the growth, and the seconds it extrapolates to at ``edges``.

        A line through the logarithms, by least squares; growth is taken as proportional when
        there is one size only.
        """
        sizes = np.log(np.array(list(self.reinstate), dtype=float))
        times = np.log(np.array(list(self.reinstate.values())))
        if len(sizes) == 1:
            power, factor = 1.0, float(times[0] - sizes[0])
        else:
            power, factor = map(float, np.polyfit(sizes, times, 1))
        return power, float(np.exp(factor) * edges**power)


def rewrites(bench: Bench, sizes: Sequence[int], times: int, seed: int) -> dict[str, Rewrite]:
    """Measure how long tables of some sizes take to rewrite all edges of an account."""
    found: dict[str, Rewrite] = {}
    with cluster(bench.folder) as address:
        for rows in sizes:
            tables: tuple[Callable[[], EdgeStore], ...] = (
                partial(PostgresEdges, address, f"edges{rows}"),
                partial(SqliteEdges, bench.folder / f"edges{rows}.sqlite"),
            )
            for make in tables:
                _rewrite(bench, make(), rows, times, seed, found)
    return found


def _rewrite(
    bench: Bench, table: EdgeStore, rows: int, times: int, seed: int, found: dict[str, Rewrite]
) -> None:
    with bench.step(f"{table.name}: {rows:,} edges"):
        rng = np.random.default_rng(seed)
        world = star(rng, rows, first=FIRST, last=FIRST + 5 * rows)
        targets = np.full(rows, OWNER, dtype=np.uint32)
        suspended = sample(rng, max(1, rows // 100), FIRST, FIRST + 5 * rows)
        table.load(world.members, targets, world.times, suspended)
    taken: dict[int, list[float]] = {0: [], 1: []}
    with bench.step(f"{table.name}: rewriting {rows:,} edges"):
        for state in (1, 0) * times:
            seconds, changed = timed(partial(table.rewrite, OWNER, state))
            expect(changed == rows, f"{rows} edges rewritten", changed)
            taken[state].append(seconds)
    table.close()
    rewrite = found.setdefault(table.name, Rewrite({}, {}))
    rewrite.suspend[rows] = percentile(taken[1], 0.5)
    rewrite.reinstate[rows] = percentile(taken[0], 0.5)


# -- figures ---------------------------------------------------------------------------------------


def _report_turns(bench: Bench, hidden: list[Turn], shown: list[Turn], cold: float) -> None:
    def spread(key: str, name: str, values: list[float], note: str = "") -> None:
        bench.figures.add(key, name, percentile(values, 0.99), "ms", values=values, note=note)

    conservative = "p99, counted from sending the moderator's request, so its commit is included"
    spread(
        "right_everywhere",
        "reinstated: count, list, button and timeline right in every worker",
        [turn.everywhere for turn in shown],
        conservative,
    )
    for what in LOOKS:
        spread(f"right_{what}", f"reinstated: {what} right", [t.right[what] for t in shown])
    spread("answered", "reinstated: the moderator has the answer", [t.answered for t in shown])
    after = [turn.everywhere - turn.answered for turn in shown]
    spread("after_commit", "reinstated: all right after the answer (after the commit)", after)
    spread(
        "hidden_everywhere",
        "suspended: gone from count, list, button and timeline in every worker",
        [turn.everywhere for turn in hidden],
        conservative,
    )
    bench.figures.add("cold", "the first count of a freshly started worker", cold, "ms")


def _report_rows(bench: Bench, sizes: Sizes, few: Rows, many: Rows) -> None:
    growth = many.suspended + many.reinstated - few.suspended - few.reinstated
    for key, name, rows in (
        ("rows_suspend", "rows written by a suspension", many.suspended),
        ("rows_reinstate", "rows written by a reinstatement", many.reinstated),
    ):
        beside = {"a row an edge": float(sizes.members)}
        bench.figures.add(key, name, rows, "rows", beside=beside)
    name = f"rows written more for {sizes.members:,} followers than for 8"
    bench.figures.add("rows_growth", name, growth, "rows")


def _report_throughput(bench: Bench, acts: list[Act], phases: tuple[float, float]) -> None:
    begun, ended = phases
    parts = {
        "before": [act for act in acts if act.at < begun],
        "during": [act for act in acts if begun <= act.at < ended],
        "after": [act for act in acts if act.at >= ended],
    }
    for phase, part in parts.items():
        seconds = max(part[-1].at - part[0].at, 1e-3)
        times = [act.ms for act in part]
        name = f"visitors' requests answered, {phase} the rounds"
        bench.figures.add(
            f"throughput_{phase}", name, len(part) / seconds, "requests/s", more_is_better=True
        )
        name = f"visitors' wait, {phase} the rounds"
        bench.figures.add(f"wait_{phase}", name, percentile(times, 0.5), "ms", values=times)


def report_rewrites(bench: Bench, members: int, found: dict[str, Rewrite], ours_ms: float) -> None:
    """Add the figures of tables beside ours, extrapolated to as many edges."""
    for name, rewrite in found.items():
        key = name.split()[0].lower()
        for rows, seconds in rewrite.reinstate.items():
            bench.figures.add(
                f"{key}_{rows}", f"{name}: reinstating rewrites {rows:,} edges", seconds, "s"
            )
        power, at_size = rewrite.fitted(members)
        bench.figures.add(
            f"{key}_growth", f"{name}: grows with edges to the power of", power, "", goal=""
        )
        what = f"{name}: extrapolated to {members:,} edges"
        bench.figures.add(f"{key}_extrapolated", what, at_size, "s")
        ratio = at_size * 1e3 / ours_ms
        if key == "postgresql":
            what = "PostgreSQL's time at that size, against all right everywhere here"
            bench.figures.add("ratio", what, ratio, "×")
        else:
            bench.figures.add(f"{key}_ratio", f"{name}: the same ratio", ratio, "×")
