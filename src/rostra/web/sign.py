"""Signing in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Invalid, RostraError, TooMany
from rostra.ports import Context, Transaction
from rostra.services.authentication import factors, sessions
from rostra.services.authentication.factors import Proof
from rostra.services.authentication.sign_in import prove
from rostra.web.endpoints import Handler
from rostra.web.render import plain_words, redirect, render, visitor_of
from rostra.web.visits import (
    any_submission,
    client_address,
    form_secret,
    identify,
    local_path,
    read_form,
    require_form_secret,
    session_token,
    set_cookie,
)

_SESSION_S: Final = sessions.LIFETIME_MS // 1000
_FORM_S: Final = 24 * 60 * 60
STANDING: Final = "/auth/standing"
"""Where those go who are signed in and may not act."""


def form_page(
    ctx: Context,
    request: Request,
    template: str,
    *,
    return_to: str,
    error: RostraError | None = None,
    typed: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """Return a page with a form that nobody has to be signed in for, tied to a cookie of theirs."""
    secret = form_secret(request)
    response = render(
        ctx,
        request,
        template,
        visitor_of(ctx, request),
        status=error.status if error else 200,
        csrf=sessions.csrf_token(secret),
        section="sign",
        return_to=return_to,
        error=plain_words(error) if error else "",
        typed=typed or {},
        **values,
    )
    set_cookie(ctx, response, sessions.form_cookie(ctx.settings), secret, age_s=_FORM_S)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def admit(
    ctx: Context,
    request: Request,
    account: int,
    return_to: str,
    require: Callable[[Transaction], None] = lambda tx: None,
) -> Response:
    """Begin a session and go on; an account that may not act goes to the page that says why.

    ``require`` is asked in the transaction that makes the session, and raises what is in its way.
    """
    token = await sessions.create(
        ctx,
        account,
        user_agent=request.headers.get("user-agent", ""),
        address=client_address(request),
        require=require,
    )
    if earlier := session_token(request):  # it is not to lie about, nor to be carried on
        await sessions.delete(ctx, earlier)
    with ctx.store.read() as snap:
        waits = sessions.account_of(snap, token) is None
    response = redirect(request, STANDING if waits else return_to)
    set_cookie(ctx, response, sessions.cookie(ctx.settings), token, age_s=_SESSION_S)
    return response


async def sign_in_page(ctx: Context, request: Request) -> Response:
    """Show the form to sign in; who is signed in goes where they were going."""
    return_to = local_path(request.query_params.get("return_to"), "/home")
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        barred = sessions.owner_of(snap, session_token(request)) is not None
    if visitor.account:
        return redirect(request, return_to)
    if barred:
        return redirect(request, STANDING)
    return form_page(ctx, request, "sign_in.html", return_to=return_to)


async def sign_in(ctx: Context, request: Request) -> Response:
    """Sign somebody in by username or e-mail address and password."""
    form = dict(await read_form(request))
    return_to = local_path(form.get("return_to"), "/home")
    login = form.get("login", "").strip().removeprefix("@")
    try:
        require_form_secret(request, form)
        proof = await prove(
            ctx,
            login=login,
            password=form.get("password", ""),
            address=client_address(request),
        )
        with ctx.store.read() as snap:
            second = factors.overview(snap, proof.account).any
        if second:
            return await _ask_second(ctx, request, proof, return_to)
        return await admit(ctx, request, proof.account, return_to, proof.require)
    except RostraError as error:
        shown = error
        if error.status == 401:
            shown = Invalid("That login and password do not belong together. Try again.")
        return form_page(
            ctx, request, "sign_in.html", return_to=return_to, error=shown, typed={"login": login}
        )


async def _ask_second(ctx: Context, request: Request, proof: Proof, return_to: str) -> Response:
    """Send somebody whose password was right to prove a second factor."""
    token = await factors.begin_sign_in(ctx, proof)
    response = redirect(request, sessions.second_factor_path(return_to))
    age_s = factors.CHALLENGE_MS // 1000
    set_cookie(ctx, response, sessions.factor_cookie(ctx.settings), token, age_s=age_s)
    return response


async def sign_out(ctx: Context, request: Request) -> Response:
    """End the session in this browser."""
    token = (await any_submission(ctx, request)).token
    await sessions.delete(ctx, token)
    response = redirect(request, "/")
    response.delete_cookie(
        sessions.cookie(ctx.settings), **sessions.cookie_attributes(ctx.settings)
    )
    return response


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/auth/sign_in", sign_in_page),
    ("POST", "/auth/sign_in", sign_in),
    ("POST", "/auth/sign_out", sign_out),
)
