"""Amnesties, their accounts, and the labels of accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Unpack

import msgspec

from rostra.domain.amnesty import HOLDING, Amnesty, AmnestyState, Entry, Expected, Outcome
from rostra.domain.events import AmnestyChanged
from rostra.domain.labels import Label
from rostra.domain.pages import Page
from rostra.storage.database.sqlite import Database, Params
from rostra.storage.rows import Announce, chunked, marks, span

COLUMNS: Final = (
    "n, account, wave, actions, then_followers, then_following, finally_followers, "
    "finally_following, outcome, why, at"
)
_amnesty = msgspec.json.Decoder(Amnesty)
_ids = msgspec.json.Decoder(tuple[int, ...])


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(
        n=row[0],
        account=row[1],
        wave=row[2],
        actions=_ids.decode(row[3]),
        then=Expected(row[4], row[5]),
        finally_=Expected(row[6], row[7]),
        outcome=Outcome(row[8]),
        why=row[9],
        at=row[10],
    )


def _row(entry: Entry) -> Params:
    return (
        entry.n,
        entry.account,
        entry.wave,
        msgspec.json.encode(entry.actions).decode(),
        entry.then.followers,
        entry.then.following,
        entry.finally_.followers,
        entry.finally_.following,
        entry.outcome.value,
        entry.why,
        entry.at,
    )


class AmnestyStore:
    """Amnesties as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, amnesty_id: int) -> Amnesty | None:
        """Return an amnesty by its id."""
        data = self._database.value("SELECT data FROM amnesties WHERE id = ?", (amnesty_id,))
        return None if data is None else _amnesty.decode(data)

    def page(self, *, states: Collection[AmnestyState] = (), **page: Unpack[Page]) -> list[Amnesty]:
        """Return a page of amnesties (in some states), newest first."""
        sql, bounds, order = span("id", **page)
        params: Params = bounds
        if states:
            sql += f" AND state IN ({marks(tuple(states))})"
            params += tuple(state.value for state in states)
        rows = self._database.rows(
            f"SELECT data FROM amnesties WHERE id >= 0{sql} ORDER BY id {order} LIMIT ?",
            (*params, page["limit"]),
        )
        found = [_amnesty.decode(data) for (data,) in rows]
        return found if order == "DESC" else found[::-1]

    def entries(
        self,
        amnesty_id: int,
        *,
        after: int = 0,
        limit: int,
        wave: int | None = None,
        outcome: Outcome | None = None,
    ) -> list[Entry]:
        """Return accounts of an amnesty in their order, those with a number above ``after``."""
        sql = ""
        params: Params = (amnesty_id, after)
        if wave is not None:
            sql += " AND wave = ?"
            params += (wave,)
        if outcome is not None:
            sql += " AND outcome = ?"
            params += (outcome.value,)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM amnesty_accounts WHERE amnesty = ? AND n > ?{sql} "
            "ORDER BY n LIMIT ?",
            (*params, limit),
        )
        return [_entry(row) for row in rows]

    def entry(self, amnesty_id: int, account: int) -> Entry | None:
        """Return what an amnesty says of an account."""
        row = self._database.row(
            f"SELECT {COLUMNS} FROM amnesty_accounts WHERE amnesty = ? AND account = ?",
            (amnesty_id, account),
        )
        return None if row is None else _entry(row)

    def of_account(self, account: int) -> list[tuple[Amnesty, Entry]]:
        """Return the amnesties that have an account, newest first, and what they say of it."""
        rows = self._database.rows(
            f"SELECT data, {COLUMNS} FROM amnesty_accounts JOIN amnesties "
            "ON amnesties.id = amnesty WHERE account = ? ORDER BY amnesty DESC",
            (account,),
        )
        return [(_amnesty.decode(row[0]), _entry(row[1:])) for row in rows]

    def holders(
        self, accounts: Sequence[int], states: Collection[AmnestyState] = HOLDING
    ) -> dict[int, int]:
        """Return which of ``accounts`` an amnesty in one of ``states`` has, and which."""
        names = tuple(state.value for state in states)
        held: dict[int, int] = {}
        for holes, lot in chunked(accounts):
            held.update(
                self._database.rows(
                    "SELECT account, amnesty FROM amnesty_accounts JOIN amnesties "
                    f"ON amnesties.id = amnesty WHERE account IN ({holes}) "
                    f"AND state IN ({marks(names)})",
                    (*lot, *names),
                )
            )
        return held

    def holding(self) -> set[int]:
        """Return the amnesties that have accounts in their hands now."""
        return {amnesty.id for amnesty in self.page(limit=1000, states=HOLDING)}

    def overlap(self, amnesty_id: int, *, apart: Collection[int] = ()) -> tuple[int, int] | None:
        """Return (account, other amnesty) of an account that another amnesty holds, if any; those
        that are known to be ``apart`` are not looked at again.
        """
        for other in self.holding() - {amnesty_id, *apart}:
            row = self._database.row(
                "SELECT mine.account, theirs.amnesty FROM amnesty_accounts theirs "
                "JOIN amnesty_accounts mine ON mine.account = theirs.account AND mine.amnesty = ? "
                "WHERE theirs.amnesty = ? LIMIT 1",
                (amnesty_id, other),
            )
            if row is not None:
                return row[0], row[1]
        return None

    def tally(self, amnesty_id: int) -> dict[int, dict[Outcome, int]]:
        """Return how many accounts of each wave came to which outcome."""
        found: dict[int, dict[Outcome, int]] = {}
        for wave, outcome, count in self._database.rows(
            "SELECT wave, outcome, COUNT(*) FROM amnesty_accounts WHERE amnesty = ? "
            "GROUP BY wave, outcome ORDER BY wave, outcome",
            (amnesty_id,),
        ):
            found.setdefault(wave, {})[Outcome(outcome)] = count
        return found


class AmnestyStoreWriter(AmnestyStore):
    """Amnesties within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, amnesty: Amnesty) -> None:
        """Add an amnesty, or replace what is stored of it."""
        self._database.run(
            "INSERT INTO amnesties (id, state, planned_at, data) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, data = excluded.data",
            (
                amnesty.id,
                amnesty.state.value,
                amnesty.planned_at,
                msgspec.json.encode(amnesty).decode(),
            ),
        )
        self.moved_on(amnesty.id)

    def moved_on(self, amnesty_id: int) -> None:
        """Tell those who follow an amnesty that it went on."""
        self._announce(AmnestyChanged(amnesty_id))

    def put_entries(self, amnesty_id: int, entries: Iterable[Entry]) -> None:
        """Add accounts to an amnesty, or replace what is stored of them by their numbers."""
        self._database.run_many(
            f"INSERT OR REPLACE INTO amnesty_accounts (amnesty, {COLUMNS}) "
            f"VALUES ({marks(range(12))})",
            ((amnesty_id, *_row(entry)) for entry in entries),
        )

    def drop_entries(self, amnesty_id: int, *, limit: int) -> bool:
        """Forget accounts of an amnesty that was not planned to its end; return whether there may
        be more.
        """
        self._database.run(
            "DELETE FROM amnesty_accounts WHERE amnesty = ?1 AND n IN "
            "(SELECT n FROM amnesty_accounts WHERE amnesty = ?1 ORDER BY n LIMIT ?2)",
            (amnesty_id, limit),
        )
        return self._database.changes == limit


class LabelStore:
    """Labels of accounts as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_account(self, account: int) -> list[Label]:
        """Return the labels of an account, in order of their names."""
        rows = self._database.rows(
            "SELECT account, name, moderator, given_at FROM account_labels "
            "WHERE account = ? ORDER BY name",
            (account,),
        )
        return [
            Label(account=row[0], name=row[1], moderator=row[2], given_at=row[3]) for row in rows
        ]

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the names of the labels of many accounts, of those that have any."""
        found: dict[int, tuple[str, ...]] = {}
        for holes, lot in chunked(accounts):
            for account, name in self._database.rows(
                "SELECT account, name FROM account_labels "
                f"WHERE account IN ({holes}) ORDER BY account, name",
                lot,
            ):
                found[account] = (*found.get(account, ()), name)
        return found

    def known(self) -> Mapping[str, int]:
        """Return all labels there are, and how many accounts have each."""
        return dict(
            self._database.rows(
                "SELECT name, COUNT(*) FROM account_labels GROUP BY name ORDER BY name"
            )
        )


class LabelStoreWriter(LabelStore):
    """Labels of accounts within a transaction."""

    def put(self, label: Label) -> None:
        """Give a label to an account; one it has already stays as it was."""
        self._database.run(
            "INSERT INTO account_labels (account, name, moderator, given_at) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (account, name) DO NOTHING",
            (label.account, label.name, label.moderator, label.given_at),
        )

    def remove(self, account: int, name: str) -> bool:
        """Take a label from an account; return whether it had it."""
        self._database.run(
            "DELETE FROM account_labels WHERE account = ? AND name = ?", (account, name)
        )
        return self._database.changes > 0
