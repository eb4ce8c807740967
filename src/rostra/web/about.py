"""What this server is, its rules, and what it does with what people give it."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from rostra.language.i18n import gettext as _
from rostra.ports import Context
from rostra.services.server import about as said
from rostra.services.server import instance
from rostra.web.endpoints import Handler
from rostra.web.render import render
from rostra.web.visits import identify

TEXTS: Final = {
    "about": "extended_description",
    "privacy": "privacy_policy",
    "terms": "terms_of_service",
}
"""The texts that stand on these pages when those who run the server set them."""


def _page(ctx: Context, request: Request, name: str, heading: str) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        figures = instance.figures(snap)
        active = instance.active_month(snap)
        found = said.text_of(snap, TEXTS[name]) if name in TEXTS else None
        words = said.rendered(snap, found, ctx.settings) if found and found.updated_at else ""
        rules = snap.about.rules()
    return render(
        ctx,
        request,
        f"about/{name}.html",
        visitor,
        section="about",
        tab=name,
        heading=heading,
        figures=figures,
        active=active,
        rules=rules,
        words=Markup(words),
    )


async def about(ctx: Context, request: Request) -> Response:
    """Show what this server is and who runs it."""
    title = _("About %(server)s") % {"server": ctx.settings.title}
    return _page(ctx, request, "about", title)


async def rules(ctx: Context, request: Request) -> Response:
    """Show what is asked of everybody here."""
    return _page(ctx, request, "rules", _("Rules"))


async def privacy(ctx: Context, request: Request) -> Response:
    """Show what is kept of people, and who sees it."""
    return _page(ctx, request, "privacy", _("Privacy"))


async def terms(ctx: Context, request: Request) -> Response:
    """Show on what terms the server is used."""
    return _page(ctx, request, "terms", _("Terms"))


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/about", about),
    ("GET", "/about/rules", rules),
    ("GET", "/privacy", privacy),
    ("GET", "/privacy-policy", privacy),
    ("GET", "/terms", terms),
    ("GET", "/terms-of-service", terms),
)
