"""Every step of an appeal, put down with its entry in the ledger and what operators are told."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import structs

from rostra.domain.appeals import Appeal, AppealState, Did, Step
from rostra.domain.ledger import LedgerKind
from rostra.domain.times import timestamp
from rostra.ports import Transaction
from rostra.services import alerts
from rostra.services.moderation import ledger

TIME_FORMAT: Final = "%Y-%m-%d"

RECORDED: Final = {
    Did.OPENED: LedgerKind.APPEAL_MADE,
    Did.EDITED: LedgerKind.APPEAL_EDITED,
    Did.WITHDRAWN: LedgerKind.APPEAL_WITHDRAWN,
    Did.OVERDUE: LedgerKind.APPEAL_OVERDUE,
    Did.ACCEPTED: LedgerKind.APPEAL_ACCEPTED,
    Did.REJECTED: LedgerKind.APPEAL_REJECTED,
    Did.MOOT: LedgerKind.APPEAL_MOOT,
    Did.ALLOWED: LedgerKind.APPEAL_ALLOWED,
    Did.PLANNED: LedgerKind.APPEAL_PLANNED,
}

ALERTED: Final = {
    Did.OPENED: "appealed",
    Did.OVERDUE: "waits for an answer to an appeal longer than promised",
    Did.ACCEPTED: "appealed, and it was accepted",
    Did.REJECTED: "appealed, and it was turned down",
}
"""Of which steps operators are told, and in what words."""

NEXT: Final = {
    Did.OPENED: "Another moderator than who decided first has to decide.",
    Did.OVERDUE: "Another moderator than who decided first has to decide now.",
    Did.ACCEPTED: "A suspension is lifted by running its reinstatement; anything else is lifted.",
    Did.REJECTED: "There is nothing to do.",
}


def kept(tx: Transaction, appeal: Appeal, step: Step) -> Appeal:
    """Put an appeal down as it is after a step, record the step in the ledger, and return it."""
    after = structs.replace(appeal, history=(*appeal.history, step))
    tx.appeals.put(after)
    ledger.record(
        tx,
        kind=RECORDED[step.did],
        account=appeal.account,
        moderator=None if step.by == appeal.account else step.by,
        about=_recorded(after, step),
    )
    if step.did in ALERTED:
        _alert(tx, after, step)
    return after


def _alert(tx: Transaction, appeal: Appeal, step: Step) -> None:
    """Have operators told of a step; what the person wrote is for moderators alone."""
    account = tx.accounts.get(appeal.account)
    name = f"@{account.username}" if account else "Somebody"
    evidence = appeal.evidence
    waiting = tx.appeals.count_open(), tx.appeals.count_open(overdue_at=tx.now)
    alerts.tell(
        tx,
        subject=f"{name} {ALERTED[step.did]}",
        text=(
            f"About: {evidence.type}, {evidence.ground}. Promised by {day(appeal.due_at)}. "
            f"Open appeals: {waiting[0]}, overdue: {waiting[1]}. {NEXT[step.did]}"
        ),
        link=f"/admin/appeals/{appeal.id}",
        grave=step.did is Did.OVERDUE,
    )


def _recorded(appeal: Appeal, step: Step) -> dict[str, object]:
    """Return what the ledger says of a step.

    What the person and others wrote is there as a hash: it can be checked, and erased with the
    account. What moderators wrote is theirs to stand by.
    """
    told: dict[str, object] = {"appeal": str(appeal.id), "action": str(appeal.action)}
    if step.did in (Did.OPENED, Did.EDITED):
        told["text_sha256"] = sha256(appeal.text.encode()).hexdigest()
    if step.did is Did.OPENED:
        evidence = appeal.evidence
        told |= {
            "due_at": timestamp(appeal.due_at),
            "evidence_sha256": sha256(msgspec.json.encode(evidence)).hexdigest(),
            "followers": evidence.followers,
            "following": evidence.following,
            "statuses": evidence.statuses,
            "reports": [str(report.id) for report in evidence.reports],
        }
    if step.did in (Did.ACCEPTED, Did.REJECTED):
        told["reply"] = appeal.reply
    if step.did is Did.PLANNED:
        told["plan"] = appeal.plan
    if step.did is Did.MOOT:
        told["ended"] = step.text
    return told


def finished(
    tx: Transaction,
    appeal: Appeal,
    state: AppealState,
    did: Did,
    *,
    by: int | None,
    reply: str = "",
    word: str = "",
) -> Appeal:
    """Put an appeal down that is over, and return it.

    Args:
        tx: the transaction.
        appeal: as it was, open.
        state: how it ended.
        did: what ended it.
        by: who did; None: the server.
        reply: what the person is told.
        word: what the history says more.
    """
    after = structs.replace(appeal, state=state, decided_at=tx.now, decided_by=by, reply=reply)
    return kept(tx, after, Step(did=did, at=tx.now, by=by, text=word))


def day(ms: int) -> str:
    """Return the day (UTC) of a time, as mails and messages write it."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime(TIME_FORMAT)
