"""Conversations of direct statuses, and statuses to be published later, as an account has them."""

from __future__ import annotations

from msgspec import Struct


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation as one account in it has it.

    ``root`` is the status it begins with, which may be gone; ``last`` the newest one in it.
    """

    account: int
    root: int
    last: int
    unread: bool = False


class ScheduledStatus(Struct, frozen=True, kw_only=True):
    """A status to be published at a time (ms since 1970).

    ``draft`` is the JSON of what is to be posted. ``held`` says that it was due and could not be
    published: it stays as a draft until its author gives it another time or cancels it.
    """

    id: int
    account: int
    at: int
    draft: str
    held: bool = False
