"""Settings: the browsers that are signed in, and the applications that were let in."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.ports import Context
from rostra.services.authentication import app_access, sessions
from rostra.web.endpoints import Handler
from rostra.web.render import redirect
from rostra.web.settings.common import field, show
from rostra.web.visits import identify, require_account, submission

SESSIONS: Final = "/settings/sessions"
APPS: Final = "/settings/apps"

_BROWSERS: Final = (
    ("Firefox/", "Firefox"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def named(user_agent: str) -> str:
    """Return what a browser is, in words, from what it calls itself."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60] or "An unknown browser"


async def sessions_page(ctx: Context, request: Request) -> Response:
    """Show where the account is signed in."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        listed = sessions.listed(snap, require_account(visitor).ordinal, visitor.token)
    shown = [(one, named(one.session.user_agent)) for one in listed]
    return show(ctx, request, "sessions", visitor, here="sessions", sessions=shown)


async def end_session(ctx: Context, request: Request) -> Response:
    """End one session."""
    sent = await submission(ctx, request)
    await sessions.end(ctx, actor=sent.actor, name=field(sent, "session"))
    return redirect(request, SESSIONS)


async def end_others(ctx: Context, request: Request) -> Response:
    """End every session but this one."""
    sent = await submission(ctx, request)
    await sessions.end_others(ctx, actor=sent.actor, token=sent.visitor.token)
    return redirect(request, SESSIONS)


async def apps_page(ctx: Context, request: Request) -> Response:
    """Show which applications may use the account."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        apps = app_access.authorized(snap, require_account(visitor).ordinal)
    return show(ctx, request, "apps", visitor, here="apps", apps=apps)


async def shut_out(ctx: Context, request: Request) -> Response:
    """Take back the tokens of an application."""
    sent = await submission(ctx, request)
    await app_access.shut_out(ctx, actor=sent.actor, name=field(sent, "application"))
    return redirect(request, APPS)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", SESSIONS, sessions_page),
    ("POST", f"{SESSIONS}/end", end_session),
    ("POST", f"{SESSIONS}/end_others", end_others),
    ("GET", APPS, apps_page),
    ("POST", f"{APPS}/revoke", shut_out),
)
