"""Probes, asked of a real server with two workers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tests.api.probed import FOLLOWERS, Rehearsal, Told, lift, suspend

from rostra.domain.account_set import SetKey, SetKind
from rostra.services import probing
from rostra.testing.people import Person
from rostra.testing.server import Client, serve

TIMES = 10

ASKED_EVERYWHERE = (
    *("workers", "lookup", "profile", "page", "followers", "statuses", "status", "search", "media"),
    *("relationships", "strangers", "following", "home", "follow", "preview"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    found = Rehearsal(tmp_path_factory.mktemp("probes") / "data", ["star", "large"])
    with serve(found.folder, workers=2) as server:
        found.server = server
        yield found


@pytest.mark.parametrize("name", ["star", "large"])
async def test_an_account_is_staged_and_confirmed_in_every_worker(
    world: Rehearsal, name: str
) -> None:
    star = world.stars[name]
    async with world.context() as ctx:
        await suspend(ctx, star)
        told = Told()
        staged = await probing.stage(ctx, account=star.ordinal, tell=told)
        assert told.failed == []
        assert (staged.passed, staged.checked) == (True, 1)
        assert staged.followers == staged.stored >= FOLLOWERS
        for probe in ("hidden", "memory", "preview"):
            assert told.workers(probe) == {"0", "1"}, probe
        await lift(ctx, star)
        told = Told()
        assert await probing.confirm(
            ctx, account=star.ordinal, plan_followers=staged.followers, sample=5, tell=told
        )
        assert told.failed == []
        for probe in ASKED_EVERYWHERE:
            assert told.workers(probe) == {"0", "1"}, probe


async def test_live_traffic_raises_no_false_alarm(world: Rehearsal) -> None:
    star, ended = world.stars["large"], threading.Event()

    def act(who: Person) -> None:
        """Follow, unfollow and read, as fast as it goes."""
        with Client(world.server.port, who.token) as client:
            while not ended.is_set():
                for verb in ("follow", "unfollow"):
                    assert client.post(f"/api/v1/accounts/{star.id}/{verb}").status == 200
                assert client.get("/api/v1/timelines/home").status == 200

    threads = [threading.Thread(target=act, args=(who,)) for who in world.strangers[:3]]
    for thread in threads:
        thread.start()
    async with world.context() as ctx:
        with ctx.store.read() as snap:
            planned = snap.gate.visible_count(SetKey(star.ordinal, SetKind.FOLLOWERS))
        try:
            for _ in range(TIMES):
                told = Told()
                assert await probing.confirm(
                    ctx, account=star.ordinal, plan_followers=planned, sample=10, tell=told
                ), told.failed
        finally:
            ended.set()
            for thread in threads:
                await asyncio.to_thread(thread.join)
