"""Appeals against actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Unpack

from rostra.domain.appeals import Appeal
from rostra.domain.pages import Page


class Appeals(Protocol):
    """Appeals against actions, and what was decided about them."""

    def get(self, appeal_id: int) -> Appeal | None:
        """Return an appeal by its id."""

    def of(self, account: int) -> list[Appeal]:
        """Return the appeals an account ever made, oldest first."""

    def open_of(self, account: int) -> list[Appeal]:
        """Return the open appeals of an account, oldest first."""

    def open_of_accounts(self, accounts: Sequence[int]) -> dict[int, list[int]]:
        """Return which of ``accounts`` have open appeals, and their ids, oldest first."""

    def waiting(self, *, limit: int, overdue_at: int | None = None) -> list[Appeal]:
        """Return open appeals, those promised first at the head, so that overdue ones come first.

        Args:
            limit: how many at most.
            overdue_at: only those whose promised time is over at this time (ms).
        """

    def page(
        self, *, decided: bool | None = None, account: int | None = None, **page: Unpack[Page]
    ) -> list[Appeal]:
        """Return a page of appeals, newest first.

        Args:
            decided: only those that are over, or only open ones; None for both.
            account: only those of this account (an ordinal).
            page: how many at most, between which ids.
        """

    def count_open(self, *, overdue_at: int | None = None) -> int:
        """Return how many appeals are open, or overdue at a time (ms)."""


class AppealsWriter(Appeals, Protocol):
    """Changes to appeals."""

    def put(self, appeal: Appeal) -> None:
        """Add an appeal, or replace what is stored of it."""
