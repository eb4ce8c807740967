"""What becomes of accounts of an amnesty: lifted or skipped, rolled back or kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from rostra.domain.accounts import Standing
from rostra.domain.amnesty import Amnesty, Entry, Outcome
from rostra.domain.amnesty_waves import Verdict, to_lift, to_restore
from rostra.domain.enforcement import Action, LiftReason, Record
from rostra.ports import Context, Transaction
from rostra.services import appeals
from rostra.services.moderation import decision_polls
from rostra.services.moderation.lifting import lift_in, restore_in
from rostra.services.roles import require_may_moderate

_NONE: Final[Record] = ([], [])


class _Known:
    """What a transaction has to know of some accounts, read at once: nothing that is done to one of
    them changes it of another.
    """

    def __init__(self, tx: Transaction, entries: Sequence[Entry]) -> None:
        ordinals = [entry.account for entry in entries]
        self.accounts = tx.accounts.many(ordinals)
        self.records = tx.enforcement.of_accounts(ordinals)
        self.labels = tx.labels.of_accounts(ordinals)
        self.runs = tx.runs.unfinished_of(ordinals)
        self.undecided = decision_polls.undecided(tx, ordinals)


def lifted(
    tx: Transaction,
    ctx: Context,
    amnesty: Amnesty,
    entries: Sequence[Entry],
    leader: int | None,
) -> list[Entry]:
    """Lift what was frozen of some accounts, each unless somebody decided since; return them with
    their outcomes.

    Args:
        tx: the transaction that does it.
        ctx: the ports.
        amnesty: the amnesty.
        entries: the accounts in it.
        leader: who started the amnesty, or resumed it last; None: the server itself.

    Raises:
        Forbidden: the leader may not act on one of the accounts.
    """
    known = _Known(tx, entries)
    return [_lifted(tx, ctx, amnesty, entry, known, leader) for entry in entries]


def _lifted(
    tx: Transaction,
    ctx: Context,
    amnesty: Amnesty,
    entry: Entry,
    known: _Known,
    leader: int | None,
) -> Entry:
    account = known.accounts.get(entry.account)
    record = known.records.get(entry.account, _NONE)
    verdict = to_lift(
        amnesty,
        entry,
        record,
        state=tx.gate.state(entry.account),
        labels=known.labels.get(entry.account, ()),
        now=tx.now,
    )
    why = verdict.why
    if account is None:
        why = "It was deleted since"
    elif not why and (run := known.runs.get(entry.account)):
        why = _in_run(run)
    elif not why and entry.account in known.undecided:
        why = known.undecided[entry.account].why
    elif verdict.actions:
        require_may_moderate(tx, leader, account)
        lift_in(
            tx,
            ctx.settings,
            actions=verdict.actions,
            reason=amnesty.reason,
            moderator=leader,
            about={"amnesty": str(amnesty.id), "wave": entry.wave},
            record=record,
        )
    outcome = Outcome.SKIPPED if why else Outcome.LIFTED
    return structs.replace(entry, outcome=outcome, why=why, at=tx.now)


def restored(
    tx: Transaction,
    ctx: Context,
    amnesty: Amnesty,
    entries: Sequence[Entry],
    moderator: int | None,
) -> list[Entry]:
    """Take again what a wave lifted of some accounts, each unless somebody decided since: a
    moderator, its owner who put it away, or who began to reinstate it.

    Args:
        tx: the transaction that does it.
        ctx: the ports.
        amnesty: the amnesty.
        entries: the accounts in it.
        moderator: who rolls it back; None: the server itself.

    Returns:
        the entries with their outcomes.
    """
    ordinals = [entry.account for entry in entries]
    records = tx.enforcement.of_accounts(ordinals)
    standings = tx.standings.of_accounts(ordinals)
    runs = tx.runs.unfinished_of(ordinals)
    found = []
    for entry in entries:
        account, record = entry.account, records.get(entry.account, _NONE)
        verdict = to_restore(
            amnesty,
            entry,
            record,
            state=tx.gate.state(account),
            standing=standings.get(account) or Standing(account=account),
            now=tx.now,
        )
        if account in runs and not verdict.why:
            verdict = Verdict((), _in_run(runs[account]))
        if any(_overturned(tx, action, record) for action in verdict.actions):
            verdict = Verdict((), "An appeal of it was accepted")
        found.append(_restored(tx, ctx, amnesty, entry, record, verdict, moderator))
    return found


def _restored(
    tx: Transaction,
    ctx: Context,
    amnesty: Amnesty,
    entry: Entry,
    record: Record,
    verdict: Verdict,
    moderator: int | None,
) -> Entry:
    if verdict.actions:
        restore_in(
            tx,
            ctx.settings,
            actions=verdict.actions,
            moderator=moderator,
            about={"amnesty": str(amnesty.id)},
            record=record,
        )
    outcome = Outcome.KEPT if verdict.why else Outcome.ROLLED_BACK
    return structs.replace(entry, outcome=outcome, why=verdict.why, at=tx.now)


def _overturned(tx: Transaction, action: Action, record: Record) -> bool:
    """Return whether an appeal about an action was accepted: what ends it then stays ended."""
    why, _ = appeals.why_lifted(tx, action, LiftReason.EXPIRED, record[0])
    return why is LiftReason.OVERTURNED


def _in_run(run: int) -> str:
    """Return why an account is left alone that a run has in its hands."""
    return f"A reinstatement of it is under way (run {run})"
