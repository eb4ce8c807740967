"""SQLite through apsw: one connection under the small protocol that repositories use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from rostra.domain.errors import StoreCorrupt, StoreTooNew, Unavailable

PAGE_SIZE: Final = 8192
CACHE_KIB: Final = 65_536
BUSY_MS: Final = 10_000
BUSY_PAUSE_SECONDS: Final = 0.01
MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"

Params = tuple[Any, ...]


class Database:
    """One connection; ``sql`` is the subset common with PostgreSQL, ``?`` for parameters.

    Args:
        path: the database file.
        writable: open for writing (one such connection at a time holds the write lock).

    Raises:
        Unavailable: the file cannot be opened.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        if not writable:
            flags = apsw.SQLITE_OPEN_READWRITE  # a reader still writes the WAL's shared memory
        with translated():
            self.connection = apsw.Connection(str(path), flags=flags, statementcachesize=512)
            self.connection.set_busy_timeout(BUSY_MS)
            self._execute = self.connection.execute
            self.run(f"PRAGMA page_size = {PAGE_SIZE}")
            self._log_ahead()
            self.run("PRAGMA synchronous = FULL")
            self.run(f"PRAGMA cache_size = -{CACHE_KIB}")
            self.run("PRAGMA temp_store = MEMORY")
            self.run("PRAGMA mmap_size = 1073741824")
            if not writable:
                self.run("PRAGMA query_only = 1")

    def _log_ahead(self) -> None:
        """Have the database write ahead; of several processes that make it one does, in turn.

        SQLite does not wait for another connection here, whatever the busy timeout says.
        """
        ends = time.monotonic() + BUSY_MS / 1000
        while True:
            try:
                self.run("PRAGMA journal_mode = WAL")
                return
            except apsw.BusyError:
                if time.monotonic() > ends:
                    raise
                time.sleep(BUSY_PAUSE_SECONDS)

    def rows(self, sql: str, params: Params = ()) -> list[Any]:
        """Return all rows of a query, each a tuple."""
        return self._execute(sql, params).fetchall()

    def row(self, sql: str, params: Params = ()) -> Any:
        """Return the first row of a query as a tuple, or None."""
        cursor = self._execute(sql, params)
        row = cursor.fetchone()
        cursor.close()
        return row

    def value(self, sql: str, params: Params = ()) -> Any:
        """Return the first column of the first row, or None when there is no row."""
        row = self.row(sql, params)
        return None if row is None else row[0]

    def iterate(self, sql: str, params: Params = ()) -> Iterator[Any]:
        """Yield the rows of a query one by one, without holding them all."""
        return iter(self._execute(sql, params))

    def run(self, sql: str, params: Params = ()) -> None:
        """Execute a statement and drop its rows."""
        for _ in self._execute(sql, params):
            pass

    def run_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Execute a statement once for each row of parameters."""
        self.connection.executemany(sql, rows)

    @property
    def changes(self) -> int:
        """How many rows the last statement changed."""
        return self.connection.changes()

    @property
    def total_changes(self) -> int:
        """How many rows all statements so far changed, those undone later included."""
        return self.connection.total_changes()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors about disk and file into errors that say what to do.

    Raises:
        Unavailable: the disk is full, the folder read-only, the file locked for too long.
        StoreCorrupt: the file is not a database, or SQLite found it malformed.
    """
    try:
        yield
    except apsw.FullError as error:
        raise Unavailable(
            "The server's disk is full; nothing was changed. Try again later",
            log=f"disk full: {error}",
        ) from error
    except apsw.ReadOnlyError as error:
        raise Unavailable(
            "The server can only be read from now; nothing was changed",
            log=f"the data folder is read-only: {error}",
        ) from error
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.IOError, apsw.AuthError) as error:
        raise Unavailable(
            "The server cannot reach its data now; nothing was changed",
            log=f"the data folder cannot be used: {error}; check that this user may write in it and"
            " the disk is not full",
        ) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Unavailable(
            "The server is busy; nothing was changed. Try again", log=f"database locked: {error}"
        ) from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise StoreCorrupt(
            "The server's data is damaged", log=f"SQLite: {error}; restore a backup"
        ) from error


Fill = Callable[[Database, int], None]
"""Fills what a new layout has from what was there: given the connection and the time in ms."""


def migrate(
    database: Database, *, now: int | None = None, fills: Mapping[int, Fill] | None = None
) -> int:
    """Bring the database to this version's layout and return its version.

    Args:
        database: a connection that writes.
        now: the time in ms; the machine's when not given.
        fills: by the number of a script, what is called when that was run, and those after it; all
            in one transaction.

    Raises:
        StoreTooNew: it was written by a newer version of Rostra.
    """
    scripts = sorted(MIGRATIONS.glob("*.sql"))
    latest = int(scripts[-1].name[:4])
    if _version(database, latest) == latest:
        return latest
    started = now if now is not None else int(time.time() * 1000)
    database.run("BEGIN IMMEDIATE")
    try:
        version = _version(database, latest)  # another process may have come first
        for script in scripts:
            if int(script.name[:4]) > version:
                database.run(script.read_text(encoding="utf-8"))
        for number, fill in sorted((fills or {}).items()):
            if number > version:
                fill(database, started)
        database.run(f"PRAGMA user_version = {latest}")
        database.run(
            "INSERT INTO feed (seq, last_id, events) SELECT 1, 0, x'90' "
            "WHERE NOT EXISTS (SELECT 1 FROM feed)"
        )
        database.run(
            "INSERT INTO meta (key, value) VALUES ('migrated_at', ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (started,),
        )
        database.run("COMMIT")
    except BaseException:
        if database.connection.in_transaction:
            database.run("ROLLBACK")
        raise
    return latest


def require_latest(database: Database) -> None:
    """Refuse to look at a database without the layout of this version, for who only reads.

    Raises:
        Unavailable: it is older.
        StoreTooNew: it was written by a newer version of Rostra.
    """
    latest = int(max(script.name[:4] for script in MIGRATIONS.glob("*.sql")))
    if _version(database, latest) < latest:
        raise Unavailable(
            "The data folder is of an older version of Rostra: start the server, which brings it "
            "forward, then try again"
        )


def _version(database: Database, latest: int) -> int:
    version = int(database.value("PRAGMA user_version"))
    if version > latest:
        raise StoreTooNew(
            f"This data folder has layout {version}, made by a newer version of Rostra; "
            f"this version knows up to {latest}. Start the newer version, or restore a backup"
        )
    return version
