"""Reinstatements in a random world: planned, begun, driven, killed and rolled back by chance."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, structs

from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.domain.reinstatement import Plan, Run, RunState
from rostra.services import reinstatement
from rostra.services.reinstatement import running
from rostra.testing.amnesties import Killed
from rostra.testing.oracle import KINDS, Refused
from rostra.testing.tool_oracle import ToolAct

if TYPE_CHECKING:
    from rostra.testing.tool_world import ToolWorld

MOST_AT_ONCE: Final = 4
MOST_REMEMBERED: Final = 30
CONFIRM_MARGIN_MS: Final = 100_000
REASONS: Final = (LiftReason.OVERTURNED, LiftReason.SERVED, LiftReason.AMNESTY)
_State = RunState


class Playing(Struct, kw_only=True):
    """A run as the oracle knows it; ``cut`` is the order of its cut-over among all decisions."""

    id: int
    account: int
    lifts: list[ToolAct]
    stays: list[ToolAct]
    reason: LiftReason
    state: RunState = _State.STAGING
    right: bool = True
    cut: int = 0
    confirm_by: int = 0

    def too_late(self, now: int) -> bool:
        """Return whether the time to confirm it is over."""
        return now >= self.confirm_by

    def looked(self, right: bool) -> None:
        """Take down what the last look found, which is about to be written down."""
        self.right = right

    def noted(self, right: bool, shown: bool) -> None:
        """Do nothing more: it counted as it was written down."""


class Runs:
    """All reinstatements of a world."""

    def __init__(self, world: ToolWorld) -> None:
        self._world = world
        self.live: list[Playing] = []
        self.done: list[Playing] = []
        self.ended: dict[str, int] = {}
        self.planned = 0
        self.stale = 0

    def holds(self, account: int) -> bool:
        """Return whether a run of an account is under way."""
        return any(run.account == account for run in self.live)

    async def turn(self) -> None:
        """Let an operator, or the job, do something."""
        random = self._world.random
        chance = random.random()
        if self.done and chance < 0.15:
            await self._roll_back(random.choice(self.done))
        elif self.live and (chance < 0.6 or len(self.live) >= MOST_AT_ONCE):
            await self._drive(random.choice(self.live))
        else:
            await self._begin()

    async def end(self) -> None:
        """Take all that are under way to their end."""
        while self.live:
            await self._drive(self.live[0])

    # -- planning ------------------------------------------------------------------------------

    def _must(self, account: int, lifts: list[ToolAct]) -> dict[str, Any]:
        """Return what a plan must say."""
        oracle = self._world.known
        stays = [act for act in oracle.held(account) if act not in lifts]
        hiding = [act for act in stays if act.kind == ActionKind.SUSPEND]
        return {
            "lifts": [act.id for act in lifts],
            "stays": [act.id for act in stays],
            "hidden": bool(hiding),
            **oracle.figures(account, hiding),
        }

    @staticmethod
    def _told(plan: Plan) -> dict[str, Any]:
        return {
            "lifts": list(plan.actions),
            "stays": [int(held.id) for held in plan.stays],
            "hidden": bool(plan.hidden_after),
            **structs.asdict(plan.figures),
        }

    async def _begin(self) -> None:
        """Plan, let others act, and begin, whatever became of the plan meanwhile."""
        world, random = self._world, self._world.random
        account = world.suspended()
        if account is None:
            return
        away = world.known.suspensions(account)
        lifts = [act for act in away if random.random() < 0.8] or away
        only = [act.id for act in lifts] if len(lifts) < len(away) else []
        frozen = await reinstatement.plan(world.ctx, moderator=None, target=account, only=only)
        then = self._must(account, lifts)
        world.same(self._told(frozen.plan), then, "the plan for", account)
        self.planned += 1
        for _ in range(random.randrange(4)):
            await world.meddle()
        if random.random() < 0.3:
            await world.lot(world.shape.lot)
        await self._carry_out(account, frozen.hash, lifts if only else None, then)
        if self.live and random.random() < 0.7:
            await self._drive(self.live[-1])

    async def _carry_out(
        self, account: int, plan: str, only: list[ToolAct] | None, then: dict[str, Any]
    ) -> None:
        world, oracle = self._world, self._world.known
        expected = self._refusal(account, only)
        now: dict[str, Any] = {}
        lifts = only or oracle.suspensions(account)
        accept = world.random.random() < 0.3
        if expected is None:
            now = self._must(account, lifts)
            if now != then and not accept:
                expected = reinstatement.Stale
        reason = world.random.choice(REASONS)
        run, refused = await world.tried(
            reinstatement.begin(world.ctx, moderator=None, plan=plan, reason=reason, accept=accept)
        )
        world.refusal(refused, expected, f"a run for {account}")
        if isinstance(refused, reinstatement.Stale):
            self.stale += 1
            world.same(self._told(refused.new.plan), now, "the new plan for", account)
            run, refused = await world.tried(
                reinstatement.begin(world.ctx, moderator=None, plan=refused.new.hash, reason=reason)
            )
            world.refusal(refused, None, f"a run for {account} by the new plan")
        if run is None:
            return
        world.same(self._told(run.plan), now, "the plan of the run for", account)
        stays = [act for act in oracle.held(account) if act not in lifts]
        self.live.append(
            Playing(id=run.id, account=account, lifts=lifts, stays=stays, reason=reason)
        )

    def _refusal(self, account: int, only: list[ToolAct] | None) -> Refused | None:
        oracle = self._world.known
        away = oracle.suspensions(account)
        if oracle.deleted(account):
            return NotFound
        if self.holds(account) or self._world.amnesties.holds(account) or not away:
            return Conflict
        return Invalid if only and [act for act in only if act not in away] else None

    # -- driving -------------------------------------------------------------------------------

    async def _drive(self, run: Playing) -> None:
        world = self._world
        left = run.confirm_by - world.known.now
        if run.state == _State.CONFIRMING and 0 < left < CONFIRM_MARGIN_MS:
            world.tick(left)  # no real clock is to decide whether it is too late
        world.subject = run

        async def before() -> None:
            await world.meddle()
            if world.random.random() < 0.02:
                await self._roll_back(world.random.choice([run, *self.done]))
            self._die(run)

        async def after() -> None:
            self._follow(run)
            self._die(run)

        await world.drive(lambda ctx: running.drive(ctx, run=run.id), before, after)

    def _stored(self, id_: int) -> Run:
        with self._world.stores[0].read() as snap:
            return reinstatement.status(snap, id_).run

    def _die(self, run: Playing) -> None:
        if self._world.random.random() < 0.03 and self._stored(run.id).attempts < 3:
            raise Killed

    def _follow(self, run: Playing) -> None:
        """Hold what the job just committed to the oracle."""
        found = self._stored(run.id)
        if found.state == run.state:
            return
        world, oracle = self._world, self._world.known
        expected = self._next(run)
        world.same(found.state, expected, "the state of run", (run.id, found.said))
        if expected == _State.CONFIRMING:
            oracle.lift_these(run.lifts, run.reason)
            ids = tuple(act.id for act in run.lifts)
            world.same(found.lifted, ids, "what was lifted by run", run.id)
            run.cut = oracle.stamp()
            run.confirm_by = found.confirm_by or 0
        elif expected == _State.ROLLING_BACK:
            self._restored(run, found)
        self._moved(run, expected)

    def _next(self, run: Playing) -> RunState:
        oracle = self._world.known
        if run.state == _State.STAGING:
            return _State.STAGED if run.right else _State.FAILED
        if run.state == _State.STAGED:
            return _State.CUTTING_OVER
        if run.state == _State.CUTTING_OVER:
            planned = [act for act in (*run.lifts, *run.stays) if act.kind == ActionKind.SUSPEND]
            away = oracle.suspensions(run.account)
            same = {act.order for act in planned} == {act.order for act in away}
            return _State.CONFIRMING if same and not oracle.deleted(run.account) else _State.FAILED
        if run.state == _State.CONFIRMING:
            # A limit, say, stands beside a suspension that is taken again.
            if self._decided(run, KINDS if run.right else (ActionKind.SUSPEND,)):
                return _State.OVERTAKEN
            return _State.DONE if run.right else _State.ROLLING_BACK
        return _State.ROLLED_BACK

    def _decided(self, run: Playing, kinds: Collection[ActionKind] = KINDS) -> bool:
        """Return whether somebody took or lifted such an action since the cut-over."""
        return any(
            (act.kind in kinds or act.kind == ActionKind.DELETE)
            and (act.order > run.cut or act.lifted_as > run.cut)
            for act in self._world.known.acts_of(run.account)
        )

    def _restored(self, run: Playing, found: Run) -> None:
        world = self._world
        taken = world.known.restore(run.lifts)
        world.learn(run.account)
        ids = tuple(act.id for act in taken)
        world.same(found.restored, ids, "what was taken again by run", run.id)

    def _moved(self, run: Playing, state: RunState) -> None:
        run.state = state
        if state.is_over:
            self.live.remove(run)
            self.ended[state.value] = self.ended.get(state.value, 0) + 1
        if state == _State.DONE:
            self.done = [*self.done[-MOST_REMEMBERED:], run]

    # -- the way back --------------------------------------------------------------------------

    async def _roll_back(self, run: Playing) -> None:
        """Let a person roll a run back, in whatever state it is."""
        world, oracle = self._world, self._world.known
        expected: Refused | None = None
        if oracle.deleted(run.account):
            expected = NotFound
        elif (
            run.state not in (_State.CONFIRMING, _State.DONE)
            or self._decided(run)
            or any(other.account == run.account and other is not run for other in self.live)
        ):
            expected = Conflict
        found, refused = await world.tried(
            reinstatement.rollback(world.ctx, moderator=None, run=run.id)
        )
        world.refusal(refused, expected, f"a rollback of run {run.id}")
        if found is None:
            return
        if run in self.done:
            self.done.remove(run)
            self.live.append(run)
        self._restored(run, found)
        self._moved(run, _State.ROLLING_BACK)
