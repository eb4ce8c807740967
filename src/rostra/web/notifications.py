"""The page of what happened to an account: mentions, likes, boosts, follows and requests."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import NotFound
from rostra.domain.notifications import NotificationType
from rostra.domain.personal import MarkedTimeline
from rostra.language.i18n import gettext as _
from rostra.ports import Context
from rostra.services import accounts
from rostra.services.notifying import grouping, notifications
from rostra.services.notifying.notifications import Wanted
from rostra.services.reading import personal
from rostra.services.reading.personal import Place
from rostra.services.social_graph import relationships
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import redirect, render
from rostra.web.unread import unread_of
from rostra.web.views import notes, people
from rostra.web.visits import identify, require_account, submission, wants_fragment

PAGE: Final = 30
PEOPLE: Final = 40
MENTIONS: Final = (NotificationType.MENTION, NotificationType.QUOTE)


async def page(ctx: Context, request: Request) -> Response:
    """Show the visitor's newest notifications, those alike together; they are read now."""
    only = request.query_params.get("type") == "mentions"
    max_id = query_id(request, "max_id")
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        read = notifications.last_read(snap, viewer)
        listed = grouping.page(
            snap,
            viewer,
            limit=PAGE,
            wanted=Wanted(types=MENTIONS) if only else Wanted(),
            cursors={} if max_id is None else {"max_id": max_id},
        )
        shown = notes(snap, visitor, listed, read)
    newest = max((group.newest.id for group in listed), default=0)
    if not only and newest > read:
        places = {MarkedTimeline.NOTIFICATIONS: Place(newest)}
        await personal.mark(ctx, actor=viewer, places=places)
    query = "type=mentions&" if only else ""
    return render(
        ctx,
        request,
        "_notes.html" if wants_fragment(request) else "notifications.html",
        visitor,
        section="notifications",
        tab="mentions" if only else "all",
        notes=shown,
        more=f"/notifications?{query}max_id={listed[-1].newest.id}"
        if len(listed) == PAGE
        else None,
    )


async def group(ctx: Context, request: Request) -> Response:
    """Show everybody in a group of notifications."""
    key = request.path_params["key"]
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        max_id = query_id(request, "max_id")
        found = grouping.sources(snap, viewer, key, limit=PEOPLE, max_id=max_id)
        listed = people(snap, viewer, [one.source for one in found])
    return render(
        ctx,
        request,
        "_people.html" if wants_fragment(request) else "those.html",
        visitor,
        section="notifications",
        people=listed,
        more=f"{request.url.path}?max_id={found[-1].id}" if len(found) == PEOPLE else None,
        heading={
            "favourite": _("Liked by"),
            "reblog": _("Boosted by"),
        }.get(key.partition("-")[0], _("New followers")),
        back="/notifications",
    )


async def unread(ctx: Context, request: Request) -> Response:
    """Tell how many notifications there are to see."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    require_account(visitor)
    number = unread_of(ctx, visitor)
    return render(ctx, request, "_unread.html", visitor, unread=number)


async def answer(ctx: Context, request: Request) -> Response:
    """Let somebody follow who asked to, or turn them down."""
    sent = await submission(ctx, request)
    verb = request.path_params["verb"]
    with ctx.store.read() as snap:
        follower = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
    if verb == "authorize":
        await relationships.authorize_request(ctx, actor=sent.actor, follower=follower.ordinal)
    elif verb == "reject":
        await relationships.reject_request(ctx, actor=sent.actor, follower=follower.ordinal)
    else:
        raise NotFound
    if not wants_fragment(request):
        return redirect(request, "/notifications")
    return render(
        ctx,
        request,
        "_answered.html",
        sent.visitor,
        name=follower.username,
        accepted=verb == "authorize",
    )


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/notifications", page),
    ("GET", "/notifications/unread", unread),
    ("GET", "/notifications/groups/{key}", group),
    ("POST", "/follow_requests/{name}/{verb}", answer),
)
