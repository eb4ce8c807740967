"""Probes, asked of a real server with two workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import LiftReason
from rostra.domain.probes import Probe
from rostra.ops.opening import context_of, open_store
from rostra.ports import Context, Transaction
from rostra.services import moderation, probing
from rostra.testing.people import settle, write_statuses
from rostra.testing.server import Server, serve

FOLLOWERS = 40
ASKED_EVERYWHERE = (
    *("workers", "lookup", "profile", "page", "followers", "statuses", "status", "search", "media"),
    *("relationships", "strangers", "following", "home", "follow"),
)


class World:
    """A data folder with a star, served by two workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        store = open_store(Settings(data=folder))
        self.star, *self.fans = settle(store, ["star", *(f"fan{n}" for n in range(FOLLOWERS))])
        self.strangers = settle(store, [f"stranger{n}" for n in range(8)])

        def tie(tx: Transaction) -> None:
            for fan in self.fans:
                tx.sets.add(SetKey(self.star.ordinal, SetKind.FOLLOWERS), fan.ordinal)

        store.write_now(tie)
        self.statuses = write_statuses(store, [self.star.ordinal] * 4, "back again")
        store.close_now()
        self.server: Server

    @asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """Open the data folder as the job process of the server does."""
        settings = Settings(data=self.folder, port=self.server.port, workers=2)
        store = open_store(settings)
        try:
            yield context_of(settings, store)
        finally:
            await store.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("probes") / "data")
    with serve(found.folder, workers=2) as server:
        found.server = server
        yield found


class Told:
    """Keeps what probes say."""

    def __init__(self) -> None:
        self.probes: list[Probe] = []

    async def __call__(self, probe: Probe) -> None:
        self.probes.append(probe)

    @property
    def failed(self) -> list[Probe]:
        return [probe for probe in self.probes if not probe.passed]

    def workers(self, name: str) -> set[str]:
        return {probe.worker for probe in self.probes if probe.name == name}


async def test_an_account_is_staged_and_confirmed_in_every_worker(world: World) -> None:
    star = world.star.ordinal
    async with world.context() as ctx:
        await moderation.suspend(ctx, moderator=None, target=star, ground="spam")
        told = Told()
        staged = await probing.stage(ctx, account=star, tell=told)
        assert told.failed == []
        assert (staged.passed, staged.followers, staged.checked) == (True, FOLLOWERS, 1)
        await moderation.reinstate(ctx, moderator=None, target=star, reason=LiftReason.OVERTURNED)
        told = Told()
        assert await probing.confirm(
            ctx, account=star, plan_followers=FOLLOWERS, sample=5, tell=told
        )
        assert told.failed == []
        for name in ASKED_EVERYWHERE:
            assert told.workers(name) == {"0", "1"}, name
        for one in told.probes:
            print(one)
