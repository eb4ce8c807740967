"""``bench timeline``: home timelines in a world of real activity and the other hot reads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

import apsw
import numpy as np
from msgspec import Struct

from bench import naive, wrk
from bench.harness import Bench, timed
from bench.results import ROOT
from bench.stars import expect
from bench.wrk import Load, Request
from rostra.domain.account_set import SetKey, SetKind
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.people import Person, open_context, settle
from rostra.testing.server import Client, Server, run_cli, serve

JUDGED_AT: Final = 16


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``log``: the recorded activity, below or beside the checkout; ``viewers`` for each number of
    ``followed``; ``connections`` to ``workers``; ``posts`` a second made meanwhile; ``seconds`` for
    each measurement.
    """

    log: str = "../shared/data/higgs/activity_time.txt.gz"
    viewers: int = 50
    followed: tuple[int, ...] = (50, 500, 5_000)
    connections: tuple[int, ...] = (1, 16, 64)
    workers: tuple[int, ...] = (1, 2)
    posts: tuple[int, ...] = (0, 20)
    seconds: float = 5
    seed: int = 1


SMALL = Sizes(
    log="src/rostra/testing/data/activity_head.txt.gz",
    viewers=3,
    followed=(50,),
    connections=(2,),
    workers=(2,),
    posts=(20,),
    seconds=0.2,
)


class Scene(Struct, frozen=True):
    """The world that is read: viewers by how many they follow, and what else is asked for."""

    viewers: dict[int, list[Person]]
    writers: list[Person]
    statuses: list[int]
    usernames: list[str]
    pages: list[str]


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: a home timeline was empty.
        wrk.Failed: a request was refused.
    """
    folder = bench.folder / "data"
    _import(bench, sizes, folder)
    with bench.step("viewers"):
        scene = _scene(folder, sizes)
    tables = bench.folder / "naive.sqlite"
    with bench.step("the same in plain tables"):
        naive.export(folder, tables)
    beside: dict[tuple[int, int, str], Load] = {}
    for workers in sizes.workers:
        with naive.serve(tables, workers=workers) as url:
            for what, requests in _naive_requests(scene).items():
                _warm(bench, sizes, url, requests)
                for connections in sizes.connections:
                    load = _play(bench, sizes, url, requests, connections)
                    beside[workers, connections, what] = load
            bench.say(f"plain tables measured with {workers} workers")
    for workers in sizes.workers:
        with serve(folder, workers=workers) as server:
            _check(server, scene)
            for posts in sizes.posts:
                with _posting(server, scene, posts):
                    weather = f"{posts} posts/s" if posts else "quiet"
                    _measure(bench, sizes, server, scene, weather, beside)


# -- the world -------------------------------------------------------------------------------------


def _import(bench: Bench, sizes: Sizes, folder: Path) -> None:
    log = ROOT / sizes.log
    with bench.step(f"importing {log.name}"):
        seconds, _ = timed(
            lambda: run_cli("import", "activity", log, "--follow-implied", data=folder)
        )
    database = apsw.Connection(str(folder / "rostra.db"), flags=apsw.SQLITE_OPEN_READONLY)
    query = "SELECT (SELECT count(*) FROM statuses), (SELECT count(*) FROM accounts)"
    statuses, accounts = next(iter(database.execute(query)))
    database.close()
    events = _lines(log)
    name = f"import of {events:,} events ({accounts:,} accounts, {statuses:,} statuses, follows)"
    bench.figures.add("import", name, events / seconds, "events/s", more_is_better=True)


def _lines(log: Path) -> int:
    import gzip

    with gzip.open(log) if log.suffix == ".gz" else log.open("rb") as lines:
        return sum(1 for _ in lines)


def _scene(folder: Path, sizes: Sizes) -> Scene:
    rng = np.random.default_rng(sizes.seed)
    ctx = open_context(folder)
    store = ctx.store
    assert isinstance(store, SqliteStore)
    database = apsw.Connection(str(folder / "rostra.db"), flags=apsw.SQLITE_OPEN_READONLY)
    authors = [row[0] for row in database.execute("SELECT DISTINCT author FROM statuses")]
    newest = "SELECT id FROM statuses WHERE reblog_of IS NULL ORDER BY id DESC LIMIT 200"
    statuses = [row[0] for row in database.execute(newest)]
    written = (
        "SELECT '/@' || username || '/' || s.id FROM statuses s JOIN accounts ON ordinal = author "
        "WHERE reblog_of IS NULL ORDER BY s.id DESC LIMIT 50"
    )
    pages = [row[0] for row in database.execute(written)]
    named = "SELECT username FROM accounts ORDER BY ordinal LIMIT 200"
    usernames = [row[0] for row in database.execute(named)]
    database.close()
    viewers = {}
    for followed in sizes.followed:
        names = [f"viewer{followed}x{number}" for number in range(sizes.viewers)]
        viewers[followed] = people = settle(store, names)
        for person in people:
            chosen = rng.choice(authors, min(followed, len(authors)), replace=False).tolist()
            _follow(store, person, chosen)
    writers = settle(store, [f"writer{number}" for number in range(20)])
    for people in viewers.values():
        for person in people:
            _follow(store, person, [writer.ordinal for writer in writers[:2]])
    asyncio.run(store.close())
    return Scene(
        viewers=viewers, writers=writers, statuses=statuses, usernames=usernames, pages=pages
    )


def _follow(store: SqliteStore, person: Person, chosen: Sequence[int]) -> None:
    def change(tx: WriteView) -> None:
        tx.sets.add_many(SetKey(person.ordinal, SetKind.FOLLOWING), chosen)

    store.write_now(change)


def _check(server: Server, scene: Scene) -> None:
    """See that what is measured is a full page."""
    with Client(server.port) as client:
        for followed, people in scene.viewers.items():
            page = client.get("/api/v1/timelines/home", token=people[0].token)
            expect(page.status == 200, "a home timeline", page)
            expect(len(page.data) == 20, f"20 statuses of {followed} followed", len(page.data))


@contextmanager
def _posting(server: Server, scene: Scene, posts: int) -> Iterator[None]:
    """Post some statuses a second meanwhile, so that what was kept does not hold for long."""
    over = threading.Event()

    def post() -> None:
        begun = time.monotonic()
        with Client(server.port) as client:
            for number, writer in enumerate(cycle(scene.writers)):
                if over.wait(max(0.0, begun + number / posts - time.monotonic())):
                    return
                client.post("/api/v1/statuses", {"status": f"News {number}"}, token=writer.token)

    thread = threading.Thread(target=post) if posts else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread:
            thread.join()


# -- measuring -------------------------------------------------------------------------------------


def _requests(scene: Scene) -> dict[str, list[Request]]:
    plans = {
        f"home {followed}": [
            Request("GET", "/api/v1/timelines/home", person.token) for person in people
        ]
        for followed, people in scene.viewers.items()
    }
    plans["public"] = [Request("GET", "/api/v1/timelines/public")]
    plans["status"] = [Request("GET", f"/api/v1/statuses/{one}") for one in scene.statuses]
    plans["lookup"] = [
        Request("GET", f"/api/v1/accounts/lookup?acct={name}") for name in scene.usernames
    ]
    plans["status page"] = [Request("GET", path) for path in scene.pages]
    profiles = dict.fromkeys(path.rpartition("/")[0] for path in scene.pages)
    plans["profile page"] = [Request("GET", path) for path in profiles]
    return plans


def _naive_requests(scene: Scene) -> dict[str, list[Request]]:
    plans = {
        f"home {followed}": [Request("GET", f"/home/{person.ordinal}") for person in people]
        for followed, people in scene.viewers.items()
    }
    plans["public"] = [Request("GET", "/public")]
    plans["status"] = [Request("GET", f"/status/{one}") for one in scene.statuses]
    plans["lookup"] = [Request("GET", f"/account/{name}") for name in scene.usernames]
    return plans


def _warm(bench: Bench, sizes: Sizes, url: str, requests: list[Request]) -> None:
    """Ask for everything for a while before it is measured: a server is seldom just started."""
    connections = 2 * max(sizes.workers)
    wrk.play(
        url, requests, folder=bench.folder, connections=connections, seconds=min(1, sizes.seconds)
    )


def _play(bench: Bench, sizes: Sizes, url: str, requests: list[Request], connections: int) -> Load:
    return wrk.play(
        url, requests, folder=bench.folder, connections=connections, seconds=sizes.seconds
    )


NAMES: Final = {
    "public": "public timeline",
    "status": "one status",
    "lookup": "account lookup",
    "status page": "page of a status",
    "profile page": "page of a profile",
}


def _measure(
    bench: Bench,
    sizes: Sizes,
    server: Server,
    scene: Scene,
    weather: str,
    beside: dict[tuple[int, int, str], Load],
) -> None:
    plans = _requests(scene)
    workers = server.workers
    what = f"{workers} workers, {weather}"
    with bench.progress(what, len(plans) * len(sizes.connections)) as advance:
        for plan, requests in plans.items():
            _warm(bench, sizes, server.url, requests)
            for connections in sizes.connections:
                load = _play(bench, sizes, server.url, requests, connections)
                _report(bench, sizes, workers, connections, plan, weather, load, beside)
                advance(1)


def _report(
    bench: Bench,
    sizes: Sizes,
    workers: int,
    connections: int,
    plan: str,
    weather: str,
    load: Load,
    beside: dict[tuple[int, int, str], Load],
) -> None:
    """Add the figures of one measurement; goals are for 50 followed, 16 connections, all cores."""
    kind, _, followed = plan.partition(" ")
    if followed == "page":
        kind, followed = "pages", ""
    name = f"home timeline, {followed} followed" if followed else NAMES[plan]
    where = f"{name}, {connections} connections, {workers} workers, {weather}"
    key = f"{plan}_{connections}_{workers}_{weather}".replace(" ", "_").replace("/", "_")
    judged = connections == JUDGED_AT and workers == max(sizes.workers) and followed in ("50", "")
    other = beside.get((workers, connections, plan))
    spread = load.spread()
    pages = kind == "pages"
    bench.figures.add(
        key,
        f"{where}: a core" if pages else where,
        load.rate / workers if pages else load.rate,
        "requests/s",
        spread=spread,
        beside={"SQL joins": other.rate} if other else None,
        more_is_better=True,
        goal=f"timeline.{kind}" if judged else "",
    )
    if judged and kind == "home" and other:
        bench.figures.add(
            f"{key}_p99",
            f"{where}: p99",
            spread.p99,
            "ms",
            beside={"SQL joins": other.spread().p99},
            goal="timeline.home_p99",
        )
