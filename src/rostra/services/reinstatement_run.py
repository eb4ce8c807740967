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

from rostra.domain.errors import Forbidden, NotFound, RostraError, StoreCorrupt, Unavailable
from rostra.domain.ledger import LedgerKind
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Moved, Run, RunState, moved_to, saying, with_figures
from rostra.ports import Context, Snapshot, Transaction, Visit, Visitor
from rostra.services import lifting, probing, reinstatement, roles
from rostra.services.probing_waiting import patient, waits_for
from rostra.services.reinstatement_drawing import moved_since
from rostra.services.reinstatement_telling import tell_operators

MAX_ATTEMPTS: Final = 4
"""How often a run is taken up in one half of its way before it is given up."""

STAGE_SECONDS: Final = 900.0
CONFIRM_SECONDS: Final = 300.0
HIDDEN_SECONDS: Final = 20.0
"""For how long a worker may still show an account that was rolled back before that is told."""

LOOK_AGAIN_SECONDS: Final = 0.2
HIDDEN: Final = "hidden again"
NO_ROOM: Final = (
    "Wait for a quieter hour, give the server more room, or run again without asking for headroom"
)

_log = structlog.get_logger()


class Overtaken(Exception):
    """The run is not where this job left it: somebody else moved it on."""


async def drive(ctx: Context, *, run: int) -> None:
    """Take a run to its end; a job.

    It may be killed anywhere and is then called again. How often is counted in the run itself when
    it is taken up, so that one that kills its own process does not go round without end.
    """
    found = await ctx.store.write(lambda tx: _take_up(tx, ctx, run))
    try:
        while found is not None and not found.state.is_over:
            found = await _STEPS[found.state](_patient_if_anew(ctx, found), found)
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
        return _end(tx, run, RunState.ROLLED_BACK, f"Whether all workers hide it: {said}")
    return _end(tx, run, RunState.FAILED, said)


def _patient_if_anew(ctx: Context, run: Run) -> Context:
    """Return the ports to do a step with: one that was begun before waits for workers that are
    just starting, and tells who follows the run; one that this job came to by itself met them all
    a moment ago.
    """
    if run.attempts <= (0 if run.state == RunState.ROLLING_BACK else 1):
        return ctx

    async def missed(workers: tuple[str, ...]) -> None:
        if workers:
            _log.info("reinstatement waits for workers", run=run.id, workers=workers)
        said = waits_for(workers)
        await ctx.store.write(lambda tx: tx.runs.put(saying(_latest(tx, run), said)))

    return patient(ctx, missed)


def _latest(tx: Transaction, run: Run) -> Run:
    """Return a run as it is stored, if it is still in the hands of this job.

    Raises:
        Overtaken: it is not.
    """
    found = tx.runs.get(run.id)
    if found is None or (found.state, found.attempts) != (run.state, run.attempts):
        raise Overtaken
    return found


def _teller(ctx: Context, run: Run) -> probing.Tell:
    """Return what writes probes of a run down as they are done."""

    async def tell(probe: Probe) -> None:
        def change(tx: Transaction) -> None:
            tx.runs.see(_latest(tx, run), run.state.value, probe, tx.now)

        await ctx.store.write(change)

    return tell


def _end(tx: Transaction, run: Run, state: RunState, said: str, **changes: Any) -> Run:
    """Move a run to one of the states it ends in, and tell of it."""
    ended = moved_to(run, state, at=tx.now, said=said, **changes)
    tx.runs.put(ended)
    if state == RunState.DONE:
        reinstatement.record(tx, ended, LedgerKind.RUN_CONFIRMED, said=said)
    elif state != RunState.ROLLED_BACK:
        reinstatement.record(tx, ended, LedgerKind.RUN_FAILED, state=state.value, said=said)
    tell_operators(tx, ended)
    return ended


# -- stage -----------------------------------------------------------------------------------------


async def _stage(ctx: Context, run: Run) -> Run:
    """Recount the account's sets and make every worker ready; nothing public changes."""
    if run.plan.hidden_after:
        return await _staged(ctx, run, {}, f"It stays hidden: {run.plan.hidden_after}")
    try:
        async with asyncio.timeout(STAGE_SECONDS):
            staged = await probing.stage(ctx, account=run.account, tell=_teller(ctx, run))
    except Exception as error:
        return await _failed(ctx, run, _why(error, STAGE_SECONDS))
    if not staged.passed:
        return await _failed(ctx, run, _first_failed(ctx, run) or "a probe failed")
    figures = {**msgspec.to_builtins(staged), "planned": run.plan.figures.followers}
    return await _staged(ctx, run, figures, f"{staged.followers:,} followers will be seen")


async def _staged(ctx: Context, run: Run, figures: dict[str, Any], said: str) -> Run:
    def change(tx: Transaction) -> Run:
        found = with_figures(_latest(tx, run), **figures)
        staged = moved_to(found, RunState.STAGED, at=tx.now, said=said)
        tx.runs.put(staged)
        reinstatement.record(tx, staged, LedgerKind.RUN_STAGED, said=said)
        tell_operators(tx, staged)
        return staged

    return await ctx.store.write(change)


async def _failed(ctx: Context, run: Run, said: str) -> Run:
    return await ctx.store.write(lambda tx: _end(tx, _latest(tx, run), RunState.FAILED, said))


def _why(error: Exception, seconds: float) -> str:
    """Return why something could not be done; what is not the run's fault is raised again.

    Raises:
        Overtaken: the run is somebody else's by now.
    """
    if isinstance(error, Overtaken):
        raise error
    if isinstance(error, TimeoutError):
        return f"it was not over after {seconds:.0f} seconds: see what holds the server up"
    if isinstance(error, RostraError):
        return error.message
    _log.error("probe raised", exc_info=error)
    return f"a probe could not be done ({type(error).__name__}): see the server's log"


def _first_failed(ctx: Context, run: Run) -> str:
    """Return what the first probe said that failed in the present step; empty: none did."""
    with ctx.store.read() as snap:
        seen = snap.runs.probes(run.id)
    for one in seen:
        if one.step == run.state.value and not one.probe.passed:
            where = f" in worker {one.probe.worker}" if one.probe.worker else ""
            return f"the probe {one.probe.name}{where} failed: {one.probe.said}"
    return ""


# -- cut over --------------------------------------------------------------------------------------


async def _admit(ctx: Context, run: Run) -> Run:
    """Hold the headroom of this server against what the returning audience will ask."""
    room = await reinstatement.headroom_of(ctx, followers=run.plan.figures.followers)

    def change(tx: Transaction) -> Run:
        found = with_figures(_latest(tx, run), headroom=room)
        enough = room is not None and room["enough"]
        said = f"Headroom: {room['said']}" if room else "What this server can bear is not known"
        if found.options.require_headroom and not enough:
            return _end(tx, found, RunState.REFUSED, f"{said}. {NO_ROOM}")
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
        found = _latest(tx, run)
        why_not = _may_not(tx, found)
        if why_not:
            return _end(tx, found, RunState.FAILED, why_not)
        actions, _ = tx.enforcement.of_account(run.account)
        lifts = [action for action in actions if action.id in run.plan.actions]
        before = reinstatement.public_counts(tx, run.account)
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
            said=f"{len(lifts)} suspension{'' if len(lifts) == 1 else 's'} lifted",
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
        reinstatement.record(tx, over, LedgerKind.RUN_CUT_OVER, lifted=lifted)
        tell_operators(tx, over)
        return over

    return await ctx.store.write(change)


def _may_not(tx: Transaction, run: Run) -> str:
    """Return why the cut-over must not be, though the plan was accepted; empty: it may."""
    decided = reinstatement.decided_before(tx, run)
    if decided:
        return f"{decided}: that stands, and nothing was lifted. Plan anew"
    try:
        account = tx.gate.require_account(tx.accounts.get(run.account))
        roles.require_may_moderate(tx, run.by, account)
    except NotFound:
        return f"@{run.plan.handle} was deleted meanwhile: it cannot come back"
    except Forbidden as error:
        who = reinstatement.handle_of(tx, run.by)
        return f"{who} may not decide this any more ({error.message}): ask another moderator"
    return ""


# -- confirm ---------------------------------------------------------------------------------------


async def _confirm(ctx: Context, run: Run) -> Run:
    """Look at the account as visitors do; whatever cannot be confirmed is rolled back at once."""
    if run.plan.hidden_after:
        return await _done(ctx, run, f"Lifted; it stays hidden: {run.plan.hidden_after}")
    known = _first_failed(ctx, run)
    if known:  # the job was killed before it could roll back
        return await _roll_back(ctx, run, known)
    left = ((run.confirm_by or 0) - ctx.clock.now()) / 1000
    try:
        async with asyncio.timeout(max(0.0, left)):
            right = await probing.confirm(
                ctx,
                account=run.account,
                plan_followers=run.plan.figures.followers,
                sample=run.options.sample,
                tell=_teller(ctx, run),
                planned_seq=run.plan.seq,
            )
    except Exception as error:
        return await _roll_back(ctx, run, _why(error, CONFIRM_SECONDS))
    if not right:
        return await _roll_back(ctx, run, _first_failed(ctx, run) or "a probe failed")
    return await _done(ctx, run, "every probe passed in every worker")


async def _done(ctx: Context, run: Run, said: str) -> Run:
    moved = await _explained(ctx, run)

    def change(tx: Transaction) -> Run:
        found = _latest(tx, run)
        decided = reinstatement.decided_since(tx, found)
        after = reinstatement.public_counts(tx, run.account)
        counts = {**found.counts, "after": after, "moved": msgspec.to_builtins(moved)}
        if decided:
            return _end(tx, found, RunState.OVERTAKEN, _stands(decided), counts=counts)
        return _end(tx, found, RunState.DONE, said, counts=counts)

    return await ctx.store.write(change)


async def _explained(ctx: Context, run: Run) -> Moved:
    """Return who joined or left since the plan, so that every difference to it is explained."""

    def read(snap: Snapshot) -> Moved:
        now = reinstatement.public_counts(snap, run.account)["followers"]
        return moved_since(snap, run.plan, now)

    if run.plan.hidden_after:
        return Moved()
    async with ctx.store.audit(gently=True) as audit:
        return await audit.read(read)


def _stands(decided: str) -> str:
    return f"{decided} while this run went on: that stands, and the run changes nothing more"


async def _roll_back(ctx: Context, run: Run, said: str) -> Run:
    def change(tx: Transaction) -> Run:
        return _undo(tx, ctx, _latest(tx, run), said)

    return await ctx.store.write(change)


def _undo(tx: Transaction, ctx: Context, run: Run, said: str) -> Run:
    """Suspend the account as before, unless somebody decided since whether it is to be seen.

    What else was decided, such as a limit, stands beside the suspension.
    """
    decided = reinstatement.decided_since(tx, run, kinds=reinstatement.HIDING)
    if decided:
        return _end(tx, run, RunState.OVERTAKEN, f"{_stands(decided)}. Before: {said}")
    run = msgspec.structs.replace(run, counts={**run.counts, "after": _counted(tx, run)})
    rolled = reinstatement.roll_back_in(tx, ctx, run, said=said, by=None)
    tell_operators(tx, rolled)
    return rolled


def _counted(tx: Transaction, run: Run) -> dict[str, int]:
    """Return the counts anybody sees; none where a set cannot be read, which must hold up no way
    back.
    """
    try:
        return reinstatement.public_counts(tx, run.account)
    except StoreCorrupt:
        return {}


# -- rolled back -----------------------------------------------------------------------------------


async def _see_hidden(ctx: Context, run: Run) -> Run:
    """Ask every worker whether the account is hidden again."""
    if not run.restored:
        return await _rolled_back(ctx, run, "Nothing of it is in force any more")
    try:
        async with asyncio.timeout(CONFIRM_SECONDS):
            said = await _ask_all(ctx, run)
    except Exception as error:
        said = f"Whether all workers hide it is not known: {_why(error, CONFIRM_SECONDS)}"
    return await _rolled_back(ctx, run, said)


async def _ask_all(ctx: Context, run: Run) -> str:
    tell, bad = _teller(ctx, run), []
    async with ctx.visitors.meet() as party:
        for name in party.missing:
            await tell(Probe(HIDDEN, name, False, "was not reached", 0))
        for name, visitor in party.visitors.items():
            probe = await _hidden_in(name, visitor, f"/api/v1/accounts/{run.plan.account_id}")
            await tell(probe)
            if not probe.passed:
                bad.append(name)
    bad += party.missing
    if not bad:
        seen = len(party.visitors)
        return f"Hidden again in {seen} worker{'' if seen == 1 else 's'}"
    return f"Not seen to be hidden in worker {', '.join(bad)}: start the server again"


async def _hidden_in(name: str, visitor: Visitor, path: str) -> Probe:
    """Ask a worker until it says that an account is suspended, or knows none (its owner may have
    put it away before), or for long enough.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            hidden, said = _told_hidden(await visitor.ask(path))
        except Unavailable as error:
            hidden, said = False, error.message
        took = loop.time() - began
        if hidden or took > HIDDEN_SECONDS:
            return Probe(HIDDEN, name, hidden, said, took * 1e3)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _told_hidden(answer: Visit) -> tuple[bool, str]:
    """Return whether an answer about an account hides it, and how, for people."""
    if answer.status == 404:
        return True, "not shown"
    told = answer.json()
    if isinstance(told, dict) and told.get("suspended"):
        return True, "suspended"
    return False, "is still shown" if answer.status == 200 else f"answered {answer.status}"


async def _rolled_back(ctx: Context, run: Run, said: str) -> Run:
    return await ctx.store.write(lambda tx: _end(tx, _latest(tx, run), RunState.ROLLED_BACK, said))


_STEPS: Final[Mapping[RunState, Callable[[Context, Run], Awaitable[Run]]]] = {
    RunState.STAGING: _stage,
    RunState.STAGED: _admit,
    RunState.CUTTING_OVER: _cut_over,
    RunState.CONFIRMING: _confirm,
    RunState.ROLLING_BACK: _see_hidden,
}
"""What is done in each state that is not the end."""

assert all(state.is_over != (state in _STEPS) for state in RunState)
