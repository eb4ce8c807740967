"""What enforcement did before there was a ledger, brought into it once."""

from __future__ import annotations

from typing import Final

from rostra.domain.ledger import LedgerKind, of_action, of_lifting
from rostra.storage.database.sqlite import Database
from rostra.storage.enforcement import ACTION, LIFTING, action_of, lifting_of
from rostra.storage.ledger import LedgerStoreWriter

_ENDS: Final = ", ".join(f"l.{column}" for column in LIFTING.split(", "))


def bring_over(database: Database, now: int) -> None:
    """Append an entry for each action and lifting there is, in the order of their times.

    They are marked ``brought_over``: that they were written then is not sealed, only that they
    stood there at ``now`` (ms).
    """
    ledger = LedgerStoreWriter(database, lambda: now)
    rows = database.iterate(
        f"SELECT a.taken_at AS at, 0 AS ended, {ACTION}, NULL, NULL, NULL, NULL, NULL "
        "FROM actions a UNION ALL "
        f"SELECT l.lifted_at, 1, {ACTION}, {_ENDS} "
        "FROM liftings l JOIN actions a ON a.account = l.account AND a.id = l.action "
        "ORDER BY at, ended, id"
    )
    width = len(ACTION.split(", "))
    for row in rows:
        action = action_of(row[2 : 2 + width])
        if row[1]:
            lifting = lifting_of(row[2 + width :])
            kind, who, told = LedgerKind.LIFTING, lifting.moderator, of_lifting(lifting, action)
        else:
            kind, who, told = LedgerKind.ACTION, action.moderator, of_action(action)
        ledger.append(
            kind, account=action.account, moderator=who, about={**told, "brought_over": True}
        )
