"""A random world in which the tool runs: reinstatements and amnesties, held against the oracle.

Between any two commits of the tool others act, it may be killed, and its operators pause, resume,
stop and roll back. What the probes say is chance: they are not asked over HTTP, so that all of it
runs in one process. In their place stand doubles that recount the account from the disk and hold
what both stores show of it to the oracle, which must agree; then they say by chance that all is
right, or that a probe failed, which must be rolled back, or halt. A double of the visitors answers
truly whether an account is hidden again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from unittest import mock

import msgspec
from msgspec import structs

from rostra.config import Settings
from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import RostraError
from rostra.domain.labels import KNOWN
from rostra.domain.probes import Probe, Staged
from rostra.ports import ANSWERING_SECONDS, Context, Missed, Party, Transaction, Visit
from rostra.services import probing
from rostra.services.moderation import enforcing, labels
from rostra.services.reinstatement import hiding
from rostra.services.work import HANDLERS
from rostra.testing.amnesties import Killed, MeddledStore
from rostra.testing.amnesty_oracle import AmnestyOracle
from rostra.testing.oracle import KINDS, Refused
from rostra.testing.random_world import (
    ACTS,
    HOUR_MS,
    POLL_SECONDS,
    WEIGHTS,
    Disagreement,
    Operation,
    RandomWorld,
    Shape,
)
from rostra.testing.tool_amnesties import Amnesties
from rostra.testing.tool_oracle import DAY_MS
from rostra.testing.tool_runs import Playing as Reinstating
from rostra.testing.tool_runs import Runs
from rostra.testing.tool_selectors import GROUNDS

DORMANT_DAYS: Final = 1
DRIVEN_HERE: Final = ("run_reinstatement", "run_amnesty", "roll_back_amnesty", "plan_amnesty")
LEFT: Final = ("erase_data",)
"""What is due a month after an account is deleted is no matter here."""

REASONS: Final = (LiftReason.OVERTURNED, LiftReason.SERVED, LiftReason.AMNESTY)


class Subject(Protocol):
    """A run or an amnesty that is driven, and is told how looking at an account ended."""

    def too_late(self, now: int) -> bool:
        """Return whether the time to look is over."""

    def looked(self, right: bool) -> None:
        """Take down whether a look found all right, before that is written down."""

    def noted(self, right: bool, shown: bool) -> None:
        """Take down how a look ended, and whether the account is to be shown then."""


class ToolWorld(RandomWorld):
    """A random world with operators; the same for the same seed, as far as no real clock matters.

    Args:
        folder: the data folder, made new.
        seed: what chance begins with.
        shape: how large it is.
    """

    jumps = 0.01
    """How often the clock moves on by up to 30 hours between two lots of acts."""

    def __init__(self, folder: Path, *, seed: int, shape: Shape | None = None) -> None:
        self.known = AmnestyOracle(DORMANT_DAYS, POLL_SECONDS * 1000)
        super().__init__(folder, seed=seed, shape=shape, oracle=self.known)
        self.staff: list[int] = []
        self.kills = 0
        self.looks = 0
        self.subject: Subject
        self.runs = Runs(self)
        self.amnesties = Amnesties(self)
        self._broken: Disagreement | None = None

    # -- its life ------------------------------------------------------------------------------

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RandomWorld]:
        """Open the stores, and put the doubles in the place of the probes."""
        with self._doubles():
            async with super().opened():
                yield self

    @contextmanager
    def _doubles(self) -> Iterator[None]:
        with (
            mock.patch.object(probing, "stage", self._stage),
            mock.patch.object(probing, "confirm", self._confirm),
            mock.patch.object(hiding, "HIDDEN_SECONDS", 0.0),
        ):
            yield

    def _settings(self) -> Settings:
        return Settings(data=self._folder, dormant_days=DORMANT_DAYS)

    async def populate(self) -> None:
        """Make the accounts, the sets that begin large, and two moderators nobody acts against."""
        await super().populate()

        def appoint(tx: Transaction) -> None:
            first = tx.accounts.reserve_ordinals(2)
            self.staff = [first, first + 1]
            for one in self.staff:
                tx.accounts.create(
                    Account(
                        ordinal=one,
                        id=tx.next_id(),
                        username=f"moderator{one}",
                        created_at=tx.now,
                        role=Role.MODERATOR,
                    )
                )

        await self.stores[0].write(appoint)

    async def step(self) -> int:
        """Let others act, then often an operator, the tool or both; return how many acts."""
        before = self.operations
        await super().step()
        self.tick(0)
        if self.random.random() < 0.5:
            await self.random.choice((self.runs.turn, self.amnesties.turn))()
        return self.operations - before

    async def end(self) -> None:
        """Take every run and amnesty under way to its end, and compare everything."""
        await self.runs.end()
        await self.amnesties.end()
        self.tick(0)
        await self._do_jobs()
        self.compare_all()

    def tick(self, ms: int) -> None:
        """Move the clock, and tell the oracle."""
        self._clock.advance(ms)
        self.known.now = self._clock.now()

    async def _between_lots(self) -> None:
        await super()._between_lots()
        if self.random.random() < self.jumps:
            self.tick(self.random.randint(1, 30 * HOUR_MS))

    async def _do_jobs(self) -> None:
        self.tick(0)
        self.known.jobs_done()
        context = self._context()
        store = context.store
        while True:
            with store.read() as snapshot:
                due = snapshot.jobs.due(self.known.now, limit=100, without=LEFT)
            if not due:
                return
            for job in due:
                if job.name not in DRIVEN_HERE:
                    await HANDLERS[job.name](context, **job.payload)
                await store.write(lambda tx, id_=job.id: tx.jobs.finish(id_))  # type: ignore[misc]

    # -- the tool ------------------------------------------------------------------------------

    @property
    def ctx(self) -> Context:
        """The ports, on one of the stores by chance."""
        return self._context()

    async def tried(self, act: Awaitable[Any]) -> tuple[Any, RostraError | None]:
        """Return what came of an act: its result, or why it was refused."""
        try:
            return await act, None
        except RostraError as error:
            return None, error

    def refusal(self, found: RostraError | None, expected: Refused | None, what: str) -> None:
        """Hold why something was refused to what the oracle says.

        Raises:
            Disagreement: it says something else.
        """
        self.same(found and type(found), expected, "the refusal of", (what, found and str(found)))

    async def drive(
        self,
        work: Callable[[Context], Awaitable[object]],
        before: Callable[[], Awaitable[None]],
        after: Callable[[], Awaitable[None]],
    ) -> None:
        """Let the tool work, others acting between its commits, until it ends or is killed.

        Raises:
            Disagreement: something is not as the oracle says.
        """
        context = self._context()
        store: Any = MeddledStore(context.store, self._held(before), self._held(after))
        try:
            await work(structs.replace(context, store=store, visitors=self))
        except Killed:
            self.kills += 1
        if self._broken is not None:
            raise self._broken

    def _held(self, act: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Keep a disagreement from being taken for a failure of the job, and end the job."""

        async def held() -> None:
            try:
                await act()
            except Disagreement as error:
                self._broken = error
                raise Killed from error

        return held

    async def meddle(self) -> None:
        """Let others act, or not."""
        if self.random.random() < 0.5:
            self.tick(self.random.randint(0, 40))
            await self.lot(self.random.randint(1, 12))

    def learn(self, account: int) -> None:
        """Take down the ids of all actions of an account, of which there must be so many.

        Raises:
            Disagreement: there are not.
        """
        with self.stores[0].read() as snap:
            actions, _ = snap.enforcement.of_account(account)
        ids = sorted(action.id for action in actions)
        acts = self.known.acts_of(account)
        self.same(len(ids), len(acts), "the number of actions of", account)
        for act, id_ in zip(acts, ids, strict=True):
            act.id = id_

    def suspended(self) -> int | None:
        """Return an account that is suspended, often one that many follow, if chance finds some."""
        found = [
            one
            for one in (*self._some(10), *(self._anybody() for _ in range(50)))
            if self.known.suspensions(one) and not self.known.deleted(one)
        ]
        if found and self.random.random() < 0.5:
            return max(found, key=lambda one: len(self.known.follows.members(one)))
        return self.random.choice(found) if found else None

    # -- looking -------------------------------------------------------------------------------

    async def _look(self, ctx: Context, account: int) -> bool:
        """Recount an account from the disk, hold it to the oracle, and say what chance says."""
        self.looks += 1
        async with ctx.store.audit() as audit:
            flaws = await audit.sets(account)

        async def compare() -> None:
            self.same(len(flaws), 0, "the flaws of", (account, flaws))
            self.compare([account], [])

        await self._held(compare)()
        right = self.random.random() < 0.85
        self.subject.looked(right)
        return right

    async def _stage(
        self, ctx: Context, *, account: int, tell: probing.Tell, **_: object
    ) -> Staged:
        right = await self._look(ctx, account)
        await tell(Probe("sets", "", right, "as chance has it", 0.0))
        known = self.known
        followers = known.follows.members(account)
        return Staged(
            passed=right,
            followers=len(known.shown(followers)),
            stored=len(followers),
            following=len(known.shown(known.follows.owners(account))),
            checked=1.0,
            missed=0.0,
            took_ms=0.0,
        )

    async def _confirm(
        self, ctx: Context, *, account: int, tell: probing.Tell, **_: object
    ) -> bool:
        if self.subject.too_late(self.known.now):
            self.subject.looked(False)
            await asyncio.sleep(3600)  # which is cut short: the time is over
        right = await self._look(ctx, account)
        await tell(Probe("counts", "0", right, "as chance has it", 0.0))
        self.subject.noted(right, self.known.active(account))
        return right

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        """Be the visitors of one worker; see ``ports.Visitors.meet``."""
        yield Party({self.worker: self}, ())

    worker = "0"

    async def ask(self, path: str, **_: object) -> Visit:
        """Answer whether the account that is rolled back is suspended; see ``ports.Visitor``."""
        assert isinstance(self.subject, Reinstating)
        account = self.subject.account

        async def compare() -> None:
            for store in self.stores:
                with store.read() as snap:
                    found = snap.gate.state(account).suspended
                self.same(found, bool(self.known.suspensions(account)), "suspended", account)

        await self._held(compare)()
        told = {"suspended": bool(self.known.suspensions(account)), "path": path}
        return Visit(200, {}, msgspec.json.encode(told), 0.0)

    # -- acts ----------------------------------------------------------------------------------

    def _operation(self) -> Operation:
        name = self.random.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        return _OWN[name](self) if name in _OWN else ACTS[name](self)

    def _take(self) -> Operation:
        random = self.random
        target = self._one() if random.random() < 0.1 else self._anybody()
        kind = random.choices(KINDS, weights=(5, 1, 1))[0]
        until = None
        if random.random() < 0.4:
            until = self.known.now + random.randint(1, random.choice((HOUR_MS, 4 * DAY_MS)))
        ground = random.choice(GROUNDS)
        expected = self.known.act(target, kind, until, ground)
        act = None if expected else self.known.last

        async def take(ctx: Context) -> None:
            action = await enforcing.act(
                ctx, moderator=None, target=target, kind=kind, ground=ground, until=until
            )
            if act is not None:
                act.id = action.id

        return expected, take

    def _lift(self) -> Operation:
        target = self.suspended() or self._one()
        kind = self.random.choices(KINDS, weights=(6, 1, 1))[0]
        reason = self.random.choice(REASONS)
        expected = self.known.lift(target, kind, reason)
        return expected, lambda ctx: enforcing.lift(
            ctx, moderator=None, target=target, kind=kind, reason=reason
        )

    def _label(self) -> Operation:
        target, name = self._anybody(), self.random.choice(KNOWN)
        had = self.known.labels.setdefault(target, set())
        moderator = self.staff[0]
        if name in had:
            expected = self.known.unlabel(target, name)
            return expected, lambda ctx: labels.take(
                ctx, moderator=moderator, target=target, name=name
            )
        expected = self.known.label(target, name)
        return expected, lambda ctx: labels.give(ctx, moderator=moderator, target=target, name=name)


_OWN: Final[dict[str, Callable[[ToolWorld], Operation]]] = {
    "take": ToolWorld._take,
    "lift": ToolWorld._lift,
    "label": ToolWorld._label,
}
_WEIGHTS: Final[dict[str, float]] = {
    **dict(zip(ACTS, WEIGHTS, strict=True)),
    "take": 6,
    "lift": 4,
    "label": 0.3,
}
