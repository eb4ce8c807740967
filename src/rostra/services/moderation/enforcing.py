"""Moderation: acting on accounts with a statement of reasons, and ending what was done.

No edge, status or count is written by any of it: an action is appended, a lifting is appended, and
the gate shows the fold of both.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import (
    Action,
    ActionKind,
    Lifting,
    LiftReason,
    State,
    Strike,
    ends,
    in_force,
    strikes,
    suspended_since,
)
from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.domain.reports import Report
from rostra.domain.statement_of_reasons import Details
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import appeals
from rostra.services.moderation import decision_polls, ledger, lifting, reports, statements
from rostra.services.roles import require_may_moderate, require_there

MAX_GROUND: Final = 500
MAX_TEXT: Final = 5000
LATEST_MS: Final = 253_402_300_799_999  # the last of the year 9999
EXPIRED_AT_ONCE: Final = 500


class AccountFigures(Struct, frozen=True):
    """What moderators see of an account: counts as stored and as anybody sees them, and why they
    differ.
    """

    account: Account
    state: State
    followers: int
    public_followers: int
    following: int
    public_following: int
    statuses: int
    public_statuses: int
    in_force: tuple[Action, ...]
    actions: tuple[Action, ...]
    liftings: tuple[Lifting, ...]
    strikes: tuple[Strike, ...]


# -- acting ----------------------------------------------------------------------------------------


async def act(
    ctx: Context,
    *,
    moderator: int | None,
    target: int,
    kind: ActionKind,
    ground: str,
    text: str = "",
    starts_at: int | None = None,
    until: int | None = None,
    report: int | None = None,
    statement: Details | None = None,
) -> Action:
    """Take an action against an account; it composes with those in force.

    Args:
        ctx: the ports.
        moderator: who acts; None: the server itself.
        target: the account.
        kind: what to do; ``NONE`` is a warning alone.
        ground: the rule that was broken; the first part of the statement of reasons.
        text: the rest of the statement of reasons, for the person concerned.
        starts_at: ms since 1970; now when not given.
        until: ms since 1970, when the clock ends it; None for until it is lifted.
        report: the id of the report about the account that this answers; it is resolved.
        statement: what the law wants to know besides, as far as the moderator said it.

    Raises:
        Invalid: the ground is missing, the times make no sense, or the statement says what cannot
            be said.
        NotFound: there is no such account, or no such report about it.
        Forbidden: the moderator may not act on it.
    """
    if not ground.strip():
        raise Invalid("Validation failed: Ground can't be blank: say which rule was broken")
    if len(ground) > MAX_GROUND or len(text) > MAX_TEXT:
        raise Invalid(
            "Validation failed: Ground and text are too long (maximum is %(num)s and %(limit)s "
            "characters)",
            num=MAX_GROUND,
            limit=MAX_TEXT,
        )
    told = statements.said(statement)
    if kind == ActionKind.DELETE:
        raise Invalid("Validation failed: Type delete is not an action that can be lifted")

    def change(tx: Transaction) -> Action:
        account = require_there(tx, target)
        require_may_moderate(tx, moderator, account)
        begins = max(tx.now, starts_at or 0)
        if until is not None and not begins < until <= LATEST_MS:
            raise Invalid(
                "Validation failed: Until must be later than the start, and in the future"
            )
        action = Action(
            id=tx.next_id(),
            account=target,
            kind=kind,
            ground=ground.strip(),
            text=text.strip(),
            moderator=moderator,
            taken_at=tx.now,
            starts_at=begins,
            until=until,
        )
        about: dict[str, object] = {"figures": ledger.figures(tx, target), **told}
        if report is not None:
            about["evidence"] = ledger.evidence(_resolve(tx, report, action))
        record = tx.enforcement.take(action, about=about)
        lifting.follow_up(tx, action, ctx.settings, record)
        return action

    return await ctx.store.write(change)


def _resolve(tx: Transaction, report_id: int, action: Action) -> Report:
    report = tx.reports.get(report_id)
    if report is None or report.target != action.account:
        raise NotFound("There is no such report about this account")
    tx.reports.put(reports.resolved(report, action.moderator, tx.now))
    return report


async def suspend(
    ctx: Context,
    *,
    moderator: int | None,
    target: int,
    ground: str,
    until: int | None = None,
    text: str = "",
    statement: Details | None = None,
) -> Action:
    """Suspend an account: hidden everywhere at the next read, its sessions and tokens revoked.

    Raises:
        Invalid: the ground is missing, ``until`` (ms since 1970) is over, or the statement says
            what cannot be said.
        NotFound: there is no such account.
        Forbidden: the moderator may not act on it.
    """
    return await act(
        ctx,
        moderator=moderator,
        target=target,
        kind=ActionKind.SUSPEND,
        ground=ground,
        text=text,
        until=until,
        statement=statement,
    )


async def begin_suspension(ctx: Context, *, account: int) -> bool:
    """Revoke the sessions and tokens of an account whose planned suspension began; a job."""

    def change(tx: Transaction) -> bool:
        if not tx.gate.state(account).suspended:
            return False
        lifting.shut_out(tx, account)
        return True

    return await ctx.store.write(change)


# -- lifting ---------------------------------------------------------------------------------------


async def reinstate(
    ctx: Context, *, moderator: int | None, target: int, reason: LiftReason
) -> list[Action]:
    """Lift every suspension in force of an account, and nothing else; return those lifted.

    Raises:
        Conflict: it is not suspended, or a poll is to decide about it.
        Invalid: the reason is not one to give.
        NotFound: there is no such account.
        Forbidden: the moderator may not act on it.
    """
    return await lift(
        ctx, moderator=moderator, target=target, kind=ActionKind.SUSPEND, reason=reason
    )


async def lift(
    ctx: Context, *, moderator: int | None, target: int, kind: ActionKind, reason: LiftReason
) -> list[Action]:
    """Lift every action of a kind in force for an account, and nothing else; return those lifted.

    Raises:
        Conflict: there is none, or a poll is to decide about it.
        Invalid: the reason is not one to give.
        NotFound: there is no such account.
        Forbidden: the moderator may not act on it.
    """
    if reason == LiftReason.EXPIRED:
        raise Invalid("Validation failed: Reason must be overturned, served or amnesty")

    def change(tx: Transaction) -> list[Action]:
        account = require_there(tx, target)
        require_may_moderate(tx, moderator, account)
        actions, liftings = tx.enforcement.of_account(target)
        found = [one for one in in_force(actions, liftings, tx.now) if one.kind == kind]
        if not found:
            raise _nothing_to_lift(account, kind)
        if kind == ActionKind.SUSPEND:
            decision_polls.require_decided(tx, run_of=target)
        lifting.lift_in(
            tx,
            ctx.settings,
            actions=found,
            reason=reason,
            moderator=moderator,
            about={"figures": ledger.figures(tx, target)},
        )
        return found

    return await ctx.store.write(change)


def _nothing_to_lift(account: Account, kind: ActionKind) -> Conflict:
    if kind == ActionKind.SUSPEND:
        return Conflict(
            "@%(name)s is not suspended: there is nothing to lift", name=account.username
        )
    return Conflict(
        "@%(name)s is not under an action of type %(kind)s: there is nothing to lift",
        name=account.username,
        kind=kind.label,
    )


def kept_from_acting(view: View, account: int, at: int) -> bool:
    """Return whether an account was suspended, frozen or deleted at a time (ms) that is over, or is
    now; an action that was lifted since counts as long as it lasted.
    """
    state = view.gate.state(account)
    if not state.active or state.frozen:
        return True
    barring = (ActionKind.SUSPEND, ActionKind.FREEZE)
    actions, liftings = view.enforcement.of_account(account)
    return any(
        action.kind in barring and action.starts_at <= at and (end is None or at < end)
        for action, end in ends(actions, liftings)
    )


# -- the clock -------------------------------------------------------------------------------------


async def prepare_return(ctx: Context, *, account: int, action: int) -> int:
    """Make requests of an account's dormant follows just before its timed suspension ends; a job.

    Nothing of it shows before, since the account is away; so the clock can end the suspension at
    its exact instant. Return how many follows were made requests.
    """

    def change(tx: Transaction) -> int:
        actions, liftings = tx.enforcement.of_account(account)
        found = next((one for one in in_force(actions, liftings, tx.now) if one.id == action), None)
        since = suspended_since(actions, liftings, tx.now)
        if found is None or found.until is None or since is None:
            return 0
        return lifting.ask_again(tx, account, since, found.until, ctx.settings.dormant_days)

    return await ctx.store.write(change)


async def record_expired(ctx: Context) -> int:
    """Record the end of actions whose time is over; return how many. The masks ended with the
    clock.
    """

    def change(tx: Transaction) -> int:
        overdue = tx.enforcement.pending_expiry(tx.now)[:EXPIRED_AT_ONCE]
        for action in overdue:
            _record_expired(tx, action, ctx.settings)
        return len(overdue)

    total = 0
    while recorded := await ctx.store.write(change):
        total += recorded
    return total


def _record_expired(tx: Transaction, action: Action, settings: Settings) -> None:
    until = action.until
    if until is None:
        return
    record = tx.enforcement.of_account(action.account)
    if action.kind == ActionKind.SUSPEND:
        since = suspended_since(*record, until - 1)
        if since is not None and suspended_since(*record, until) is None:
            lifting.let_in(tx, action, record, since, until, settings.dormant_days)
    why, appealed = appeals.why_lifted(tx, action, LiftReason.EXPIRED, record[0])
    tx.enforcement.lift(
        Lifting(
            action=action.id,
            account=action.account,
            reason=why,
            moderator=None,
            lifted_at=until,
        ),
        about=appealed or None,
    )
    appeals.close_moot(tx, settings, action.account)


# -- reading ---------------------------------------------------------------------------------------


def figures(snap: Snapshot, target: int) -> AccountFigures:
    """Return the true and the public figures of an account, and the actions against it.

    Raises:
        NotFound: there is no such account.
    """
    account = snap.accounts.get(target)
    if account is None:
        raise NotFound
    followers = SetKey(target, SetKind.FOLLOWERS)
    following = SetKey(target, SetKind.FOLLOWING)
    actions, liftings = snap.enforcement.of_account(target)
    statuses = snap.statuses.count_by_author(target)
    return AccountFigures(
        account=account,
        state=snap.gate.state(target),
        followers=snap.gate.true_count(followers),
        public_followers=snap.gate.visible_count(followers),
        following=snap.gate.true_count(following),
        public_following=snap.gate.visible_count(following),
        statuses=statuses,
        public_statuses=statuses if snap.gate.active(target) else 0,
        in_force=in_force(actions, liftings, snap.now),
        actions=tuple(actions),
        liftings=tuple(liftings),
        strikes=strikes(actions, liftings),
    )
