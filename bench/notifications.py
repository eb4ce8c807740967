"""``bench notifications``: the list of an author a million people like, and of one with much liked.

Beside each figure is the same list from plain tables with a row for each like, grouped by SQL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bench import naive, naive_notifications, wrk
from bench.harness import Bench
from bench.results import percentile
from bench.stars import expect
from bench.wrk import Load, Request
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.ids import snowflake_ms
from rostra.domain.notifications import NotificationType
from rostra.services.notifying import notifications
from rostra.storage.bulk import load_set, load_side
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.people import Person, open_context, settle, write_statuses
from rostra.testing.server import Client, Server, serve

LISTED: Final = 40
JUDGED_AT: Final = 16
AT_ONCE: Final = 50_000
SPAN_MS: Final = 86_400_000


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``likes`` on one status, each by an account of its own; ``statuses`` of another author with
    ``likes_each``; ``connections`` to ``workers``; ``arriving`` likes a second meanwhile;
    ``seconds`` for each measurement.
    """

    likes: int = 1_000_000
    statuses: int = 10_000
    likes_each: int = 250
    connections: tuple[int, ...] = (1, 16, 64)
    workers: int = 2
    arriving: tuple[int, ...] = (0, 20)
    seconds: float = 2
    seed: int = 1


SMALL = Sizes(
    likes=3_000,
    statuses=60,
    likes_each=20,
    connections=(2,),
    arriving=(20,),
    seconds=0.2,
)


class Scene(Struct, frozen=True):
    """The author of the hot status, one with many liked ones, and people who go on liking."""

    author: Person
    busy: Person
    writers: list[Person]
    hot: int
    statuses: list[int]
    fans: NDArray[np.uint32]
    begun: int


PLANS: Final = {
    "v1": ("/api/v1/notifications", "list"),
    "v2": ("/api/v2/notifications", "list in groups"),
    "unread": ("/api/v2/notifications/unread_count", "unread groups"),
}


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: a list was not what it must be.
        wrk.Failed: a request was refused.
    """
    folder = bench.folder / "data"
    with bench.step(f"{sizes.likes:,} accounts and what they like"):
        scene = _make(folder, sizes)
    with bench.step("the same in plain tables"):
        tables = bench.folder / "naive.sqlite"
        naive_notifications.export(folder, tables, _rows(scene, sizes))
        tables_bytes = tables.stat().st_size
    beside: dict[tuple[str, str, int], Load] = {}
    with naive.serve(tables, workers=sizes.workers, app="bench.naive_notifications:app") as url:
        for who, person in _owners(scene).items():
            for plan in PLANS:
                requests = [Request("GET", f"/{plan}/{person.ordinal}")]
                for connections in sizes.connections:
                    if plan == "v1":
                        load = _play(bench, sizes, url, requests, connections)
                    else:  # wrk gives up on what takes seconds
                        load = _patiently(url, requests[0].path, connections, sizes.seconds)
                    beside[who, plan, connections] = load
    with serve(folder, workers=sizes.workers) as server:
        _check(server, scene, sizes)
        for arriving in sizes.arriving:
            with _liking(server, scene, arriving):
                _measure(bench, sizes, server, scene, arriving, beside)
    likes = sizes.likes + sizes.statuses * sizes.likes_each
    bench.figures.add(
        "bytes",
        "bytes on disk a like (ours: all that is kept, accounts included)",
        (folder / "rostra.db").stat().st_size / likes,
        "bytes",
        beside={"a row each": tables_bytes / likes},
    )


# -- the world -------------------------------------------------------------------------------------


def _make(folder: Path, sizes: Sizes) -> Scene:
    rng = np.random.default_rng(sizes.seed)
    store = open_context(folder).store
    assert isinstance(store, SqliteStore)
    author, busy = settle(store, ["author", "busy"])
    writers = settle(store, [f"writer{number}" for number in range(20)])
    fans = _crowd(store, sizes.likes)
    hot = write_statuses(store, [author.ordinal], "The hot one")[0]
    statuses = write_statuses(store, [busy.ordinal] * sizes.statuses, "One of many")
    begun = snowflake_ms(statuses[-1]) + 1
    load_set(store, SetKey(hot, SetKind.LIKES), fans, begun - SPAN_MS + _times(len(fans)))
    scene = Scene(author, busy, writers, hot, statuses, fans, begun)
    owners, members, times = _spread(scene, sizes, rng)
    with store.exclusive() as tx:
        load_side(tx, SetKind.LIKES, owners, members, times, lambda _: None)
    for start in range(0, len(statuses), 1000):
        lot = statuses[start : start + 1000]
        store.write_now(partial(_touch, account=busy.ordinal, statuses=lot))
    store.write_now(partial(_touch, account=author.ordinal, statuses=[hot]))
    store.close_now()
    return scene


def _crowd(store: SqliteStore, count: int) -> NDArray[np.uint32]:
    """Make accounts that nobody signs in to."""

    def make(tx: WriteView, first: int, lot: int) -> None:
        ordinals = range(tx.accounts.reserve_ordinals(lot), 2**32)
        made = [
            Account(
                ordinal=ordinal,
                id=tx.next_id(),
                username=f"fan{first + number}",
                created_at=tx.now,
            )
            for number, ordinal in zip(range(lot), ordinals, strict=False)
        ]
        tx.accounts.create_many(made, announce=False)
        ends.append((made[0].ordinal, made[-1].ordinal + 1))

    ends: list[tuple[int, int]] = []
    for first in range(0, count, AT_ONCE):
        store.write_now(partial(make, first=first, lot=min(AT_ONCE, count - first)))
    return np.concatenate([np.arange(low, high, dtype=np.uint32) for low, high in ends])


def _touch(tx: WriteView, account: int, statuses: Sequence[int]) -> None:
    for status in statuses:
        notifications.touch(tx, account, NotificationType.FAVOURITE, status)


def _times(count: int) -> NDArray[np.int64]:
    return np.linspace(0, SPAN_MS, count).astype(np.int64)


def _spread(scene: Scene, sizes: Sizes, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return (status [n], liker [n], time [n] in ms) of the likes of many statuses."""
    each = min(sizes.likes_each, len(scene.fans))
    owners = np.repeat(np.array(scene.statuses, dtype=np.int64), each)
    starts = rng.integers(0, len(scene.fans) - each + 1, len(scene.statuses))
    members = scene.fans[(starts[:, None] + np.arange(each)).ravel()]
    times = scene.begun + rng.integers(0, SPAN_MS, len(owners)) - SPAN_MS
    return owners, members, times


def _rows(scene: Scene, sizes: Sizes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the likes as rows, oldest first, as ``_make`` drew them."""
    rng = np.random.default_rng(sizes.seed)
    owners, members, times = _spread(scene, sizes, rng)
    likers = np.concatenate([members, scene.fans])
    statuses = np.concatenate([owners, np.full(len(scene.fans), scene.hot)])
    at = np.concatenate([times, scene.begun - SPAN_MS + _times(len(scene.fans))])
    order = np.argsort(at, kind="stable")
    for lot in np.array_split(order, len(order) // AT_ONCE + 1):
        for liker, status, when in zip(
            likers[lot].tolist(), statuses[lot].tolist(), at[lot].tolist(), strict=True
        ):
            told = scene.author if status == scene.hot else scene.busy
            yield told.ordinal, liker, status, when


def _owners(scene: Scene) -> dict[str, Person]:
    return {"hot": scene.author, "busy": scene.busy}


def _check(server: Server, scene: Scene, sizes: Sizes) -> None:
    """See that what is measured is all there."""
    with Client(server.port) as client:
        found = client.get("/api/v2/notifications", token=scene.author.token).data
        (group,) = found["notification_groups"]
        expect(group["notifications_count"] == sizes.likes, "all likes in one group", group)
        found = client.get("/api/v2/notifications", token=scene.busy.token).data
        counts = {each["notifications_count"] for each in found["notification_groups"]}
        expect(len(found["notification_groups"]) == LISTED, "a full page of groups", found)
        expect(counts == {min(sizes.likes_each, sizes.likes)}, "all likes of each", counts)
        for person in _owners(scene).values():
            found = client.get("/api/v1/notifications", token=person.token).data
            expect(len(found) == LISTED, "a full page", len(found))


@contextmanager
def _liking(server: Server, scene: Scene, arriving: int) -> Iterator[None]:
    """Like and unlike the hot status some times a second meanwhile."""
    over = threading.Event()

    def like() -> None:
        with Client(server.port) as client:
            for number, writer in enumerate(cycle(scene.writers)):
                if over.wait(1 / arriving):
                    return
                verb = "unfavourite" if number // len(scene.writers) % 2 else "favourite"
                client.post(f"/api/v1/statuses/{scene.hot}/{verb}", token=writer.token)

    thread = threading.Thread(target=like) if arriving else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread:
            thread.join()


# -- measuring -------------------------------------------------------------------------------------


def _play(bench: Bench, sizes: Sizes, url: str, requests: list[Request], connections: int) -> Load:
    return wrk.play(
        url, requests, folder=bench.folder, connections=connections, seconds=sizes.seconds
    )


def _patiently(url: str, path: str, connections: int, seconds: float) -> Load:
    """Ask over and over, each connection waiting as long as it takes."""
    waits: list[float] = []
    begun = time.perf_counter()

    def ask() -> None:
        over = False
        with Client(int(url.rpartition(":")[2])) as client:
            while True:
                asked = time.perf_counter()
                try:
                    client.get(path)
                except OSError:  # it gave up after a minute: counted as if that were enough
                    over = True
                waits.append(time.perf_counter() - asked)
                if over or time.perf_counter() - begun > seconds:
                    return

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    return Load(
        requests=len(waits),
        microseconds=int(took * 1e6),
        p50_us=percentile(waits, 0.5) * 1e6,
        p90_us=percentile(waits, 0.9) * 1e6,
        p99_us=percentile(waits, 0.99) * 1e6,
        max_us=max(waits) * 1e6,
        refused=0,
        broken=0,
    )


def _measure(
    bench: Bench,
    sizes: Sizes,
    server: Server,
    scene: Scene,
    arriving: int,
    beside: dict[tuple[str, str, int], Load],
) -> None:
    weather = f"{arriving} likes/s" if arriving else "quiet"
    what = {"hot": f"{sizes.likes:,} likes on one status", "busy": _busy(sizes)}
    for who, person in _owners(scene).items():
        for plan, (path, name) in PLANS.items():
            requests = [Request("GET", path, person.token)]
            _play(bench, sizes, server.url, requests, 2 * sizes.workers)  # both workers are warm
            for connections in sizes.connections:
                load = _play(bench, sizes, server.url, requests, connections)
                _report(
                    bench,
                    f"{who}_{plan}_{connections}_{arriving}",
                    f"{name}, {what[who]}, {connections} connections, {weather}",
                    load,
                    beside[who, plan, connections],
                    judged=connections == JUDGED_AT,
                )


def _busy(sizes: Sizes) -> str:
    return f"{sizes.statuses:,} statuses with {sizes.likes_each:,} likes each"


def _report(bench: Bench, key: str, name: str, load: Load, other: Load, *, judged: bool) -> None:
    spread = load.spread()
    bench.figures.add(
        key,
        name,
        load.rate,
        "requests/s",
        spread=spread,
        beside={"a row each": other.rate},
        more_is_better=True,
        goal="",
    )
    if judged:
        bench.figures.add(
            f"{key}_p99",
            f"{name}: p99",
            spread.p99,
            "ms",
            beside={"a row each": other.spread().p99},
            goal="notifications.p99",
        )
