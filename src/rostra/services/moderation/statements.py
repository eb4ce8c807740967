"""Statements of reasons: what moderators said, put into the form the law asks for.

They are made from the ledger, so that each says what was said when the decision was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from rostra.domain.dsa_schema import BATCH
from rostra.domain.errors import Invalid
from rostra.domain.ledger import Entry, LedgerKind
from rostra.domain.statement_of_reasons import Details, Statement, complaints, needed, statement
from rostra.ports import View


def said(details: Details | None) -> dict[str, Any]:
    """Return what an entry of the ledger keeps of what a moderator said; empty for nothing.

    Raises:
        Invalid: it says what cannot be said in a statement.
    """
    if details is None:
        return {}
    wrong = complaints(details)
    if wrong:
        field = wrong[0].field.replace("_", " ").capitalize()
        raise Invalid("Validation failed: %(field)s %(why)s", field=field, why=wrong[0].text)
    told = msgspec.to_builtins(details)
    return {"statement": told} if told else {}


def of_entry(view: View, entry: Entry) -> Statement | None:
    """Return the statement of the decision that an entry tells of, None when it needs none."""
    by_owner = entry.moderator is not None and entry.moderator == entry.account
    if not needed(entry.kind, entry.about, by_owner=by_owner):
        return None
    account = view.accounts.get(entry.account) if entry.account is not None else None
    return statement(
        entry.about,
        by_server=entry.moderator is None,
        account_created_at=None if account is None else account.created_at,
    )


def of_action(view: View, account: int, action: int) -> Statement | None:
    """Return the statement of an action; of one that takes another again, that of the other."""
    told = {
        str(entry.about.get("action")): entry
        for entry in view.ledger.iterate(account=account)
        if entry.kind == LedgerKind.ACTION
    }
    entry = told.get(str(action))
    while entry is not None and entry.about.get("restores") in told:
        entry = told[entry.about["restores"]]
    return None if entry is None else of_entry(view, entry)


def between(
    view: View, *, since: int | None = None, until: int | None = None
) -> Iterator[tuple[Entry, Statement]]:
    """Yield the statements of decisions from ``since`` to before ``until`` (ms), oldest first."""
    for entry in view.ledger.iterate():
        if (since is None or entry.at >= since) and (until is None or entry.at < until):
            found = of_entry(view, entry)
            if found is not None:
                yield entry, found


def batches(found: Iterator[Statement]) -> Iterator[list[dict[str, Any]]]:
    """Yield the bodies of complete statements in lots that one request may have."""
    lot: list[dict[str, Any]] = []
    for one in found:
        if not one.lacking:
            lot.append(one.body)
        if len(lot) == BATCH:
            yield lot
            lot = []
    if lot:
        yield lot
