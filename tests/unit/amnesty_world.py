"""A world with an amnesty of suspended accounts, whose probes say what they are told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.world import World

from rostra.domain.amnesty import Amnesty, Entry, Limits
from rostra.domain.amnesty_waves import Course
from rostra.domain.probes import Probe
from rostra.domain.reports import Category, Report
from rostra.ports import Transaction
from rostra.services.amnesty import amnesties, driving, steering
from rostra.services.work import ASIDE
from rostra.testing.amnesties import frozen

LATE = {*ASIDE, "send_alert"}
"""Jobs that may wait: the clock of these tests jumps over them."""


class Waves(World):
    """A world with an amnesty of suspended accounts, whose probes say what they are told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.planner, self.approver = self.moderator("planner"), self.moderator("approver")
        self.probed: list[tuple[int, int | None]] = []
        self.failing: set[int] = set()
        self.id = 0

    async def suspended(self, count: int) -> list[int]:
        """Make accounts that follow each other in a ring and are suspended."""
        found = self.people(*(f"s{number}" for number in range(count)))
        for one, other in zip(found, found[1:] + found[:1], strict=True):
            if one != other:
                await self.follow(one, other)
        for one in found:
            await self.suspend(one)
        return found

    async def approved(self, accounts: list[int], *waves: str, **limits: Any) -> int:
        """Freeze and approve an amnesty of accounts, and return its id."""
        self.tick()
        amnesty = await self.store.write(
            lambda tx: frozen(
                tx,
                accounts=accounts,
                planner=self.planner,
                approver=self.approver,
                waves=waves or ("100%",),
                limits=Limits(**{"pause_s": 0, "lag_s": 9_999_999, **limits}),
            )
        )
        self.id = amnesty.id
        self.tick()
        return self.id

    async def run(self, accounts: list[int], *waves: str, **limits: Any) -> Amnesty:
        """Approve, start and work."""
        await self.approved(accounts, *waves, **limits)
        await steering.run(self.ctx, moderator=self.planner, amnesty_id=self.id)
        return await self.work()

    async def work(self) -> Amnesty:
        """Let the job do what is to do, and return the amnesty."""
        self.tick()
        await driving.work(self.ctx, amnesty=self.id, aside=LATE)
        return self.amnesty()

    async def decide(self, verb: Callable[..., Any], **options: Any) -> Amnesty:
        """Decide something about it as a moderator."""
        self.tick()
        found: Amnesty = await verb(
            self.ctx, moderator=self.approver, amnesty_id=self.id, **options
        )
        return found

    async def reported(self, account: int, times: int) -> None:
        """Let an account be reported so many times at once."""

        def report(tx: Transaction) -> None:
            for _ in range(times):
                tx.reports.put(
                    Report(
                        id=tx.next_id(),
                        account=self.planner,
                        target=account,
                        category=Category.SPAM,
                        comment="",
                        created_at=tx.now,
                        updated_at=tx.now,
                    )
                )

        await self.store.write(report)

    def amnesty(self) -> Amnesty:
        with self.read() as snap:
            return amnesties.require_amnesty(snap, self.id)

    def course(self) -> Course:
        with self.read() as snap:
            return steering.course_of(snap, self.id)

    def entries(self) -> list[Entry]:
        with self.read() as snap:
            return snap.amnesties.entries(self.id, limit=1000)

    def outcomes(self) -> list[str]:
        return [entry.outcome.value for entry in self.entries()]

    def active(self, account: int) -> bool:
        with self.read() as snap:
            return snap.gate.active(account)

    def ledger(self) -> list[str]:
        with self.read() as snap:
            return [one.kind for one in snap.ledger.iterate() if one.kind.startswith("amnesty")]

    def subjects(self) -> list[str]:
        with self.read() as snap:
            due = snap.jobs.due(self.clock.now(), limit=1000, only=("send_alert",))
        return [job.payload["subject"] for job in due]

    def alerts(self) -> list[str]:
        return [subject.split(": ")[1] for subject in self.subjects()]


@asynccontextmanager
async def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Waves]:
    """Open a world for as long as the context is."""
    made = Waves(folder)

    async def confirm(
        ctx: Any, *, account: int, plan_followers: int | None, tell: Any, **_: Any
    ) -> bool:
        passed = account not in made.failing
        made.probed.append((account, plan_followers))
        await tell(Probe("profile", "0", passed, "200" if passed else "410, 200 expected", 1.5))
        return passed

    monkeypatch.setattr(driving.probing, "confirm", confirm)
    yield made
    await made.store.close()
