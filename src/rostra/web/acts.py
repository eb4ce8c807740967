"""What the signed-in do from a page: follow and block, like and boost, vote, write and delete.

Each answers htmx with the part of the page that changed, read back after the change, and a plain
form with the way back to the page it came from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Invalid, NotFound
from rostra.domain.statuses import Visibility
from rostra.ports import Context
from rostra.services import accounts, moderation, polls, relationships, statuses
from rostra.services.statuses import Draft
from rostra.web.admin import rows
from rostra.web.endpoints import Handler, path_id
from rostra.web.profiles import find
from rostra.web.render import redirect, render
from rostra.web.timelines import compose
from rostra.web.views import card, person
from rostra.web.visits import came_from, submission, wants_fragment

_TOWARDS: Final[dict[str, Callable[..., Awaitable[Any]]]] = {
    "follow": relationships.follow,
    "unfollow": relationships.unfollow,
    "block": relationships.block,
    "unblock": relationships.unblock,
    "mute": relationships.mute,
    "unmute": relationships.unmute,
}
_UPON: Final[dict[str, Callable[..., Awaitable[int]]]] = {
    "favourite": statuses.favourite,
    "unfavourite": statuses.unfavourite,
    "reblog": statuses.reblog,
    "unreblog": statuses.unreblog,
}
_VISIBILITIES: Final = {visibility.label: visibility for visibility in Visibility}


async def towards(ctx: Context, request: Request) -> Response:
    """Follow, block or mute an account, or undo that; show the button as it is now."""
    sent = await submission(ctx, request)
    verb = _TOWARDS.get(request.path_params["verb"])
    if verb is None:
        raise NotFound
    name = request.path_params["name"]
    with ctx.store.read() as snap:
        if verb is relationships.follow:
            target = find(ctx, snap, name)
        else:  # what undoes or shuts out works towards the suspended as well
            target = accounts.lookup(snap, name, domain=ctx.settings.domain)
    await verb(ctx, actor=sent.actor, target=target.ordinal)
    if not wants_fragment(request):
        return redirect(request, came_from(request, f"/@{target.username}"))
    place = sent.form.get("place", "")
    dossier = place == "dossier" and sent.visitor.moderates
    with ctx.store.read() as snap:
        shown = person(snap, sent.actor, target.ordinal, with_suspended=True)
        figures = rows(moderation.figures(snap, target.ordinal)) if dossier else ()
    return render(
        ctx,
        request,
        "_relationship_changed.html",
        sent.visitor,
        person=shown,
        place=place if dossier or place == "row" else "profile",
        figures=figures,
    )


async def upon(ctx: Context, request: Request) -> Response:
    """Like or boost a status, or undo that; show its buttons as they are now."""
    sent = await submission(ctx, request)
    verb = _UPON.get(request.path_params["verb"])
    if verb is None:
        raise NotFound
    status_id = path_id(request)
    await verb(ctx, actor=sent.actor, status_id=status_id)
    if not wants_fragment(request):
        return redirect(request, f"{came_from(request, '/')}#status-{status_id}")
    with ctx.store.read() as snap:
        shown = card(snap, sent.actor, status_id)
    place = sent.form.get("card", "")
    return render(
        ctx,
        request,
        "_actions.html",
        sent.visitor,
        card=shown,
        card_id=int(place) if place.isascii() and place.isdigit() and len(place) < 20 else shown.id,
    )


async def vote(ctx: Context, request: Request) -> Response:
    """Vote in a poll; show its result so far."""
    sent = await submission(ctx, request)
    poll_id = path_id(request)
    if not sent.choices:
        raise Invalid("Choose an option first, then vote.")
    await polls.vote(ctx, actor=sent.actor, poll_id=poll_id, choices=sent.choices)
    if not wants_fragment(request):
        return redirect(request, f"{came_from(request, '/')}#status-{poll_id}")
    with ctx.store.read() as snap:
        shown = card(snap, sent.actor, poll_id)
    return render(ctx, request, "_poll.html", sent.visitor, card=shown)


def _draft(form: dict[str, str]) -> Draft:
    reply = form.get("in_reply_to", "")
    return Draft(
        text=form.get("text", "").replace("\r\n", "\n"),
        visibility=_VISIBILITIES.get(form.get("visibility", "")),
        spoiler_text=form.get("spoiler_text", ""),
        in_reply_to_id=int(reply) if reply.isascii() and reply.isdigit() else None,
        idempotency_key=form.get("key") or None,
    )


async def post(ctx: Context, request: Request) -> Response:
    """Post a status; show it, and the box empty again."""
    sent = await submission(ctx, request)
    draft = _draft(dict(sent.form))
    status_id = await statuses.post(ctx, actor=sent.actor, draft=draft)
    if not wants_fragment(request):
        return redirect(request, came_from(request, "/home"))
    with ctx.store.read() as snap:
        shown = card(snap, sent.actor, status_id)
    return render(
        ctx,
        request,
        "_posted.html",
        sent.visitor,
        card=shown,
        compose=compose(ctx),
        reply=draft.in_reply_to_id is not None,
    )


async def delete(ctx: Context, request: Request) -> Response:
    """Delete one of one's own statuses."""
    sent = await submission(ctx, request)
    status_id = path_id(request)
    await statuses.delete(ctx, actor=sent.actor, status_id=status_id)
    if wants_fragment(request):
        return Response(status_code=200)
    back = came_from(request, "/home")
    return redirect(request, "/home" if back.endswith(f"/{status_id}") else back)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/statuses", post),
    ("POST", "/statuses/{id}/vote", vote),
    ("POST", "/statuses/{id}/delete", delete),
    ("POST", "/statuses/{id}/{verb}", upon),
    ("POST", "/@{name}/{verb}", towards),
)
