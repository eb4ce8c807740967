"""Amnesties in a random world: planned by selectors of chance, approved by another moderator,
run in waves, paused, halted, resumed, stopped, killed and rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from rostra.domain.amnesty import (
    HOLDING,
    TRANSITIONS,
    Amnesty,
    AmnestyState,
    Entry,
    Limits,
    wave_sizes,
)
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Forbidden, Invalid
from rostra.services.amnesty import amnesties, driving, planning, steering
from rostra.services.work import HANDLERS
from rostra.testing.amnesties import Killed
from rostra.testing.amnesty_oracle import Chosen, Part
from rostra.testing.oracle import Refused
from rostra.testing.tool_selectors import nobody, selector

if TYPE_CHECKING:
    from rostra.testing.tool_world import ToolWorld

MOST_AT_ONCE: Final = 3
MOST_REMEMBERED: Final = 10
FOREVER_S: Final = 1_000_000_000
REASONS: Final = (LiftReason.OVERTURNED, LiftReason.SERVED, LiftReason.AMNESTY)
WAVES: Final = (("100%",), ("1", "100%"), ("1", "30%", "100%"), ("10", "1%", "10%", "100%"))
INCLUDES: Final = ((), ("second_strike",), ("second_strike", "spam"), ("still_hidden",))
_State = AmnestyState
OVER: Final = (_State.STOPPED, _State.DONE)


class Playing(Struct, kw_only=True):
    """An amnesty as the oracle knows it; ``order`` is that of its plan among all decisions."""

    id: int
    order: int
    include: tuple[str, ...]
    reason: LiftReason
    parts: list[Part]
    state: AmnestyState = _State.PLANNED
    wrong: bool = False
    over: bool = False
    expires_at: int = 0

    def too_late(self, now: int) -> bool:
        """Return that there is no time to be late for."""
        return False

    def looked(self, right: bool) -> None:
        """Do nothing yet: whether it counts is asked when it is over."""

    def noted(self, right: bool, shown: bool) -> None:
        """Take down that a look found something wrong with an account that is to be shown, unless
        somebody let the wave pass meanwhile.
        """
        self.wrong = not self.over and (self.wrong or (not right and shown))


class Amnesties:
    """All amnesties of a world."""

    def __init__(self, world: ToolWorld) -> None:
        self._world = world
        self.live: list[Playing] = []
        self.over: list[Playing] = []
        self.ended: dict[str, int] = {}
        self.became: dict[str, int] = {}
        self.planned = 0

    def holds(self, account: int) -> bool:
        """Return whether an account is in the hands of an amnesty."""
        return account in self._held()

    def _held(self) -> set[int]:
        return {
            part.account
            for amnesty in self.live
            if amnesty.state in HOLDING
            for part in amnesty.parts
        }

    async def turn(self) -> None:
        """Let an operator, or the job, do something."""
        random = self._world.random
        chance = random.random()
        if chance < 0.25 and (self.live or self.over):
            await self._decide(random.choice([*self.live, *self.live, *self.over[-3:]]))
        elif self.live and (chance < 0.8 or len(self.live) >= MOST_AT_ONCE):
            amnesty = random.choice(self.live)
            if amnesty.state in (_State.RUNNING, _State.ROLLING_BACK):
                await self._drive(amnesty)
            elif random.random() < 0.5:
                await self._decide(amnesty, wanted=True)
        else:
            await self._plan()

    async def end(self) -> None:
        """Take all that are under way to their end."""
        while self.live:
            amnesty = self.live[0]
            if amnesty.state in (_State.RUNNING, _State.ROLLING_BACK):
                self._world.tick(60_000)
                await self._drive(amnesty)
            else:
                await self._decide(amnesty, wanted=True)

    # -- planning ------------------------------------------------------------------------------

    async def _plan(self) -> None:
        world, random, oracle = self._world, self._world.random, self._world.known
        where, meant = selector(random, oracle)
        except_, but = selector(random, oracle) if random.random() < 0.2 else ("", nobody)
        if except_ == "all":
            except_, but = "", nobody
        kind = random.choices((ActionKind.SUSPEND, ActionKind.LIMIT), weights=(5, 1))[0]
        include, reason = random.choice(INCLUDES), random.choice(REASONS)
        waves = random.choice(WAVES)
        pause = random.choice((0, 0, 60))
        limits = Limits(failures=0, reports=FOREVER_S, lag_s=FOREVER_S, pause_s=pause)
        order = oracle.stamp()
        asked = await amnesties.plan(
            world.ctx,
            moderator=world.staff[0],
            where=where,
            except_=except_,
            include=include,
            kind=kind,
            reason=reason,
            waves=waves,
            limits=limits,
            queued=False,
        )
        await world.meddle()
        # "… ago" counts from when it is asked, which is now.
        chosen = oracle.choose(
            kind,
            meant,
            but,
            include,
            {*self._held(), *(run.account for run in world.runs.live)},
            lambda total: wave_sizes(waves, total) if total else (),
        )
        found = await planning.carry_out(world.ctx, amnesty=asked.id)
        assert found is not None
        self.planned += 1
        self._hold_plan(found, chosen)
        if found.state is _State.PLANNED:
            amnesty = Playing(
                id=found.id,
                order=order,
                include=include,
                reason=reason,
                parts=chosen.parts,
                expires_at=found.expires_at or 0,
            )
            await self._approve(amnesty, found.hash)

    def _hold_plan(self, found: Amnesty, chosen: Chosen) -> None:
        """Hold a plan to what the oracle chose and counted."""
        world = self._world
        figures = found.figures
        state = _State.PLANNED if chosen.parts else _State.FAILED
        expected = (state, chosen.found, chosen.excluded, len(chosen.parts))
        world.same(
            (found.state, figures.found, dict(figures.excluded), figures.selected),
            expected,
            "whom it is for, by the plan of amnesty",
            (found.id, found.where, found.except_, found.include),
        )
        expected_counts = (chosen.edges, chosen.others)
        world.same((figures.edges, figures.others), expected_counts, "edges of amnesty", found.id)
        told = [
            (
                one.account,
                one.wave,
                list(one.actions),
                (one.then.followers, one.then.following),
                (one.finally_.followers, one.finally_.following),
            )
            for one in self._entries(found.id)
        ]
        wanted = [
            (one.account, one.wave, [act.id for act in one.acts], one.then, one.finally_)
            for one in chosen.parts
        ]
        for one, other in zip(told, wanted, strict=False):
            world.same(one, other, "an account of amnesty", found.id)
        world.same(len(told), len(wanted), "the accounts of amnesty", found.id)

    def _entries(self, id_: int) -> list[Entry]:
        with self._world.stores[0].read() as snap:
            return list(amnesties.every_entry(snap, id_))

    async def _approve(self, amnesty: Playing, hash_: str) -> None:
        """Let a moderator approve it, and be refused where that must be."""
        world, random = self._world, self._world.random
        for _ in range(random.randrange(3)):
            await world.meddle()
        moderator = world.staff[int(random.random() < 0.8)]
        named = hash_[:16] if random.random() < 0.95 else "0" * 16
        expected: Refused | None = None
        if moderator == world.staff[0]:
            expected = Forbidden
        elif named not in hash_:
            expected = Invalid
        elif self._held() & {part.account for part in amnesty.parts}:
            expected = Conflict
        _, refused = await world.tried(
            amnesties.approve(world.ctx, moderator=moderator, amnesty=amnesty.id, hash_=named)
        )
        world.refusal(refused, expected, f"the approval of amnesty {amnesty.id}")
        if refused is None:
            amnesty.state = _State.APPROVED
            self.live.append(amnesty)
            if random.random() < 0.7:
                await self._decide(amnesty, wanted=True)
                await self._drive(amnesty)

    # -- deciding ------------------------------------------------------------------------------

    async def _decide(self, amnesty: Playing, *, wanted: bool = False) -> None:
        """Let a moderator decide something, that is ``wanted`` for it to go on, or anything."""
        world, random = self._world, self._world.random
        ctx, by = world.ctx, random.choice(world.staff)
        verbs: dict[str, tuple[Callable[..., Any], AmnestyState]] = {
            "run": (steering.run, _State.RUNNING),
            "pause": (steering.pause, _State.PAUSED),
            "resume": (steering.resume, _State.RUNNING),
            "stop": (steering.stop, _State.STOPPED),
            "roll back": (steering.roll_back, _State.ROLLING_BACK),
        }
        name = random.choice(list(verbs))
        if wanted:
            name = "run" if amnesty.state is _State.APPROVED else "resume"
        verb, state = verbs[name]
        possible = state in TRANSITIONS[amnesty.state]
        if name == "run":
            possible = amnesty.state is _State.APPROVED and amnesty.expires_at > world.known.now
        elif name == "resume":
            possible = amnesty.state in (_State.PAUSED, _State.HALTED)
        options = {"past_probes": random.random() < 0.3} if name == "resume" else {}
        _, refused = await world.tried(verb(ctx, moderator=by, amnesty_id=amnesty.id, **options))
        expected = None if possible else Conflict
        world.refusal(refused, expected, f"to {name} amnesty {amnesty.id}, {amnesty.state}")
        if refused is None:
            self._moved(amnesty, state)
            self._passed(amnesty)
        elif name == "run" and amnesty.state is _State.APPROVED:  # it ran out
            await amnesties.reject(ctx, moderator=by, amnesty=amnesty.id)
            self._moved(amnesty, _State.REJECTED)

    def _passed(self, amnesty: Playing) -> None:
        """Take down whether the last wave is over, and nothing its probes say counts."""
        with self._world.stores[0].read() as snap:
            course = steering.course_of(snap, amnesty.id)
        amnesty.over = bool(course.waves) and course.waves[-1].over_at is not None
        amnesty.wrong = amnesty.wrong and not amnesty.over

    def _moved(self, amnesty: Playing, state: AmnestyState) -> None:
        amnesty.state = state
        if state in OVER and amnesty in self.live:
            self.live.remove(amnesty)
            self.over = [*self.over[-MOST_REMEMBERED:], amnesty]
        elif state is _State.ROLLING_BACK and amnesty in self.over:
            self.over.remove(amnesty)
            self.live.append(amnesty)
        elif not TRANSITIONS[state]:
            self.live.remove(amnesty)
        if state in OVER or not TRANSITIONS[state]:
            self.ended[state.value] = self.ended.get(state.value, 0) + 1

    # -- driving -------------------------------------------------------------------------------

    async def _drive(self, amnesty: Playing) -> None:
        world, random = self._world, self._world.random
        world.subject = amnesty
        amnesty.wrong = False

        async def before() -> None:
            await world.meddle()
            if self.live and random.random() < 0.03:
                await self._decide(random.choice(self.live))
            if random.random() < 0.02:
                raise Killed

        async def after() -> None:
            self._follow(amnesty)
            if random.random() < 0.02:
                raise Killed

        await world.drive(
            lambda ctx: driving.work(ctx, amnesty=amnesty.id, aside=HANDLERS),
            before,
            after,
        )

    def _follow(self, amnesty: Playing) -> None:
        """Hold what the job just committed to the oracle."""
        world = self._world
        for entry, part in zip(self._entries(amnesty.id), amnesty.parts, strict=True):
            if entry.outcome.value != part.outcome:
                expected = self._outcome(amnesty, part)
                what = (part.account, amnesty.id, entry.why)
                world.same(entry.outcome.value, expected, "what became of", what)
                part.outcome = expected
                self.became[expected] = self.became.get(expected, 0) + 1
        with world.stores[0].read() as snap:
            state = amnesties.require_amnesty(snap, amnesty.id).state
            course = steering.course_of(snap, amnesty.id)
        if state is amnesty.state:
            self._passed(amnesty)
            return
        outcomes = {part.outcome for part in amnesty.parts}
        expected_state = _State.HALTED if amnesty.wrong else _State.DONE
        if amnesty.state is _State.ROLLING_BACK:
            expected_state = _State.ROLLED_BACK
            world.same("lifted" in outcomes, False, "left by the rollback of", amnesty.id)
        elif state is _State.DONE:
            world.same("pending" in outcomes, False, "left by amnesty", amnesty.id)
            wrong = course.drift.wrong if course.drift else None
            world.same(wrong, (), "counts that are wrong after amnesty", amnesty.id)
        world.same(state, expected_state, "the state of amnesty", amnesty.id)
        self._moved(amnesty, state)

    def _outcome(self, amnesty: Playing, part: Part) -> str:
        world, oracle = self._world, self._world.known
        in_run = world.runs.holds(part.account)
        if part.outcome == "pending":
            return oracle.wave_comes(part, amnesty.order, amnesty.include, amnesty.reason, in_run)
        found = oracle.rollback_comes(part, amnesty.order, in_run)
        world.learn(part.account)
        return found
