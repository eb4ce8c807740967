"""What a poll that decides came to: counted as of the instant it closed, or void.

Nothing here asks what somebody wants: it is called by the clock, and by what changes a poll or
shuts out who asked it.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs
from pyroaring import BitMap

from rostra.domain.decision_polls import (
    AGES,
    Decision,
    DecisionState,
    Result,
    Void,
    percent,
    reaches,
    recorded,
    result_of,
)
from rostra.domain.enforcement import ActionKind, ends, state_at
from rostra.domain.ids import snowflake
from rostra.domain.ledger import LedgerKind
from rostra.domain.statuses import Status
from rostra.domain.words import how_many
from rostra.ports import Transaction, View
from rostra.services import alerts
from rostra.services.moderation import ledger
from rostra.services.publishing.polls import vote_keys

SHUTS_OUT: Final = frozenset({ActionKind.SUSPEND, ActionKind.DELETE})
LINK: Final = "/admin/decisions"


def settle(tx: Transaction, decision: Decision, void: Void | None = None) -> Decision:
    """Put down how an open decision ended, record it, and have operators told; return it.

    Args:
        tx: the transaction.
        decision: as it was, open.
        void: why it cannot be decided, when somebody just saw to that; it counts only before the
            poll closed.
    """
    if void is not None and tx.now < decision.closes_at:
        after = _void(decision, void, tx.now)
    else:
        after = as_of_now(tx, decision)
    if after.state is DecisionState.OPEN:
        return after
    tx.decisions.put(after)
    is_void = after.state is DecisionState.VOID
    ledger.record(
        tx,
        kind=LedgerKind.POLL_VOID if is_void else LedgerKind.POLL_DECIDED,
        account=after.account,
        moderator=None,
        about=recorded(after),
    )
    _tell(tx, after)
    return after


def as_of_now(view: View, decision: Decision) -> Decision:
    """Return an open decision as it is now: still open, or closed with its result, or void."""
    if decision.state is not DecisionState.OPEN:
        return decision
    void = _voided(view, decision)
    if void is not None:
        return _void(decision, void, min(view.now, decision.closes_at))
    if view.now < decision.closes_at:
        return decision
    result = _counted(view, decision)
    reached = reaches(decision, yes=result.yes, votes=result.votes)
    return structs.replace(
        decision,
        state=DecisionState.REACHED if reached else DecisionState.MISSED,
        closed_at=decision.closes_at,
        result=result,
    )


def _void(decision: Decision, void: Void, at: int) -> Decision:
    return structs.replace(decision, state=DecisionState.VOID, void=void, closed_at=at)


def _tell(tx: Transaction, decision: Decision) -> None:
    account = tx.accounts.get(decision.account) if decision.account is not None else None
    what = f"@{account.username}" if account else f"amnesty {decision.amnesty}"
    result = decision.result
    if decision.void is not None:
        subject = f"The poll about {what} is void"
        text = f"{decision.void.says}. Unbind it with a reason, then bind another poll, or none."
    elif result is not None:
        reached = decision.state is DecisionState.REACHED
        subject = f"The poll about {what} has decided {'for' if reached else 'against'} it"
        text = (
            f"{result.yes:,} of {how_many(result.votes, 'vote')} for it "
            f"({percent(result.share)}); asked were {percent(decision.share)} of at least "
            f"{decision.quorum:,}. Left out: {result.suspended:,} suspended. "
            f"Accounts made since it was opened: {result.new:,}. "
        )
        text += "It may be run now." if reached else "It stays as it is."
    else:
        return
    alerts.tell(
        tx, subject=subject, text=text, link=LINK, grave=decision.state is DecisionState.VOID
    )


# -- what else ends one ----------------------------------------------------------------------------


def before_deletion(tx: Transaction, status: Status) -> None:
    """Make void, or count, the decision that a status to be deleted has a poll for."""
    _before(tx, status, Void.DELETED)


def before_edit(tx: Transaction, before: Status, after: Status) -> None:
    """Make void, or count, the decision that an edited status has a poll for."""
    if (before.text, before.poll) != (after.text, after.poll):
        _before(tx, before, Void.EDITED)


def _before(tx: Transaction, status: Status, void: Void) -> None:
    if status.poll is None:
        return
    decision = tx.decisions.of_poll(status.id)
    if decision is not None and decision.state is DecisionState.OPEN:
        settle(tx, decision, void)


def author_left(tx: Transaction, account: int) -> None:
    """Make void, or count, what is left to polls of an account that is suspended or deleted."""
    for decision in tx.decisions.open_by(account):
        settle(tx, decision, Void.AUTHOR)


def before_return(tx: Transaction) -> None:
    """Count what closed by now, before one who was away when it did is back and nobody can tell."""
    for decision in tx.decisions.open_until(tx.now):
        settle(tx, decision)


# -- counting --------------------------------------------------------------------------------------


def _voided(view: View, decision: Decision) -> Void | None:
    status = view.statuses.get(decision.poll)
    poll = status.poll if status is not None else None
    if status is None or poll is None:
        return Void.DELETED
    asked = (status.text, poll.options, poll.round, poll.multiple, poll.expires_at)
    if asked != (decision.text, decision.options, decision.round, False, decision.closes_at):
        return Void.EDITED
    until = min(view.now, decision.closes_at)
    if _left_between(view, decision.author, decision.bound_at, until):
        return Void.AUTHOR
    return None


def _left_between(view: View, account: int, since: int, until: int) -> bool:
    """Return whether an account was suspended, deleted or away at any time of a span (ms)."""
    actions, liftings = view.enforcement.of_account(account)
    for action, end in ends(actions, liftings):
        began = action.kind in SHUTS_OUT and action.starts_at <= until
        if began and (end is None or end > max(since, action.starts_at)):
            return True
    away = view.standings.get(account).deactivated_at
    return away is not None and away <= until


def _counted(view: View, decision: Decision) -> Result:
    status = view.statuses.get(decision.poll)
    assert status is not None
    assert status.poll is not None
    voters = [BitMap(view.sets.bitmap(key)) for key in vote_keys(status.id, status.poll)]
    suspended, inactive = _out_at(view, BitMap.union(*voters), decision.closes_at)
    return result_of(
        decision,
        voters,
        suspended=suspended,
        inactive=inactive,
        first_new=_first_since(view, decision.opened_at),
        first_of={age: _first_since(view, decision.closes_at - span) for age, span in AGES},
    )


def _first_since(view: View, ms: int) -> int:
    """Return the first ordinal made at a time (ms) or later: they are given out in their order."""
    found = view.accounts.first_since(snowflake(max(0, ms)))
    return view.accounts.next_ordinal() if found is None else found


def _out_at(view: View, voters: BitMap, at: int) -> tuple[BitMap, BitMap]:
    """Return who of ``voters`` was suspended at a time (ms) not long ago, and who was not active.

    The gate says who is now; the record of enforcement whose state was another then.
    """
    suspended, inactive = BitMap(), BitMap()
    touched = voters & BitMap(view.enforcement.touched_since(at))
    for account in view.gate.hidden_in(voters) - touched:
        state = view.gate.state(account)
        away = view.standings.get(account).deactivated_at
        if not (state.suspended or state.deleted) and away is not None and away > at:
            continue  # it was put away since
        inactive.add(account)
        if state.suspended:
            suspended.add(account)
    for account in touched:
        state = state_at(*view.enforcement.of_account(account), at)
        away = view.standings.get(account).deactivated_at
        if state.active and (away is None or away > at):
            continue
        inactive.add(account)
        if state.suspended:
            suspended.add(account)
    return suspended, inactive
