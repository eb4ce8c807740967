"""Decisions left to polls: bound by a moderator, closed by the clock, asked by what they hold up.

A poll is an ordinary public one. While a reinstatement or an amnesty is bound to it, nobody can run
it; when the poll has closed and decided for it, the operator still has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from rostra.domain.accounts import Account
from rostra.domain.amnesty import Amnesty, AmnestyState
from rostra.domain.appeals import decision_of, standing_for
from rostra.domain.decision_polls import (
    MAX_QUORUM,
    WHOLE,
    Decision,
    DecisionState,
    percent,
    recorded,
)
from rostra.domain.enforcement import ActionKind, in_force
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound, told
from rostra.domain.ledger import LedgerKind
from rostra.domain.pages import Cursors
from rostra.domain.statuses import Poll, Status, Visibility
from rostra.domain.times import moment
from rostra.domain.words import how_many
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.moderation import decision_results, ledger
from rostra.services.moderation.decision_results import settle
from rostra.services.publishing import polls
from rostra.services.roles import (
    is_moderator,
    require_may_moderate,
    require_moderator,
    require_there,
)

NO_POLL: Final = told("There is no such poll: name the id of a status with one")
MAX_WHY: Final = 1000
JOB: Final = "close_decision"
WAITING: Final = frozenset({AmnestyState.PLANNED, AmnestyState.APPROVED})
"""States in which an amnesty can be left to a poll."""


class Undecided(Conflict):
    """Something is left to a poll that has not decided for it; the message says what to do."""


class Shown(Struct, frozen=True, kw_only=True):
    """A decision with what hangs on it; ``votes`` and ``yes`` are as the poll shows them now.

    ``waits`` is whether anything is left that it could decide: its suspension may have ended.
    """

    decision: Decision
    account: Account | None
    asked_by: Account | None
    bound_by: Account | None
    votes: int
    yes: int
    waits: bool


# -- binding ---------------------------------------------------------------------------------------


async def bind(
    ctx: Context,
    *,
    moderator: int,
    poll: int,
    share: int,
    account: int | None = None,
    amnesty: int | None = None,
    yes: int = 0,
    quorum: int = 1,
) -> Decision:
    """Leave the reinstatement of an account, or an amnesty, to a public poll that is open.

    Args:
        ctx: the ports.
        moderator: who decides to.
        poll: the id of the poll, that is, of its status, by a moderator's account.
        share: how much of the votes must be for it, in hundredths of a percent.
        account: the account (an ordinal); this or ``amnesty``.
        amnesty: the id of the amnesty.
        yes: which option (from 0) is for it.
        quorum: how many votes there must be at least.

    Raises:
        NotFound: there is no such poll, account or amnesty.
        Forbidden: the one who asks may not, or who asked the poll is no moderator.
        Invalid: the poll is not public, or takes several votes of one; or a number is wrong.
        Conflict: it has closed, decides something already, or there is nothing to decide.
    """
    if (account is None) == (amnesty is None):
        raise Invalid("Validation failed: Name either an account or an amnesty to decide about")
    if not 1 <= share <= WHOLE:
        raise Invalid("Validation failed: Share must be above 0 and at most 100 percent")
    if not 1 <= quorum <= MAX_QUORUM:
        raise Invalid("Validation failed: Quorum must be a number of votes, at least 1")

    def change(tx: Transaction) -> Decision:
        require_moderator(tx, moderator)
        status, asked = _poll_to_decide(tx, moderator, poll)
        if not 0 <= yes < len(asked.options):
            raise Invalid("Validation failed: Yes must be one of the poll's options, from 0")
        about: tuple[int, ...] = ()
        if account is not None:
            about = _account_to_decide(tx, moderator, account)
        if amnesty is not None:
            _amnesty_to_decide(tx, amnesty)
        assert asked.expires_at is not None
        opened = status.edited_at if asked.round and status.edited_at else status.created_at
        decision = Decision(
            id=tx.next_id(),
            poll=status.id,
            author=status.author,
            account=account,
            amnesty=amnesty,
            about=about,
            text=status.text,
            options=asked.options,
            round=asked.round,
            yes=yes,
            share=share,
            quorum=quorum,
            opened_at=opened,
            closes_at=asked.expires_at,
            bound_at=tx.now,
            bound_by=moderator,
        )
        tx.decisions.put(decision)
        tx.jobs.enqueue(JOB, {"decision": decision.id}, decision.closes_at)
        _record(tx, decision, LedgerKind.POLL_BOUND, moderator)
        return decision

    return await ctx.store.write(change)


def _poll_to_decide(tx: Transaction, moderator: int, poll: int) -> tuple[Status, Poll]:
    status = tx.statuses.get(poll)
    if status is None or not tx.gate.may_see_status(moderator, status):
        raise NotFound(NO_POLL)
    asked = status.poll
    if asked is None:
        raise NotFound(NO_POLL)
    if status.visibility != Visibility.PUBLIC:
        raise Invalid("The poll is not public: everybody has to be able to see it and to vote")
    if asked.multiple:
        raise Invalid("The poll takes several votes of one account: ask one with a single choice")
    if asked.expires_at is None or polls.expired(asked, tx.now):
        raise Conflict("This poll has closed: ask a new one, and bind that before it closes")
    if not is_moderator(tx, status.author):
        raise Forbidden("Only a poll asked by a moderator or an owner can decide")
    if tx.decisions.of_poll(status.id) is not None:
        raise Conflict("This poll decides something already: ask another one")
    return status, asked


def _account_to_decide(tx: Transaction, moderator: int, account: int) -> tuple[int, ...]:
    """Return the decisions that hold an account, whose end is left to a poll."""
    target = require_there(tx, account)
    require_may_moderate(tx, moderator, target)
    actions, liftings = tx.enforcement.of_account(account)
    holding = [
        decision_of(actions, one).id
        for one in in_force(actions, liftings, tx.now)
        if one.kind == ActionKind.SUSPEND
    ]
    if not holding:
        raise Conflict(
            "@%(name)s is not suspended: there is nothing to decide", name=target.username
        )
    if current(tx, account=account) is not None:
        raise Conflict("This account is left to a poll already: unbind that first")
    if tx.runs.unfinished(account) is not None:
        raise Conflict("This account is being reinstated already: wait for that run, or stop it")
    return tuple(sorted(set(holding)))


def _amnesty_to_decide(tx: Transaction, amnesty: int) -> Amnesty:
    found = tx.amnesties.get(amnesty)
    if found is None:
        raise NotFound("There is no such amnesty: look at the list of amnesties")
    if found.state not in WAITING:
        raise Conflict(
            "This amnesty is %(state)s: only one that is planned or approved can be left to a poll",
            state=found.state,
        )
    if current(tx, amnesty=amnesty) is not None:
        raise Conflict("This amnesty is left to a poll already: unbind that first")
    return found


async def unbind(ctx: Context, *, moderator: int, decision: int, why: str) -> Decision:
    """Take a decision back from a poll, whatever that said or will say.

    Args:
        ctx: the ports.
        moderator: who decides to.
        decision: the id of the decision.
        why: the reason, for the ledger.

    Raises:
        NotFound: there is none.
        Forbidden: the one who asks is no moderator, or may not act on the account.
        Invalid: the reason is missing or too long.
        Conflict: it was unbound before.
    """
    said = why.strip()
    if not said:
        raise Invalid("Validation failed: Why can't be blank: the record has to say why")
    if len(said) > MAX_WHY:
        raise Invalid(
            "Validation failed: Why is too long (maximum is %(num)s characters)", num=MAX_WHY
        )

    def change(tx: Transaction) -> Decision:
        require_moderator(tx, moderator)
        found = require_decision(tx, decision)
        if found.account is not None:
            account = tx.accounts.get(found.account)
            if account is not None:
                require_may_moderate(tx, moderator, account)
        if found.state is DecisionState.UNBOUND:
            raise Conflict("This was unbound before: nothing holds it up")
        after = structs.replace(
            found,
            state=DecisionState.UNBOUND,
            unbound_at=tx.now,
            unbound_by=moderator,
            why=said,
        )
        tx.decisions.put(after)
        _record(tx, after, LedgerKind.POLL_UNBOUND, moderator, why=said, was=str(found.state))
        return after

    return await ctx.store.write(change)


def _record(
    tx: Transaction, decision: Decision, kind: LedgerKind, moderator: int | None, **about: object
) -> None:
    told = {**recorded(decision), **about}
    ledger.record(tx, kind=kind, account=decision.account, moderator=moderator, about=told)


# -- the clock -------------------------------------------------------------------------------------


async def close_decision(ctx: Context, *, decision: int) -> str:
    """Freeze what a poll came to when it closed; a job. Return the state of the decision.

    All of it happens in one transaction, so that doing it again changes nothing. One that comes
    late counts by who was active when the poll closed.
    """

    def change(tx: Transaction) -> str:
        found = tx.decisions.get(decision)
        if found is None:
            return ""
        if found.state is not DecisionState.OPEN or tx.now < found.closes_at:
            return str(found.state)
        return str(settle(tx, found).state)

    return await ctx.store.write(change)


# -- what is held up -------------------------------------------------------------------------------


def current(
    view: View, *, account: int | None = None, amnesty: int | None = None
) -> Decision | None:
    """Return the decision that an account or an amnesty is left to, None when to none.

    One about suspensions that have all ended concerns no later one.
    """
    if amnesty is not None:
        found = view.decisions.of_amnesty(amnesty)
    else:
        found = view.decisions.of_account(account or 0)
    for decision in found:
        if decision.state is DecisionState.UNBOUND:
            continue
        if decision.account is None or _still_about(view, decision):
            return decision
    return None


def _still_about(view: View, decision: Decision) -> bool:
    if decision.account is None:
        return True
    record = view.enforcement.of_account(decision.account)
    return any(standing_for(*record, each, view.now) is not None for each in decision.about)


def require_decided(
    tx: View, *, run_of: int | None = None, amnesty: int | None = None
) -> Decision | None:
    """Refuse to run what a poll has not decided for; return the decision, None when there is none.

    Args:
        tx: the transaction that begins the run.
        run_of: the account (an ordinal) that is to come back.
        amnesty: the id of the amnesty that is to be run.

    Raises:
        Undecided: it is left to a poll that is open, missed what was asked of it, or is void; with
            when it closes, or with its result, and what to do.
    """
    held = held_up(tx, account=run_of, amnesty=amnesty)
    if held is not None:
        raise Undecided("%(why)s", why=held.why)
    return current(tx, account=run_of, amnesty=amnesty)


class HeldUp(Struct, frozen=True):
    """What a poll has not decided for, and why it may not be run now."""

    decision: Decision
    why: str


def held_up(view: View, *, account: int | None = None, amnesty: int | None = None) -> HeldUp | None:
    """Return what holds up the return of an account, or an amnesty; None when no poll does."""
    found = current(view, account=account, amnesty=amnesty)
    why = refusal(view, found) if found is not None else ""
    if found is None or not why:
        return None
    return HeldUp(decision_results.as_of_now(view, found), why)


def refusal(view: View, decision: Decision) -> str:
    """Return why what is left to a poll may not be run now, empty when it may."""
    if decision.state is DecisionState.OPEN:
        decision = decision_results.as_of_now(view, decision)
    match decision.state:
        case DecisionState.OPEN:
            return (
                f"This is left to a poll that is open until {moment(decision.closes_at)} "
                f"(decision {decision.id}): wait for it, or unbind it with a reason"
            )
        case DecisionState.MISSED:
            return (
                f"The poll did not decide for this: {outcome(decision)} (decision {decision.id}). "
                "It stays as it is, unless a moderator unbinds it with a reason"
            )
        case DecisionState.VOID:
            why = decision.void.says if decision.void else "it cannot be counted"
            return (
                f"The poll this was left to is void: {why} (decision {decision.id}). Unbind it "
                "with a reason; then bind another poll, or none"
            )
        case _:
            return ""


def outcome(decision: Decision) -> str:
    """Return in words what a poll came to, empty while it has no result."""
    result = decision.result
    if result is None:
        return ""
    return (
        f"{result.yes:,} of {how_many(result.votes, 'vote')} for it "
        f"({percent(result.share)}), asked were {percent(decision.share)} of at least "
        f"{decision.quorum:,}"
    )


def undecided(view: View, accounts: Sequence[int]) -> dict[int, HeldUp]:
    """Return which of ``accounts`` (ordinals) no amnesty may take now, and why: those whose own
    reinstatement is left to a poll that has not decided for it.
    """
    found: dict[int, HeldUp] = {}
    for decision in view.decisions.of_accounts(accounts):
        if decision.account is None or decision.state is DecisionState.UNBOUND:
            continue
        why = refusal(view, decision) if _still_about(view, decision) else ""
        if why:
            found[decision.account] = HeldUp(decision, why)
    return found


# -- looking ---------------------------------------------------------------------------------------


def require_decision(view: View, decision_id: int) -> Decision:
    """Return a decision.

    Raises:
        NotFound: there is none.
    """
    found = view.decisions.get(decision_id)
    if found is None:
        raise NotFound("There is no such decision: look at the list of decisions")
    return found


def show(view: Snapshot, decision: Decision) -> Shown:
    """Return a decision with those who have a part in it, and how the poll stands now."""
    status = view.statuses.get(decision.poll)
    asked = polls.view(view, status) if status is not None else None
    same = asked is not None and asked.poll.round == decision.round
    return Shown(
        decision=decision,
        account=view.accounts.get(decision.account) if decision.account is not None else None,
        asked_by=view.accounts.get(decision.author),
        bound_by=view.accounts.get(decision.bound_by),
        votes=asked.voters if asked is not None and same else 0,
        yes=asked.votes[decision.yes] if asked is not None and same else 0,
        waits=_waits(view, decision),
    )


def _waits(view: View, decision: Decision) -> bool:
    """Return whether there still is something that a decision is about."""
    if decision.account is not None:
        deleted = view.gate.state(decision.account).deleted
        return not deleted and _still_about(view, decision)
    amnesty = view.amnesties.get(decision.amnesty or 0)
    return amnesty is not None and amnesty.state in WAITING


def listed(view: View, *, limit: int, **page: int | None) -> list[Decision]:
    """Return a page of decisions, newest first."""
    cursors: Cursors = {
        "max_id": page.get("max_id"),
        "since_id": page.get("since_id"),
        "min_id": page.get("min_id"),
    }
    return view.decisions.page(limit=limit, **cursors)
