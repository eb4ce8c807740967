"""Exploring: what trends, and whom one may want to follow."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.cards import Card
from rostra.domain.filters import FilterContext
from rostra.ports import Context, Snapshot
from rostra.services import accounts
from rostra.services.attachments import cards as previews
from rostra.services.discovery import suggestions, tags, trends
from rostra.web.endpoints import Handler
from rostra.web.render import redirect, render
from rostra.web.views import cards, people
from rostra.web.visits import Visitor, identify, require_account, submission, wants_fragment

STATUSES: Final = 20
TAGS: Final = 10
PEOPLE: Final = 20
BESIDE: Final = 4


def beside(snap: Snapshot, visitor: Visitor) -> dict[str, Any]:
    """Return what stands beside the timelines: hashtags that trend, and whom one may follow."""
    names = trends.tags(snap, visitor.ordinal)[:BESIDE]
    suggested: list[int] = []
    if visitor.ordinal is not None:
        found = suggestions.suggestions(snap, visitor.ordinal, limit=BESIDE)
        suggested = [one.account for one in found]
    return {
        "tags": [tags.view_of(snap, visitor.ordinal, name) for name in names],
        "people": people(snap, visitor.ordinal, suggested),
    }


async def page(ctx: Context, request: Request) -> Response:
    """Show what trends: statuses, hashtags, links; or whom to follow."""
    tab = request.path_params.get("tab", "posts")
    found: dict[str, Any] = {"cards": [], "tags": [], "links": [], "people": []}
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = visitor.ordinal
        if tab == "tags":
            names = trends.tags(snap, viewer)[:TAGS]
            found["tags"] = [tags.view_of(snap, viewer, name) for name in names]
        elif tab == "links":
            found["links"] = _links(snap, viewer)
        elif tab == "people":
            if viewer is None:
                ordinals = suggestions.directory(snap, None, order="active", limit=PEOPLE)
            else:
                listed = suggestions.suggestions(snap, viewer, limit=PEOPLE)
                ordinals = [one.account for one in listed]
            found["people"] = people(snap, viewer, ordinals)
        else:
            tab = "posts"
            ids = trends.statuses(snap, viewer)[:STATUSES]
            found["cards"] = cards(snap, viewer, ids, FilterContext.PUBLIC)
    return render(
        ctx, request, "explore.html", visitor, section="explore", tab=tab, more=None, **found
    )


def _links(snap: Snapshot, viewer: int | None) -> list[Card]:
    found = []
    for trend in trends.links(snap, viewer)[:TAGS]:
        card = snap.cards.get(previews.hash_of(trend.subject))
        found.append(card if card is not None and card.found else Card(url=trend.subject))
    return found


async def dismiss(ctx: Context, request: Request) -> Response:
    """Suggest an account no more."""
    sent = await submission(ctx, request)
    with ctx.store.read() as snap:
        require_account(sent.visitor)
        name = request.path_params["name"]
        account = accounts.lookup(snap, name, domain=ctx.settings.domain)
    await suggestions.dismiss(ctx, actor=sent.actor, account_id=account.id)
    if wants_fragment(request):
        return Response(status_code=200)
    return redirect(request, "/explore/people")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/explore", page),
    ("GET", "/explore/{tab}", page),
    ("POST", "/suggestions/{name}/dismiss", dismiss),
)
