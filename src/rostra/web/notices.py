"""The page of what happened to an account: mentions, likes, boosts, follows and requests."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import NotFound
from rostra.ports import Context
from rostra.services import accounts, notifications, relationships
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import redirect, render
from rostra.web.views import notes
from rostra.web.visits import identify, require_account, submission, wants_fragment

PAGE: Final = 30


async def page(ctx: Context, request: Request) -> Response:
    """Show the newest notifications of who is signed in."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        listed = notifications.page(snap, viewer, limit=PAGE, max_id=query_id(request, "max_id"))
        shown = notes(snap, visitor, listed)
    template = "_notes.html" if wants_fragment(request) else "notifications.html"
    return render(
        ctx,
        request,
        template,
        visitor,
        section="notifications",
        notes=shown,
        more=f"/notifications?max_id={listed[-1].id}" if len(listed) == PAGE else None,
    )


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
    ("POST", "/follow_requests/{name}/{verb}", answer),
)
