"""Sessions of the pages: who is signed in in a browser, and proof that a form is one of ours.

A session is a random token in a cookie; the store keeps its SHA-256 alone. The CSRF token of a form
is derived from the session token (HMAC-SHA256, RFC 2104), so nothing else has to be stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal, TypedDict

from rostra.config import Settings
from rostra.domain.errors import Forbidden
from rostra.ports import Context, Snapshot, Transaction

COOKIE: Final = "rostra_session"
"""The name of the cookie that holds the token of a session."""

LIFETIME_MS: Final = 90 * 24 * 60 * 60 * 1000
_MAX_TOKEN: Final = 128


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class CookieAttributes(TypedDict):
    """How a cookie is set, in the names Starlette knows (RFC 6265)."""

    path: str
    httponly: bool
    samesite: Literal["lax"]
    secure: bool


def cookie_attributes(settings: Settings) -> CookieAttributes:
    """Return how cookies are set: scripts cannot read them, nor forms of other sites send them."""
    secure = settings.url.startswith("https://")
    return {"path": "/", "httponly": True, "samesite": "lax", "secure": secure}


async def create(ctx: Context, account: int) -> str:
    """Start a session of an account and return its token.

    Raises:
        Forbidden: the account is suspended, deleted or frozen.
    """
    token = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(account)
        tx.access.create_session(_hash(token), account, tx.now, tx.now + LIFETIME_MS)

    await ctx.store.write(change)
    return token


def account_of(snap: Snapshot, token: str | None) -> int | None:
    """Return the ordinal of who is signed in with ``token``; None: no session, or may not act."""
    if not token or len(token) > _MAX_TOKEN:
        return None
    account = snap.access.session(_hash(token))
    if account is None:
        return None
    try:
        snap.gate.require_may_act(account)
    except Forbidden:
        return None
    return account


async def delete(ctx: Context, token: str) -> None:
    """End a session; nothing happens when there is none."""
    await ctx.store.write(lambda tx: tx.access.delete_session(_hash(token)))


def csrf_token(session_token: str) -> str:
    """Return the token that the forms of a session (or of a visitor's own random cookie) carry."""
    return hmac.new(session_token.encode(), b"rostra csrf", hashlib.sha256).hexdigest()


def csrf_valid(session_token: str, presented: str) -> bool:
    """Return whether ``presented`` is the token of the forms of this session."""
    return hmac.compare_digest(csrf_token(session_token).encode(), presented.encode())
