"""What operators do about a reinstatement: begin it, follow it, roll it back.

The way from the beginning to the end is gone by a job (``running``); what is done to the account is
in ``services/moderation/lifting.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import Action, ActionKind, LiftReason, in_force
from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.domain.ledger import LedgerKind
from rostra.domain.pages import Page
from rostra.domain.reinstatement import (
    Options,
    Run,
    RunState,
    Seen,
    Step,
    moved_to,
    shown,
)
from rostra.domain.times import moment
from rostra.domain.words import noun
from rostra.ports import Context, Transaction, View
from rostra.services.moderation import decision_polls, ledger, lifting
from rostra.services.reinstatement.planning import Stale, compare, find_plan, require_may
from rostra.services.reinstatement.telling import tell_operators
from rostra.services.server.stuck import Stuck, stuck
from rostra.services.social_graph.relationships import untie

JOB: Final = "run_reinstatement"
MAX_GROUND: Final = 500
MAX_SAMPLE: Final = 1000
RUNS_OF_ACCOUNT: Final = 40
HIDING: Final = frozenset({ActionKind.SUSPEND, ActionKind.DELETE})
"""Kinds of actions that decide whether an account is to be seen at all."""

ACTING: Final = frozenset(ActionKind) - {ActionKind.NONE}
"""Kinds of actions that do more than warn."""


class RunView(Struct, frozen=True):
    """A run with its probes, the handles of who has a part in it by their ordinals, and what is in
    its way while it does not get on.
    """

    run: Run
    probes: tuple[Seen, ...]
    handles: dict[int, str]
    stuck: Stuck | None = None


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
        Conflict: the account is not suspended any more, somebody else reinstates it already, or a
            poll is to decide about it.
        NotFound: there is no such plan, or the account is gone.
        Forbidden: the moderator may not act on the account.
        Invalid: the reason, the ground or an option breaks a rule.
    """
    options = options or Options()
    _check(reason, ground, options)
    old = await find_plan(ctx, moderator=moderator, prefix=plan)
    with ctx.store.read() as snap:
        require_may(snap, moderator, old.plan.account)
        _require_free(snap, old.plan.account)
        decision_polls.require_decided(snap, run_of=old.plan.account)
    new, found = await compare(ctx, moderator=moderator, old=old)
    if found and not accept:
        raise Stale(old, new, found)

    def change(tx: Transaction) -> Run:
        account = require_may(tx, moderator, new.plan.account)
        _require_free(tx, account.ordinal)
        decision_polls.require_decided(tx, run_of=account.ordinal)
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
        tell_operators(tx, run)
        return run

    return await ctx.store.write(change)


def _check(reason: LiftReason, ground: str, options: Options) -> None:
    if reason == LiftReason.EXPIRED:
        raise Invalid("Validation failed: Reason must be overturned, served or amnesty")
    if len(ground) > MAX_GROUND:
        raise Invalid(
            "Validation failed: Ground is too long (maximum is %(num)s characters)", num=MAX_GROUND
        )
    if not 1 <= options.sample <= MAX_SAMPLE:
        raise Invalid("Validation failed: Sample must be from 1 to %(num)s", num=MAX_SAMPLE)


def _require_free(view: View, account: int) -> None:
    """Refuse a second run for an account, or one that an amnesty has in its hands.

    Raises:
        Conflict: saying who has it, since when, and how far that has come.
    """
    other = view.runs.unfinished(account)
    if other is not None:
        raise Conflict(
            "%(who)s began to reinstate @%(name)s at %(time)s (run %(id)s, %(state)s): follow "
            "that run, or wait until it is over",
            who=handle_of(view, other.by),
            name=other.plan.handle,
            time=moment(other.begun_at),
            id=other.id,
            state=shown(other.state),
        )
    holder = view.amnesties.holders([account]).get(account)
    if holder is not None:
        raise Conflict(
            "This account is in the hands of amnesty %(id)s: let that go on, or stop it first",
            id=holder,
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
    held = None if run.state.is_over else stuck(view, job=JOB, about="run", id_=run.id)
    probes = tuple(view.runs.probes(run_id, after=after))
    return RunView(run, probes, handles_of(view, [run]), held)


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
        raise Invalid(
            "Validation failed: Why is too long (maximum is %(num)s characters)", num=MAX_GROUND
        )

    def change(tx: Transaction) -> Run:
        found = require_run(tx, run)
        require_may(tx, moderator, found.account)
        if not found.state.cut_over:
            raise _nothing_to_undo(found)
        _require_free_for(tx, found)
        decided = decided_since(tx, found)
        if decided:
            raise Conflict(
                "%(why)s. That stands, and this run is not rolled back over it", why=decided
            )
        said = f"{handle_of(tx, moderator)} rolled it back" + (f": {why.strip()}" if why else "")
        rolled = roll_back_in(tx, ctx, found, said=said, by=moderator)
        tell_operators(tx, rolled)
        return rolled

    return await ctx.store.write(change)


def _nothing_to_undo(run: Run) -> Conflict:
    if run.state.is_over or run.state == RunState.ROLLING_BACK:
        return Conflict(
            "Run %(id)s is %(state)s: there is nothing to roll back",
            id=run.id,
            state=shown(run.state),
        )
    return Conflict(
        "Run %(id)s is %(state)s and has changed nothing yet: wait until it is over, then look "
        "again",
        id=run.id,
        state=shown(run.state),
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
        was = noun(over, "was", "were")
        said += f" ({over} of its suspensions would be over by now and {was} not taken again)"
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


def decided_since(view: View, run: Run, *, kinds: frozenset[ActionKind] = ACTING) -> str:
    """Return what somebody decided about an account since a run cut it over; empty: nothing.

    Args:
        view: the view.
        run: the run.
        kinds: the kinds of actions that count, taken or lifted.
    """
    actions, liftings = view.enforcement.of_account(run.account)
    counted = {action.id for action in actions if action.kind in kinds}
    for action in actions:
        if action.id > (run.cut_over_id or 0) and action.id in counted:
            return _taken(view, run, action)
    for lifted in liftings:
        if lifted.action not in counted or lifted.action in run.ended_then:
            continue
        if lifted.reason != LiftReason.EXPIRED:
            return _ended(view, run, lifted.action)
    if view.standings.get(run.account).put_away_since(run.cut_over_at or 0):
        return f"@{run.plan.handle} was put away by its owner"
    return ""


def decided_before(view: View, run: Run) -> str:
    """Return what was decided about an account since its run was planned; empty: nothing.

    The clock decides too, when the time of a suspension is over.
    """
    record = view.enforcement.of_account(run.account)
    active = {action.id: action for action in in_force(*record, view.now) if action.kind in HIDING}
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
