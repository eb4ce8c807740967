"""Notifications, and the push subscriptions that are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Unpack

from rostra.domain.notifications import Notification, Policy
from rostra.domain.pages import Page
from rostra.domain.push import PushSubscription


class Notifications(Protocol):
    """Notifications of an account: rows, and which sets have news (domain/notifications.py)."""

    def stored(
        self,
        account: int,
        *,
        types: Sequence[int] | None = None,
        source: int | None = None,
        **page: Unpack[Page],
    ) -> list[Notification]:
        """Return a page of the stored notifications of an account (by ``source``), newest first."""

    def get_stored(self, account: int, notification_id: int) -> Notification | None:
        """Return a stored notification of an account."""

    def groups(
        self, account: int, *, types: Sequence[int] | None = None, above: int = 0, limit: int = 1000
    ) -> list[tuple[int, int, int]]:
        """Return the sets with news as (type, subject, latest position), newest first."""

    def dismissed(self, account: int) -> tuple[int, frozenset[int]]:
        """Return what an account dismissed: everything up to an id, and single ids above it."""

    def groups_by_subject(
        self, account: int, type_: int, *, after: int, above: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return (subject, latest position) of sets with news above a position, by subject."""

    def groups_dismissed(
        self, account: int, type_: int, subject: int | None = None
    ) -> dict[int, int]:
        """Return up to which position groups of a type were dismissed, by subject."""

    def done_by(self, account: int, source: int) -> list[tuple[int, int, int]]:
        """Return (type, status, about when in ticks) of likes and boosts of an account's statuses
        by ``source``.
        """

    def policy(self, account: int) -> Policy:
        """Return from whom an account wants to hear."""

    def requests_dismissed(self, account: int) -> dict[int, int]:
        """Return up to which id the requests of accounts were dismissed."""


class NotificationsWriter(Notifications, Protocol):
    """Changes to notifications."""

    def store(self, notification: Notification) -> None:
        """Add a notification with an id that its account has not seen yet."""

    def withdraw(self, account: int, type_: int, status: int, *, before: int) -> None:
        """Take back what an account was told of a status, with ids before one."""

    def forget_status(self, status: int, *, limit: int) -> int:
        """Remove notifications about a status, some at a time; return how many."""

    def touch_group(self, account: int, type_: int, subject: int, position: int) -> None:
        """Note that a set with notifications for an account has a member at ``position``."""

    def dismiss(self, account: int, notification_id: int) -> None:
        """Dismiss one notification, stored or not."""

    def dismiss_group(self, account: int, type_: int, subject: int, through: int) -> None:
        """Dismiss the members of a group (by status, follows by day) up to a position."""

    def dismiss_request(self, account: int, source: int, through: int) -> None:
        """Let what ``source`` did up to an id ask no more."""

    def set_policy(self, account: int, policy: Policy) -> None:
        """Set from whom an account wants to hear."""

    def dismiss_all(self, account: int, through: int) -> None:
        """Dismiss every notification up to an id."""


class Push(Protocol):
    """Web Push subscriptions."""

    def of_token(self, token_hash: bytes) -> PushSubscription | None:
        """Return the subscription made with a token."""

    def of(self, account: int) -> list[PushSubscription]:
        """Return the subscriptions of an account whose tokens are still good."""

    def accounts(self) -> list[int]:
        """Return the accounts that have any."""


class PushWriter(Push, Protocol):
    """Changes to push subscriptions."""

    def put(self, value: PushSubscription) -> None:
        """Add a subscription in place of any other of its token; announced in the feed."""

    def delete(self, account: int, id_: int) -> None:
        """Remove a subscription; announced in the feed."""

    def note(
        self,
        account: int,
        id_: int,
        *,
        through: int,
        attempts: int,
        due_at: int,
        failing_since: int,
    ) -> None:
        """Note how pushing to a subscription went; nothing happens when it is gone."""
