"""Visitors of the server's own workers, as the job process sends them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest

from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.ops.opening import context_of, open_store
from rostra.outside import visitors
from rostra.outside.visitors import Doors, address_of
from rostra.ports import Context
from rostra.testing.server import Server, processes_below, serve

LIMIT = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("visited") / "data"
    with serve(folder, workers=2, rate_limit=LIMIT) as server:
        yield server


@pytest.fixture
def ctx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.getbasetemp() / "visited0" / "data"
    settings = Settings(data=folder, port=server.port, workers=2)
    store = open_store(settings)
    yield context_of(settings, store)
    store.close_now()


async def test_every_worker_is_met_and_keeps_answering(ctx: Context) -> None:
    async with ctx.visitors.meet() as party:
        assert (sorted(party.visitors), party.missing) == (["0", "1"], ())
        for worker, visitor in party.visitors.items():
            for _ in range(3):
                assert (await visitor.ask("/health")).json()["worker"] == int(worker)


async def test_no_rate_limit_is_in_the_way_and_nobody_else_pays(
    ctx: Context, server: Server
) -> None:
    async with ctx.visitors.meet() as party:
        for _ in range(LIMIT):
            for visitor in party.visitors.values():
                assert (await visitor.ask("/api/v2/instance")).status == 200
    with server.client_of_each_worker() as clients:  # it asks for the instance, a few times
        told = next(iter(clients.values())).get("/api/v1/instance")
        assert told.status in (200, 429)
        assert "x-ratelimit-remaining" in told.headers


async def test_a_worker_that_was_killed_is_found_again(ctx: Context, server: Server) -> None:
    async with ctx.visitors.meet() as party:
        before = await party.visitors["1"].ask("/health")
        supervisor, _first, second, *_ = sorted(processes_below(server.process.pid))
        assert supervisor == server.process.pid
        os.kill(second, signal.SIGKILL)
        after = await party.visitors["1"].ask("/health")
        assert before.json()["worker"] == after.json()["worker"] == 1
        assert (await party.visitors["0"].ask("/health")).json()["worker"] == 0


async def test_a_worker_that_is_not_there_is_named_in_time(ctx: Context, server: Server) -> None:
    settings = Settings(data=ctx.settings.data, port=server.port, workers=3)
    three = context_of(settings, ctx.store)
    async with three.visitors.meet(patience=0.3) as party:
        assert party.missing == ("2",)
        assert sorted(party.visitors) == ["0", "1"]


async def test_who_is_looked_for_is_told_and_that_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever waits is told of it only when it takes long, and whenever it is somebody else."""
    rounds = iter([["", "", "", ""], ["", "1", "1", ""], ["1", ""], ["1", "0"]])
    names: list[str] = []

    async def who(client: httpx2.AsyncClient) -> str:
        if not names:
            names.extend(next(rounds))
        return names.pop(0)

    async def missed(workers: tuple[str, ...]) -> None:
        told.append(workers)

    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(visitors, "_who", who)
    monkeypatch.setattr(visitors, "MISSED_SECONDS", 0.0)
    async with AsyncExitStack() as opened:
        found = await Doors(Settings(), opened).of(("0", "1"), 3600, missed)
    assert sorted(found) == ["0", "1"]
    assert told == [("0", "1"), ("0",), ()]


async def test_nobody_is_told_of_workers_that_answer_at_once(ctx: Context) -> None:
    async def missed(workers: tuple[str, ...]) -> None:
        raise AssertionError(workers)

    async with ctx.visitors.meet(patience=3600, missed=missed) as party:
        assert party.missing == ()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://[::1]:81"),
        ("::1", "http://[::1]:81"),
    ],
)
def test_a_server_is_reached_where_it_listens(host: str, url: str) -> None:
    assert address_of(host, 81) == url


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(Unavailable):
        address_of("no such host", 81)
