"""The alternative: follows as rows of a table, in SQLite and in PostgreSQL.

Each edge is one row with a state column that a suspension rewrites, and each account has a
counter; this is the layout whose trouble DESIGN.md tells of. Both are given what helps them:
narrow columns, one index a direction, the whole suspension in one transaction, and their usual
durability (committed means on disk).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import apsw
import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.postgres import copy_columns

Members = NDArray[np.uint32]
Times = NDArray[np.int64]

TABLES = """
CREATE TABLE edges (
    source INTEGER NOT NULL, target INTEGER NOT NULL, at {wide} NOT NULL,
    state {narrow} NOT NULL DEFAULT 0{key}
){tail};
CREATE TABLE counters (account INTEGER PRIMARY KEY, followers INTEGER NOT NULL);
CREATE TABLE suspended (account INTEGER PRIMARY KEY);
"""
COUNT = (
    "SELECT count(*) FROM edges e LEFT JOIN suspended s ON s.account = e.source "
    "WHERE e.target = {p} AND s.account IS NULL"
)
CONTAINS = "SELECT 1 FROM edges WHERE source = {p} AND target = {p}"
PAGE = (
    "SELECT at, source FROM edges WHERE target = {p} AND at < {p} "
    "AND NOT EXISTS (SELECT 1 FROM suspended s WHERE s.account = source) ORDER BY at DESC LIMIT 40"
)
REWRITE = "UPDATE edges SET state = {p} WHERE target = {p} AND state <> {p}"
COUNTER = "UPDATE counters SET followers = followers + {p} WHERE account = {p}"


class EdgeStore(Protocol):
    """A store that has a row for each edge."""

    name: str

    def load(self, sources: Members, targets: Members, times: Times, suspended: Members) -> None:
        """Fill the tables, index them, and set the counters."""
        ...

    def rewrite(self, target: int, state: int) -> int:
        """Write a state into each edge to ``target``, move its counter; return the rows changed."""
        ...

    def count(self, target: int) -> int:
        """Return how many followers are not suspended, by joining."""
        ...

    def contains(self, target: int, source: int) -> bool:
        """Return whether the edge is there."""
        ...

    def page(self, target: int, below: int) -> list[Any]:
        """Return 40 followers, newest first, that followed before ``below``."""
        ...

    def size(self) -> int:
        """Return the bytes that edges and their indexes take on disk."""
        ...

    def close(self) -> None: ...


class SqliteEdges:
    """Edges as rows in SQLite, through the same library as Rostra's."""

    def __init__(self, path: Path) -> None:
        self.name = "SQLite rows"
        self._path = path
        self._db = apsw.Connection(str(path))
        for pragma in (
            "page_size = 8192",
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -1048576",
            "temp_store = MEMORY",
            "mmap_size = 1073741824",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        # Without a rowid the table is its own index of one direction: one B-tree less to keep.
        layout = {"key": ", PRIMARY KEY (source, target)", "tail": " WITHOUT ROWID"}
        self._db.execute(TABLES.format(wide="INTEGER", narrow="INTEGER", **layout))

    def load(self, sources: Members, targets: Members, times: Times, suspended: Members) -> None:
        order = np.lexsort((targets, sources))
        with self._db:
            for start in range(0, len(order), 500_000):
                block = order[start : start + 500_000]
                columns = (sources[block], targets[block], times[block])
                rows = zip(*(column.tolist() for column in columns), strict=True)
                self._db.executemany(
                    "INSERT INTO edges (source, target, at) VALUES (?, ?, ?)", rows
                )
            self._db.execute("CREATE INDEX edges_target ON edges (target, at)")
            self._db.executemany(
                "INSERT INTO suspended VALUES (?)", ((one,) for one in np.sort(suspended).tolist())
            )
            self._db.execute("INSERT INTO counters SELECT target, count(*) FROM edges GROUP BY 1")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.execute("ANALYZE")

    def rewrite(self, target: int, state: int) -> int:
        with self._db:
            self._db.execute(REWRITE.format(p="?"), (state, target, state))
            changed = self._db.changes()
            self._db.execute(COUNTER.format(p="?"), (-changed if state else changed, target))
        return changed

    def count(self, target: int) -> int:
        row: Any = self._db.execute(COUNT.format(p="?"), (target,)).fetchone()
        return int(row[0])

    def contains(self, target: int, source: int) -> bool:
        return self._db.execute(CONTAINS.format(p="?"), (source, target)).fetchone() is not None

    def page(self, target: int, below: int) -> list[Any]:
        return self._db.execute(PAGE.format(p="?"), (target, below)).fetchall()

    def size(self) -> int:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%edges%'"
        row: Any = self._db.execute(query).fetchone()
        return int(row[0])

    def close(self) -> None:
        self._db.close()


class PostgresEdges:
    """Edges as rows in PostgreSQL, in a schema of its own on a running cluster."""

    def __init__(self, address: str, schema: str) -> None:
        self.name = "PostgreSQL rows"
        self._db = psycopg.connect(address, autocommit=True)
        self._run(f"CREATE SCHEMA {schema}")
        self._run(f"SET search_path = {schema}")
        self._run(TABLES.format(wide="BIGINT", narrow="SMALLINT", key="", tail=""))

    def _run(self, sql: str, *parameters: object) -> psycopg.Cursor[Any]:
        return self._db.execute(sql.encode(), parameters or None)

    def load(self, sources: Members, targets: Members, times: Times, suspended: Members) -> None:
        order = np.lexsort((targets, sources))
        columns: list[NDArray[Any]] = [
            sources[order].astype(np.int32),
            targets[order].astype(np.int32),
            times[order],
            np.zeros(len(order), dtype=np.int16),
        ]
        with self._db.transaction():
            copy_columns(self._db, "edges", columns)
            self._run("ALTER TABLE edges ADD PRIMARY KEY (source, target)")
            self._run("CREATE INDEX edges_target ON edges (target, at)")
            copy_columns(self._db, "suspended", [np.sort(suspended).astype(np.int32)])
            self._run("INSERT INTO counters SELECT target, count(*) FROM edges GROUP BY 1")
        self._run("VACUUM ANALYZE edges")
        self._run("VACUUM ANALYZE suspended")
        self._run("CHECKPOINT")

    def rewrite(self, target: int, state: int) -> int:
        with self._db.transaction():
            changed = self._run(REWRITE.format(p="%s"), state, target, state).rowcount
            self._run(COUNTER.format(p="%s"), -changed if state else changed, target)
        return changed

    def count(self, target: int) -> int:
        return int(self._run(COUNT.format(p="%s"), target).fetchall()[0][0])

    def contains(self, target: int, source: int) -> bool:
        return self._run(CONTAINS.format(p="%s"), source, target).fetchone() is not None

    def page(self, target: int, below: int) -> list[Any]:
        return self._run(PAGE.format(p="%s"), target, below).fetchall()

    def size(self) -> int:
        return int(self._run("SELECT pg_total_relation_size('edges')").fetchall()[0][0])

    def close(self) -> None:
        self._db.close()
