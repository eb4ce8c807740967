"""What somebody keeps: bookmarks and favourites; and who likes or boosts a status."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.account_set import Entry, SetKind
from rostra.language.i18n import gettext as _
from rostra.ports import Context
from rostra.services import statuses
from rostra.services.publishing import favourites as kept
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import render
from rostra.web.views import cards, people
from rostra.web.visits import identify, require_account, wants_fragment

PAGE: Final = 20
PEOPLE: Final = 40


def _kept(ctx: Context, request: Request, kind: SetKind, **words: Any) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        places = kept.listed(snap, viewer, kind, limit=PAGE, max_id=query_id(request, "max_id"))
        listed = cards(snap, viewer, [status_id for _, status_id in places])
    more = f"{request.url.path}?max_id={places[-1][0]}" if len(places) == PAGE else None
    return render(
        ctx,
        request,
        "_cards.html" if wants_fragment(request) else "kept.html",
        visitor,
        cards=listed,
        more=more,
        **words,
    )


async def bookmarks(ctx: Context, request: Request) -> Response:
    """Show what the visitor bookmarked."""
    return _kept(
        ctx,
        request,
        SetKind.BOOKMARKS,
        section="bookmarks",
        heading=_("Bookmarks"),
        empty=_("Bookmark a post, and you find it here again. Nobody else sees your bookmarks."),
    )


async def favourites(ctx: Context, request: Request) -> Response:
    """Show what the visitor likes."""
    return _kept(
        ctx,
        request,
        SetKind.LIKES,
        section="favourites",
        heading=_("Favourites"),
        empty=_("Like a post, and you find it here again."),
    )


def _those(ctx: Context, request: Request, what: str) -> Response:
    """Show who likes or boosts a status."""
    select = statuses.favourited_by if what == "favourites" else statuses.reblogged_by
    status_id = path_id(request)
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        entries: list[Entry] = select(
            snap, visitor.ordinal, status_id, limit=PEOPLE, max_id=query_id(request, "max_id")
        )
        listed = people(snap, visitor.ordinal, [entry.member for entry in entries])
    more = None
    if len(entries) == PEOPLE:
        more = f"{request.url.path}?max_id={entries[-1].position}"
    return render(
        ctx,
        request,
        "_people.html" if wants_fragment(request) else "those.html",
        visitor,
        section="thread",
        people=listed,
        more=more,
        heading=_("Liked by") if what == "favourites" else _("Boosted by"),
        back=f"/statuses/{status_id}",
    )


async def liked_by(ctx: Context, request: Request) -> Response:
    """Show who likes a status."""
    return _those(ctx, request, "favourites")


async def boosted_by(ctx: Context, request: Request) -> Response:
    """Show who boosts a status."""
    return _those(ctx, request, "reblogs")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/bookmarks", bookmarks),
    ("GET", "/favourites", favourites),
    ("GET", "/@{name}/{id:int}/favourites", liked_by),
    ("GET", "/@{name}/{id:int}/reblogs", boosted_by),
)
