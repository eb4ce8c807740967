"""Amnesties in random worlds, with persons who meddle and kills between any two commits, held to an
oracle that is written as plainly as can be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from msgspec import structs
from tests.unit.amnesty_world import LATE, Waves, opened

from rostra.domain.accounts import Standing
from rostra.domain.amnesty import AmnestyState
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import RostraError
from rostra.domain.labels import LEGAL_HOLD, Label
from rostra.ports import Transaction
from rostra.services.amnesty import driving, steering, stepping
from rostra.services.membership import departures
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships
from rostra.testing.amnesties import Killed, MeddledStore

PEOPLE = 14
SUSPENDED = 10
AMNESTIED = 9
OVER = {AmnestyState.DONE, AmnestyState.STOPPED, AmnestyState.ROLLED_BACK}


class Plain:
    """What must be so: who is suspended, limited, deleted, held and away, and who follows whom."""

    def __init__(self) -> None:
        self.edges: set[tuple[int, int]] = set()
        self.suspended: set[int] = set()
        self.limited: set[int] = set()
        self.deleted: set[int] = set()
        self.held: set[int] = set()
        self.away: set[int] = set()  # put away by its owner
        self.left: set[int] = set()  # those of them who did it after the job lifted
        self.decided: set[int] = set()  # a person acted on, or lifted what was frozen
        self.lightened: set[int] = set()  # another action was lifted
        self.outcomes: dict[int, str] = {}

    def job(self, account: int, *, back: bool) -> str:
        """The job comes to an account; return the outcome it must come to."""
        if not back:
            self.lightened.discard(account)
            self.left.discard(account)
            if account in self.deleted | self.held | self.decided:
                return "skipped"
            self.suspended.discard(account)
            return "lifted"
        if account in self.deleted | self.decided | self.lightened | self.left:
            return "kept"
        self.suspended.add(account)
        return "rolled_back"

    def followers(self, account: int) -> int:
        gone = self.suspended | self.deleted | self.away
        if account in gone:
            return 0
        return sum(1 for one, other in self.edges if other == account and one not in gone)


class Play:
    """One random world, from the plan to the end."""

    def __init__(self, world: Waves, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.plain = Plain()
        self.people: list[int] = []
        self.kills = 0

    async def begin(self) -> None:
        world, plain, random = self.world, self.plain, self.random
        self.people = world.people(*(f"p{number}" for number in range(PEOPLE)))
        while len(plain.edges) < 5 * PEOPLE:
            one, other = random.sample(self.people, 2)
            await world.follow(one, other)
            plain.edges.add((one, other))
        chosen = random.sample(self.people, SUSPENDED)
        for account in chosen:
            if random.random() < 0.2:
                await self.put_away(account)
            if random.random() < 0.3:
                await self._act(account, ActionKind.LIMIT)
                plain.limited.add(account)
            await self._act(account, ActionKind.SUSPEND)
            plain.suspended.add(account)
        await world.approved(chosen[:AMNESTIED], "1", "30%", "100%", failures=99)
        plain.outcomes = dict.fromkeys(chosen[:AMNESTIED], "pending")
        for _ in range(random.randrange(3)):
            await self.meddle()
        await world.decide(steering.run)

    async def _act(self, account: int, kind: ActionKind) -> None:
        self.world.tick()
        await enforcing.act(
            self.world.ctx, moderator=None, target=account, kind=kind, ground="a rule"
        )

    # -- persons -----------------------------------------------------------------------------------

    async def meddle(self) -> None:
        """Let a person do something, or let time pass."""
        acts: list[Callable[[int], Awaitable[None]]] = [
            *(self.suspend, self.limit, self.reinstate, self.unlimit),
            *(self.delete, self.hold, self.follow, self.follow, self.unfollow),
            *(self.put_away, self.come_back),
        ]
        if self.random.random() < 0.6:
            self.world.tick()
            try:
                await self.random.choice(acts)(self.random.choice(self.people))
            except RostraError:
                return  # refused: nothing changed

    async def suspend(self, account: int) -> None:
        await self._act(account, ActionKind.SUSPEND)
        self.plain.suspended.add(account)
        self.plain.decided.add(account)

    async def limit(self, account: int) -> None:
        await self._act(account, ActionKind.LIMIT)
        self.plain.limited.add(account)
        self.plain.decided.add(account)

    async def reinstate(self, account: int) -> None:
        await self.world.reinstate(account)
        self.plain.suspended.discard(account)
        self.plain.decided.add(account)

    async def unlimit(self, _: int) -> None:
        account = self.random.choice(sorted(self.plain.limited) or self.people)
        await enforcing.lift(
            self.world.ctx,
            moderator=None,
            target=account,
            kind=ActionKind.LIMIT,
            reason=LiftReason.SERVED,
        )
        self.plain.limited.discard(account)
        self.plain.lightened.add(account)

    async def delete(self, account: int) -> None:
        if len(self.plain.deleted) > 1:
            return
        with self.world.read() as snap:
            actions = snap.enforcement.of_account(account)[0]
        if not actions or account in self.plain.deleted:
            return
        await self.world.store.write(
            lambda tx: tx.enforcement.take(
                structs.replace(
                    actions[0], id=tx.next_id(), kind=ActionKind.DELETE, taken_at=tx.now
                )
            )
        )
        self.plain.deleted.add(account)

    async def hold(self, account: int) -> None:
        label = Label(account=account, name=LEGAL_HOLD, moderator=None, given_at=0)
        await self.world.store.write(lambda tx: tx.labels.put(label))
        self.plain.held.add(account)

    async def put_away(self, account: int) -> None:
        def change(tx: Transaction) -> None:
            tx.gate.require_may_act(account)
            tx.standings.put(Standing(account=account, deactivated_at=tx.now))

        await self.world.store.write(change)
        self.plain.away.add(account)
        self.plain.left.add(account)

    async def come_back(self, _: int) -> None:
        account = self.random.choice(sorted(self.plain.away) or self.people)
        await departures.come_back(self.world.ctx, actor=account)
        self.plain.away.discard(account)
        self.plain.left.discard(account)

    async def follow(self, account: int) -> None:
        other = self.random.choice(self.people)
        ctx = self.world.ctx
        found = await relationships.follow(ctx, actor=account, target=other)
        if found.following:  # who is limited has to ask
            self.plain.edges.add((account, other))

    async def unfollow(self, account: int) -> None:
        other = self.random.choice(self.people)
        await relationships.unfollow(self.world.ctx, actor=account, target=other)
        self.plain.edges.discard((account, other))

    # -- the job -----------------------------------------------------------------------------------

    async def before(self) -> None:
        """Before each commit of the job: somebody acts, decides about the amnesty, or it dies."""
        await self.meddle()
        verbs = (steering.pause, steering.resume)
        if self.random.random() < 0.1:
            await self.decide(*verbs)
        if self.random.random() < 0.02:
            await self.decide(steering.stop, steering.roll_back)
        self.die()

    async def after(self) -> None:
        """After each commit of the job: hold what it did to the oracle; it may die too."""
        for entry in self.world.entries():
            outcome = entry.outcome.value
            known = self.plain.outcomes[entry.account]
            if outcome != known:
                expected = self.plain.job(entry.account, back=known == "lifted")
                assert (outcome, entry.why != "") == (
                    expected,
                    expected in ("skipped", "kept"),
                )
                self.plain.outcomes[entry.account] = outcome
        self.compare()
        self.die()

    def die(self) -> None:
        if self.random.random() < 0.15:
            self.kills += 1
            raise Killed

    async def decide(self, *verbs: Callable[..., Awaitable[object]]) -> None:
        try:
            await self.world.decide(self.random.choice(verbs))
        except RostraError:
            return

    async def work(self) -> None:
        """Let the job process live, die and live again until the amnesty is over."""
        store = MeddledStore(self.world.store, self.before, self.after)
        ctx = structs.replace(self.world.ctx, store=store)
        while (state := self.world.amnesty().state) not in OVER:
            if state in (AmnestyState.PAUSED, AmnestyState.HALTED):
                await self.world.decide(steering.resume)
            try:
                await driving.work(ctx, amnesty=self.world.id, aside=LATE)
            except Killed:
                await self.meddle()

    def compare(self) -> None:
        """Hold every account to the oracle."""
        plain = self.plain
        with self.world.read() as snap:
            for account in self.people:
                state = snap.gate.state(account)
                assert (state.suspended, state.limited, state.deleted, state.deactivated) == (
                    account in plain.suspended,
                    account in plain.limited,
                    account in plain.deleted,
                    account in plain.away,
                )
        for account in set(self.people) - plain.deleted - plain.away:
            assert self.world.followers(account)[0] == plain.followers(account)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_persons_do_and_whenever_it_dies_the_end_is_the_oracles(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        monkeypatch.setattr(stepping, "FIRST_STEP", 1 + seed % 3)
        async with opened(tmp_path / "data", monkeypatch) as world:
            game = Play(world, seed)
            await game.begin()
            await game.work()
            game.compare()
            if world.amnesty().state is not AmnestyState.ROLLED_BACK:
                for _ in range(4):
                    await game.meddle()
                await world.decide(steering.roll_back)
                await game.work()
                game.compare()
            assert "lifted" not in world.outcomes()

    asyncio.run(play())
