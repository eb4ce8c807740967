"""https://docs.joinmastodon.org/methods/oauth/ (all of it but the consent page)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from urllib.parse import unquote_plus

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import Call, Reply, json_reply
from rostra.api.operation import Needs, at, reads, writes
from rostra.domain import scopes
from rostra.domain.errors import NotFound
from rostra.ports import Application, Snapshot, Token
from rostra.services.authentication import oauth
from rostra.services.authentication.oauth import OAuthError

NO_STORE: Final = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))


def token_entity(text: str, token: Token) -> dict[str, Any]:
    """Return the Token entity."""
    return {
        "access_token": text,
        "token_type": "Bearer",
        "scope": token.scopes,
        "created_at": token.created_at // 1000,
    }


class TokenRequest(Struct, frozen=True):
    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    scope: str = ""


def presented_client(call: Call, client_id: str, secret: str) -> tuple[str, str]:
    """Return an application's id and secret, from the body or HTTP Basic (RFC 6749 §2.3.1).

    Raises:
        OAuthError: the Basic credentials cannot be read.
    """
    header = call.header(b"authorization")
    if client_id or header[:6].lower() != b"basic ":
        return client_id, secret
    try:
        text = base64.b64decode(header[6:].strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise oauth.invalid_client() from None
    name, _, password = text.partition(":")
    return unquote_plus(name), unquote_plus(password)


def _client(call: Call, client_id: str, secret: str) -> Application:
    with call.api.ctx.store.read() as snap:
        return oauth.authenticated_client(snap, *presented_client(call, client_id, secret))


@writes(TokenRequest, needs=Needs.NOTHING)
async def token(call: Call, given: TokenRequest) -> Reply:
    """Exchange a code, or an application's own credentials, for an access token."""
    if not given.grant_type:
        raise OAuthError("invalid_request", "Missing required parameter: grant_type.")
    if given.grant_type not in ("authorization_code", "client_credentials"):
        raise OAuthError(
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        )
    ctx = call.api.ctx
    application = _client(call, given.client_id, given.client_secret)
    if given.grant_type == "client_credentials":
        text, made = await oauth.grant_to_application(
            ctx, application=application, scopes=given.scope
        )
    elif not given.code:
        raise OAuthError("invalid_request", "Missing required parameter: code.")
    else:
        text, made = await oauth.exchange_code(
            ctx,
            application=application,
            code=given.code,
            redirect_uri=given.redirect_uri,
            verifier=given.code_verifier,
        )
    return json_reply(token_entity(text, made), headers=NO_STORE)


class Revocation(Struct, frozen=True):
    client_id: str = ""
    client_secret: str = ""
    token: str = ""


@writes(Revocation, needs=Needs.NOTHING)
async def revoke(call: Call, given: Revocation) -> Reply:
    try:
        application = _client(call, given.client_id, given.client_secret)
    except OAuthError:
        raise OAuthError(
            "unauthorized_client", "You are not authorized to revoke this token", 403
        ) from None
    await oauth.revoke(call.api.ctx, application=application, token=given.token)
    return json_reply({}, headers=NO_STORE)


@reads(Nothing, needs=Needs.ACCOUNT, scope="profile")
def userinfo(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    account = snap.accounts.get(call.actor)
    if account is None:
        raise NotFound
    url, renderer = call.api.ctx.settings.url, call.api.renderer
    return json_reply(
        {
            "iss": f"{url}/",
            "sub": f"{url}/users/{account.username}",
            "name": account.display_name,
            "preferred_username": account.username,
            "profile": renderer.account_url(account),
            "picture": renderer.pictures(account)["avatar"],
        },
        headers=NO_STORE,
    )


@reads(Nothing, needs=Needs.NOTHING)
def metadata(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """RFC 8414."""
    url = call.api.ctx.settings.url
    return json_reply(
        {
            "issuer": f"{url}/",
            "service_documentation": "https://docs.joinmastodon.org/",
            "authorization_endpoint": f"{url}/oauth/authorize",
            "token_endpoint": f"{url}/oauth/token",
            "app_registration_endpoint": f"{url}/api/v1/apps",
            "revocation_endpoint": f"{url}/oauth/revoke",
            "userinfo_endpoint": f"{url}/oauth/userinfo",
            "scopes_supported": list(scopes.ALL),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
            ],
            "code_challenge_methods_supported": ["S256"],
        }
    )


ROUTES: Final[list[BaseRoute]] = [
    at("/oauth/token", POST=token),
    at("/oauth/revoke", POST=revoke),
    at("/oauth/userinfo", GET=userinfo, POST=userinfo),
    at("/.well-known/oauth-authorization-server", GET=metadata),
]
