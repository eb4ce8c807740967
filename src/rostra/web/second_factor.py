"""Signing in with more than a password: one-time passwords, recovery codes, passkeys."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Forbidden, Invalid, RostraError, TooMany, Unauthenticated
from rostra.ports import Context
from rostra.services.authentication import factors, passkeys, sessions, throttling
from rostra.web.endpoints import Handler
from rostra.web.render import plain_words, render
from rostra.web.sign import admit, form_page
from rostra.web.visits import (
    ANYBODY,
    STALE_FORM,
    client_address,
    local_path,
    read_form,
    require_form_secret,
    settings_of,
)

PATH: Final = "/auth/second_factor"


def _token(request: Request) -> str:
    return request.cookies.get(sessions.factor_cookie(settings_of(request)), "")


def _show(
    ctx: Context, request: Request, *, return_to: str, error: RostraError | None = None
) -> Response:
    token = _token(request)
    with ctx.store.read() as snap:
        owned = factors.overview(snap, factors.waiting_account(snap, token))
    response = render(
        ctx,
        request,
        "settings/second_factor.html",
        ANYBODY,
        status=error.status if error else 200,
        section="sign",
        csrf=sessions.csrf_token(token),
        factors=owned,
        return_to=return_to,
        error=plain_words(error) if error else "",
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def page(ctx: Context, request: Request) -> Response:
    """Ask for a second factor."""
    return _show(ctx, request, return_to=local_path(request.query_params.get("return_to"), "/home"))


async def _read(ctx: Context, request: Request) -> tuple[dict[str, str], int]:
    """Return the form, and whose sign-in it belongs to.

    Raises:
        Unauthenticated: no sign-in waits here.
        Forbidden: the form is from elsewhere.
    """
    form = dict(await read_form(request))
    token = _token(request)
    with ctx.store.read() as snap:
        account = factors.waiting_account(snap, token)
    if not sessions.csrf_valid(token, form.get("csrf", "")):
        raise Forbidden(STALE_FORM)
    return form, account


async def answer(ctx: Context, request: Request) -> Response:
    """Take a code or a passkey, and begin the session."""
    form, account = await _read(ctx, request)
    return_to = local_path(form.get("return_to"), "/home")
    try:
        if form.get("credential"):
            await passkeys.use(ctx, credential=form["credential"], account=account)
        else:
            await factors.require_code(ctx, account=account, code=form.get("code", ""))
    except (Invalid, TooMany, Unauthenticated) as error:
        shown = Invalid(error.told) if isinstance(error, Unauthenticated) else error
        return _show(ctx, request, return_to=return_to, error=shown)
    finish = partial(factors.finish_sign_in, token=_token(request))
    response = await admit(ctx, request, account, return_to, finish)
    response.delete_cookie(
        sessions.factor_cookie(ctx.settings), **sessions.cookie_attributes(ctx.settings)
    )
    return response


def _json(body: str) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


async def options(ctx: Context, request: Request) -> Response:
    """Answer what a browser needs to use a passkey as the second factor."""
    _, account = await _read(ctx, request)
    return _json(await passkeys.request_options(ctx, account=account))


# -- without a password ----------------------------------------------------------------------------


async def sign_in_options(ctx: Context, request: Request) -> Response:
    """Answer what a browser needs to sign in with a passkey alone."""
    require_form_secret(request, dict(await read_form(request)))
    guard = throttling.from_address(ctx, throttling.ADDRESS, "passkey", client_address(request))
    await throttling.admit(ctx, (guard,))
    return _json(await passkeys.request_options(ctx))


async def sign_in(ctx: Context, request: Request) -> Response:
    """Sign in with a passkey alone, which its owner has unlocked on the device."""
    form = dict(await read_form(request))
    return_to = local_path(form.get("return_to"), "/home")
    try:
        require_form_secret(request, form)
        account = await passkeys.use(ctx, credential=form.get("credential", ""))
    except RostraError as error:
        shown = Invalid(error.told) if isinstance(error, Unauthenticated) else error
        return form_page(ctx, request, "sign_in.html", return_to=return_to, error=shown)
    return await admit(ctx, request, account, return_to)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", PATH, page),
    ("POST", PATH, answer),
    ("POST", f"{PATH}/options", options),
    ("POST", "/auth/passkey/options", sign_in_options),
    ("POST", "/auth/passkey", sign_in),
)
