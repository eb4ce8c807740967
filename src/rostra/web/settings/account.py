"""Settings: the e-mail address, putting the account away, and deleting it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import RostraError
from rostra.ports import Context
from rostra.services.authentication import credentials, factors, sessions
from rostra.services.membership import departures
from rostra.web.endpoints import Handler
from rostra.web.render import redirect, render
from rostra.web.settings.common import attempt, field, show
from rostra.web.visits import ANYBODY, Visitor, identify, require_account, submission

PATH: Final = "/settings/account"
DELETE: Final = "/settings/delete"


def _show(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    *,
    message: str = "",
    error: RostraError | None = None,
) -> Response:
    with ctx.store.read() as snap:
        account = require_account(visitor)
        known = snap.accounts.credentials(account.ordinal)
        wanted = snap.mail_tokens.wanted_email(account.ordinal)
    return show(
        ctx,
        request,
        "account",
        visitor,
        here="account",
        message=message,
        error=error,
        email=known.email if known else "",
        wanted=wanted,
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show the account's address and name."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return _show(ctx, request, visitor)


async def change_email(ctx: Context, request: Request) -> Response:
    """Ask for another e-mail address."""
    sent = await submission(ctx, request)
    waits, error = await attempt(
        lambda: credentials.change_email(
            ctx,
            actor=sent.actor,
            email=field(sent, "email"),
            password=field(sent, "password"),
        )
    )
    message = ""
    if error is None:
        message = (
            "Look into the mailbox of the new address, and confirm it there."
            if waits
            else "Your address is changed."
        )
    return _show(ctx, request, sent.visitor, message=message, error=error)


async def keep_email(ctx: Context, request: Request) -> Response:
    """Keep the address in use after all."""
    sent = await submission(ctx, request)
    await credentials.forget_new_email(ctx, actor=sent.actor)
    return redirect(request, PATH)


# -- leaving ---------------------------------------------------------------------------------------


def _show_leaving(
    ctx: Context, request: Request, visitor: Visitor, error: RostraError | None = None
) -> Response:
    with ctx.store.read() as snap:
        owned = factors.overview(snap, require_account(visitor).ordinal)
    return show(
        ctx,
        request,
        "delete",
        visitor,
        here="account",
        error=error,
        factors=owned,
        days=departures.RETURN_DAYS,
    )


async def leaving_page(ctx: Context, request: Request) -> Response:
    """Show both ways to leave."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return _show_leaving(ctx, request, visitor)


def _goodbye(ctx: Context, request: Request, kind: str) -> Response:
    response = render(
        ctx,
        request,
        "settings/goodbye.html",
        ANYBODY,
        section="sign",
        kind=kind,
        days=departures.RETURN_DAYS,
    )
    response.delete_cookie(
        sessions.cookie(ctx.settings), **sessions.cookie_attributes(ctx.settings)
    )
    return response


async def deactivate(ctx: Context, request: Request) -> Response:
    """Put the account away."""
    sent = await submission(ctx, request)
    _, error = await attempt(
        lambda: departures.deactivate(ctx, actor=sent.actor, password=field(sent, "password"))
    )
    if error is not None:
        return _show_leaving(ctx, request, sent.visitor, error)
    return _goodbye(ctx, request, "deactivated")


async def delete(ctx: Context, request: Request) -> Response:
    """Delete the account."""
    sent = await submission(ctx, request)
    _, error = await attempt(
        lambda: departures.delete(
            ctx, actor=sent.actor, password=field(sent, "password"), code=field(sent, "code")
        )
    )
    if error is not None:
        return _show_leaving(ctx, request, sent.visitor, error)
    return _goodbye(ctx, request, "deleted")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", PATH, page),
    ("POST", f"{PATH}/email", change_email),
    ("POST", f"{PATH}/email/keep", keep_email),
    ("GET", DELETE, leaving_page),
    ("POST", f"{DELETE}/deactivate", deactivate),
    ("POST", DELETE, delete),
)
