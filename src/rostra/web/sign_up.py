"""Opening an account in the browser, and confirming an e-mail address."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Forbidden, RostraError
from rostra.domain.mail import MailPurpose
from rostra.ports import Context
from rostra.services.membership import confirmations, registration
from rostra.web.endpoints import Handler
from rostra.web.render import render
from rostra.web.sign import admit, form_page
from rostra.web.visits import client_address, identify, read_form, require_form_secret

TYPED: Final = ("username", "email", "reason", "date_of_birth")


def _require_open(ctx: Context) -> None:
    if ctx.settings.registrations == "closed":
        raise Forbidden(registration.CLOSED)


async def sign_up_page(ctx: Context, request: Request) -> Response:
    """Show the form to open an account."""
    _require_open(ctx)
    return form_page(ctx, request, "sign_up.html", return_to="/home")


async def sign_up(ctx: Context, request: Request) -> Response:
    """Open an account and sign its owner in, to wait where there is something to wait for."""
    _require_open(ctx)
    form = dict(await read_form(request))
    try:
        require_form_secret(request, form)
        account = await registration.open_account(
            ctx,
            registration.Given(
                username=form.get("username", ""),
                email=form.get("email", ""),
                password=form.get("password", ""),
                agreement="agreement" in form,
                reason=form.get("reason", ""),
                locale=request.headers.get("accept-language", "").partition(",")[0],
                date_of_birth=form.get("date_of_birth", ""),
            ),
            address=client_address(request),
        )
    except RostraError as error:
        typed = {name: form.get(name, "") for name in TYPED}
        return form_page(ctx, request, "sign_up.html", return_to="/home", error=error, typed=typed)
    return await admit(ctx, request, account.ordinal, "/home")


async def confirmation_page(ctx: Context, request: Request) -> Response:
    """Ask for a press of a button: programs that look at mail open links, and press nothing."""
    token = request.query_params.get("token", "")
    with ctx.store.read() as snap:
        found = confirmations.find(snap, token, MailPurpose.CONFIRM, MailPurpose.CHANGE)
        visitor = identify(snap, request)
    response = render(
        ctx,
        request,
        "settings/confirmation.html",
        visitor,
        section="sign",
        token=token,
        email=found.email,
        done=False,
        pending=False,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def confirm(ctx: Context, request: Request) -> Response:
    """Confirm the address. The token alone says that it is right: it was mailed there."""
    form = dict(await read_form(request))
    confirmed = await confirmations.confirm(ctx, form.get("token", ""))
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return render(
        ctx,
        request,
        "settings/confirmation.html",
        visitor,
        section="sign",
        token="",
        email=confirmed.email,
        done=True,
        pending=confirmed.pending,
    )


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/auth/sign_up", sign_up_page),
    ("POST", "/auth/sign_up", sign_up),
    ("GET", "/auth/confirmation", confirmation_page),
    ("POST", "/auth/confirmation", confirm),
)
