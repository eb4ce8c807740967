"""Statuses, what hangs on them, and the index of recent ones that timelines are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, Unpack

from rostra.domain.cards import Card
from rostra.domain.conversations import Conversation, ScheduledStatus
from rostra.domain.lists import AccountList
from rostra.domain.pages import Page
from rostra.domain.statuses import Status, StatusEdit


class Statuses(Protocol):
    """Statuses as stored, hidden ones included."""

    def get(self, status_id: int) -> Status | None:
        """Return a status by its id."""

    def many(self, ids: Iterable[int]) -> dict[int, Status]:
        """Return the statuses there are of ``ids``, in their order."""

    def by_author(
        self,
        author: int,
        *,
        visibilities: Sequence[int] = (0, 1, 2, 3),
        exclude_replies: bool = False,
        exclude_reblogs: bool = False,
        only_media: bool = False,
        tagged: str | None = None,
        **page: Unpack[Page],
    ) -> list[Status]:
        """Return a page of the statuses of an author, newest first; replies to itself stay."""

    def public_with_media(self, **page: Unpack[Page]) -> list[int]:
        """Return a page of the ids of public statuses that carry media, newest first."""

    def count_by_author(self, author: int) -> int:
        """Return how many statuses and boosts an author has, direct ones not counted."""

    def last_by_author(self, author: int) -> Status | None:
        """Return the newest status or boost of an author that is not direct."""

    def replies(self, status_id: int) -> list[tuple[int, int, int]]:
        """Return the direct replies to a status, oldest first, as (id, author, visibility)."""

    def boost_by(self, author: int, status_id: int) -> Status | None:
        """Return the boost of a status by an author."""

    def boosts(self, status_id: int, *, limit: int) -> list[Status]:
        """Return some of the boosts of a status, it being there or not."""

    def edits(self, status_id: int) -> list[StatusEdit]:
        """Return the versions of a status that was edited, the first one first."""

    def pinned(self, account: int) -> tuple[int, ...]:
        """Return the statuses an account has pinned, the one pinned last first."""

    def quotes(self, status_id: int, **page: Unpack[Page]) -> list[Status]:
        """Return a page of the statuses that quote one and were not revoked, newest first."""

    def quoters(self, status_id: int) -> Mapping[int, int]:
        """Return who quotes a status, and how often; quotes that were revoked do not count."""

    def tagged(self, tag: str, **page: Unpack[Page]) -> list[int]:
        """Return a page of the ids of statuses of any visibility with a hashtag, newest first."""

    def idempotent(self, account: int, key: str) -> int | None:
        """Return the status, or scheduled status, an account made with an idempotency key."""

    def latest_by_author(self, *, below: int, visibilities: Sequence[int]) -> dict[int, int]:
        """Return for each author the newest status, no boost, with an id below a bound."""

    def authors_between(self, low: int, high: int) -> dict[int, int]:
        """Return the authors, by id, of the statuses and boosts from ``low`` to before ``high``."""

    def count(self) -> int:
        """Return how many statuses and boosts there are, hidden ones included."""


class StatusesWriter(Statuses, Protocol):
    """Changes to statuses; each is announced in the change feed."""

    def create(self, status: Status) -> None:
        """Add a status or boost."""

    def create_many(self, statuses: Sequence[Status], *, announce: bool = True) -> None:
        """Add statuses; without ``announce`` the caller announces that everything was replaced."""

    def update(self, before: Status, after: Status, *, edited: bool = False) -> None:
        """Replace what is stored of a status; ``edited`` is whether its author edited it."""

    def keep_version(self, status_id: int, version: StatusEdit) -> None:
        """Add a version to the history of a status."""

    def pin(self, account: int, status_id: int, at: int) -> None:
        """Pin a status to the profile of its author at a time (ms)."""

    def unpin(self, account: int, status_id: int) -> None:
        """Unpin a status, if it is pinned."""

    def delete(self, status: Status) -> None:
        """Remove a status with its edits, pin and what finds it.

        Its boosts, who likes it and what notified of it stay, for a job to remove: of a status that
        is gone they show nothing.
        """

    def remember_idempotency(self, account: int, key: str, status_id: int) -> None:
        """Remember what status, or scheduled status, an account made with an idempotency key."""


class Collected(Protocol):
    """What accounts like and bookmark: the sets of statuses from the other side."""

    def page(self, account: int, kind: int, **page: Unpack[Page]) -> list[tuple[int, int]]:
        """Return (position, status) of what an account likes or keeps, newest first."""

    def owners(self, kind: int, *, above: int, limit: int) -> list[int]:
        """Return which statuses have a set of a kind: ids above a bound, rising."""


class CollectedWriter(Collected, Protocol):
    """Changes to these lists; the set is changed in the same transaction."""

    def add(self, account: int, kind: int, status: int, position: int) -> None:
        """Put a status on a list it is not on, at its position in the set or the next free one."""

    def remove(self, accounts: Iterable[int], kind: int, status: int, since: int) -> None:
        """Take a status off the lists of accounts; nobody listed it before position ``since``."""

    def restore(self, account: int, kind: int, status: int, position: int) -> bool:
        """Put a status on a list by its position, unless it is on it; return whether it was not."""


class Conversations(Protocol):
    """Conversations of direct statuses, as each account in them has them."""

    def page(self, account: int, **page: Unpack[Page]) -> list[Conversation]:
        """Return a page of the conversations of an account by their newest statuses."""

    def get(self, account: int, root: int) -> Conversation | None:
        """Return a conversation of an account."""

    def said(self, account: int, root: int, *, limit: int) -> list[int]:
        """Return the newest direct statuses of a conversation that are by or to an account."""


class ConversationsWriter(Conversations, Protocol):
    """Changes to conversations."""

    def put(self, conversation: Conversation) -> None:
        """Write a conversation of an account, in place of what was stored of it."""

    def remove(self, account: int, root: int) -> None:
        """Take a conversation out of the list of an account."""


class Scheduled(Protocol):
    """Statuses to be published later."""

    def page(self, account: int, **page: Unpack[Page]) -> list[ScheduledStatus]:
        """Return a page of what an account has scheduled, newest first."""

    def get(self, account: int, scheduled_id: int) -> ScheduledStatus | None:
        """Return what an account has scheduled under an id."""

    def count(self, account: int, *, since: int = 0, before: int | None = None) -> int:
        """Return how many an account has scheduled for times (ms) from ``since`` to ``before``."""


class ScheduledWriter(Scheduled, Protocol):
    """Changes to what is scheduled."""

    def put(self, scheduled: ScheduledStatus) -> None:
        """Write a scheduled status, in place of what was stored under its id."""

    def remove(self, account: int, scheduled_id: int) -> None:
        """Forget a scheduled status."""

    def clear(self, account: int) -> None:
        """Forget all that an account has scheduled."""


class Cards(Protocol):
    """Previews of linked pages, known by the SHA-256 of the address, and who shows them."""

    def get(self, hash_: bytes) -> Card | None:
        """Return the card of a page."""

    def of_statuses(self, ids: Iterable[int]) -> dict[int, Card]:
        """Return the cards of statuses, those that have nothing to show left out."""

    def hash_of(self, status: int) -> bytes | None:
        """Return what the page that a status links to is known by."""

    def linking(self, hash_: bytes, *, below: int, limit: int) -> list[int]:
        """Return statuses that show a card, those with ids below a bound, newest first."""

    def showing(self, hash_: bytes, **page: Unpack[Page]) -> list[int]:
        """Return a page of the statuses of any visibility that link to a page, newest first."""

    def unused(self, before: int, *, limit: int) -> list[tuple[bytes, Card]]:
        """Return cards fetched before a time (ms) that no status shows, by their hashes."""


class CardsWriter(Cards, Protocol):
    """Changes to previews of linked pages."""

    def put(self, hash_: bytes, card: Card) -> None:
        """Add a card, or replace what is stored of it; statuses that show it are for the caller."""

    def delete(self, hash_: bytes) -> None:
        """Forget a card that no status shows."""

    def link(self, status: int, hash_: bytes | None) -> None:
        """Note which card a status shows, None for none."""


class RecentStatuses(Protocol):
    """The in-memory index of recent statuses that timelines are read from."""

    def home(
        self,
        viewer: int,
        keep: Callable[[list[int]], list[int]] | None = None,
        **page: Unpack[Page],
    ) -> list[int]:
        """Return a page of ids of the home timeline of ``viewer``, newest first.

        ``keep`` leaves out more of the ids it is given, some at a time.
        """

    def in_list(
        self,
        value: AccountList,
        keep: Callable[[list[int]], list[int]] | None = None,
        **page: Unpack[Page],
    ) -> list[int]:
        """Return a page of ids of the timeline of a list, newest first, as ``home`` does."""

    def public(self, viewer: int | None, **page: Unpack[Page]) -> list[int]:
        """Return a page of ids of the public timeline for ``viewer`` (None: anybody)."""

    def activity(self, *, above: int, below: int) -> tuple[int, int]:
        """Return how many statuses held have ids between the two, and of how many authors."""
