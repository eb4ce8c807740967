"""A star that is suspended, and what tests of reinstating it share."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random
from typing import Any

from tests.api.world import URL, Person, World

from rostra.domain.enforcement import LiftReason
from rostra.domain.probes import PASS_PURPOSE
from rostra.domain.reinstatement import Run
from rostra.services import reinstatement
from rostra.services.reinstatement import running
from rostra.storage.database.sqlite import Database
from rostra.storage.plans import PLANS_FOLDER
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.app_visitors import AppVisitors


class Stage:
    """A star with fans, suspended, a moderator, and a world they live in."""

    def __init__(self, world: World, star: Person, mod: Person, fans: list[Person]) -> None:
        self.world, self.ctx = world, world.ctx
        self.star, self.mod, self.fans = star, mod, fans

    async def plan(self, **more: Any) -> reinstatement.Frozen:
        return await reinstatement.plan(
            self.ctx, moderator=self.mod.ordinal, target=self.star.ordinal, **more
        )

    async def begin(self, plan: str = "", **more: Any) -> Run:
        more = {"moderator": self.mod.ordinal, "reason": LiftReason.OVERTURNED, **more}
        named = plan or (await self.plan()).hash
        return await reinstatement.begin(self.ctx, plan=named, **more)

    def run(self, id_: int) -> Run:
        with self.world.store.read() as snap:
            return reinstatement.require_run(snap, id_)

    async def drive(self, run: Run) -> Run:
        await running.drive(self.ctx, run=run.id)
        return self.run(run.id)

    async def reinstated(self) -> Run:
        return await self.drive(await self.begin())

    async def public(self, who: Person | None = None) -> tuple[bool, int]:
        """Return whether the account is shown as suspended, and its followers as anybody sees."""
        told = (await self.world.get(f"/api/v1/accounts/{(who or self.star).id}")).json()
        return bool(told.get("suspended")), told["followers_count"]

    def visitors(self, *, missing: tuple[str, ...] = ()) -> AppVisitors:
        """Return visitors who do not meet some workers."""
        secret = self.world.store.secret(PASS_PURPOSE).hex()
        return AppVisitors({"3": self.world.app}, URL, secret, missing)

    def alerts(self) -> list[dict[str, Any]]:
        """Return what operators are to be told."""
        with self.world.store.read() as snap:
            due = snap.jobs.due(2**60, limit=1000, only=("send_alert",))
        return [job.payload for job in due]

    def clean(self) -> bool:
        database = Database(self.world.store.folder / DATABASE_FILE, writable=False)
        try:
            return not list(verify(database, random=Random(1)))
        finally:
            database.close()


def everything(folder: Path) -> dict[str, str]:
    """Return a digest of all rows of each table, and of each file beside the database but plans."""
    database = Database(folder / DATABASE_FILE, writable=False)
    names = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for name in names:
        rows = sorted(map(repr, database.rows(f'SELECT * FROM "{name}"')))
        found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    database.close()
    for path in sorted(folder.rglob("*")):
        beside = path.is_file() and not path.name.startswith(DATABASE_FILE)
        if beside and path.parent.name != PLANS_FOLDER:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


async def staged(world: World) -> Stage:
    """Return a world with a star that three follow, suspended, and a moderator."""
    star, *fans = await world.people("star", "ann", "bob", "cleo")
    mod = await world.moderator()
    for fan in fans:
        await fan.follow(star)
    await star.follow(fans[0])
    await star.status("hello")
    await world.suspend(star)
    world.tick()
    return Stage(world, star, mod, fans)
