"""``bench amnesty``: 62,000 suspended accounts with 0.7 billion edges reinstated, and back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from bench.amnesty_world import AMNESTIED, TRUTH, WORLD, Graph, Truth, World
from bench.edges import EdgeStore, PostgresEdges, SqliteEdges
from bench.harness import Bench, in_new_process, timed
from bench.postgres import cluster
from bench.reinstate import Rewrite
from bench.results import percentile
from bench.stars import expect
from bench.visitor import Act, visitors
from rostra.storage.store import SqliteStore
from rostra.testing.server import Client, Server, serve
from rostra.testing.worlds import BEGIN_MS

PATH: Final = "/api/rostra/v1/amnesties"
LOOK_S: Final = 0.25
WRITES: Final = frozenset({"follow", "unfollow"})
PHASES: Final = {
    "before": "before",
    "dry": "during the dry run",
    "waves": "during the waves",
    "between": "between waves and rollback",
    "rollback": "during the rollback",
}
OVER: Final = frozenset({"done", "rolled_back", "halted", "failed", "stopped"})
PER_ACCOUNT: Final = 11_290
"""Edges of an account in the mean: 0.7 billion over 62,000."""


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``accounts`` are amnestied and ``kept`` others stay suspended; ``edges`` lead to them from a
    ``population`` that they belong to. ``people`` have tokens, ``clients`` of them visit meanwhile
    for ``calm`` seconds before and after as well; ``looked`` accounts are held to the truth over
    and over. Tables of ``rows`` edges are rewritten beside it.
    """

    accounts: int = 62_000
    kept: int = 2_000
    edges: int = 700_000_000
    population: int = 4_000_000
    people: int = 1_000
    clients: int = 2
    workers: int = 2
    calm: float = 45
    looked: int = 200
    rows: tuple[int, ...] = (500_000, 5_000_000)
    seed: int = 1


SMALL = Sizes(
    accounts=60,
    kept=10,
    edges=20_000,
    population=2_000,
    people=10,
    clients=1,
    calm=0.2,
    looked=10,
    rows=(2_000, 10_000),
)


class Scene(Struct, frozen=True):
    """A server on a world, and what is true of it."""

    bench: Bench
    server: Server
    folder: Path
    world: World
    truth: Truth
    sizes: Sizes


class Phase(Struct, frozen=True):
    """What was measured of waves or of a rollback: seconds, when (s since 1970), and drift."""

    seconds: float
    began: float
    ended: float
    looks: int
    drift: int


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: the amnesty did not end as it should.
    """
    folder, world, truth = _world(bench, sizes)
    with (
        serve(folder, workers=sizes.workers) as server,
        Client(server.port, world.planner.token) as planner,
        Client(server.port, world.approver.token) as approver,
        visitors(
            server.port, world.people[: sizes.clients], world.star.id, bench.folder
        ) as at_work,
    ):
        time.sleep(sizes.calm)
        began = time.time()
        dry, plan = _planned(bench, planner)
        planned_till = time.time()
        scene = Scene(bench, server, folder, world, truth, sizes)
        waves, told = _waves(scene, approver, plan)
        memory = server.memory()
        after_waves = _drift(bench, folder)
        calm_from = time.time()
        time.sleep(sizes.calm)
        calm_till = time.time()
        back = _rolled_back(scene, plan)
        time.sleep(sizes.calm)
        acts = at_work.stop()
    after_back = _drift(bench, folder)
    _report(bench, world, dry, told, waves, back, after_waves + after_back)
    bench.figures.add("memory", "resident memory of the whole server", memory, "MB")
    _report_visits(
        bench,
        acts,
        {
            "before": [(0, began)],
            "dry": [(began, planned_till)],
            "waves": [(waves.began, waves.ended)],
            "between": [(calm_from, calm_till)],
            "rollback": [(back.began, back.ended)],
        },
    )
    _report_rewrites(bench, sizes, world.edges, waves.seconds)


def _world(bench: Bench, sizes: Sizes) -> tuple[Path, World, Truth]:
    home = bench.world
    if not (home / WORLD).exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home / "data", ignore_errors=True)  # of a run that was broken off
        numbers = (
            *(sizes.accounts, sizes.kept, sizes.edges),
            *(sizes.population, sizes.people, sizes.seed),
        )
        with bench.step(f"{sizes.accounts:,} suspended accounts, {sizes.edges:,} edges"):
            in_new_process("bench.amnesty_world", ["make", str(home / "data"), *map(str, numbers)])
    world = msgspec.json.decode((home / WORLD).read_bytes(), type=World)
    found = (world.amnestied, world.suspended - world.amnestied)
    expect(found == (sizes.accounts, sizes.kept), "a world of these sizes; name another", found)
    return home / "data", world, Truth(home / TRUTH)


# -- the amnesty -----------------------------------------------------------------------------------


def _planned(bench: Bench, planner: Client) -> tuple[float, dict[str, Any]]:
    """Plan an amnesty; return how long that took (s), and what was planned."""
    sent = time.perf_counter()
    asked = {
        "where": f'ground = "{AMNESTIED}"',
        "ground": "measured",
        "limits": {"pause_s": 0, "lag_s": 600},
    }
    answer = planner.post(PATH, asked)
    expect(answer.status == 200, "the amnesty to be planned", answer)
    while answer.data["state"] == "planning":
        time.sleep(LOOK_S)
        answer = planner.get(f"{PATH}/{answer.data['id']}")
    seconds = time.perf_counter() - sent
    expect(answer.data["state"] == "planned", "a plan", answer)
    bench.say(f"planned in {seconds:.1f} s")
    return seconds, answer.data


def _waves(scene: Scene, approver: Client, plan: dict[str, Any]) -> tuple[Phase, dict[str, Any]]:
    path = f"{PATH}/{plan['id']}"
    answer = approver.post(f"{path}/approve", {"hash": plan["hash"]})
    expect(answer.status == 200, "the approval", answer)
    phase, told = _followed(scene, path, "run")
    expect(told["state"] == "done", "the waves to be done", told["why"])
    all_lifted = {"lifted": scene.sizes.accounts}
    expect(told["outcomes"] == all_lifted, "all to be lifted", told["outcomes"])
    return phase, told


def _rolled_back(scene: Scene, plan: dict[str, Any]) -> Phase:
    path = f"{PATH}/{plan['id']}"
    phase, told = _followed(scene, path, "rollback")
    found = told["outcomes"]
    expect(found == {"rolled_back": scene.sizes.accounts}, "all to be as before", found)
    return phase


def _followed(scene: Scene, path: str, verb: str) -> tuple[Phase, dict[str, Any]]:
    """Let a moderator decide, and look at accounts in every worker until it is done."""
    looks = drift = 0
    world, sizes = scene.world, scene.sizes
    with (
        Client(scene.server.port, world.planner.token) as planner,  # one that was not idle for long
        _engine(scene.folder, world) as suspended,
        scene.server.client_of_each_worker(world.people[-1].token) as workers,
        scene.bench.progress(verb, sizes.accounts) as advance,
    ):
        began, at = time.time(), time.perf_counter()
        answer = planner.post(f"{path}/{verb}")
        expect(answer.status == 200, "the decision to be taken", answer)
        random, done = Random(sizes.seed), 0
        chosen = random.sample(range(sizes.accounts), min(sizes.looked, sizes.accounts))
        told = answer.data
        while told["state"] not in OVER:
            found = _looked(workers, scene, suspended, random.sample(chosen, 4))
            looks, drift = looks + len(found), drift + sum(found)
            time.sleep(LOOK_S)
            told = planner.get(f"{path}/status").data
            advance(told["progress"]["done"] - done)
            done = told["progress"]["done"]
        seconds = time.perf_counter() - at
        ended = time.time()
        found = _looked(workers, scene, suspended, chosen)
        looks, drift = looks + len(found), drift + sum(found)
    scene.bench.say(f"{verb}: {seconds:.1f} s, {looks} looks, {drift} wrong")
    return Phase(seconds, began, ended, looks, drift), told


@contextmanager
def _engine(folder: Path, world: World) -> Iterator[Callable[[], BitMap]]:
    """Give what tells which of the suspended (ranks) are so now, from the data folder itself."""
    store = SqliteStore.open(folder)
    everybody = BitMap(range(world.first, world.first + world.suspended))

    def suspended() -> BitMap:
        with store.read() as snap:
            return snap.gate.hidden_in(everybody).shift(-world.first)

    try:
        yield suspended
    finally:
        store.close_now()


def _looked(
    workers: dict[str, Client],
    scene: Scene,
    suspended: Callable[[], BitMap],
    ranks: list[int],
) -> list[bool]:
    """Ask every worker for the count of accounts; return of each whether it was wrong.

    It is right when it was true at some moment between asking and being answered.
    """
    wrong = []
    for rank in ranks:
        for worker in workers.values():
            before = suspended()
            answer = worker.get(f"/api/v1/accounts/{scene.world.ids[rank]}").data
            after = suspended()
            possible = {0} if rank in (before | after) else set()
            bounds = sorted(scene.truth.count(rank, state) for state in (before, after))
            count = answer["followers_count"]
            shown = rank not in (before & after) and bounds[0] <= count <= bounds[1]
            wrong.append(not (shown or count in possible))
    return wrong


def _drift(bench: Bench, folder: Path) -> int:
    """Hold every account's count against the truth, in a fresh process; return how many are off."""
    with bench.step("every count held against the truth"):
        found = in_new_process("bench.amnesty_world", ["check", str(folder)])
    return int(found["wrong"])


# -- figures ---------------------------------------------------------------------------------------


def _report(
    bench: Bench,
    world: World,
    dry: float,
    told: dict[str, Any],
    waves: Phase,
    back: Phase,
    drift: int,
) -> None:
    add = bench.figures.add
    size = f"{world.amnestied:,} accounts, {world.edges:,} edges"
    dense = (
        "who follows whom is drawn at random; ordinals have no gaps, and followers came in the "
        "order of their ordinals"
    )
    add("dry_run", f"an amnesty's dry run: {size}", dry, "s", note=dense)
    add(
        "waves",
        f"an amnesty's waves without pauses, probes and the count at the end: {size}",
        waves.seconds,
        "s",
    )
    lifted = [wave["began_at"] for wave in told["waves"]]
    add("number", "waves, each followed by probes in every worker", len(lifted), "")
    add("rollback", f"rollback of the whole amnesty: {size}", back.seconds, "s")
    looks = waves.looks + back.looks
    add(
        "drift",
        f"counts that were wrong: all accounts after the waves and after the rollback, and in "
        f"{looks:,} looks in every worker meanwhile",
        drift + waves.drift + back.drift,
        "",
    )
    missed = abs(told["edges"]["alive"] - told["edges"]["expected"])
    add("edges", "edges that came alive, less those the plan expected", missed, "")
    add("alive", "edges that came alive", told["edges"]["alive"], "")


def _report_visits(
    bench: Bench, acts: list[Act], phases: dict[str, list[tuple[float, float]]]
) -> None:
    """Add what visitors waited who have nothing to do with any of the accounts."""

    def waits(phase: str, *, writes: bool) -> list[float]:
        return [
            act.ms
            for act in acts
            if (act.what in WRITES) == writes
            and any(low <= act.at < high for low, high in phases[phase])
        ]

    for phase in phases:
        if times := waits(phase, writes=False):
            what = f"an unrelated read's wait, {PHASES[phase]}: p99"
            bench.figures.add(f"read_{phase}", what, percentile(times, 0.99), "ms", values=times)
    for phase in phases:
        if times := waits(phase, writes=True):
            what = f"an unrelated follow's wait, {PHASES[phase]}: p99"
            bench.figures.add(f"write_{phase}", what, percentile(times, 0.99), "ms", values=times)
    before = waits("before", writes=False)
    for phase in ("dry", "waves", "rollback"):
        if (times := waits(phase, writes=False)) and before:
            ratio = percentile(times, 0.99) / percentile(before, 0.99)
            what = f"an unrelated read's p99 {PHASES[phase]}, against the one before"
            bench.figures.add(f"read_ratio_{phase}", what, ratio, "×")


def _report_rewrites(bench: Bench, sizes: Sizes, edges: int, lifted: float) -> None:
    found: dict[str, Rewrite] = {}
    with cluster(bench.folder) as address:
        for rows in sizes.rows:
            tables: tuple[Callable[[], EdgeStore], ...] = (
                partial(PostgresEdges, address, f"edges{rows}"),
                partial(SqliteEdges, bench.folder / f"edges{rows}.sqlite"),
            )
            for make in tables:
                _rewrite(bench, make(), rows, sizes, found)
    for name, rewrite in found.items():
        key = name.split()[0].lower()
        for rows, seconds in rewrite.reinstate.items():
            what = f"{name}: the same for {rows:,} edges, each rewritten"
            bench.figures.add(f"{key}_{rows}", what, seconds, "s")
        largest = max(rewrite.reinstate)
        at_size = rewrite.reinstate[largest] * edges / largest
        what = f"{name}: extrapolated to {edges:,} edges"
        note = f"in proportion from {largest:,} edges"
        bench.figures.add(f"{key}_extrapolated", what, at_size, "s", note=note)
        what = f"{name}: that against all waves here"
        bench.figures.add(f"{key}_ratio", what, at_size / lifted, "×")


def _rewrite(
    bench: Bench, table: EdgeStore, rows: int, sizes: Sizes, found: dict[str, Rewrite]
) -> None:
    accounts = max(3, min(rows // PER_ACCOUNT, rows // 10))
    graph = Graph(accounts, max(5 * accounts, rows // 60), rows, sizes.seed)
    with bench.step(f"{table.name}: {rows:,} edges"):
        members = [graph.followers(account) for account in range(accounts)]
        targets = np.repeat(np.arange(accounts, dtype=np.uint32), [len(one) for one in members])
        sources = np.concatenate(members).astype(np.uint32) + np.uint32(accounts)
        times = BEGIN_MS + np.arange(len(sources), dtype=np.int64)
        hidden = np.arange(accounts, 2 * accounts, dtype=np.uint32)
        table.load(sources, targets, times, hidden)

    def rewrite(state: int) -> int:
        return sum(table.rewrite(account, state) for account in range(accounts))

    with bench.step(f"{table.name}: rewriting {rows:,} edges"):
        suspend, one = timed(partial(rewrite, 1))
        reinstate, other = timed(partial(rewrite, 0))
    expect(one == other == len(sources), "all edges rewritten", (one, other))
    table.close()
    times_of = found.setdefault(table.name, Rewrite({}, {}))
    times_of.suspend[rows], times_of.reinstate[rows] = suspend, reinstate
