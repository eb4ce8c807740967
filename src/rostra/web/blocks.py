"""Whom one keeps out, and which hashtags one follows: lists to look at and to undo."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.account_set import SetKind
from rostra.language.i18n import gettext as _
from rostra.ports import Context
from rostra.services.discovery import tags
from rostra.services.social_graph import relationships
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import render
from rostra.web.views import people
from rostra.web.visits import identify, require_account, wants_fragment

PEOPLE: Final = 40
TAGS: Final = 100


def _page(ctx: Context, request: Request, kind: SetKind, tab: str, empty: str) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        entries = relationships.owned(
            snap, viewer, kind, limit=PEOPLE, max_id=query_id(request, "max_id")
        )
        listed = people(snap, viewer, [entry.member for entry in entries])
    more = None
    if len(entries) == PEOPLE:
        more = f"{request.url.path}?max_id={entries[-1].position}"
    return render(
        ctx,
        request,
        "_kept_out.html" if wants_fragment(request) else "preferences/kept_out.html",
        visitor,
        section="settings",
        tab=tab,
        people=listed,
        more=more,
        undo="unblock" if tab == "blocks" else "unmute",
        empty=empty,
    )


async def blocks(ctx: Context, request: Request) -> Response:
    """Show whom the visitor blocks."""
    return _page(ctx, request, SetKind.BLOCKING, "blocks", _("You block nobody."))


async def mutes(ctx: Context, request: Request) -> Response:
    """Show whom the visitor mutes."""
    return _page(ctx, request, SetKind.MUTING, "mutes", _("You mute nobody."))


async def followed_tags(ctx: Context, request: Request) -> Response:
    """Show which hashtags the visitor follows."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        found = tags.followed(snap, viewer, limit=TAGS)
        shown = [tags.view_of(snap, viewer, one.tag) for one in found]
    return render(
        ctx,
        request,
        "preferences/followed_tags.html",
        visitor,
        section="settings",
        tab="followed_tags",
        tags=shown,
    )


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/blocks", blocks),
    ("GET", "/mutes", mutes),
    ("GET", "/followed_tags", followed_tags),
)
