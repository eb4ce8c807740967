"""``bench writes``: durable likes on one hot status and follows over many accounts, each second."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import apsw
import msgspec
import numpy as np
from msgspec import Struct

from bench import wrk
from bench.harness import Bench, timed
from bench.results import percentile
from bench.results import sample as sample_of
from bench.stars import expect
from bench.wrk import Request
from rostra.domain.account_set import SetKey, SetKind
from rostra.ports import Context
from rostra.services import statuses
from rostra.services.social_graph import relationships
from rostra.storage.packer import pack_everything
from rostra.storage.store import SqliteStore
from rostra.testing.people import Person, open_context, settle, write_statuses
from rostra.testing.server import Client, serve
from rostra.testing.worlds import Members, sample

HOT: Final = 10**15
"""The id of the hot status where only its set of likes matters."""


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``members`` likes in calls of ``batch``; ``tasks`` that each wait for their write; ``accounts``
    that act over HTTP through ``connections`` to ``workers``; ``seconds`` for each measurement.
    """

    members: int = 5_000_000
    batch: int = 10_000
    tasks: int = 512
    accounts: int = 100_000
    connections: int = 64
    workers: int = 2
    seconds: float = 10
    seed: int = 1


SMALL = Sizes(members=5_000, batch=500, tasks=16, accounts=200, connections=4, seconds=0.2)


class Rate(Struct, frozen=True):
    """How many a second, and how long the single ones took (ms)."""

    rate: float
    waits: list[float]


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: fewer were stored than were answered.
    """
    rng = np.random.default_rng(sizes.seed)
    likers = sample(rng, sizes.members, 1, 10 * sizes.members)
    _batched(bench, sizes, likers)
    _single(bench, sizes)
    with bench.step(f"{sizes.accounts:,} accounts that can sign in"):
        folder = bench.folder / "data"
        ctx = open_context(folder)
        store = ctx.store
        assert isinstance(store, SqliteStore)
        people = settle(store, [f"person{number}" for number in range(sizes.accounts)])
        hot = write_statuses(store, [people[0].ordinal] * 2, "The hot one")
    _services(bench, sizes, ctx, people, hot[0])
    asyncio.run(ctx.store.close())
    _http(bench, sizes, folder, people, hot[1])


# -- many members in one call ----------------------------------------------------------------------


def _batched(bench: Bench, sizes: Sizes, likers: Members) -> None:
    store = SqliteStore.open(bench.folder / "batched")
    key = SetKey(HOT, SetKind.LIKES)
    calls = [
        likers[start : start + sizes.batch].tolist() for start in range(0, len(likers), sizes.batch)
    ]
    with bench.step(f"{sizes.members:,} likes of one status, {sizes.batch:,} a call"):
        ours = _calls(
            calls, lambda part: store.write_now(lambda tx: tx.sets.add_many(key, part)), sizes.batch
        )
    with bench.step("packing them"):
        packing, _ = timed(lambda: pack_everything(store.write_now))
    with store.read() as snapshot:
        stored = snapshot.sets.size(key)
    expect(stored == sizes.members, f"{sizes.members} likes", stored)
    store.close_now()
    table = LikesTable(bench.folder / "batched.sqlite")
    with bench.step("the same in a table"):
        theirs = _calls(calls, table.add_many, sizes.batch)
    table.close()
    bench.figures.add(
        "members_batched",
        f"durable likes of one status through the engine, {sizes.batch:,} a call",
        ours.rate,
        "members/s",
        beside={"SQLite rows": theirs.rate},
        more_is_better=True,
    )
    waits = percentile(ours.waits, 0.5)
    beside = {"SQLite rows": percentile(theirs.waits, 0.5)}
    bench.figures.add("batch_wait", "one such call", waits, "ms", values=ours.waits, beside=beside)
    bench.figures.add("packing", "packing them", sizes.members / packing, "members/s")


def _calls(calls: Sequence[list[int]], add: Callable[[list[int]], object], members: int) -> Rate:
    waits = [timed(partial(add, part))[0] * 1e3 for part in calls]
    return Rate(len(calls) * members / (sum(waits) / 1e3), waits)


class LikesTable:
    """The plain alternative: a row a like, and a counter; committed means on disk here too."""

    def __init__(self, path: Path) -> None:
        self._db = apsw.Connection(str(path))
        for pragma in ("page_size = 8192", "journal_mode = WAL", "synchronous = FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE edges (owner INTEGER, member INTEGER, at INTEGER, "
            "PRIMARY KEY (owner, member)) WITHOUT ROWID"
        )
        self._db.execute("CREATE INDEX edges_at ON edges (owner, at)")
        self._db.execute("CREATE TABLE counters (owner INTEGER PRIMARY KEY, members INTEGER)")
        self._db.execute("INSERT INTO counters VALUES (?, 0)", (HOT,))

    def add_many(self, members: Sequence[int]) -> None:
        """Insert likes of the hot status in one transaction."""
        at = time.time_ns() // 1_000_000
        with self._db:
            rows = ((HOT, member, at) for member in members)
            self._db.executemany("INSERT OR IGNORE INTO edges VALUES (?, ?, ?)", rows)
            self._db.execute(
                "UPDATE counters SET members = members + ? WHERE owner = ?", (len(members), HOT)
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


# -- one member in one call ------------------------------------------------------------------------


def _single(bench: Bench, sizes: Sizes) -> None:
    store = SqliteStore.open(bench.folder / "single")
    turns = _members()
    key = SetKey(HOT, SetKind.LIKES)

    async def like() -> None:
        member = next(turns)
        await store.write(lambda tx: tx.sets.add(key, member))

    pairs = _pairs(range(1, sizes.accounts + 1))

    async def follow() -> None:
        follower, followed = next(pairs)
        target = SetKey(followed, SetKind.FOLLOWERS)
        await store.write(lambda tx: tx.sets.add(target, follower))

    with bench.step(f"likes one by one from {sizes.tasks} tasks, then follows"):
        likes = _measure(like, sizes)
        follows = _measure(follow, sizes)
    store.close_now()
    table = LikesTable(bench.folder / "single.sqlite")
    with bench.step("likes one by one in a table"):
        theirs = _alone(lambda: table.add_many([next(turns)]), sizes.seconds)
    table.close()
    alone = {"SQLite rows, a commit each": theirs.rate}
    _add_rate(bench, "engine_like", "likes of one status through the engine", likes, alone)
    _add_rate(bench, "engine_follow", "follows through the engine, both sides", follows, {})


def _measure(act: Callable[[], Awaitable[object]], sizes: Sizes) -> Rate:
    """Let many tasks act over and over, each waiting until its own write is durable."""
    waits: list[float] = []

    async def worker(until: float) -> None:
        while (started := time.perf_counter()) < until:
            await act()
            waits.append((time.perf_counter() - started) * 1e3)

    async def everybody() -> float:
        started = time.perf_counter()
        until = started + sizes.seconds
        await asyncio.gather(*(worker(until) for _ in range(sizes.tasks)))
        return time.perf_counter() - started

    elapsed = asyncio.run(everybody())
    return Rate(len(waits) / elapsed, waits)


def _alone(act: Callable[[], object], seconds: float) -> Rate:
    waits: list[float] = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        waits.append(timed(act)[0] * 1e3)
    return Rate(len(waits) / (time.perf_counter() - started), waits)


def _members() -> Iterator[int]:
    """Yield different ordinals, scattered as those of independent people are."""
    for number in itertools.count(1):
        yield number * 2_654_435_761 & (1 << 28) - 1  # an odd factor: no value comes twice


def _pairs(ordinals: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield different (follower, followed) pairs, spread over all accounts."""
    count = len(ordinals)
    for step in itertools.count(1):
        for index in range(count):
            other = (index + step * 7_919) % count
            if other != index:
                yield ordinals[index], ordinals[other]


def _services(bench: Bench, sizes: Sizes, ctx: Context, people: list[Person], hot: int) -> None:
    acts = itertools.cycle((statuses.favourite, statuses.unfavourite))
    turns = ((act, person.ordinal) for act in acts for person in people)
    pairs = _pairs([person.ordinal for person in people])

    async def like() -> None:
        act, actor = next(turns)
        await act(ctx, actor=actor, status_id=hot)

    async def follow() -> None:
        follower, followed = next(pairs)
        await relationships.follow(ctx, actor=follower, target=followed)

    with bench.step("the same through the services, with all their checks"):
        likes = _measure(like, sizes)
        follows = _measure(follow, sizes)
    _add_rate(bench, "service_like", "likes of one status through the services", likes, {})
    _add_rate(bench, "service_follow", "follows through the services", follows, {})


def _add_rate(bench: Bench, key: str, name: str, rate: Rate, beside: dict[str, float]) -> None:
    waits = msgspec.structs.replace(sample_of(rate.waits), unit="ms")
    bench.figures.add(
        key, name, rate.rate, "writes/s", spread=waits, beside=beside, more_is_better=True
    )


# -- over HTTP -------------------------------------------------------------------------------------


def _http(bench: Bench, sizes: Sizes, folder: Path, people: list[Person], hot: int) -> None:
    enough = round(20_000 * sizes.seconds)
    with serve(folder, workers=sizes.workers) as server:
        polls = _polls(server.port, people[0], 1 + enough // len(people))
        plans: dict[str, tuple[str, Iterable[Request]]] = {
            "like": ("likes of one status over HTTP", _likes(people, hot)),
            "follow": ("follows over HTTP", _follows(people, enough)),
            "post": ("statuses posted over HTTP", _posts(people)),
            "vote": ("votes over HTTP", _votes(people, polls)),
        }
        for key, (name, requests) in plans.items():
            with bench.step(f"{name}, {sizes.connections} connections"):
                load = wrk.play(
                    server.url,
                    requests,
                    folder=bench.folder,
                    connections=sizes.connections,
                    seconds=sizes.seconds,
                )
            figure = f"http_{key}"
            bench.figures.add(
                figure,
                name,
                load.rate,
                "requests/s",
                spread=load.spread(),
                more_is_better=True,
            )


def _likes(people: list[Person], hot: int) -> Iterator[Request]:
    """Everybody likes, then nobody does: every request is a write."""
    for act in ("favourite", "unfavourite"):
        for person in people:
            yield Request("POST", f"/api/v1/statuses/{hot}/{act}", person.token)


def _follows(people: list[Person], count: int) -> Iterator[Request]:
    for follower, followed in itertools.islice(_pairs(range(len(people))), count):
        path = f"/api/v1/accounts/{people[followed].id}/follow"
        yield Request("POST", path, people[follower].token)


def _posts(people: list[Person]) -> Iterator[Request]:
    for number, person in enumerate(people[:10_000]):
        body = msgspec.json.encode({"status": f"Status {number} of this measurement"})
        yield Request("POST", "/api/v1/statuses", person.token, body.decode())


def _votes(people: list[Person], polls: list[str]) -> Iterator[Request]:
    for poll in polls:
        for number, person in enumerate(people[1:]):
            body = f'{{"choices":[{number % 2}]}}'
            yield Request("POST", f"/api/v1/polls/{poll}/votes", person.token, body)


def _polls(port: int, author: Person, count: int) -> list[str]:
    poll = {"options": ["Yes", "No"], "expires_in": 86_400}
    found = []
    with Client(port, author.token) as client:
        for number in range(count):
            answer = client.post("/api/v1/statuses", {"status": f"Question {number}", "poll": poll})
            expect(answer.status == 200, "a poll", answer)
            found.append(str(answer.data["poll"]["id"]))
    return found
