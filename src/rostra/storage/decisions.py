"""Decisions left to polls: one row each, with what is asked for by and the whole as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Unpack

import msgspec

from rostra.domain.decision_polls import Decision
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import chunked, span

_decision = msgspec.json.Decoder(Decision)
COLUMNS: Final = "id, poll, author, account, amnesty, state, data"


def decision_in(data: str) -> Decision:
    """Return the decision that a row has as JSON."""
    return _decision.decode(data)


class DecisionStore:
    """Decisions left to polls as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, decision_id: int) -> Decision | None:
        """Return a decision by its id."""
        found = self._decisions("id = ?", (decision_id,))
        return found[0] if found else None

    def of_poll(self, poll: int) -> Decision | None:
        """Return what a poll (the id of its status) decides, unless that was unbound."""
        found = self._decisions("poll = ? AND state != 'unbound'", (poll,))
        return found[0] if found else None

    def newest_of_poll(self, poll: int) -> Decision | None:
        """Return what a poll (the id of its status) decides or, when it was unbound, was to."""
        found = self._decisions("poll = ? ORDER BY id DESC LIMIT 1", (poll,))
        return found[0] if found else None

    def of_account(self, account: int) -> list[Decision]:
        """Return the decisions about an account (an ordinal), newest first."""
        return self._decisions("account = ? ORDER BY id DESC", (account,))

    def of_accounts(self, accounts: Sequence[int]) -> list[Decision]:
        """Return the decisions about any of several accounts (ordinals)."""
        found: list[Decision] = []
        for places, lot in chunked(accounts):
            found += self._decisions(f"account IN ({places}) ORDER BY id", lot)
        return found

    def of_amnesty(self, amnesty: int) -> list[Decision]:
        """Return the decisions about an amnesty, newest first."""
        return self._decisions("amnesty = ? ORDER BY id DESC", (amnesty,))

    def open_by(self, author: int) -> list[Decision]:
        """Return the decisions left to open polls of an account (an ordinal)."""
        return self._decisions("author = ? AND state = 'open' ORDER BY id", (author,))

    def open_until(self, time: int) -> list[Decision]:
        """Return what is left to polls that closed by a time (ms) and are not counted yet."""
        waiting = self._decisions("state = 'open' ORDER BY id", ())
        return [one for one in waiting if one.closes_at <= time]

    def page(self, **page: Unpack[Page]) -> list[Decision]:
        """Return a page of decisions, newest first."""
        sql, params, order = span("id", **page)
        found = self._decisions(f"1 = 1{sql} ORDER BY id {order} LIMIT ?", (*params, page["limit"]))
        return found if order == "DESC" else found[::-1]

    def _decisions(self, condition: str, params: Params) -> list[Decision]:
        rows = self._database.rows(f"SELECT data FROM decisions WHERE {condition}", params)
        return [decision_in(row[0]) for row in rows]


class DecisionStoreWriter(DecisionStore):
    """Decisions left to polls within a transaction."""

    def put(self, decision: Decision) -> None:
        """Add a decision, or replace what is stored of it."""
        self._database.run(
            f"INSERT INTO decisions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, data = excluded.data",
            (
                decision.id,
                decision.poll,
                decision.author,
                decision.account,
                decision.amnesty,
                str(decision.state),
                msgspec.json.encode(decision).decode(),
            ),
        )
