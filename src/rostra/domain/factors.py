"""What proves besides a password who signs in: one-time passwords, passkeys, recovery codes."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct

STEP_SECONDS: Final = 30
"""How long a one-time password holds (RFC 6238)."""


class OneTime(Struct, frozen=True, kw_only=True):
    """The one-time passwords of an account.

    ``secret`` is encrypted; ``last_step`` is the step of the last code that was taken, as none is
    taken twice; ``enabled_at`` is None until a first code has shown that the app has the secret.
    """

    account: int
    secret: bytes
    last_step: int = 0
    enabled_at: int | None = None


class Passkey(Struct, frozen=True, kw_only=True):
    """A passkey (WebAuthn credential) of an account; times in ms."""

    account: int
    id: bytes
    name: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    created_at: int
    used_at: int | None = None


class ChallengePurpose(enum.IntEnum):
    """What somebody is in the middle of."""

    SECOND_FACTOR = 1
    PASSKEY_SIGN_IN = 2
    PASSKEY_SECOND = 3
    PASSKEY_CREATE = 4


class Challenge(Struct, frozen=True, kw_only=True):
    """Something begun that is to be answered once and soon, known by its SHA-256."""

    hash: bytes
    purpose: ChallengePurpose
    account: int | None
    expires_at: int
