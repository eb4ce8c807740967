"""Signing up: which names are reserved, which addresses are addresses, and who is kept out."""

from __future__ import annotations

import enum
import hashlib
import re
from typing import Final

from msgspec import Struct

from rostra.domain.probes import SERVICE_HANDLE

RESERVED: Final = frozenset(
    {
        *("abuse", "admin", "administrator", "everyone", "help", "here", "hostmaster"),
        *("instance", "mod", "moderator", "moderators", "none", "null", "owner", "postmaster"),
        *(
            "root",
            "rostra",
            SERVICE_HANDLE,
            "security",
            "staff",
            "support",
            "system",
            "undefined",
            "webmaster",
        ),
    }
)
"""Names that others would take for the server's own."""

MAX_EMAIL: Final = 254
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\Z"
)


def is_address(email: str) -> bool:
    """Return whether mail can be sent to an address: what HTML's ``type=email`` lets through."""
    return len(email) <= MAX_EMAIL and _EMAIL.match(email) is not None


def domains_of(email: str) -> list[str]:
    """Return the domain of an address and those above it, the narrowest first."""
    labels = email.rpartition("@")[2].lower().rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def canonical_hash(email: str) -> str:
    """Return the SHA-256 that one mailbox has under all of its spellings, in hexadecimal.

    As Mastodon makes it: in lower case, without dots in the local part and what follows a plus.
    """
    local, _, domain = email.strip().lower().rpartition("@")
    local = local.partition("+")[0].replace(".", "")
    return hashlib.sha256(f"{local}@{domain}".encode()).hexdigest()


class Severity(enum.StrEnum):
    """What a blocked network may not do, in the words of Mastodon's admin API."""

    SIGN_UP_REQUIRES_APPROVAL = "sign_up_requires_approval"
    SIGN_UP_BLOCK = "sign_up_block"
    NO_ACCESS = "no_access"


class IpBlock(Struct, frozen=True, kw_only=True):
    """A network that may not sign up, or not without approval; times in ms."""

    id: int
    network: str
    severity: Severity
    comment: str
    created_at: int
    expires_at: int | None = None


class EmailDomainBlock(Struct, frozen=True, kw_only=True):
    """A domain whose addresses may not sign up, or not without approval."""

    id: int
    domain: str
    allow_with_approval: bool
    created_at: int


class CanonicalEmailBlock(Struct, frozen=True, kw_only=True):
    """A mailbox that may not sign up, known by its hash; ``account`` is whose it was."""

    id: int
    hash: str
    account: int | None
    created_at: int
