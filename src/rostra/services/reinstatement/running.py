"""The way of a reinstatement from its beginning to its end, gone by a job.

Each state of a run has one function here. It does what the state is for and moves the run on in one
transaction, so that a job killed anywhere finds the run in a state it can go on from. Nothing is
moved on unless the run is still where this job left it: a person may have rolled it back meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
import structlog

from rostra.domain.enforcement import in_force
from rostra.domain.errors import Forbidden, NotFound, StoreCorrupt
from rostra.domain.ledger import LedgerKind
from rostra.domain.reinstatement import Moved, Run, RunState, moved_to, with_figures
from rostra.domain.words import how_many
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import probing, roles
from rostra.services.moderation import lifting
from rostra.services.reinstatement import holding, operating
from rostra.services.reinstatement.drawing import hidden_after, moved_since
from rostra.services.reinstatement.hiding import see_hidden
from rostra.services.reinstatement.holding import CONFIRM_SECONDS, Overtaken
from rostra.services.reinstatement.planning import headroom_of
from rostra.services.reinstatement.telling import tell_operators

MAX_ATTEMPTS: Final = 4
"""How often a run is taken up in one half of its way before it is given up."""

STAGE_SECONDS: Final = 900.0
NO_ROOM: Final = (
    "Wait for a quieter hour, give the server more room, or run again without asking for headroom"
)

_log = structlog.get_logger()


async def drive(ctx: Context, *, run: int) -> None:
    """Take a run to its end; a job.

    It may be killed anywhere and is then called again. How often is counted in the run itself when
    it is taken up, so that one that kills its own process does not go round without end.
    """
    found = await ctx.store.write(lambda tx: _take_up(tx, ctx, run))
    try:
        while found is not None and not found.state.is_over:
            found = await _STEPS[found.state](holding.patient_if_anew(ctx, found), found)
    except Overtaken:
        _log.info("reinstatement was moved on by somebody else", run=run)


def _take_up(tx: Transaction, ctx: Context, id_: int) -> Run | None:
    run = tx.runs.get(id_)
    if run is None or run.state.is_over:
        return None
    run = msgspec.structs.replace(run, attempts=run.attempts + 1)
    tx.runs.put(run)
    if run.attempts <= MAX_ATTEMPTS:
        return run
    said = f"it was begun {MAX_ATTEMPTS} times and did not come to an end: see the server's log"
    if run.state == RunState.CONFIRMING:
        return _undo(tx, ctx, run, said)
    if run.state == RunState.ROLLING_BACK:
        return holding.end(tx, run, RunState.ROLLED_BACK, f"Whether all workers hide it: {said}")
    return holding.end(tx, run, RunState.FAILED, said)


# -- stage -----------------------------------------------------------------------------------------


async def _stage(ctx: Context, run: Run) -> Run:
    """Recount the account's sets and make every worker ready; nothing public changes."""
    if run.plan.hidden_after:
        return await _staged(ctx, run, {}, f"It stays hidden: {run.plan.hidden_after}")
    try:
        async with asyncio.timeout(STAGE_SECONDS):
            staged = await probing.stage(ctx, account=run.account, tell=holding.teller(ctx, run))
    except Exception as error:
        return await holding.ended(ctx, run, RunState.FAILED, holding.why(error, STAGE_SECONDS))
    if not staged.passed:
        said = holding.first_failed(ctx, run) or "a probe failed"
        return await holding.ended(ctx, run, RunState.FAILED, said)
    figures = {**msgspec.to_builtins(staged), "planned": run.plan.figures.followers}
    followers = how_many(staged.followers, "follower")
    return await _staged(ctx, run, figures, f"{followers} will be seen")


async def _staged(ctx: Context, run: Run, figures: dict[str, Any], said: str) -> Run:
    def change(tx: Transaction) -> Run:
        found = with_figures(holding.latest(tx, run), **figures)
        staged = moved_to(found, RunState.STAGED, at=tx.now, said=said)
        tx.runs.put(staged)
        operating.record(tx, staged, LedgerKind.RUN_STAGED, said=said)
        tell_operators(tx, staged)
        return staged

    return await ctx.store.write(change)


# -- cut over --------------------------------------------------------------------------------------


async def _admit(ctx: Context, run: Run) -> Run:
    """Hold the headroom of this server against what the returning audience will ask."""
    room = await headroom_of(ctx, followers=run.plan.figures.followers)

    def change(tx: Transaction) -> Run:
        found = with_figures(holding.latest(tx, run), headroom=room)
        enough = room is not None and room["enough"]
        said = f"Headroom: {room['said']}" if room else "What this server can bear is not known"
        if found.options.require_headroom and not enough:
            return holding.end(tx, found, RunState.REFUSED, f"{said}. {NO_ROOM}")
        scarce = room is not None and not enough
        warned = f"WARNING. {said}" if scarce else said
        going = moved_to(found, RunState.CUTTING_OVER, at=tx.now, said=warned)
        tx.runs.put(going)
        if scarce:
            tell_operators(tx, going)
        return going

    return await ctx.store.write(change)


async def _cut_over(ctx: Context, run: Run) -> Run:
    """Lift the actions, tell the owner, write the record and move on: one transaction."""

    def change(tx: Transaction) -> Run:
        found = holding.latest(tx, run)
        why_not = _may_not(tx, found)
        if why_not:
            return holding.end(tx, found, RunState.FAILED, why_not)
        actions, _ = tx.enforcement.of_account(run.account)
        lifts = [action for action in actions if action.id in run.plan.actions]
        before = operating.public_counts(tx, run.account)
        lifting.lift_in(
            tx,
            ctx.settings,
            actions=lifts,
            reason=run.reason,
            moderator=run.by,
            about={"run": str(run.id), **({"ground": run.ground} if run.ground else {})},
        )
        _, ended = tx.enforcement.of_account(run.account)
        over = moved_to(
            found,
            RunState.CONFIRMING,
            at=tx.now,
            said=f"{how_many(len(lifts), 'suspension')} lifted",
            lifted=tuple(action.id for action in lifts),
            cut_over_at=tx.now,
            cut_over_id=tx.next_id(),
            ended_then=tuple(one.action for one in ended),
            confirm_by=tx.now + int(CONFIRM_SECONDS * 1000),
            counts={"before": before},
            attempts=1,
        )
        tx.runs.put(over)
        lifted = [str(action.id) for action in lifts]
        operating.record(tx, over, LedgerKind.RUN_CUT_OVER, lifted=lifted)
        tell_operators(tx, over)
        return over

    return await ctx.store.write(change)


def _may_not(tx: Transaction, run: Run) -> str:
    """Return why the cut-over must not be, though the plan was accepted; empty: it may."""
    decided = operating.decided_before(tx, run)
    if decided:
        return f"{decided}: that stands, and nothing was lifted. Plan anew"
    if _hidden_then(tx, run) != run.plan.hidden_after:
        return "Whether it stays hidden changed since it was planned: nothing was lifted. Plan anew"
    try:
        account = tx.gate.require_account(tx.accounts.get(run.account))
        roles.require_may_moderate(tx, run.by, account)
    except NotFound:
        return f"@{run.plan.handle} was deleted meanwhile: it cannot come back"
    except Forbidden as error:
        who = operating.handle_of(tx, run.by)
        return f"{who} may not decide this any more ({error.message}): ask another moderator"
    return ""


def _hidden_then(tx: Transaction, run: Run) -> str:
    """Return why the account will stay hidden once the run has lifted, as things are now."""
    active = in_force(*tx.enforcement.of_account(run.account), tx.now)
    stays = [action for action in active if action.id not in run.plan.actions]
    return hidden_after(stays, tx.gate.state(run.account))


# -- confirm ---------------------------------------------------------------------------------------


async def _confirm(ctx: Context, run: Run) -> Run:
    """Look at the account as visitors do; whatever cannot be confirmed is rolled back at once."""
    if _hidden_still(ctx, run):
        return await _done(ctx, run, f"Lifted; it stays hidden: {run.plan.hidden_after}")
    known = holding.first_failed(ctx, run)
    if known:  # the job was killed before it could roll back
        return await _roll_back(ctx, run, known)
    left = ((run.confirm_by or 0) - ctx.clock.now()) / 1000  # the clock may have stepped back
    try:
        async with asyncio.timeout(min(max(0.0, left), CONFIRM_SECONDS)):
            right = await probing.confirm(
                ctx,
                account=run.account,
                plan_followers=run.plan.figures.followers,
                sample=run.options.sample,
                tell=holding.teller(ctx, run),
                planned_seq=run.plan.seq,
            )
    except Exception as error:
        return await _roll_back(ctx, run, holding.why(error, CONFIRM_SECONDS))
    if not right:
        return await _roll_back(ctx, run, holding.first_failed(ctx, run) or "a probe failed")
    return await _done(ctx, run, "every probe passed in every worker")


def _hidden_still(ctx: Context, run: Run) -> bool:
    """Return whether nobody is shown an account of which that was planned."""
    if not run.plan.hidden_after:
        return False
    with ctx.store.read() as snap:
        return not snap.gate.active(run.account)


async def _done(ctx: Context, run: Run, said: str) -> Run:
    moved = await _explained(ctx, run)

    def change(tx: Transaction) -> Run:
        found = holding.latest(tx, run)
        decided = operating.decided_since(tx, found)
        after = operating.public_counts(tx, run.account)
        counts = {**found.counts, "after": after, "moved": msgspec.to_builtins(moved)}
        if decided:
            return holding.end(tx, found, RunState.OVERTAKEN, _stands(decided), counts=counts)
        return holding.end(tx, found, RunState.DONE, said, counts=counts)

    return await ctx.store.write(change)


async def _explained(ctx: Context, run: Run) -> Moved:
    """Return who joined or left since the plan, so that every difference to it is explained."""

    def read(snap: Snapshot) -> Moved:
        now = operating.public_counts(snap, run.account)["followers"]
        return moved_since(snap, run.plan, now)

    if _hidden_still(ctx, run):
        return Moved()
    async with ctx.store.audit(gently=True) as audit:
        return await audit.read(read)


def _stands(decided: str) -> str:
    return f"{decided} while this run went on: that stands, and the run changes nothing more"


async def _roll_back(ctx: Context, run: Run, said: str) -> Run:
    def change(tx: Transaction) -> Run:
        return _undo(tx, ctx, holding.latest(tx, run), said)

    return await ctx.store.write(change)


def _undo(tx: Transaction, ctx: Context, run: Run, said: str) -> Run:
    """Suspend the account as before, unless somebody decided since whether it is to be seen.

    What else was decided, such as a limit, stands beside the suspension.
    """
    decided = operating.decided_since(tx, run, kinds=operating.HIDING)
    if decided:
        return holding.end(tx, run, RunState.OVERTAKEN, f"{_stands(decided)}. Before: {said}")
    run = msgspec.structs.replace(run, counts={**run.counts, "after": _counted(tx, run)})
    rolled = operating.roll_back_in(tx, ctx, run, said=said, by=None)
    tell_operators(tx, rolled)
    return rolled


def _counted(tx: Transaction, run: Run) -> dict[str, int]:
    """Return the counts anybody sees; none where a set cannot be read, which must hold up no way
    back.
    """
    try:
        return operating.public_counts(tx, run.account)
    except StoreCorrupt:
        return {}


_STEPS: Final[Mapping[RunState, Callable[[Context, Run], Awaitable[Run]]]] = {
    RunState.STAGING: _stage,
    RunState.STAGED: _admit,
    RunState.CUTTING_OVER: _cut_over,
    RunState.CONFIRMING: _confirm,
    RunState.ROLLING_BACK: see_hidden,
}
"""What is done in each state that is not the end."""

assert all(state.is_over != (state in _STEPS) for state in RunState)
