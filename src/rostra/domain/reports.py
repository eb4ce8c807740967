"""Reports: what people tell moderators of accounts and statuses."""

from __future__ import annotations

import enum

from msgspec import Struct


class Category(enum.StrEnum):
    """What a report is about (https://docs.joinmastodon.org/entities/Report/#category)."""

    SPAM = "spam"
    LEGAL = "legal"
    VIOLATION = "violation"
    OTHER = "other"


class Evidence(Struct, frozen=True, kw_only=True):
    """What a reported status said when it was reported; times in ms since 1970."""

    id: int
    created_at: int
    text: str
    spoiler_text: str = ""
    edited_at: int | None = None


class Report(Struct, frozen=True, kw_only=True):
    """A report. Accounts are ordinals, times milliseconds since 1970.

    ``account`` told of ``target`` and its ``statuses``, against ``rules`` (ids). A moderator may
    be ``assigned`` to it; it is resolved when ``action_taken_at`` is set.
    """

    id: int
    account: int
    target: int
    category: Category
    created_at: int
    updated_at: int
    comment: str = ""
    statuses: tuple[int, ...] = ()
    rules: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    forwarded: bool = False
    assigned: int | None = None
    action_taken_at: int | None = None
    action_taken_by: int | None = None


class Severity(enum.StrEnum):
    """What is not taken from a domain."""

    NOOP = "noop"
    SILENCE = "silence"
    SUSPEND = "suspend"


class DomainRule(Struct, frozen=True, kw_only=True):
    """What the server's owners decided about a domain: that it is ``allowed``, or what is not taken
    from it.
    """

    id: int
    domain: str
    created_at: int
    allowed: bool = False
    severity: Severity = Severity.SILENCE
    reject_media: bool = False
    reject_reports: bool = False
    private_comment: str | None = None
    public_comment: str | None = None
    obfuscate: bool = False
