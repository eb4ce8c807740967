"""Decisions left to polls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Unpack

from rostra.domain.decision_polls import Decision
from rostra.domain.pages import Page


class Decisions(Protocol):
    """Reinstatements and amnesties that are left to polls."""

    def get(self, decision_id: int) -> Decision | None:
        """Return a decision by its id."""

    def of_poll(self, poll: int) -> Decision | None:
        """Return what a poll (the id of its status) decides, unless that was unbound."""

    def newest_of_poll(self, poll: int) -> Decision | None:
        """Return what a poll (the id of its status) decides or, when it was unbound, was to."""

    def of_account(self, account: int) -> list[Decision]:
        """Return the decisions about an account (an ordinal), newest first."""

    def of_accounts(self, accounts: Sequence[int]) -> list[Decision]:
        """Return the decisions about any of several accounts (ordinals)."""

    def of_amnesty(self, amnesty: int) -> list[Decision]:
        """Return the decisions about an amnesty, newest first."""

    def open_by(self, author: int) -> list[Decision]:
        """Return the decisions left to open polls of an account (an ordinal)."""

    def open_until(self, time: int) -> list[Decision]:
        """Return what is left to polls that closed by a time (ms) and are not counted yet."""

    def page(self, **page: Unpack[Page]) -> list[Decision]:
        """Return a page of decisions, newest first."""


class DecisionsWriter(Decisions, Protocol):
    """Changes to decisions left to polls."""

    def put(self, decision: Decision) -> None:
        """Add a decision, or replace what is stored of it."""
