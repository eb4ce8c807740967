"""The ledger: who decided what about whom, when and on what ground.

What enforcement does is written by the store itself (``tx.enforcement``), so that nobody can forget
it. Whatever else is decided (steps of runs and amnesties, appeals, polls) is recorded here, in the
transaction that does it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.ledger import LedgerKind, of_evidence
from rostra.domain.reports import Report
from rostra.ports import Transaction, View


def record(
    tx: Transaction,
    *,
    kind: LedgerKind,
    account: int | None,
    moderator: int | None,
    about: Mapping[str, object],
) -> int:
    """Append an entry to the ledger and return its number.

    Args:
        tx: the transaction that does what is recorded.
        kind: what the entry tells of.
        account: whom it is about; None: the server as a whole.
        moderator: who decided; None: the server itself.
        about: what is told: text, whole numbers, lists and mappings of these, with ASCII keys. Ids
            are written as text. Never secrets or addresses: who moderates and who checks an export
            reads it.

    Raises:
        TypeError: ``about`` holds what has no one way to be written, such as a fraction.
    """
    return tx.ledger.append(kind, account=account, moderator=moderator, about=about)


def figures(view: View, account: int) -> dict[str, int]:
    """Return the true figures of an account, for an entry to say how they were at the time."""
    return {
        "followers": view.gate.true_count(SetKey(account, SetKind.FOLLOWERS)),
        "following": view.gate.true_count(SetKey(account, SetKind.FOLLOWING)),
        "statuses": view.statuses.count_by_author(account),
    }


def evidence(report: Report) -> dict[str, object]:
    """Return what an entry freezes of the report that is answered: digests, not words.

    The words stay with the report, where the doctor compares them with what is frozen here.
    """
    return {
        "report": str(report.id),
        "category": report.category,
        "rules": [str(rule) for rule in report.rules],
        "statuses": of_evidence(report.evidence),
    }
