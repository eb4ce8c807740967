"""Jobs: a queue in a table."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from rostra.ports import Job
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Announce, marks

_payload = msgspec.json.Decoder(dict[str, Any])
_SELECT: Final = "SELECT id, name, payload, run_at, attempts, error FROM jobs"


def _job(row: Sequence[Any]) -> Job:
    return Job(
        id=row[0],
        name=row[1],
        payload=_payload.decode(row[2]),
        run_at=row[3],
        attempts=row[4],
        error=row[5],
    )


class JobStore:
    """The queue as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(
        self,
        now: int,
        *,
        limit: int,
        only: Collection[str] = (),
        without: Collection[str] = (),
    ) -> list[Job]:
        """Return the jobs to run at ``now`` (ms), those that waited longest first.

        Args:
            now: the time.
            limit: how many at most.
            only: those of these names alone; empty for any.
            without: none of these names.
        """
        chosen = f" AND name IN ({marks(tuple(only))})" if only else ""
        chosen += f" AND name NOT IN ({marks(tuple(without))})" if without else ""
        rows = self._database.rows(
            f"{_SELECT} WHERE run_at <= ?{chosen} ORDER BY run_at, id LIMIT ?",
            (now, *only, *without, limit),
        )
        return [_job(row) for row in rows]

    def about(self, name: str, key: str, value: int) -> Job | None:
        """Return the newest job of a name whose payload has a value; None when there is none."""
        row = self._database.row(
            f"{_SELECT} WHERE name = ? AND json_extract(payload, ?) = ? ORDER BY id DESC LIMIT 1",
            (name, f"$.{key}", value),
        )
        return None if row is None else _job(row)

    def room(self) -> int:
        """Return how many bytes the disk has left that the queue is on."""
        return shutil.disk_usage(Path(self._database.connection.filename).parent).free

    def waiting(self) -> int:
        """Return how many jobs are not finished, due or not."""
        return int(self._database.value("SELECT COUNT(*) FROM jobs"))


class JobStoreWriter(JobStore):
    """The queue within a transaction.

    Args:
        database: the connection that writes.
        announce: adds an event to the change feed entry of the transaction.
    """

    def __init__(self, database: Database, announce: Announce) -> None:
        super().__init__(database)
        self._announce = announce

    def enqueue(self, name: str, payload: Mapping[str, Any], run_at: int) -> None:
        """Add a job to be run at ``run_at`` (ms) or later."""
        self._database.run(
            "INSERT INTO jobs (name, payload, run_at) VALUES (?, ?, ?)",
            (name, msgspec.json.encode(payload).decode(), run_at),
        )

    def finish(self, job_id: int) -> None:
        """Take a job that is done out of the queue."""
        self._database.run("DELETE FROM jobs WHERE id = ?", (job_id,))

    def begin(self, job_id: int, again_at: int) -> None:
        """Count a try at a job, and have it found again at a time (ms) if it is not finished."""
        self._database.run(
            "UPDATE jobs SET attempts = attempts + 1, run_at = ? WHERE id = ?", (again_at, job_id)
        )

    def retry(self, job_id: int, run_at: int, error: str) -> None:
        """Put off a job that was begun and failed, and keep what it said."""
        self._database.run(
            "UPDATE jobs SET run_at = ?, error = ? WHERE id = ?", (run_at, error, job_id)
        )

    def give_back(self, job_id: int, run_at: int) -> None:
        """Let a job that was begun and interrupted be as if it had not been."""
        self._database.run(
            "UPDATE jobs SET attempts = MAX(0, attempts - 1), run_at = ? WHERE id = ?",
            (run_at, job_id),
        )
