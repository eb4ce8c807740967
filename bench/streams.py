"""``bench streams``: many open streams on one worker, and a status that comes to all of them."""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop
from msgspec import Struct

from bench.harness import Bench
from bench.stars import expect
from rostra.domain.account_set import SetKind
from rostra.storage.bulk import load_edges
from rostra.storage.store import SqliteStore
from rostra.testing.people import Person, open_context, settle
from rostra.testing.server import HOST, Client, Server, serve

CONNECTED_AT_ONCE: Final = 100
SPARE_FILES: Final = 200
PATIENCE_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 0.2
MB: Final = 1e6


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``streams`` of as many accounts, all on one worker and all followers of one; ``rounds`` of a
    status by it, to streams of server-sent events and then to as many WebSockets.
    """

    streams: int = 10_000
    rounds: int = 20
    seed: int = 1


SMALL = Sizes(streams=40, rounds=3)


class Round(Struct, frozen=True):
    """One status: ms from when it was sent to the server until one, and all, had it."""

    first: float
    all: float


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure everything and add the figures.

    Raises:
        AssertionError: a stream was not opened, or did not get a status.
    """
    _allow_files(sizes.streams + SPARE_FILES)
    folder = bench.folder / "data"
    with bench.step(f"{sizes.streams:,} followers of one account"):
        author, people = _make(folder, sizes)
    for kind, name in (("events", "server-sent events"), ("sockets", "WebSockets")):
        with (
            bench.step(f"{sizes.streams:,} streams, {name}"),
            serve(folder, workers=1, rate_limit=0) as server,
        ):
            measured = uvloop.run(_measure(server, author, people, kind, sizes))
        _report(bench, sizes, kind, name, *measured)


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    expect(
        hard == resource.RLIM_INFINITY or hard >= wanted, f"{wanted} open files are allowed", hard
    )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _make(folder: Path, sizes: Sizes) -> tuple[Person, list[Person]]:
    store = open_context(folder).store
    assert isinstance(store, SqliteStore)
    (author,) = settle(store, ["author"])
    people = settle(store, [f"reader{number}" for number in range(sizes.streams)])
    members = np.array([person.ordinal for person in people], dtype=np.uint32)
    owners = np.full(len(members), author.ordinal, dtype=np.uint32)
    times = np.full(len(members), store.clock.now() - 1, dtype=np.int64)
    load_edges(store, SetKind.FOLLOWERS, owners, members, times)
    store.close_now()
    return author, people


# -- listening -------------------------------------------------------------------------------------


class Crowd:
    """All who listen; ``mark`` is what the status they wait for has in it.

    Args:
        size: how many they are.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.mark = b"\0"
        self.had = 0
        self.first = 0.0
        self.done = asyncio.Event()

    def wait_for(self, mark: bytes) -> None:
        """Begin to wait for a status."""
        self.mark, self.had, self.first = mark, 0, 0.0
        self.done.clear()

    def has(self) -> None:
        """Note that one more has it."""
        self.had += 1
        if self.had == 1:
            self.first = time.perf_counter()
        if self.had == self.size:
            self.done.set()


class Listener(asyncio.Protocol):
    """One stream: looks for the mark in what comes, which may come in pieces.

    Args:
        crowd: of whom this is one.
        request: opens the stream.
    """

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self._tail = b""
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if b"\r\n\r\n" in data:
                self.opened.set_result(data.split(b" ", 2)[1])
            return
        mark = self._crowd.mark
        if mark in data or mark in self._tail + data[: len(mark)]:
            self._tail = b""
            self._crowd.has()
        else:
            self._tail = data[-len(mark) :]

    def connection_lost(self, _: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionResetError())


def _request(kind: str, token: str) -> bytes:
    head = f"host: {HOST}\r\nauthorization: Bearer {token}\r\n"
    if kind == "events":
        return f"GET /api/v1/streaming/user HTTP/1.1\r\n{head}\r\n".encode()
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    return (
        f"GET /api/v1/streaming?stream=user HTTP/1.1\r\n{head}{upgrade}"
        f"sec-websocket-key: {key}\r\n\r\n"
    ).encode()


async def _open(
    server: Server, crowd: Crowd, kind: str, people: Sequence[Person]
) -> list[Listener]:
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    for start in range(0, len(people), CONNECTED_AT_ONCE):
        lot = people[start : start + CONNECTED_AT_ONCE]
        made = await asyncio.gather(
            *(
                loop.create_connection(
                    partial(Listener, crowd, _request(kind, person.token)), HOST, server.port
                )
                for person in lot
            )
        )
        opened = [listener for _, listener in made]
        wanted = b"200" if kind == "events" else b"101"
        for status in await asyncio.gather(*(listener.opened for listener in opened)):
            expect(status == wanted, "a stream was opened", status)
        listeners += opened
    return listeners


# -- measuring -------------------------------------------------------------------------------------


async def _measure(
    server: Server, author: Person, people: Sequence[Person], kind: str, sizes: Sizes
) -> tuple[list[Round], float]:
    """Return the rounds, and the server's memory a stream in KB."""
    crowd = Crowd(len(people))
    with Client(server.port, author.token) as client:
        post = partial(_post, client)
        await asyncio.to_thread(post, "to warm up")
        before = server.memory()
        listeners = await _open(server, crowd, kind, people)
        rounds = [await _round(crowd, post, f"word{kind}{n:06}") for n in range(sizes.rounds)]
        memory = (server.memory() - before) * MB / 1000 / len(people)
    for listener in listeners:
        listener.transport.abort()
    return rounds, memory


def _post(client: Client, text: str) -> None:
    answer = client.post("/api/v1/statuses", {"status": text})
    expect(answer.status == 200, "the status was taken", answer.data)


async def _round(crowd: Crowd, post: partial[None], text: str) -> Round:
    crowd.wait_for(text.encode())
    begun = time.perf_counter()
    sending = asyncio.create_task(asyncio.to_thread(post, text))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await crowd.done.wait()
    except TimeoutError:
        expect(False, f"all {crowd.size:,} had the status", crowd.had)
    ended = time.perf_counter()
    await sending
    await asyncio.sleep(QUIET_SECONDS)
    return Round((crowd.first - begun) * 1000, (ended - begun) * 1000)


def _report(
    bench: Bench, sizes: Sizes, kind: str, name: str, rounds: list[Round], memory: float
) -> None:
    crowd = f"{sizes.streams:,} {name}"
    everybody = [one.all for one in rounds]
    worst = max(everybody)
    note = "from the request of the author to the last byte at the last listener, the listeners "
    note += "being one process on the same machine"
    bench.figures.add(
        f"{kind}_all",
        f"a status to {crowd} on one worker: all have it",
        worst,
        "ms",
        values=everybody,
        goal="streams.all",
        note=note,
    )
    bench.figures.add(
        f"{kind}_first",
        f"a status to {crowd} on one worker: the first has it",
        sorted(one.first for one in rounds)[len(rounds) // 2],
        "ms",
        values=[one.first for one in rounds],
    )
    bench.figures.add(f"{kind}_memory", f"memory of the server a stream, {name}", memory, "KB")
