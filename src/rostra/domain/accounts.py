"""Accounts: who can post, follow and be followed."""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid, NotFound

USERNAME: Final = re.compile(r"[A-Za-z0-9_]{1,30}\Z")
MAX_DISPLAY_NAME: Final = 30
MAX_NOTE: Final = 500
MAX_FIELDS: Final = 4
MAX_FIELD: Final = 255


def local_name(handle: str, domain: str | None) -> str:
    """Return the name in a handle, which may have an @ before it and the domain after it.

    Args:
        handle: as typed, in whatever case.
        domain: of this server; None: whatever the handle names is taken for it.

    Raises:
        NotFound: it is of another server.
    """
    name, _, host = unicodedata.normalize("NFKC", handle.strip()).removeprefix("@").partition("@")
    if host and domain is not None and host.lower() != domain.lower():
        raise NotFound(
            "That is an account of another server, and remote accounts are not known here"
        )
    return name


class Role(enum.IntEnum):
    """What an account may do beyond posting; a higher role includes the lower ones."""

    USER = 0
    MODERATOR = 1
    OWNER = 2


class Field(Struct, frozen=True):
    """One row of the table on a profile."""

    name: str
    value: str


class Account(Struct, frozen=True, kw_only=True):
    """An account as stored. Counts are not here: a count is the size of a set.

    ``note`` and ``fields`` are plain text as typed; rendering makes HTML of them.
    ``avatar`` and ``header`` are paths below the server's address, or empty for the default.
    Times are milliseconds since 1970.
    """

    ordinal: int
    id: int
    username: str
    created_at: int
    display_name: str = ""
    note: str = ""
    fields: tuple[Field, ...] = ()
    avatar: str = ""
    header: str = ""
    locked: bool = False
    bot: bool = False
    discoverable: bool = True
    indexable: bool = False
    hide_collections: bool = False
    role: Role = Role.USER
    default_visibility: str = "public"
    default_sensitive: bool = False
    default_language: str | None = None
    default_quote_policy: str = "public"


class Credentials(Struct, frozen=True, kw_only=True):
    """How the person behind an account signs in; ``password_hash`` is argon2id (RFC 9106)."""

    ordinal: int
    email: str
    password_hash: str


class Standing(Struct, frozen=True, kw_only=True):
    """Why an account may not act, beside enforcement: since when (ms), None where it is not so.

    ``unconfirmed_at``: its address waits to be confirmed; ``pending_at``: it waits for approval;
    ``deactivated_at``: its owner put it away.
    """

    account: int
    unconfirmed_at: int | None = None
    pending_at: int | None = None
    deactivated_at: int | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing is the matter."""
        return self.unconfirmed_at is self.pending_at is self.deactivated_at is None

    def put_away_since(self, time: int) -> bool:
        """Whether its owner put the account away, at a time (ms) or later."""
        return self.deactivated_at is not None and self.deactivated_at >= time


class SignUp(Struct, frozen=True, kw_only=True):
    """How an account came to be: through which application, from where, and what was said."""

    account: int
    application: int | None = None
    address: str = ""
    locale: str = ""
    reason: str = ""
    created_at: int = 0


def check_username(username: str) -> str:
    """Return ``username`` when it may be given to an account.

    Raises:
        Invalid: it is empty, longer than 30 characters, or has other characters than a-z, 0-9 and
        _.
    """
    if not USERNAME.match(username):
        raise Invalid(
            "Validation failed: Username must contain only letters, numbers and underscores, "
            "at most 30"
        )
    return username
