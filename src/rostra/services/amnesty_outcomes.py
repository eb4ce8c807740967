"""What becomes of one account of an amnesty: lifted or skipped, rolled back or kept."""

from __future__ import annotations

from msgspec import structs

from rostra.domain.amnesty import Amnesty, Entry, Outcome
from rostra.domain.amnesty_waves import to_lift, to_restore
from rostra.ports import Context, Transaction
from rostra.services import decision_polls
from rostra.services.lifting import lift_in, restore_in
from rostra.services.roles import require_may_moderate


def lifted(tx: Transaction, ctx: Context, amnesty: Amnesty, entry: Entry) -> Entry:
    """Lift what was frozen of an account unless somebody decided since; return its outcome.

    Raises:
        Forbidden: who started the amnesty may not act on the account any more.
    """
    account = tx.accounts.get(entry.account)
    verdict = to_lift(
        amnesty,
        entry,
        tx.enforcement.of_account(entry.account),
        state=tx.gate.state(entry.account),
        labels={label.name for label in tx.labels.of_account(entry.account)},
        now=tx.now,
    )
    why = verdict.why
    if account is None:
        why = "It was deleted since"
    elif not why and (open_run := tx.runs.unfinished(entry.account)):
        why = f"A reinstatement of it is under way (run {open_run.id})"
    elif not why and (left := decision_polls.undecided(tx, [entry.account])):
        why = left[entry.account]
    elif verdict.actions:
        require_may_moderate(tx, amnesty.started_by, account)
        lift_in(
            tx,
            ctx.settings,
            actions=verdict.actions,
            reason=amnesty.reason,
            moderator=amnesty.started_by,
            about={"amnesty": str(amnesty.id), "wave": entry.wave},
        )
    outcome = Outcome.SKIPPED if why else Outcome.LIFTED
    return structs.replace(entry, outcome=outcome, why=why, at=tx.now)


def restored(
    tx: Transaction, ctx: Context, amnesty: Amnesty, entry: Entry, moderator: int | None
) -> Entry:
    """Take again what a wave lifted of an account unless somebody decided since.

    Args:
        tx: the transaction that does it.
        ctx: the ports.
        amnesty: the amnesty.
        entry: the account in it.
        moderator: who rolls it back; None: the server itself.

    Returns:
        the entry with its outcome.
    """
    record = tx.enforcement.of_account(entry.account)
    state = tx.gate.state(entry.account)
    verdict = to_restore(amnesty, entry, record, state=state, now=tx.now)
    if verdict.actions:
        restore_in(
            tx,
            ctx.settings,
            actions=verdict.actions,
            moderator=moderator,
            about={"amnesty": str(amnesty.id)},
        )
    outcome = Outcome.KEPT if verdict.why else Outcome.ROLLED_BACK
    return structs.replace(entry, outcome=outcome, why=verdict.why, at=tx.now)
