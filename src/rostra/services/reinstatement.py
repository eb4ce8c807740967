"""Reinstating one account: planned, begun, followed, and rolled back.

The way from the beginning to the end is gone by a job (``services/reinstatement_run.py``); what is
done to the account is in ``services/lifting.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Unpack

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import Action, ActionKind, LiftReason, in_force
from rostra.domain.errors import Conflict, Invalid, NotFound, NotOffered, Unavailable
from rostra.domain.ledger import LedgerKind
from rostra.domain.pages import Page
from rostra.domain.reinstatement import (
    Difference,
    Options,
    Plan,
    Run,
    RunState,
    Seen,
    Step,
    canonical,
    difference,
    moment,
    moved_to,
    read_plan,
    require_prefix,
    shown,
)
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import capacity, ledger, lifting, roles
from rostra.services.reinstatement_plan import draw, moved_since
from rostra.services.relationships import untie

JOB: Final = "run_reinstatement"
MAX_GROUND: Final = 500
MAX_SAMPLE: Final = 1000
PLANS_KEPT_MS: Final = 30 * 86_400_000
RUNS_OF_ACCOUNT: Final = 40


class Frozen(Struct, frozen=True):
    """A plan and the hash it is known by."""

    hash: str
    plan: Plan


class Stale(Conflict):
    """A plan that the world has moved on from: what is another now, and a plan as of now."""

    def __init__(self, old: Frozen, new: Frozen, found: Difference) -> None:
        super().__init__(
            f"Something changed since plan {old.hash[:8]} was made: look at the difference, then "
            f"name plan {new.hash[:8]} instead, or accept whatever is so now"
        )
        self.old = old
        self.new = new
        self.difference = found


class RunView(Struct, frozen=True):
    """A run with its probes, and the handles of who has a part in it by their ordinals."""

    run: Run
    probes: tuple[Seen, ...]
    handles: dict[int, str]


# -- the plan --------------------------------------------------------------------------------------


async def plan(
    ctx: Context, *, moderator: int | None, target: int, only: Sequence[int] = ()
) -> Frozen:
    """Plan the reinstatement of an account without changing a row, and freeze the plan as a file.

    Args:
        ctx: the ports.
        moderator: who asks; None: the server itself.
        target: the account.
        only: ids of the suspensions to lift; none: all that are in force.

    Raises:
        NotFound: there is no such account.
        Forbidden: the moderator may not act on it.
        Conflict: it is not suspended.
        Invalid: an action to lift is no suspension in force of this account.
    """
    with ctx.store.read() as snap:
        _require_may(snap, moderator, target)
    async with ctx.store.audit(gently=True) as audit:
        found = await audit.read(
            lambda snap: draw(snap, ctx.settings, target=target, only=only, made_by=moderator)
        )
    return await _freeze(ctx, found)


async def _freeze(ctx: Context, found: Plan) -> Frozen:
    return Frozen(await asyncio.to_thread(ctx.store.plans.keep, canonical(found)), found)


async def find_plan(ctx: Context, *, moderator: int | None, prefix: str) -> Frozen:
    """Return the plan whose hash begins so.

    Raises:
        Invalid: that is no hash, or too short.
        NotFound: there is no such plan.
        Conflict: there are several.
        Forbidden: the one who asks may not see it.
    """
    with ctx.store.read() as snap:
        if moderator is not None:
            roles.require_moderator(snap, moderator)
    wanted = require_prefix(prefix)
    hashes = await asyncio.to_thread(ctx.store.plans.find, wanted)
    if not hashes:
        raise NotFound(
            f"There is no plan {wanted[:12]}: make one first, plans are kept for 30 days"
        )
    if len(hashes) > 1:
        raise Conflict(f"{len(hashes)} plans begin with {wanted[:12]}: name more of the hash")
    data = await asyncio.to_thread(ctx.store.plans.read, hashes[0])
    return Frozen(hashes[0], read_plan(data))


async def compare(ctx: Context, *, moderator: int | None, old: Frozen) -> tuple[Frozen, Difference]:
    """Plan again what a plan is for, and return the new plan and what is another in it.

    When nothing is, no new plan is frozen: the old one stands.

    Raises:
        NotFound: the account is gone.
        Conflict: it is not suspended any more.
        Invalid: an action to lift is not in force any more.
    """
    target, only = old.plan.account, _only(old.plan)

    def read(snap: Snapshot) -> tuple[Plan, Difference]:
        new = draw(snap, ctx.settings, target=target, only=only, made_by=moderator)
        found = difference(old.plan, new)
        if found:
            found = difference(old.plan, new, moved_since(snap, old.plan, new.figures.followers))
        return new, found

    async with ctx.store.audit(gently=True) as audit:
        new, found = await audit.read(read)
    return (await _freeze(ctx, new), found) if found else (old, found)


def _only(old: Plan) -> tuple[int, ...]:
    """Return which suspensions a plan chose; none where it took all there were."""
    partial = any(held.type == ActionKind.SUSPEND.label for held in old.stays)
    return old.actions if partial else ()


def _require_may(view: View, moderator: int | None, target: int) -> Account:
    account = view.gate.require_account(view.accounts.get(target))
    roles.require_may_moderate(view, moderator, account)
    return account


async def prune_plans(ctx: Context) -> int:
    """Remove plans nobody will name any more; return how many."""
    return await asyncio.to_thread(ctx.store.plans.prune, ctx.clock.now() - PLANS_KEPT_MS)


async def headroom_of(ctx: Context, *, followers: int) -> dict[str, Any] | None:
    """Return what this server can bear now, and whether that is enough; None: it is not known."""
    try:
        found = await capacity.headroom(ctx, followers=followers)
    except (NotOffered, Unavailable):  # a system that does not tell of its memory and CPUs
        return None
    return found.told()


# -- the run ---------------------------------------------------------------------------------------


async def begin(
    ctx: Context,
    *,
    moderator: int | None,
    plan: str,
    reason: LiftReason,
    ground: str = "",
    accept: bool = False,
    options: Options | None = None,
) -> Run:
    """Begin to carry a plan out; a job does it.

    Args:
        ctx: the ports.
        moderator: who decides; None: the server itself, which is bound to do it.
        plan: at least eight digits of the plan's hash.
        reason: why the account is reinstated.
        ground: the decision in words, for the record.
        accept: go by what is so now, whatever changed since the plan was made.
        options: what else is asked for.

    Raises:
        Stale: something changed since the plan was made; nothing was begun.
        Conflict: the account is not suspended any more, or somebody else reinstates it already.
        NotFound: there is no such plan, or the account is gone.
        Forbidden: the moderator may not act on the account.
        Invalid: the reason, the ground or an option breaks a rule.
    """
    options = options or Options()
    _check(reason, ground, options)
    old = await find_plan(ctx, moderator=moderator, prefix=plan)
    with ctx.store.read() as snap:
        _require_may(snap, moderator, old.plan.account)
        _require_free(snap, old.plan.account)
    new, found = await compare(ctx, moderator=moderator, old=old)
    if found and not accept:
        raise Stale(old, new, found)

    def change(tx: Transaction) -> Run:
        account = _require_may(tx, moderator, new.plan.account)
        _require_free(tx, account.ordinal)
        run = Run(
            id=tx.next_id(),
            account=account.ordinal,
            state=RunState.STAGING,
            plan_hash=new.hash,
            plan=new.plan,
            by=moderator,
            reason=reason,
            ground=ground.strip(),
            begun_at=tx.now,
            options=options,
            steps=(Step(name=RunState.STAGING.value, began_at=tx.now),),
        )
        tx.runs.put(run)
        tx.jobs.enqueue(JOB, {"run": run.id}, tx.now)
        record(tx, run, LedgerKind.RUN_STARTED, plan=run.plan_hash, reason=str(reason))
        return run

    return await ctx.store.write(change)


def _check(reason: LiftReason, ground: str, options: Options) -> None:
    if reason == LiftReason.EXPIRED:
        raise Invalid("Validation failed: Reason must be overturned, served or amnesty")
    if len(ground) > MAX_GROUND:
        raise Invalid(f"Validation failed: Ground is too long (maximum is {MAX_GROUND} characters)")
    if not 1 <= options.sample <= MAX_SAMPLE:
        raise Invalid(f"Validation failed: Sample must be from 1 to {MAX_SAMPLE}")


def _require_free(view: View, account: int) -> None:
    """Refuse a second run for an account, or one that an amnesty has in its hands.

    Raises:
        Conflict: saying who has it, since when, and how far that has come.
    """
    other = view.runs.unfinished(account)
    if other is not None:
        raise Conflict(
            f"{handle_of(view, other.by)} began to reinstate @{other.plan.handle} at "
            f"{moment(other.begun_at)} (run {other.id}, {shown(other.state)}): follow that run, "
            "or wait until it is over"
        )
    holder = view.amnesties.holders([account]).get(account)
    if holder is not None:
        raise Conflict(
            f"This account is in the hands of amnesty {holder}: let that go on, or stop it first"
        )


def record(tx: Transaction, run: Run, kind: LedgerKind, **about: Any) -> None:
    """Write what a run did into the ledger, who decided being who began it."""
    about = {"run": str(run.id), **about}
    if run.ground and kind == LedgerKind.RUN_STARTED:
        about["ground"] = run.ground
    ledger.record(tx, kind=kind, account=run.account, moderator=run.by, about=about)


# -- looking ---------------------------------------------------------------------------------------


def require_run(view: View, run_id: int) -> Run:
    """Return a run.

    Raises:
        NotFound: there is none.
    """
    run = view.runs.get(run_id)
    if run is None:
        raise NotFound("There is no such run: look at the list of reinstatements")
    return run


def status(view: View, run_id: int, *, after: int = 0) -> RunView:
    """Return a run with its probes above a number.

    Raises:
        NotFound: there is none.
    """
    run = require_run(view, run_id)
    return RunView(run, tuple(view.runs.probes(run_id, after=after)), handles_of(view, [run]))


def runs(view: View, **page: Unpack[Page]) -> list[Run]:
    """Return a page of runs, newest first."""
    return view.runs.page(**page)


def runs_of(view: View, account: int) -> list[Run]:
    """Return the runs of an account, newest first."""
    return view.runs.of(account, limit=RUNS_OF_ACCOUNT)


def handles_of(view: View, found: Sequence[Run]) -> dict[int, str]:
    """Return the handles of who has a part in runs, by ordinal."""
    people = {run.by for run in found} | {run.rolled_back_by for run in found}
    known = view.accounts.many({one for one in people if one is not None})
    return {ordinal: account.username for ordinal, account in known.items()}


def handle_of(view: View, account: int | None) -> str:
    """Return what people call who decided."""
    found = None if account is None else view.accounts.get(account)
    return f"@{found.username}" if found else "the server"


def public_counts(view: View, account: int) -> dict[str, int]:
    """Return the counts anybody sees of an account."""
    active = view.gate.active(account)
    return {
        "followers": view.gate.visible_count(SetKey(account, SetKind.FOLLOWERS)),
        "following": view.gate.visible_count(SetKey(account, SetKind.FOLLOWING)),
        "statuses": view.statuses.count_by_author(account) if active else 0,
    }


# -- the way back ----------------------------------------------------------------------------------


async def rollback(ctx: Context, *, moderator: int | None, run: int, why: str = "") -> Run:
    """Suspend an account again as it was before a run, at once and in one transaction.

    Args:
        ctx: the ports.
        moderator: who decides; None: the server itself.
        run: the id of the run.
        why: in words, for the record.

    Raises:
        NotFound: there is no such run, or the account is gone.
        Forbidden: the moderator may not act on the account.
        Conflict: the run lifted nothing, or somebody decided about the account since.
    """
    if len(why) > MAX_GROUND:
        raise Invalid(f"Validation failed: Why is too long (maximum is {MAX_GROUND} characters)")

    def change(tx: Transaction) -> Run:
        found = require_run(tx, run)
        _require_may(tx, moderator, found.account)
        if not found.state.cut_over:
            raise Conflict(_nothing_to_undo(found))
        _require_free_for(tx, found)
        decided = decided_since(tx, found)
        if decided:
            raise Conflict(f"{decided}. That stands, and this run is not rolled back over it")
        said = f"{handle_of(tx, moderator)} rolled it back" + (f": {why.strip()}" if why else "")
        return roll_back_in(tx, ctx, found, said=said, by=moderator)

    return await ctx.store.write(change)


def _nothing_to_undo(run: Run) -> str:
    if run.state.is_over or run.state == RunState.ROLLING_BACK:
        return f"Run {run.id} is {shown(run.state)}: there is nothing to roll back"
    return (
        f"Run {run.id} is {shown(run.state)} and has changed nothing yet: "
        "wait until it is over, then look again"
    )


def _require_free_for(tx: Transaction, run: Run) -> None:
    other = tx.runs.unfinished(run.account)
    if other is not None and other.id != run.id:
        _require_free(tx, run.account)


def roll_back_in(tx: Transaction, ctx: Context, run: Run, *, said: str, by: int | None) -> Run:
    """Take the actions again that a run lifted, and have a job see that it shows everywhere.

    Args:
        tx: the transaction.
        ctx: the ports.
        run: the run, cut over and not decided about since.
        said: why, for people.
        by: who decided; None: the run itself, because of what it found.
    """
    probe = tx.access.service_account()
    if probe is not None:  # it may have been interrupted between a follow and its undoing
        untie(tx, probe, run.account)
    actions, _ = tx.enforcement.of_account(run.account)
    lifted = [action for action in actions if action.id in run.lifted]
    about = {"run": str(run.id)}
    restored = lifting.restore_in(tx, ctx.settings, actions=lifted, moderator=by, about=about)
    over = len(lifted) - len(restored)
    if over:
        said += f" ({over} of its suspensions would be over by now and was not taken again)"
    rolled = moved_to(
        run,
        RunState.ROLLING_BACK,
        at=tx.now,
        said=said,
        restored=tuple(action.id for action in restored),
        rolled_back_by=by,
        attempts=0,
    )
    tx.runs.put(rolled)
    tx.jobs.enqueue(JOB, {"run": run.id}, tx.now)
    record(tx, rolled, LedgerKind.RUN_ROLLED_BACK, said=said, by=handle_of(tx, by))
    return rolled


def decided_since(view: View, run: Run) -> str:
    """Return what somebody decided about an account since a run cut it over; empty: nothing."""
    actions, liftings = view.enforcement.of_account(run.account)
    for action in actions:
        if action.id > (run.cut_over_id or 0) and action.kind != ActionKind.NONE:
            return _taken(view, run, action)
    for lifted in liftings:
        if lifted.action not in run.ended_then and lifted.reason != LiftReason.EXPIRED:
            return _ended(view, run, lifted.action)
    if view.gate.state(run.account).deactivated and not run.plan.hidden_after:
        return f"@{run.plan.handle} was put away by its owner"
    return ""


def decided_before(view: View, run: Run) -> str:
    """Return what was decided about an account since its run was planned; empty: nothing.

    The clock decides too, when the time of a suspension is over.
    """
    record = view.enforcement.of_account(run.account)
    active = {
        action.id: action
        for action in in_force(*record, view.now)
        if action.kind in (ActionKind.SUSPEND, ActionKind.DELETE)
    }
    held = (*run.plan.lifts, *run.plan.stays)
    expected = {int(one.id) for one in held if one.type == ActionKind.SUSPEND.label}
    for id_ in sorted(expected - active.keys()):
        return _ended(view, run, id_)
    for id_ in sorted(active.keys() - expected):
        return _taken(view, run, active[id_])
    return ""


def _taken(view: View, run: Run, action: Action) -> str:
    who, at = handle_of(view, action.moderator), moment(action.taken_at)
    return f"{who} took action {action.kind.label} on @{run.plan.handle} at {at}"


def _ended(view: View, run: Run, action: int) -> str:
    _, liftings = view.enforcement.of_account(run.account)
    found = next((one for one in liftings if one.action == action), None)
    if found is None or found.reason == LiftReason.EXPIRED:
        return f"the time of action {action} of @{run.plan.handle} is over"
    who, at = handle_of(view, found.moderator), moment(found.lifted_at)
    return f"{who} lifted action {action} of @{run.plan.handle} at {at}"
