"""Setting a new password by mail."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import NotFound, RostraError
from rostra.domain.mail import MailPurpose
from rostra.ports import Context
from rostra.services.authentication import credentials
from rostra.services.membership import confirmations
from rostra.web.endpoints import Handler
from rostra.web.sign import form_page
from rostra.web.visits import client_address, read_form, require_form_secret

NEW: Final = "/auth/password/new"
EDIT: Final = "/auth/password/edit"


def _ask_page(ctx: Context, request: Request, *, sent: bool, error: RostraError | None) -> Response:
    return form_page(ctx, request, "settings/reset_ask.html", return_to="", error=error, sent=sent)


async def ask_page(ctx: Context, request: Request) -> Response:
    """Show the form to ask for a new password."""
    if not ctx.settings.sends_mail:
        raise NotFound(credentials.NO_MAIL)
    return _ask_page(ctx, request, sent=False, error=None)


async def ask(ctx: Context, request: Request) -> Response:
    """Mail a link; the answer is the same whether there is such an account."""
    form = dict(await read_form(request))
    try:
        require_form_secret(request, form)
        await credentials.ask_reset(
            ctx, email=form.get("email", ""), address=client_address(request)
        )
    except RostraError as error:
        return _ask_page(ctx, request, sent=False, error=error)
    return _ask_page(ctx, request, sent=True, error=None)


def _edit_page(
    ctx: Context,
    request: Request,
    token: str,
    *,
    done: bool = False,
    error: RostraError | None = None,
) -> Response:
    response = form_page(
        ctx,
        request,
        "settings/reset.html",
        return_to="",
        error=error,
        token=token,
        done=done,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


async def edit_page(ctx: Context, request: Request) -> Response:
    """Show the form to set a new password, to who came by the link."""
    token = request.query_params.get("token", "")
    with ctx.store.read() as snap:
        confirmations.find(snap, token, MailPurpose.RESET)
    return _edit_page(ctx, request, token)


async def edit(ctx: Context, request: Request) -> Response:
    """Set the new password. Signing in comes after, with the second factor where there is one."""
    form = dict(await read_form(request))
    token = form.get("token", "")
    try:
        require_form_secret(request, form)
        await credentials.reset(ctx, token=token, password=form.get("password", ""))
    except RostraError as error:
        if error.status == 404:
            raise
        return _edit_page(ctx, request, token, error=error)
    return _edit_page(ctx, request, "", done=True)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", NEW, ask_page),
    ("POST", NEW, ask),
    ("GET", EDIT, edit_page),
    ("POST", EDIT, edit),
)
