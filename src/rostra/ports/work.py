"""Work put off: the queue of jobs, how far each has come, imports and exports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from rostra.domain.transfers import Line, Transfer


class Job(Struct, frozen=True, kw_only=True):
    """A piece of work to be done in the job process, at ``run_at`` (ms) or later.

    ``attempts`` is how often it was begun before, ``error`` what it failed with last.
    """

    id: int
    name: str
    payload: dict[str, Any]
    run_at: int
    attempts: int = 0
    error: str | None = None


class Jobs(Protocol):
    """The queue of jobs."""

    def due(
        self,
        now: int,
        *,
        limit: int,
        only: Collection[str] = (),
        without: Collection[str] = (),
    ) -> list[Job]:
        """Return the jobs to run at ``now`` (ms), those that waited longest first.

        ``only`` and ``without`` are names of jobs; empty ones choose nothing.
        """

    def about(self, name: str, key: str, value: int) -> Job | None:
        """Return the newest job of a name whose payload has a value; None when there is none."""

    def room(self) -> int:
        """Return how many bytes the disk has left that the queue is on."""

    def waiting(self) -> int:
        """Return how many jobs are not finished, due or not."""


class JobsWriter(Jobs, Protocol):
    """Changes to the queue of jobs."""

    def enqueue(self, name: str, payload: Mapping[str, Any], run_at: int) -> None:
        """Add a job to be run at ``run_at`` (ms) or later."""

    def finish(self, job_id: int) -> None:
        """Take a job that is done out of the queue."""

    def begin(self, job_id: int, again_at: int) -> None:
        """Count a try at a job, and have it found again at a time (ms) if it is not finished."""

    def retry(self, job_id: int, run_at: int, error: str) -> None:
        """Put off a job that was begun and failed, and keep what it said."""

    def give_back(self, job_id: int, run_at: int) -> None:
        """Let a job that was begun and interrupted be as if it had not been."""


class Progress(Protocol):
    """How far resumable pieces of long work have come; each writes its own text."""

    def get(self, work: str) -> str | None:
        """Return what was last put down about a piece of work."""


class ProgressWriter(Progress, Protocol):
    """Changes to how far work has come, committed with the work itself."""

    def put(self, work: str, state: str) -> None:
        """Put down how far a piece of work is once this transaction is committed."""


class Transfers(Protocol):
    """Imports and exports people asked for, and what they brought along from elsewhere."""

    def get(self, account: int, transfer_id: int) -> Transfer | None:
        """Return what an account asked for under an id."""

    def of(self, account: int, *, limit: int = 50) -> list[Transfer]:
        """Return what an account asked for, newest first."""

    def over(self, *, before: int, limit: int) -> list[Transfer]:
        """Return what was over before a time (ms) and still has a file."""

    def lines(self, transfer_id: int, *, after: int, limit: int) -> list[tuple[int, Line]]:
        """Return lines still to do, with their numbers, above a number."""

    def failures(self, transfer_id: int, *, limit: int) -> list[tuple[Line, str]]:
        """Return lines that could not be done, and why, in their order."""

    def brought(self, author: int, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of an author that were brought along, by their numbers there."""

    def brought_by_anybody(self, source: str, ids: Sequence[int]) -> dict[int, int]:
        """Return the statuses of anybody that were brought along, by their numbers there."""

    def known_ties(self, account: int, source: str, *, followed: bool, limit: int) -> list[int]:
        """Return accounts that say to be those an account followed (or was followed by) there."""


class TransfersWriter(Transfers, Protocol):
    """Changes to imports and exports."""

    def put(self, transfer: Transfer) -> None:
        """Add what was asked for, or replace what is stored of it."""

    def remove(self, account: int, transfer_id: int) -> None:
        """Forget what was asked for, and its lines."""

    def add_lines(self, transfer_id: int, lines: Iterable[Line], *, first: int = 1) -> None:
        """Add the lines of a file, numbered in their order."""

    def drop_lines(self, transfer_id: int) -> None:
        """Forget the lines that are done, or need not be."""

    def fail_line(self, transfer_id: int, number: int, line: Line, reason: str) -> None:
        """Keep a line with why it could not be done."""

    def bring(self, author: int, source: str, brought: Iterable[tuple[int, int]]) -> None:
        """Remember statuses that were brought along, as (number there, status)."""

    def claim(self, account: int, source: str, source_id: int) -> None:
        """Remember who an account says to have been elsewhere."""

    def tie(self, account: int, source: str, ids: Iterable[int], *, followed: bool) -> None:
        """Remember whom an account followed there, or by whom it was followed."""

    def forget_account(self, account: int) -> None:
        """Forget everything an account brought along or asked for."""
