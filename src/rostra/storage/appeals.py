"""Appeals: one row each, with the evidence it is decided on and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

import msgspec

from rostra.domain.appeals import Appeal, AppealState, Evidence, Step
from rostra.domain.events import NotificationsChanged
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import Announce, chunked, marks, span

APPEALS: Final = (
    "account, id, action, text, opened_at, due_at, state, decided_at, decided_by, reply, plan, "
    "again, evidence, history"
)
_evidence = msgspec.json.Decoder(Evidence)
_history = msgspec.json.Decoder(tuple[Step, ...])


def appeal_of(row: tuple[Any, ...]) -> Appeal:
    """Return the appeal of a row of ``APPEALS``."""
    return Appeal(
        account=row[0],
        id=row[1],
        action=row[2],
        text=row[3],
        opened_at=row[4],
        due_at=row[5],
        state=AppealState(row[6]),
        decided_at=row[7],
        decided_by=row[8],
        reply=row[9],
        plan=row[10],
        again=bool(row[11]),
        evidence=_evidence.decode(row[12]),
        history=_history.decode(row[13]),
    )


def _encode(appeal: Appeal) -> Params:
    return (
        appeal.account,
        appeal.id,
        appeal.action,
        appeal.text,
        appeal.opened_at,
        appeal.due_at,
        str(appeal.state),
        appeal.decided_at,
        appeal.decided_by,
        appeal.reply,
        appeal.plan,
        int(appeal.again),
        msgspec.json.encode(appeal.evidence).decode(),
        msgspec.json.encode(appeal.history).decode(),
    )


class AppealStore:
    """Appeals as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, appeal_id: int) -> Appeal | None:
        """Return an appeal by its id."""
        row = self._database.row(f"SELECT {APPEALS} FROM appeals WHERE id = ?", (appeal_id,))
        return None if row is None else appeal_of(row)

    def of(self, account: int) -> list[Appeal]:
        """Return the appeals an account ever made, oldest first."""
        return self._appeals("account = ? ORDER BY id", (account,))

    def open_of(self, account: int) -> list[Appeal]:
        """Return the open appeals of an account, oldest first."""
        return self._appeals("account = ? AND state = 'open' ORDER BY id", (account,))

    def open_of_accounts(self, accounts: Sequence[int]) -> dict[int, list[int]]:
        """Return which of ``accounts`` have open appeals, and their ids, oldest first."""
        found: dict[int, list[int]] = {}
        for holes, lot in chunked(accounts):
            for account, appeal in self._database.rows(
                "SELECT account, id FROM appeals "
                f"WHERE account IN ({holes}) AND state = 'open' ORDER BY id",
                lot,
            ):
                found.setdefault(account, []).append(appeal)
        return found

    def waiting(self, *, limit: int, overdue_at: int | None = None) -> list[Appeal]:
        """Return open appeals, those promised first at the head; see ``ports.Appeals``."""
        late, params = ("", ()) if overdue_at is None else (" AND due_at <= ?", (overdue_at,))
        return self._appeals(f"state = 'open'{late} ORDER BY due_at, id LIMIT ?", (*params, limit))

    def page(
        self, *, decided: bool | None = None, account: int | None = None, **page: Unpack[Page]
    ) -> list[Appeal]:
        """Return a page of appeals, newest first; see ``ports.Appeals``."""
        sql, params, order = span("id", **page)
        if decided is not None:
            sql += f" AND state {'!=' if decided else '='} 'open'"
        if account is not None:
            sql += " AND account = ?"
            params += (account,)
        found = self._appeals(f"id >= 0{sql} ORDER BY id {order} LIMIT ?", (*params, page["limit"]))
        return found if order == "DESC" else found[::-1]

    def count_open(self, *, overdue_at: int | None = None) -> int:
        """Return how many appeals are open, or overdue at a time (ms)."""
        late, params = ("", ()) if overdue_at is None else (" AND due_at <= ?", (overdue_at,))
        found = self._database.value(
            f"SELECT COUNT(*) FROM appeals WHERE state = 'open'{late}", params
        )
        return int(found)

    def _appeals(self, condition: str, params: Params) -> list[Appeal]:
        rows = self._database.rows(f"SELECT {APPEALS} FROM appeals WHERE {condition}", params)
        return [appeal_of(row) for row in rows]


class AppealStoreWriter(AppealStore):
    """Appeals within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, appeal: Appeal) -> None:
        """Add an appeal, or replace what is stored of it."""
        row = _encode(appeal)
        self._database.run(
            f"INSERT INTO appeals ({APPEALS}) VALUES ({marks(row)}) ON CONFLICT (account, id) "
            "DO UPDATE SET text = excluded.text, state = excluded.state, "
            "decided_at = excluded.decided_at, decided_by = excluded.decided_by, "
            "reply = excluded.reply, plan = excluded.plan, again = excluded.again, "
            "evidence = excluded.evidence, history = excluded.history",
            row,
        )
        self._announce(NotificationsChanged(appeal.account))  # a warning shows its appeal
