"""What the signed-in do from a page: follow and block, like and boost, vote, write and delete.

Each answers htmx with the part of the page that changed, read back after the change, and a plain
form with the way back to the page it came from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Invalid, NotFound
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.services.moderation import enforcing
from rostra.services.publishing import polls
from rostra.services.social_graph import endorsements, relationships
from rostra.web.admin import rows
from rostra.web.endpoints import Handler, path_id
from rostra.web.profiles import find
from rostra.web.render import redirect, render
from rostra.web.views import card, person
from rostra.web.visits import Submission, came_from, identify, submission, wants_fragment

_TOWARDS: Final[dict[str, Callable[..., Awaitable[Any]]]] = {
    "follow": relationships.follow,
    "unfollow": relationships.unfollow,
    "block": relationships.block,
    "unblock": relationships.unblock,
    "unmute": relationships.unmute,
    "endorse": endorsements.endorse,
    "unendorse": endorsements.unendorse,
    "remove_follower": relationships.remove_follower,
    "hide_boosts": partial(relationships.follow, reblogs=False),
    "show_boosts": partial(relationships.follow, reblogs=True),
    "notify": partial(relationships.follow, notify=True),
    "stop_notifying": partial(relationships.follow, notify=False),
}
_NEEDS_PRESENCE: Final = ("follow", "hide_boosts", "show_boosts", "notify", "stop_notifying")
_LONGEST_MUTE_S: Final = 10 * 365 * 86_400
_UPON: Final[dict[str, Callable[..., Awaitable[int]]]] = {
    "favourite": statuses.favourite,
    "unfavourite": statuses.unfavourite,
    "reblog": statuses.reblog,
    "unreblog": statuses.unreblog,
    "bookmark": statuses.bookmark,
    "unbookmark": statuses.unbookmark,
}


def _towards(name: str, sent: Submission) -> Callable[..., Awaitable[Any]]:
    if name == "mute":
        duration = sent.form.get("duration", "")
        seconds = int(duration) if duration.isascii() and duration.isdigit() else 0
        return partial(relationships.mute, duration_s=min(seconds, _LONGEST_MUTE_S))
    verb = _TOWARDS.get(name)
    if verb is None:
        raise NotFound
    return verb


async def note(ctx: Context, request: Request) -> Response:
    """Keep a private note on an account."""
    sent = await submission(ctx, request)
    with ctx.store.read() as snap:
        target = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
    await relationships.set_note(
        ctx, actor=sent.actor, target=target.ordinal, note=sent.form.get("comment", "")
    )
    if wants_fragment(request):
        return Response(status_code=204)
    return redirect(request, f"/@{target.username}")


async def towards(ctx: Context, request: Request) -> Response:
    """Follow, block or mute an account, or undo that; show the button as it is now."""
    sent = await submission(ctx, request)
    verb = _towards(request.path_params["verb"], sent)
    name = request.path_params["name"]
    with ctx.store.read() as snap:
        if request.path_params["verb"] in _NEEDS_PRESENCE:
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
        figures = rows(enforcing.figures(snap, target.ordinal)) if dossier else ()
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


async def poll(ctx: Context, request: Request) -> Response:
    """Show a poll as it stands now, in the place of what was shown of it."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        status_id = path_id(request)
        statuses.show(snap, visitor.ordinal, status_id)
        shown = card(snap, visitor.ordinal, status_id)
    if shown.view.poll is None:
        raise NotFound
    if not wants_fragment(request):
        return redirect(request, f"/statuses/{status_id}")
    return render(ctx, request, "_poll.html", visitor, card=shown)


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
    ("GET", "/statuses/{id}/poll", poll),
    ("POST", "/statuses/{id}/vote", vote),
    ("POST", "/statuses/{id}/delete", delete),
    ("POST", "/statuses/{id}/{verb}", upon),
    ("POST", "/@{name}/note", note),
    ("POST", "/@{name}/{verb}", towards),
)
