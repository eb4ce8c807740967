"""Runs: reinstatements of single accounts with their probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

import msgspec

from rostra.domain.account_set import SetKind
from rostra.domain.errors import Conflict
from rostra.domain.events import RunChanged
from rostra.domain.pages import Page
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run, Seen
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, chunked, span

PROBE: Final = "number, step, attempt, at, name, worker, passed, said, took_ms"
_run = msgspec.json.Decoder(Run)


def _seen(row: tuple[Any, ...]) -> Seen:
    number, step, attempt, at, name, worker, passed, said, took_ms = row
    probe = Probe(name, worker, bool(passed), said, took_ms)
    return Seen(number=number, step=step, attempt=attempt, at=at, probe=probe)


class RunStore:
    """Runs as one connection sees them.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, run_id: int) -> Run | None:
        """Return a run by its id."""
        found = self._runs("WHERE id = ?", run_id)
        return found[0] if found else None

    def unfinished(self, account: int) -> Run | None:
        """Return the run of an account that is not over."""
        found = self._runs("WHERE account = ? AND finished_at IS NULL", account)
        return found[0] if found else None

    def unfinished_of(self, accounts: Sequence[int]) -> dict[int, int]:
        """Return which of ``accounts`` have a run that is not over, and its id."""
        found: dict[int, int] = {}
        for holes, lot in chunked(accounts):
            found |= self._database.rows(
                f"SELECT account, id FROM runs WHERE account IN ({holes}) AND finished_at IS NULL",
                lot,
            )
        return found

    def of(self, account: int, *, limit: int) -> list[Run]:
        """Return the runs of an account, newest first."""
        return self._runs("WHERE account = ? ORDER BY id DESC LIMIT ?", account, limit)

    def page(self, **page: Unpack[Page]) -> list[Run]:
        """Return a page of the runs there were, newest first."""
        sql, params, order = span("id", **page)
        found = self._runs(f"WHERE id > 0{sql} ORDER BY id {order} LIMIT ?", *params, page["limit"])
        return found if order == "DESC" else found[::-1]

    def probes(self, run_id: int, *, after: int = 0) -> list[Seen]:
        """Return the probes of a run with numbers above one, in their order."""
        rows = self._database.rows(
            f"SELECT {PROBE} FROM run_probes WHERE run = ? AND number > ? ORDER BY number",
            (run_id, after),
        )
        return [_seen(row) for row in rows]

    def cost(self, account: int) -> tuple[int, int]:
        """Return how many sets an account owns, and how many bytes they take as stored."""
        sets: set[int] = set()
        size = 0
        kinds = (*range(SetKind.LIKES), SetKind.ENDORSING)
        for table, column in (
            ("packed", "data"),
            ("segments", "data"),
            ("chunks", "data"),
            ("journal", "entries"),
        ):
            for kind in kinds:
                stored = self._database.value(
                    f"SELECT SUM(length({column})) FROM {table} WHERE owner = ? AND kind = ?",
                    (account, int(kind)),
                )
                if stored is not None:
                    sets.add(int(kind))
                    size += stored
        return len(sets), size

    def _runs(self, condition: str, *params: int) -> list[Run]:
        rows = self._database.rows(f"SELECT data FROM runs {condition}", params)
        return [_run.decode(row[0]) for row in rows]


class RunStoreWriter(RunStore):
    """Runs within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def put(self, run: Run) -> None:
        """Add a run, or replace what is stored of it.

        Raises:
            Conflict: another run of the account is not over.
        """
        other = self.unfinished(run.account)
        if run.finished_at is None and other is not None and other.id != run.id:
            raise Conflict("Another run of this account is not over: look at it first")
        self._database.run(
            "INSERT INTO runs (account, id, state, begun_at, finished_at, data) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, id) DO UPDATE SET "
            "state = excluded.state, finished_at = excluded.finished_at, data = excluded.data",
            (
                run.account,
                run.id,
                run.state.value,
                run.begun_at,
                run.finished_at,
                msgspec.json.encode(run).decode(),
            ),
        )
        self._announce(RunChanged(run.account, run.id))

    def see(self, run: Run, step: str, probe: Probe, at: int) -> Seen:
        """Add a probe to a run, with the next number."""
        newest = self._database.value("SELECT MAX(number) FROM run_probes WHERE run = ?", (run.id,))
        seen = Seen(number=(newest or 0) + 1, step=step, attempt=run.attempts, at=at, probe=probe)
        self._database.run(
            f"INSERT INTO run_probes (run, {PROBE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.id,
                seen.number,
                step,
                seen.attempt,
                at,
                probe.name,
                probe.worker,
                int(probe.passed),
                probe.said,
                probe.took_ms,
            ),
        )
        self._announce(RunChanged(run.account, run.id))
        return seen
