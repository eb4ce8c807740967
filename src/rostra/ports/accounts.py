"""Accounts, and what each keeps for itself: its standing, lists, filters and preferences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, Unpack

from rostra.domain.accounts import Account, Credentials, SignUp, Standing
from rostra.domain.filters import Filter
from rostra.domain.lists import AccountList
from rostra.domain.pages import Page
from rostra.domain.personal import BlockedDomain, MarkedTimeline, Marker, Preferences
from rostra.domain.relationships import FollowOptions, Kept, MuteOptions


class Accounts(Protocol):
    """Accounts as stored, hidden ones included: what may be shown of them is the gate's to say."""

    def get(self, ordinal: int) -> Account | None:
        """Return an account by its ordinal."""

    def many(self, ordinals: Iterable[int]) -> dict[int, Account]:
        """Return the accounts there are of ``ordinals``, in their order."""

    def by_id(self, account_id: int) -> Account | None:
        """Return an account by its public id."""

    def by_username(self, username: str) -> Account | None:
        """Return an account by its name, in whatever case that is written."""

    def search(self, prefix: str, *, limit: int, offset: int = 0) -> list[Account]:
        """Return accounts by their names: those that begin with ``prefix`` first."""

    def page(
        self,
        *,
        limit: int,
        max_id: int | None = None,
        min_id: int | None = None,
        staff: bool = False,
    ) -> list[Account]:
        """Return accounts in order of id, newest first; with ``staff`` those with a role only."""

    def next_ordinal(self) -> int:
        """Return the lowest ordinal not given out yet."""

    def count(self) -> int:
        """Return how many accounts there are, hidden ones included."""

    def first_since(self, low: int) -> int | None:
        """Return the ordinal of the first account with an id from ``low`` on."""

    def created_between(self, low: int, high: int) -> int:
        """Return how many accounts have ids from ``low`` to before ``high``."""

    def credentials(self, ordinal: int) -> Credentials | None:
        """Return how an account signs in."""

    def credentials_by_email(self, email: str) -> Credentials | None:
        """Return how the account with an e-mail address, in whatever case, signs in."""

    def follow_options(self, account: int, targets: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``account`` follows ``targets``, where that is not the default."""

    def options_toward(self, target: int, accounts: Sequence[int]) -> dict[int, FollowOptions]:
        """Return how ``accounts`` follow ``target``, where that is not the default."""

    def mute_options(self, account: int, targets: Sequence[int]) -> dict[int, MuteOptions]:
        """Return how ``account`` mutes ``targets``, where that is not the default."""

    def kept(self, account: int, targets: Sequence[int]) -> dict[int, Kept]:
        """Return what ``account`` keeps about ``targets``, where any of it is not the default."""

    def ordinals(self, usernames: Iterable[str]) -> dict[str, int]:
        """Return the ordinals of accounts by their names; names nobody has are left out."""

    def ids_between(self, low: int, high: int) -> set[int]:
        """Return the ids of accounts from ``low`` to before ``high``."""

    def bells(self, author: int, *, above: int, limit: int) -> list[int]:
        """Return who wants to hear of each status of ``author``: ordinals above a bound, rising."""


class AccountsWriter(Accounts, Protocol):
    """Changes to accounts; each is announced in the change feed."""

    def create(self, account: Account) -> None:
        """Add an account with an ordinal from ``reserve_ordinals`` and a name nobody has."""

    def create_many(self, accounts: Sequence[Account], *, announce: bool = True) -> None:
        """Add accounts; without ``announce`` the caller announces that everything was replaced."""

    def update(self, account: Account) -> None:
        """Replace what is stored of an account."""

    def set_credentials(self, credentials: Credentials) -> None:
        """Set how an account signs in; the address is kept in lower case."""

    def remove_credentials(self, account: int) -> None:
        """Forget how an account signs in."""

    def reserve_ordinals(self, count: int) -> int:
        """Take ``count`` ordinals that follow each other, and return the first."""

    def set_follow_options(self, account: int, target: int, options: FollowOptions | None) -> None:
        """Set how ``account`` follows ``target``; None or the default forgets it."""

    def set_mute_options(self, account: int, target: int, options: MuteOptions | None) -> None:
        """Set how ``account`` mutes ``target``; None or the default forgets it."""

    def set_note(self, account: int, target: int, note: str) -> None:
        """Set the private note of ``account`` on ``target``; an empty one forgets it."""


class Lists(Protocol):
    """Lists; who is in one is an account set."""

    def get(self, account: int, list_id: int) -> AccountList | None:
        """Return a list of an account."""

    def of(self, account: int) -> list[AccountList]:
        """Return the lists of an account, oldest first."""

    def of_many(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the lists of accounts."""

    def exclusive(self, accounts: Iterable[int]) -> list[AccountList]:
        """Return the exclusive lists of accounts."""


class ListsWriter(Lists, Protocol):
    """Changes to lists; each is announced in the change feed."""

    def put(self, value: AccountList) -> None:
        """Add a list, or replace what is stored of it."""

    def delete(self, account: int, list_id: int) -> None:
        """Remove a list; its members are the caller's to remove."""


class Filters(Protocol):
    """Filters, with their keywords and the statuses they name."""

    def of(self, account: int) -> tuple[Filter, ...]:
        """Return the filters of an account, oldest first, ended ones included."""


class FiltersWriter(Filters, Protocol):
    """Changes to filters; each is announced in the change feed."""

    def put(self, value: Filter) -> None:
        """Add a filter, or replace what is stored of it."""

    def delete(self, account: int, filter_id: int) -> None:
        """Remove a filter."""


class Personal(Protocol):
    """What accounts keep for themselves: markers, preferences, blocked domains."""

    def markers(self, account: int) -> dict[MarkedTimeline, Marker]:
        """Return how far an account has read its timelines, those it said so of."""

    def preferences(self, account: int) -> Preferences:
        """Return how an account likes to read."""

    def blocked_domains(self, account: int, **page: Unpack[Page]) -> list[BlockedDomain]:
        """Return a page of the domains an account blocks, newest first."""

    def blocks_domain(self, account: int, domain: str) -> bool:
        """Return whether an account blocks a domain."""

    def count_blocked_domains(self, account: int) -> int:
        """Return how many domains an account blocks."""


class PersonalWriter(Personal, Protocol):
    """Changes to what accounts keep for themselves."""

    def set_marker(self, account: int, marker: Marker) -> None:
        """Put down how far an account has read a timeline."""

    def set_preferences(self, account: int, preferences: Preferences) -> None:
        """Put down how an account likes to read."""

    def block_domain(self, account: int, blocked: BlockedDomain) -> None:
        """Put down that an account blocks a domain it did not block."""

    def unblock_domain(self, account: int, domain: str) -> None:
        """Put down that an account does not block a domain any more."""

    def forget(self, account: int) -> None:
        """Forget all of it, as of an account that was deleted."""


class Standings(Protocol):
    """Who may not act for another reason than enforcement, and how accounts came to be."""

    def get(self, account: int) -> Standing:
        """Return the standing of an account."""

    def of_accounts(self, accounts: Sequence[int]) -> dict[int, Standing]:
        """Return the standings of many accounts, those alone that are not plain."""

    def pending(self, *, limit: int, below: int | None = None) -> list[int]:
        """Return who waits for approval with a confirmed address: newest first, by ordinal."""

    def deactivated_before(self, time: int, *, limit: int) -> list[int]:
        """Return who was put away before a time (ms)."""

    def unconfirmed_before(self, time: int, *, limit: int) -> list[int]:
        """Return whose address has been waiting to be confirmed since before a time (ms)."""

    def sign_up(self, account: int) -> SignUp | None:
        """Return how an account came to be, when that was kept."""


class StandingsWriter(Standings, Protocol):
    """Changes to standings; masks follow at the commit."""

    def put(self, standing: Standing) -> None:
        """Set the standing of an account."""

    def keep_sign_up(self, sign_up: SignUp) -> None:
        """Keep how an account came to be."""

    def forget(self, account: int) -> None:
        """Forget how an account came to be."""
