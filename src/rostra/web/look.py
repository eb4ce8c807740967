"""How the pages look in one browser: its colours and its language, kept in cookies."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.language import i18n
from rostra.ports import Context
from rostra.web.endpoints import Handler
from rostra.web.render import THEME_COOKIE, THEMES, redirect, render
from rostra.web.visits import came_from, identify, read_form, set_cookie

_YEAR_S: Final = 365 * 24 * 60 * 60


async def choose(ctx: Context, request: Request) -> Response:
    """Keep the colours or the language chosen, and go back. Nothing is changed on the server."""
    form = dict(await read_form(request))
    response = redirect(request, came_from(request, "/"))
    theme, language = form.get("theme", ""), form.get("lang", "")
    if theme in THEMES:
        set_cookie(ctx, response, THEME_COOKIE, theme, age_s=_YEAR_S)
    if language in i18n.languages():
        set_cookie(ctx, response, i18n.COOKIE, language, age_s=_YEAR_S)
    return response


async def shortcuts(ctx: Context, request: Request) -> Response:
    """Show which keys do what."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    return render(ctx, request, "shortcuts.html", visitor, section="shortcuts")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/look", choose),
    ("GET", "/shortcuts", shortcuts),
)
