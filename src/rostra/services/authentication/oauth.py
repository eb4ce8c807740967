"""OAuth 2: applications, authorization codes and access tokens (RFC 6749, 7009, 7636).

Secrets, codes and tokens leave the server once, when they are made; the store keeps their SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from rostra.domain import scopes as scope_rules
from rostra.domain.errors import Invalid, RostraError
from rostra.ports import Application, AuthorizationCode, Context, Snapshot, Token, Transaction

OUT_OF_BAND: Final = "urn:ietf:wg:oauth:2.0:oob"
CODE_LIFETIME_MS: Final = 10 * 60 * 1000
MAX_NAME: Final = 255
MAX_URI: Final = 2000
MAX_URIS: Final = 32
MAX_SECRET: Final = 512
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9\-_]{43}\Z")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")
_SCRIPTS: Final = frozenset({"javascript", "vbscript", "data", "blob", "about", "file"})


class OAuthError(RostraError):
    """An error of RFC 6749 §5.2; ``code`` is its name there and ``message`` its description."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message, log=f"{code}: {message}")
        self.code = code
        self.http_status = status


def invalid_client() -> OAuthError:
    """Return the error for an unknown application or a wrong secret."""
    return OAuthError(
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, "
        "or unsupported authentication method.",
        401,
    )


def invalid_grant() -> OAuthError:
    """Return the error for a code that is unknown, used, out of time or another application's."""
    return OAuthError(
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the "
        "redirection URI used in the authorization request, or was issued to another client.",
    )


def invalid_scope() -> OAuthError:
    """Return the error for scopes that are unknown or that the application did not register."""
    return OAuthError("invalid_scope", "The requested scope is invalid, unknown, or malformed.")


def sha256(text: str) -> bytes:
    """Return the hash under which a secret, code or token is kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


# -- applications ----------------------------------------------------------------------------------


def _check_redirect_uri(uri: str) -> str:
    if uri == OUT_OF_BAND:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise Invalid("Validation failed: Redirect URI must be an absolute URI.") from None
    if not parts.scheme or any(character.isspace() for character in uri):
        raise Invalid("Validation failed: Redirect URI must be an absolute URI.")
    if parts.scheme.lower() in _SCRIPTS:
        raise Invalid("Validation failed: Redirect URI is forbidden by the server.")
    if parts.scheme.lower() in ("http", "https") and not parts.hostname:
        raise Invalid("Validation failed: Redirect URI must be an absolute URI.")
    if "#" in uri:
        raise Invalid("Validation failed: Redirect URI cannot contain a fragment.")
    if len(uri) > MAX_URI:
        raise Invalid(
            "Validation failed: Redirect URI is too long (at most %(num)s characters)", num=MAX_URI
        )
    return uri


def _check_website(website: str | None) -> str | None:
    if not website:
        return None
    if not website.startswith(("http://", "https://")) or len(website) > MAX_URI:
        raise Invalid("Validation failed: Website must be a valid URL")
    return website


async def register_application(
    ctx: Context, *, name: str, redirect_uris: tuple[str, ...], scopes: str, website: str | None
) -> tuple[Application, str]:
    """Create an application and return it with its secret, which cannot be read again.

    Raises:
        Invalid: the name is missing or too long, an address is no absolute URI, a scope unknown.
    """
    name = name.strip()
    if not name:
        raise Invalid("Validation failed: Application Name can't be blank")
    if len(name) > MAX_NAME:
        raise Invalid(
            "Validation failed: Application Name is too long (at most %(num)s)", num=MAX_NAME
        )
    if not redirect_uris:
        raise Invalid("Validation failed: Redirect URI can't be blank")
    if len(redirect_uris) > MAX_URIS:
        raise Invalid("Validation failed: Redirect URI: give at most %(num)s", num=MAX_URIS)
    uris = tuple(dict.fromkeys(_check_redirect_uri(uri) for uri in redirect_uris))
    try:
        wanted = scope_rules.parse(scopes) or (scope_rules.DEFAULT,)
    except Invalid:
        raise Invalid("Validation failed: Scopes doesn't match configured on the server.") from None
    site = _check_website(website)
    secret = secrets.token_urlsafe(32)
    client_id = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> Application:
        application = Application(
            id=tx.next_id(),
            client_id=client_id,
            client_secret=sha256(secret),
            name=name,
            website=site,
            redirect_uris=uris,
            scopes=" ".join(wanted),
            created_at=tx.now,
        )
        tx.access.create_application(application)
        return application

    return await ctx.store.write(change), secret


def client(snap: Snapshot, client_id: str) -> Application:
    """Return the application with this public id.

    Raises:
        OAuthError: there is none.
    """
    application = snap.access.application_by_client_id(client_id) if client_id else None
    if application is None:
        raise invalid_client()
    return application


def authenticated_client(snap: Snapshot, client_id: str, secret: str) -> Application:
    """Return the application whose id and secret were presented.

    Raises:
        OAuthError: there is none, or its secret is another.
    """
    application = client(snap, client_id)
    if len(secret) > MAX_SECRET or not hmac.compare_digest(
        sha256(secret), application.client_secret
    ):
        raise invalid_client()
    return application


def granted_scopes(application: Application, wanted: str) -> str:
    """Return the scopes an application may ask for here; ``read`` when it names none.

    Raises:
        OAuthError: a scope is unknown, or the application did not register it.
    """
    try:
        scopes = scope_rules.parse(wanted) or (scope_rules.DEFAULT,)
    except Invalid:
        raise invalid_scope() from None
    if not scope_rules.expand(application.scopes.split()).issuperset(scopes):
        raise invalid_scope()
    return " ".join(scopes)


# -- codes and tokens ------------------------------------------------------------------------------


def check_challenge(challenge: str, method: str) -> str | None:
    """Return the PKCE challenge of an authorization request, None when it has none (RFC 7636 §4.3).

    Raises:
        OAuthError: the method is not S256, or the challenge is not the size of a SHA-256.
    """
    if not challenge:
        return None
    if method != "S256":
        raise OAuthError("invalid_request", "The code_challenge_method must be S256.")
    if not _CHALLENGE.match(challenge):
        raise OAuthError(
            "invalid_request", "The code_challenge must be 43 characters of base64url."
        )
    return challenge


async def issue_code(
    ctx: Context,
    *,
    account: int,
    application: Application,
    redirect_uri: str,
    scopes: str,
    challenge: str | None,
) -> str:
    """Return a code that the application may exchange once, within ten minutes, for a token.

    Raises:
        Forbidden: the account may not act.
    """
    code = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(account)
        tx.access.create_code(
            AuthorizationCode(
                hash=sha256(code),
                account=account,
                application=application.id,
                redirect_uri=redirect_uri,
                scopes=scopes,
                code_challenge=challenge,
                expires_at=tx.now + CODE_LIFETIME_MS,
            )
        )

    await ctx.store.write(change)
    return code


def _verified(challenge: str | None, verifier: str) -> bool:
    if challenge is None:
        return not verifier
    if not _VERIFIER.match(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())


async def exchange_code(
    ctx: Context, *, application: Application, code: str, redirect_uri: str, verifier: str
) -> tuple[str, Token]:
    """Return a new token (text and record) for a code; the code is used up.

    Raises:
        OAuthError: the code is unknown, used or expired, was issued to another application or for
            another redirect URI, or the PKCE verifier does not fit.
        Forbidden: the account may not act any more.
    """
    text = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> Token | None:
        found = tx.access.code(sha256(code))
        if found is None or found.application != application.id:
            return None
        if found.used_at is not None:
            # Two have the code, and one of them has stolen it (RFC 6749 §4.1.2).
            tx.access.revoke_code_tokens(found.hash)
            return None
        # A code is spent by any attempt of its application, right or wrong (RFC 6749 §10.5).
        tx.access.use_code(found.hash, tx.now)
        if (
            found.expires_at <= tx.now
            or found.redirect_uri != redirect_uri
            or not _verified(found.code_challenge, verifier)
        ):
            return None
        tx.gate.require_may_act(found.account)
        return _create_token(tx, text, found.account, application.id, found.scopes, code=found.hash)

    token = await ctx.store.write(change)
    if token is None:
        raise invalid_grant()
    return text, token


def _create_token(
    tx: Transaction,
    text: str,
    account: int | None,
    application: int | None,
    scopes: str,
    code: bytes | None = None,
) -> Token:
    token = Token(
        hash=sha256(text),
        account=account,
        application=application,
        scopes=scopes,
        created_at=tx.now,
        code=code,
    )
    tx.access.create_token(token)
    return token


async def grant_to_application(
    ctx: Context, *, application: Application, scopes: str
) -> tuple[str, Token]:
    """Return a token of the application itself (RFC 6749 §4.4).

    Raises:
        OAuthError: the application may not have these scopes.
    """
    granted = granted_scopes(application, scopes)
    text = secrets.token_urlsafe(32)
    token = await ctx.store.write(lambda tx: _create_token(tx, text, None, application.id, granted))
    return text, token


async def grant_to_account(
    ctx: Context, *, account: int, application: int | None, scopes: str, waiting: bool = False
) -> tuple[str, Token]:
    """Return a token of an account: for the command line and for those who just registered.

    With ``waiting`` an account gets one that is yet to be confirmed or approved.

    Raises:
        Invalid: a scope is unknown.
        Forbidden: the account may not act.
    """
    granted = " ".join(scope_rules.parse(scopes))
    text = secrets.token_urlsafe(32)

    def change(tx: Transaction) -> Token:
        if waiting:
            tx.gate.require_not_barred(account)
        else:
            tx.gate.require_may_act(account)
        return _create_token(tx, text, account, application, granted)

    return text, await ctx.store.write(change)


async def revoke(ctx: Context, *, application: Application, token: str) -> None:
    """End a token of the application; nothing happens when it is unknown (RFC 7009 §2.2).

    Raises:
        OAuthError: the token belongs to another application.
    """

    def change(tx: Transaction) -> None:
        found = tx.access.token(sha256(token))
        if found is None:
            return
        if found.application != application.id:
            raise OAuthError(
                "unauthorized_client", "You are not authorized to revoke this token", 403
            )
        tx.access.revoke_token(found.hash)

    await ctx.store.write(change)
