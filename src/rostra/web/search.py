"""Searching: accounts, hashtags and statuses, each in a tab, all of them at a glance."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot
from rostra.services.discovery import search, tags
from rostra.web.endpoints import Handler
from rostra.web.render import redirect, render
from rostra.web.views import cards, people
from rostra.web.visits import Visitor, identify, wants_fragment

PAGE: Final = 20
GLANCE: Final = 5
DEEPEST: Final = 2000
TABS: Final = ("all", "accounts", "hashtags", "posts")
LONGEST: Final = 400


def _found(
    ctx: Context, snap: Snapshot, visitor: Visitor, q: str, tab: str, offset: int
) -> dict[str, Any]:
    viewer = visitor.ordinal
    limit = GLANCE if tab == "all" else PAGE
    found: dict[str, Any] = {"people": [], "tags": [], "cards": []}
    if tab in ("all", "accounts"):
        accounts = search.accounts(
            snap, viewer, q, limit=limit, offset=offset, domain=ctx.settings.domain
        )
        found["people"] = people(snap, viewer, [account.ordinal for account in accounts])
    if tab in ("all", "hashtags"):
        names = search.hashtags(snap, viewer, q, limit=limit, offset=offset)
        found["tags"] = [tags.view_of(snap, viewer, name) for name in names]
    if tab in ("all", "posts") and viewer is not None:
        ids = search.statuses(snap, viewer, q, limit=limit, offset=offset)
        found["cards"] = cards(snap, viewer, ids)
    return found


def _way(ctx: Context, snap: Snapshot, visitor: Visitor, q: str) -> str | None:
    """Return the path of what an address that was pasted leads to here."""
    if not q.startswith(("http://", "https://")):
        return None
    there = search.address(snap, visitor.ordinal, q, url=ctx.settings.url)
    if isinstance(there, Account):
        return f"/@{there.username}"
    return f"/statuses/{there.id}" if isinstance(there, Status) else None


async def page(ctx: Context, request: Request) -> Response:
    """Show what there is for some words."""
    q = request.query_params.get("q", "").strip()[:LONGEST]
    tab = request.query_params.get("type", "all")
    tab = tab if tab in TABS else "all"
    asked = request.query_params.get("offset", "")
    offset = min(int(asked), DEEPEST) if asked.isascii() and asked.isdigit() else 0
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        way = _way(ctx, snap, visitor, q) if q else None
        found = _found(ctx, snap, visitor, q, tab, offset if tab != "all" else 0) if q else {}
    if way is not None:
        return redirect(request, way)
    listed: list[Any] = next(
        (found[kind] for kind in ("people", "tags", "cards") if found.get(kind)), []
    )
    more = None
    if tab != "all" and len(listed) == PAGE and offset < DEEPEST:
        more = f"/search?{urlencode({'q': q, 'type': tab, 'offset': offset + PAGE})}"
    template = "search.html"
    if wants_fragment(request) and offset:
        template = {"accounts": "_people.html", "hashtags": "_tags.html"}.get(tab, "_cards.html")
    return render(
        ctx,
        request,
        template,
        visitor,
        section="search",
        query=q,
        tab=tab,
        more=more,
        nothing=bool(q) and not any(found.values()),
        **({"people": [], "tags": [], "cards": []} | found),
    )


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (("GET", "/search", page),)
