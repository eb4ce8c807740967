"""Reinstating single accounts: frozen plans, runs with their probes, and what the feed tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, Unpack

from rostra.domain.events import AnyEvent
from rostra.domain.pages import Page
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run, Seen


class Plans(Protocol):
    """Plans as files that are named by the SHA-256 of what they hold, and never changed."""

    def keep(self, data: bytes) -> str:
        """Write a plan, durably and whole or not at all, and return its hash.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """

    def find(self, prefix: str) -> list[str]:
        """Return the hashes of the plans that begin so."""

    def read(self, hash_: str) -> bytes:
        """Return a plan.

        Raises:
            NotFound: there is none of this hash.
            StoreCorrupt: the file does not hold what its name says.
        """

    def prune(self, before: int) -> int:
        """Remove the plans kept before a time (ms) and what a killed process left; return how many.

        A run has its plan by itself.
        """


class Feed(Protocol):
    """The change feed as far as it reaches."""

    def since(self, seq: int) -> Iterator[AnyEvent] | None:
        """Return the events of the commits after a place in order; None when it does not reach."""


class Runs(Protocol):
    """Reinstatements that were begun."""

    def get(self, run_id: int) -> Run | None:
        """Return a run by its id."""

    def unfinished(self, account: int) -> Run | None:
        """Return the run of an account that is not over."""

    def unfinished_of(self, accounts: Sequence[int]) -> dict[int, int]:
        """Return which of ``accounts`` have a run that is not over, and its id."""

    def of(self, account: int, *, limit: int) -> list[Run]:
        """Return the runs of an account, newest first."""

    def page(self, **page: Unpack[Page]) -> list[Run]:
        """Return a page of the runs there were, newest first."""

    def probes(self, run_id: int, *, after: int = 0) -> list[Seen]:
        """Return the probes of a run with numbers above one, in their order."""

    def cost(self, account: int) -> tuple[int, int]:
        """Return how many sets an account owns, and how many bytes they take as stored."""


class RunsWriter(Runs, Protocol):
    """Changes to runs; each is announced in the feed."""

    def put(self, run: Run) -> None:
        """Add a run, or replace what is stored of it.

        Raises:
            Conflict: another run of the account is not over.
        """

    def see(self, run: Run, step: str, probe: Probe, at: int) -> Seen:
        """Add a probe to a run, with the next number."""
