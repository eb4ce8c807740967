"""A rehearsal with several stars, served by two workers, for tests of the probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import LiftReason
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run
from rostra.ops.opening import MEDIA_FOLDER, context_of, open_store
from rostra.ops.rehearsal import marker
from rostra.outside.files import LocalFiles
from rostra.ports import Context, Transaction
from rostra.services import reinstatement
from rostra.services.moderation import enforcing
from rostra.storage.packer import Packer
from rostra.storage.store import SqliteStore
from rostra.testing.people import Person, settle, write_statuses
from rostra.testing.server import Server

FOLLOWERS: Final = 40
CROWD: Final = 3000
"""Followers of the large star that are no full accounts, so that its set is in chunks."""

WORKERS: Final = ("worker-0", "worker-1")


class Told:
    """Keeps what probes say."""

    def __init__(self) -> None:
        self.probes: list[Probe] = []

    async def __call__(self, probe: Probe) -> None:
        self.probes.append(probe)

    @property
    def failed(self) -> list[Probe]:
        """Those that were not right."""
        return [probe for probe in self.probes if not probe.passed]

    def workers(self, name: str) -> set[str]:
        """Return the workers a probe was asked of."""
        return {probe.worker for probe in self.probes if probe.name == name}


class Rehearsal:
    """A data folder that is marked as a rehearsal.

    Args:
        folder: where to make it.
        stars: the names of accounts that all fans follow; one called "large" has a crowd besides.
    """

    def __init__(self, folder: Path, stars: Sequence[str]) -> None:
        self.folder = folder
        store = open_store(Settings(data=folder))
        marker.mark(folder)
        self.stars = dict(zip(stars, settle(store, stars), strict=True))
        self.fans = settle(store, [f"fan{n}" for n in range(FOLLOWERS)])
        self.strangers = settle(store, [f"stranger{n}" for n in range(8)])
        store.write_now(self._tie)
        for star in self.stars.values():
            write_statuses(store, [star.ordinal] * 3, "back again")
            self._picture(store, star)
        while store.write_now(Packer().step):
            pass
        store.close_now()
        self.server: Server

    def _picture(self, store: SqliteStore, star: Person) -> None:
        """Give a star an avatar."""
        files = LocalFiles(self.folder / MEDIA_FOLDER)
        key, source = files.new_key(), self.folder / "picture.png"
        source.write_bytes(b"a picture")
        asyncio.run(files.put(key, {"avatar.png": source}))

        def own(tx: Transaction) -> None:
            tx.media.own_files(key, star.ordinal, tx.now)
            account = tx.accounts.get(star.ordinal)
            assert account is not None
            tx.accounts.update(replace(account, avatar=f"media/{key}/avatar.png"))

        store.write_now(own)

    def _tie(self, tx: Transaction) -> None:
        fans = [fan.ordinal for fan in self.fans]
        for name, star in self.stars.items():
            crowd: list[int] = []
            if name.startswith("large"):
                first = tx.accounts.reserve_ordinals(CROWD)
                crowd = list(range(first, first + CROWD))
            tx.sets.add_many(SetKey(star.ordinal, SetKind.FOLLOWERS), [*crowd, *fans])

    @asynccontextmanager
    async def context(self, **settings: object) -> AsyncIterator[Context]:
        """Open the data folder as the job process of the server does."""
        given = {"data": self.folder, "port": self.server.port, "workers": 2, **settings}
        own = Settings(**given)  # type: ignore[arg-type]
        store: SqliteStore = open_store(own)
        try:
            yield context_of(own, store)
        finally:
            await store.close()

    async def reinstate(self, ctx: Context, star: Person) -> tuple[Run, list[Probe]]:
        """Plan and run a reinstatement as an operator does; return the run and its probes."""
        frozen = await reinstatement.plan(ctx, moderator=None, target=star.ordinal)
        run = await reinstatement.begin(
            ctx, moderator=None, plan=frozen.hash, reason=LiftReason.OVERTURNED
        )
        while True:
            with ctx.store.read() as snap:
                found = reinstatement.status(snap, run.id)
            if found.run.state.is_over:
                return found.run, [seen.probe for seen in found.probes]
            assert self.server.process.poll() is None, self.server.log.read_text()
            await asyncio.sleep(0.02)


async def suspend(ctx: Context, star: Person) -> None:
    """Suspend a star."""
    await enforcing.suspend(ctx, moderator=None, target=star.ordinal, ground="spam")


async def lift(ctx: Context, star: Person) -> None:
    """Lift the suspension of a star."""
    await enforcing.reinstate(
        ctx, moderator=None, target=star.ordinal, reason=LiftReason.OVERTURNED
    )
