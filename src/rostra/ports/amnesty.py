"""Amnesties with their accounts, and the labels of accounts that selectors ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol, Unpack

from rostra.domain.amnesty import HOLDING, Amnesty, AmnestyState, Entry, Outcome
from rostra.domain.labels import Label
from rostra.domain.pages import Page


class Amnesties(Protocol):
    """Amnesties, and what becomes of each of their accounts."""

    def get(self, amnesty_id: int) -> Amnesty | None:
        """Return an amnesty by its id."""

    def page(self, *, states: Collection[AmnestyState] = (), **page: Unpack[Page]) -> list[Amnesty]:
        """Return a page of amnesties (in some states), newest first."""

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

    def entry(self, amnesty_id: int, account: int) -> Entry | None:
        """Return what an amnesty says of an account."""

    def of_account(self, account: int) -> list[tuple[Amnesty, Entry]]:
        """Return the amnesties that have an account, newest first, and what they say of it."""

    def holders(
        self, accounts: Sequence[int], states: Collection[AmnestyState] = HOLDING
    ) -> dict[int, int]:
        """Return which of ``accounts`` are in the hands of an amnesty (``HOLDING``), or have one in
        other ``states``, and which.
        """

    def holding(self) -> set[int]:
        """Return the amnesties that have accounts in their hands now."""

    def overlap(self, amnesty_id: int, *, apart: Collection[int] = ()) -> tuple[int, int] | None:
        """Return (account, other amnesty) of an account that another amnesty holds, if any; those
        that are known to be ``apart`` are not looked at again.
        """

    def tally(self, amnesty_id: int) -> dict[int, dict[Outcome, int]]:
        """Return how many accounts of each wave came to which outcome."""


class AmnestiesWriter(Amnesties, Protocol):
    """Changes to amnesties."""

    def put(self, amnesty: Amnesty) -> None:
        """Add an amnesty, or replace what is stored of it."""

    def moved_on(self, amnesty_id: int) -> None:
        """Tell those who follow an amnesty that it went on."""

    def put_entries(self, amnesty_id: int, entries: Iterable[Entry]) -> None:
        """Add accounts to an amnesty, or replace what is stored of them by their numbers."""

    def drop_entries(self, amnesty_id: int, *, limit: int) -> bool:
        """Forget accounts of an amnesty that was not planned to its end; return whether there may
        be more.
        """


class Labels(Protocol):
    """What moderators call accounts, among themselves."""

    def of_account(self, account: int) -> list[Label]:
        """Return the labels of an account, in order of their names."""

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return the names of the labels of many accounts, of those that have any."""

    def known(self) -> Mapping[str, int]:
        """Return all labels there are, and how many accounts have each."""


class LabelsWriter(Labels, Protocol):
    """Changes to labels."""

    def put(self, label: Label) -> None:
        """Give a label to an account; one it has already stays as it was."""

    def remove(self, account: int, name: str) -> bool:
        """Take a label from an account; return whether it had it."""
