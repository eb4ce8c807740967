"""Pages of statuses: the public timeline, one's own, a hashtag, and a thread."""

from __future__ import annotations

import secrets
from typing import Any, Final, Protocol, Unpack

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import NotFound
from rostra.domain.pages import Page
from rostra.domain.statuses import Visibility
from rostra.ports import Context, Snapshot
from rostra.services import accounts, hydration, statuses, timelines
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import display_name, redirect, render
from rostra.web.views import Card, card, cards
from rostra.web.visits import Visitor, identify, require_account, wants_fragment

PAGE: Final = 20


class Select(Protocol):
    """Reads a page of a timeline for who visits."""

    def __call__(self, snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]: ...


def compose(
    ctx: Context,
    text: str = "",
    in_reply_to: Card | None = None,
    visibility: Visibility = Visibility.PUBLIC,
) -> dict[str, Any]:
    """Return what the box to write in needs; its key makes sending it twice post it once."""
    return {
        "key": secrets.token_urlsafe(12),
        "text": text,
        "in_reply_to": in_reply_to.view.status.id if in_reply_to else None,
        "visibility": visibility.label,
        "limit": ctx.settings.max_characters,
    }


def _more(request: Request, listed: list[Card]) -> str | None:
    if len(listed) < PAGE:
        return None
    return f"{request.url.path}?max_id={listed[-1].id}"


def _facts(snap: Snapshot) -> dict[str, int]:
    return {
        "accounts": snap.gate.active_count(snap.accounts.count()),
        "statuses": snap.statuses.count(),
    }


def _timeline(ctx: Context, request: Request, select: Select, **words: Any) -> Response:
    """Show a page of a timeline: the whole page, or the cards that follow those shown already."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        ids = select(snap, visitor, limit=PAGE, max_id=query_id(request, "max_id"))
        listed = cards(snap, visitor.ordinal, ids)
        facts = _facts(snap)
    shown: dict[str, Any] = {"cards": listed, "more": _more(request, listed), "facts": facts}
    template = "_cards.html"
    if not wants_fragment(request):
        template = "timeline.html"
        shown["compose"] = compose(ctx)
    return render(ctx, request, template, visitor, **shown, **words)


async def public(ctx: Context, request: Request) -> Response:
    """Show the newest public statuses, and what this server is."""

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.public(snap, visitor.ordinal, **page)

    return _timeline(
        ctx,
        request,
        select,
        section="public",
        heading="Public timeline",
        empty="Nobody has said anything yet.",
    )


async def home(ctx: Context, request: Request) -> Response:
    """Show the newest statuses of those the visitor follows."""

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.home(snap, require_account(visitor).ordinal, **page)

    return _timeline(
        ctx,
        request,
        select,
        section="home",
        heading="Home",
        empty="Follow somebody, and what they say appears here.",
    )


async def tag(ctx: Context, request: Request) -> Response:
    """Show the newest public statuses with a hashtag."""
    name = request.path_params["tag"]

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.tag(snap, visitor.ordinal, name.lower(), **page)

    return _timeline(
        ctx,
        request,
        select,
        section="tag",
        heading=f"#{name}",
        empty="No public status has this hashtag yet.",
    )


def _mentions(visitor: Visitor, shown: Card) -> str:
    people = [shown.view.author.account, *shown.view.mentions]
    names = dict.fromkeys(person.username for person in people if person.ordinal != visitor.ordinal)
    return "".join(f"@{name} " for name in names)


async def thread(ctx: Context, request: Request) -> Response:
    """Show a status between what it answers and what answers it."""
    status_id = path_id(request)
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        status = statuses.show(snap, visitor.ordinal, status_id)
        author = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
        if author.ordinal != status.author:
            raise NotFound
        original = statuses.show(snap, visitor.ordinal, status.reblog_of or status_id)
        before, after = statuses.context(snap, visitor.ordinal, original.id)
        shown = card(snap, visitor.ordinal, original.id)
        ancestors = cards(snap, visitor.ordinal, before)
        descendants = cards(snap, visitor.ordinal, after)
    if original.id != status_id:
        name = shown.view.author.account.username
        return redirect(request, f"/@{name}/{original.id}")
    return render(
        ctx,
        request,
        "thread.html",
        visitor,
        section="thread",
        card=shown,
        ancestors=ancestors,
        descendants=descendants,
        compose=compose(ctx, _mentions(visitor, shown), shown, original.visibility),
        author_name=display_name(shown.view.author.account),
    )


async def by_id(ctx: Context, request: Request) -> Response:
    """Send the visitor of ``/statuses/<id>`` to the page of that status."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        status = statuses.show(snap, visitor.ordinal, path_id(request))
        author = hydration.account_views(snap, [status.author])[status.author].account
    return redirect(request, f"/@{author.username}/{status.id}")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/", public),
    ("GET", "/home", home),
    ("GET", "/tags/{tag}", tag),
    ("GET", "/@{name}/{id}", thread),
    ("GET", "/statuses/{id}", by_id),
)
