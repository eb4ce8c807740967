"""What is kept must never show: a warm process answers as one that has everything to look up."""

from __future__ import annotations

import difflib
import re
from random import Random
from typing import Any

import httpx2
import pytest
from tests.api.crowd import Crowd
from tests.api.world import URL, World

from rostra import app
from rostra.api.mastodon import accounts, statuses, timelines
from rostra.api.operation import Read
from rostra.ports import Context
from rostra.services.reading import freshness
from rostra.storage.store import SqliteStore
from rostra.web import profiles
from rostra.web import timelines as web_timelines

STEPS = 100
STEPS = 100
SEEDS = 3
READ = 8
NAMES = ("alice", "bob", "carol", "dora", "emil", "faye")
TIMES = re.compile(r"<time[^>]*>.*?</time>", re.S)


class Worker:
    """Another worker process on the data folder of a world."""

    def __init__(self, world: World) -> None:
        self.store = SqliteStore.open(world.store.folder, world.clock)
        ctx = Context(
            world.settings,
            self.store,
            world.clock,
            world.ctx.random,
            fetcher=world.ctx.fetcher,
            files=world.ctx.files,
            maker=world.ctx.maker,
        )
        transport = httpx2.ASGITransport(app=app.build(ctx, worker_index=3))
        self.client = httpx2.AsyncClient(transport=transport, base_url=URL)

    def forget(self) -> None:
        """Have everything in memory made anew at the next read, as after a bulk load."""
        self.store.shared.torn = True

    async def close(self) -> None:
        await self.client.aclose()
        await self.store.close()


async def told(client: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> tuple[Any, ...]:
    """Return what a worker answers; pages without how long ago things were."""
    answer = await client.get(path, headers=headers)
    said = TIMES.sub("", answer.text) if path[:5] != "/api/" else answer.json()
    return answer.status_code, answer.headers.get("link"), said


def differing(found: Any, expected: Any, where: str = "") -> list[str]:
    """Return where two answers differ."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        pairs = [(name, found[name], expected[name]) for name in found]
    elif isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        if len(found) != len(expected):
            return [f"{where}: {len(found)} instead of {len(expected)}"]
        pairs = [(str(at), *both) for at, both in enumerate(zip(found, expected, strict=True))]
    elif isinstance(found, str) and isinstance(expected, str) and "\n" in found + expected:
        lines = difflib.ndiff(expected.splitlines(), found.splitlines())
        return [line for line in lines if line[0] in "+-"]
    else:
        return [] if found == expected else [f"{where}: {found} instead of {expected}"]
    return [each for name, *both in pairs for each in differing(*both, f"{where}/{name}")]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_warm_processes_answer_as_a_cold_one(world: World, seed: int) -> None:
    people = [await world.person(name) for name in NAMES]
    random = Random(seed)
    other, cold = Worker(world), Worker(world)
    warm = (world.client, other.client)
    crowd = Crowd(world, [*people, await world.moderator()], random, list(warm))
    reader = None
    for step in range(STEPS):
        did = [await crowd.act(reader) for _ in range(random.choice((1, 1, 1, 4)))]
        if random.random() < 0.2:
            reader = random.choice([None, *crowd.people])
        headers = {"Authorization": f"Bearer {reader.token}"} if reader else {}
        cold.forget()
        for path in crowd.paths(reader, READ):
            expected = await told(cold.client, path, headers)
            assert expected[0] < 500, (path, expected)
            for client in warm:
                for _ in range(2):  # the second is answered from what the first left
                    found = await told(client, path, headers)
                    assert not differing(found, expected), (step, path, headers, did)
    await other.close()
    await cold.close()


class Counted:
    """Counts how often an operation is really run."""

    def __init__(self, operation: Read[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        run = operation.run

        def counted(call: Any, snap: Any, given: Any) -> Any:
            self.times += 1
            return run(call, snap, given)

        monkeypatch.setattr(operation, "run", counted)


async def test_a_kept_answer_outlives_what_does_not_concern_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, carol, dora = [await world.person(name) for name in NAMES[:4]]
    await alice.follow(bob)
    shown = await bob.status("shown")
    await world.person("reader")
    other = await carol.status("elsewhere")
    home = Counted(timelines.home, monkeypatch)
    one = Counted(statuses.show, monkeypatch)
    lookup = Counted(accounts.lookup, monkeypatch)

    async def read() -> None:
        assert [each["id"] for each in await alice.get("/api/v1/timelines/home")] == [shown["id"]]
        await alice.get(f"/api/v1/statuses/{shown['id']}")
        await alice.get("/api/v1/accounts/lookup", acct="bob")

    await read()
    await dora.follow(carol)
    await dora.post(f"/api/v1/statuses/{other['id']}/favourite")
    await carol.status("more elsewhere")
    await read()
    assert (home.times, one.times, lookup.times) == (1, 1, 1)
    await dora.post(f"/api/v1/statuses/{shown['id']}/favourite")
    await read()
    assert (home.times, one.times, lookup.times) == (2, 2, 1)
    await carol.follow(bob)
    await read()
    assert (home.times, one.times, lookup.times) == (3, 3, 2)
    await world.suspend(dora)  # a mask moves
    await read()
    assert (home.times, one.times, lookup.times) == (4, 4, 3)


async def test_an_answer_not_asked_for_during_many_events_is_made_anew(world: World) -> None:
    alice, bob = [await world.person(name) for name in NAMES[:2]]
    path = f"/api/v1/accounts/{alice.id}"
    before = await alice.get(path)
    await bob.follow(alice)
    status = (await bob.status("mine"))["id"]
    for number in range(freshness.REMEMBERED):
        act = ("favourite", "unfavourite")[number % 2]
        await bob.post(f"/api/v1/statuses/{status}/{act}")
    after = await alice.get(path)
    assert (before["followers_count"], after["followers_count"]) == (0, 1)


async def test_a_kept_page_outlives_what_does_not_concern_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, carol, dora = [await world.person(name) for name in NAMES[:3]]
    shown = await bob.status("shown")
    made = []
    rendered = profiles.render, web_timelines.render

    def counted(number: int) -> Any:
        def render(*given: Any, **words: Any) -> Any:
            made.append(number)
            return rendered[number](*given, **words)

        return render

    monkeypatch.setattr(profiles, "render", counted(0))
    monkeypatch.setattr(web_timelines, "render", counted(1))

    async def read() -> list[int]:
        made.clear()
        for path in (f"/@{bob.name}", f"/@{bob.name}/{shown['id']}"):
            assert "shown" in (await world.get(path)).text
        return list(made)

    assert await read() == [0, 1]
    assert await read() == []
    await carol.status("elsewhere")
    await dora.follow(carol)
    assert await read() == []
    await dora.post(f"/api/v1/statuses/{shown['id']}/favourite")
    assert await read() == [0, 1]
    await carol.status("an answer", in_reply_to_id=shown["id"])
    assert await read() == [0, 1]
    await bob.post(f"/api/v1/statuses/{shown['id']}/pin")
    assert await read() == [0, 1]
    await world.suspend(dora)
    assert await read() == [0, 1]


async def test_a_kept_home_shows_what_a_stranger_says_with_a_followed_hashtag(
    world: World,
) -> None:
    alice, bob = [await world.person(name) for name in NAMES[:2]]
    await alice.post("/api/v1/tags/ships/follow")
    for _ in range(2):
        assert await alice.get("/api/v1/timelines/home") == []
    said = await bob.status("hail to all #ships")
    assert [one["id"] for one in await alice.get("/api/v1/timelines/home")] == [said["id"]]
