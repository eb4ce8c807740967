"""Conversations: statuses for those mentioned alone, by whom they are with."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.ports import Context
from rostra.services.reading import conversations, hydration
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import redirect, render
from rostra.web.visits import identify, require_account, submission, wants_fragment

PAGE: Final = 20


async def index(ctx: Context, request: Request) -> Response:
    """Show the visitor's conversations, the one with the newest word first."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        found = conversations.page(snap, viewer, limit=PAGE, max_id=query_id(request, "max_id"))
        ordinals = {one for each in found for one in (*each.accounts, each.status.author)}
        views = hydration.account_views(snap, ordinals)
    shown = [
        (each, [views[one] for one in each.accounts if one in views], views.get(each.status.author))
        for each in found
    ]
    more = f"/conversations?max_id={found[-1].conversation.last}" if len(found) == PAGE else None
    return render(
        ctx,
        request,
        "_talks.html" if wants_fragment(request) else "conversations.html",
        visitor,
        section="conversations",
        talks=shown,
        more=more,
    )


async def read(ctx: Context, request: Request) -> Response:
    """Open a conversation, which is read then."""
    with ctx.store.read() as snap:
        viewer = require_account(identify(snap, request)).ordinal
        found = conversations.show(snap, viewer, path_id(request))
    if found.conversation.unread:
        await conversations.mark(ctx, actor=viewer, root=found.conversation.root, unread=False)
    return redirect(request, f"/statuses/{found.status.id}")


async def remove(ctx: Context, request: Request) -> Response:
    """Take a conversation out of one's list."""
    sent = await submission(ctx, request)
    await conversations.remove(ctx, actor=sent.actor, root=path_id(request))
    if wants_fragment(request):
        return Response(status_code=200)
    return redirect(request, "/conversations")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/conversations", index),
    ("GET", "/conversations/{id}", read),
    ("POST", "/conversations/{id}/remove", remove),
)
