"""Sessions of the pages: who is signed in in a browser, and proof that a form is one of ours.

A session is a random token in a cookie; the store keeps its SHA-256 alone. The CSRF token of a form
is derived from the session token (HMAC-SHA256, RFC 2104), so nothing else has to be stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final, Literal, TypedDict
from urllib.parse import urlencode

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.errors import Forbidden, NotFound
from rostra.ports import Context, Session, Snapshot, Transaction, View

_COOKIE: Final = "rostra_session"
_FORM_COOKIE: Final = "rostra_form"
_FACTOR_COOKIE: Final = "rostra_factor"
_HOST: Final = "__Host-"
"""Of a cookie with this prefix browsers know that no other host, and no plain HTTP, has set it."""

LIFETIME_MS: Final = 90 * 24 * 60 * 60 * 1000
MAX_USER_AGENT: Final = 300
NOTED_EVERY_MS: Final = 60 * 60 * 1000
"""How exact it is when a session was last used: noting each use would be a commit a page."""

_MAX_TOKEN: Final = 128


def token_hash(token: str) -> bytes:
    """Return the hash under which the token of a session is kept."""
    return hashlib.sha256(token.encode()).digest()


class CookieAttributes(TypedDict):
    """How a cookie is set, in the names Starlette knows (RFC 6265)."""

    path: str
    httponly: bool
    samesite: Literal["lax"]
    secure: bool


def is_secure(settings: Settings) -> bool:
    """Return whether visitors come over HTTPS."""
    return settings.url.startswith("https://")


def cookie(settings: Settings) -> str:
    """Return the name of the cookie that holds the token of a session."""
    return f"{_HOST}{_COOKIE}" if is_secure(settings) else _COOKIE


def form_cookie(settings: Settings) -> str:
    """Return the name of the cookie that the forms of those not signed in are tied to."""
    return f"{_HOST}{_FORM_COOKIE}" if is_secure(settings) else _FORM_COOKIE


def factor_cookie(settings: Settings) -> str:
    """Return the name of the cookie of a sign-in that waits for a second factor."""
    return f"{_HOST}{_FACTOR_COOKIE}" if is_secure(settings) else _FACTOR_COOKIE


def second_factor_path(return_to: str) -> str:
    """Return the path of the page that asks for a second factor, and leads on from there."""
    return f"/auth/second_factor?{urlencode({'return_to': return_to})}"


def cookie_attributes(settings: Settings) -> CookieAttributes:
    """Return how cookies are set: scripts cannot read them, nor forms of other sites send them."""
    secure = is_secure(settings)
    return {"path": "/", "httponly": True, "samesite": "lax", "secure": secure}


async def create(
    ctx: Context,
    account: int,
    *,
    user_agent: str = "",
    address: str = "",
    require: Callable[[Transaction], None] = lambda tx: None,
) -> str:
    """Start a session of an account and return its token.

    A suspended or frozen account gets one too: it leads to the page that says why, and no further.

    Args:
        ctx: the ports.
        account: whose.
        user_agent: what the browser calls itself, for the owner to know it by.
        address: where it signed in from, likewise.
        require: what must still be so in the transaction that makes the session; raises otherwise.

    Raises:
        Forbidden: the account is deleted.
    """
    token = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> None:
        if tx.gate.state(account).deleted:
            raise Forbidden("This account was deleted")
        require(tx)
        tx.access.create_session(
            token_hash(token),
            account,
            tx.now,
            tx.now + LIFETIME_MS,
            user_agent=user_agent[:MAX_USER_AGENT],
            address=address,
        )

    await ctx.store.write(change)
    return token


def owner_of(snap: View, token: str | None) -> int | None:
    """Return whose session has ``token``, whether that account may act or not."""
    if not token or len(token) > _MAX_TOKEN:
        return None
    owner = snap.access.session(token_hash(token))
    return None if owner is None or snap.gate.state(owner).deleted else owner


def account_of(snap: View, token: str | None) -> int | None:
    """Return the ordinal of who is signed in with ``token``; None: no session, or may not act."""
    account = owner_of(snap, token)
    if account is None:
        return None
    try:
        snap.gate.require_may_act(account)
    except Forbidden:
        return None
    return account


async def delete(ctx: Context, token: str) -> None:
    """End a session; nothing happens when there is none."""
    await ctx.store.write(lambda tx: tx.access.delete_session(token_hash(token)))


# -- what their owner is shown ---------------------------------------------------------------------


class Listed(Struct, frozen=True):
    """A session as its owner is shown it; ``name`` is what it is ended by."""

    name: str
    session: Session
    current: bool


def listed(snap: Snapshot, account: int, token: str) -> list[Listed]:
    """Return the sessions of an account, the one with ``token`` first, then those used last."""
    mine = token_hash(token)
    found = [
        Listed(session.hash.hex(), session, session.hash == mine)
        for session in snap.access.sessions(account)
    ]
    return sorted(found, key=lambda one: (not one.current, -one.session.used_at))


async def end(ctx: Context, *, actor: int, name: str) -> None:
    """End one session of the actor, by the name it is listed under.

    Raises:
        NotFound: the actor has no such session.
    """

    def change(tx: Transaction) -> None:
        for session in tx.access.sessions(actor):
            if session.hash.hex() == name:
                tx.access.delete_session(session.hash)
                return
        raise NotFound("This session has ended already. Reload the page.")

    await ctx.store.write(change)


async def end_others(ctx: Context, *, actor: int, token: str) -> int:
    """End every session of the actor but the one with ``token``, and return how many that were."""
    return await ctx.store.write(lambda tx: keep_only(tx, actor, token))


def keep_only(tx: Transaction, account: int, token: str) -> int:
    """End every session of an account but the one with ``token``, within a transaction.

    Sign-ins that wait for a second factor end with them.
    """
    tx.factors.end_all(account)
    others = [one for one in tx.access.sessions(account) if one.hash != token_hash(token)]
    for session in others:
        tx.access.delete_session(session.hash)
    return len(others)


def is_stale(snap: Snapshot, token: str) -> bool:
    """Return whether it is so long ago that a use of the session was noted that this one is."""
    used_at = snap.access.session_used_at(token_hash(token))
    return used_at is not None and snap.now - used_at >= NOTED_EVERY_MS


async def note_use(ctx: Context, token: str, *, user_agent: str, address: str) -> None:
    """Note that a session was used now, and from where."""
    await ctx.store.write(
        lambda tx: tx.access.touch_session(
            token_hash(token), tx.now, user_agent=user_agent[:MAX_USER_AGENT], address=address
        )
    )


# -- forms -----------------------------------------------------------------------------------------


def csrf_token(session_token: str) -> str:
    """Return the token that the forms of a session (or of a visitor's own random cookie) carry."""
    return hmac.new(session_token.encode(), b"rostra csrf", hashlib.sha256).hexdigest()


def csrf_valid(session_token: str, presented: str) -> bool:
    """Return whether ``presented`` is the token of the forms of this session."""
    return hmac.compare_digest(csrf_token(session_token).encode(), presented.encode())
