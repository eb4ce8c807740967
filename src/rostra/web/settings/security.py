"""Settings: one-time passwords, recovery codes, passkeys and the password."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import RostraError
from rostra.ports import Context
from rostra.services.authentication import credentials, factors, passkeys
from rostra.web.endpoints import Handler
from rostra.web.render import redirect
from rostra.web.settings.common import attempt, field, show
from rostra.web.visits import Visitor, identify, require_account, submission

PATH: Final = "/settings/security"


def _show(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    *,
    message: str = "",
    error: RostraError | None = None,
    codes: list[str] | None = None,
) -> Response:
    with ctx.store.read() as snap:
        owned = factors.overview(snap, require_account(visitor).ordinal)
    return show(
        ctx,
        request,
        "security",
        visitor,
        here="security",
        message=message,
        error=error,
        factors=owned,
        codes=codes or [],
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show which factors the account has."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return _show(ctx, request, visitor)


async def change_password(ctx: Context, request: Request) -> Response:
    """Set a new password and end the other sessions."""
    sent = await submission(ctx, request)
    ended, error = await attempt(
        lambda: credentials.change_password(
            ctx,
            actor=sent.actor,
            current=field(sent, "current"),
            password=field(sent, "password"),
            token=sent.visitor.token,
        )
    )
    others = f" {ended} other session{'' if ended == 1 else 's'} ended." if ended else ""
    return _show(
        ctx,
        request,
        sent.visitor,
        message="" if error else f"Your password is changed.{others}",
        error=error,
    )


async def _one_time_page(
    ctx: Context, request: Request, visitor: Visitor, error: RostraError | None = None
) -> Response:
    setup, refused = await attempt(
        lambda: factors.begin_one_time(ctx, actor=require_account(visitor).ordinal)
    )
    if setup is None:
        return _show(ctx, request, visitor, error=refused)
    return show(
        ctx,
        request,
        "one_time",
        visitor,
        here="security",
        error=error,
        secret=setup.secret,
        picture=Markup(setup.picture),  # made here, of our own text
    )


async def begin_one_time(ctx: Context, request: Request) -> Response:
    """Show the secret for an authenticator app, when the password is right."""
    sent = await submission(ctx, request)
    _, error = await attempt(
        lambda: factors.require_password(ctx, actor=sent.actor, password=field(sent, "password"))
    )
    if error is not None:
        return _show(ctx, request, sent.visitor, error=error)
    return await _one_time_page(ctx, request, sent.visitor)


async def confirm_one_time(ctx: Context, request: Request) -> Response:
    """Turn one-time passwords on by a first code."""
    sent = await submission(ctx, request)
    codes, error = await attempt(
        lambda: factors.confirm_one_time(ctx, actor=sent.actor, code=field(sent, "code"))
    )
    if error is not None:
        return await _one_time_page(ctx, request, sent.visitor, error)
    return _show(ctx, request, sent.visitor, message="One-time passwords are on.", codes=codes)


async def disable_one_time(ctx: Context, request: Request) -> Response:
    """Turn one-time passwords off."""
    sent = await submission(ctx, request)
    _, error = await attempt(
        lambda: factors.disable_one_time(ctx, actor=sent.actor, password=field(sent, "password"))
    )
    message = "" if error else "One-time passwords are off."
    return _show(ctx, request, sent.visitor, message=message, error=error)


async def new_codes(ctx: Context, request: Request) -> Response:
    """Make new recovery codes."""
    sent = await submission(ctx, request)
    codes, error = await attempt(
        lambda: factors.new_recovery_codes(ctx, actor=sent.actor, password=field(sent, "password"))
    )
    message = "" if error else "These are your new recovery codes; the old ones are void."
    return _show(ctx, request, sent.visitor, message=message, error=error, codes=codes)


async def passkey_options(ctx: Context, request: Request) -> Response:
    """Answer what a browser needs to make a passkey."""
    sent = await submission(ctx, request)
    body = await passkeys.creation_options(ctx, actor=sent.actor, password=field(sent, "password"))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


async def create_passkey(ctx: Context, request: Request) -> Response:
    """Keep a passkey that was made."""
    sent = await submission(ctx, request)
    codes, error = await attempt(
        lambda: passkeys.create(
            ctx,
            actor=sent.actor,
            credential=field(sent, "credential"),
            name=field(sent, "name"),
        )
    )
    message = "" if error else "The passkey is added."
    return _show(ctx, request, sent.visitor, message=message, error=error, codes=codes)


async def rename_passkey(ctx: Context, request: Request) -> Response:
    """Give a passkey another name."""
    sent = await submission(ctx, request)
    name: Any = request.path_params["name"]
    await passkeys.rename(ctx, actor=sent.actor, passkey=str(name), name=field(sent, "name"))
    return redirect(request, PATH)


async def remove_passkey(ctx: Context, request: Request) -> Response:
    """Remove a passkey."""
    sent = await submission(ctx, request)
    name: Any = request.path_params["name"]
    _, error = await attempt(
        lambda: passkeys.remove(
            ctx, actor=sent.actor, passkey=str(name), password=field(sent, "password")
        )
    )
    message = "" if error else "The passkey is removed."
    return _show(ctx, request, sent.visitor, message=message, error=error)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", PATH, page),
    ("POST", f"{PATH}/password", change_password),
    ("POST", f"{PATH}/one_time", begin_one_time),
    ("POST", f"{PATH}/one_time/confirm", confirm_one_time),
    ("POST", f"{PATH}/one_time/disable", disable_one_time),
    ("POST", f"{PATH}/recovery_codes", new_codes),
    ("POST", f"{PATH}/passkeys/options", passkey_options),
    ("POST", f"{PATH}/passkeys", create_passkey),
    ("POST", f"{PATH}/passkeys/{{name}}/rename", rename_passkey),
    ("POST", f"{PATH}/passkeys/{{name}}/remove", remove_passkey),
)
