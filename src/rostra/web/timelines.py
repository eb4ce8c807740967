"""Pages of statuses: the public timeline, one's own, a hashtag, and a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, Unpack
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rostra.domain.errors import NotFound
from rostra.domain.filters import FilterContext
from rostra.domain.ids import parse_id
from rostra.domain.pages import Page
from rostra.language import formats
from rostra.language.i18n import gettext as _
from rostra.ports import Context, Snapshot
from rostra.services import accounts, statuses
from rostra.services.discovery import tags
from rostra.services.moderation import decisions_told
from rostra.services.reading import hydration, timelines
from rostra.web.compose import compose, compose_reply
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.explore import beside
from rostra.web.record import VOID
from rostra.web.render import display_name, redirect, render
from rostra.web.views import basis_of, card, cards
from rostra.web.visits import Visitor, identify, require_account, submission, wants_fragment

PAGE: Final = 20
COUNTED_AT_ONCE: Final = 40
LONGEST_HAVE: Final = 500


class Select(Protocol):
    """Reads a page of a timeline for who visits."""

    def __call__(self, snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]: ...


def more(request: Request, ids: Sequence[int], *, size: int = PAGE) -> str | None:
    """Return the address of the statuses after those listed, or None when there are no more."""
    if len(ids) < size:
        return None
    return f"{quote(request.url.path, safe='/@')}?max_id={ids[-1]}"


def facts(snap: Snapshot) -> dict[str, int]:
    """Return the figures of the server that are shown beside its timelines."""
    return {
        "accounts": snap.gate.active_count(snap.accounts.count()),
        "statuses": snap.statuses.count(),
    }


def timeline(
    ctx: Context,
    request: Request,
    select: Select,
    *,
    place: FilterContext = FilterContext.PUBLIC,
    stream: str = "",
    write: bool = True,
    live: bool = True,
    **words: Any,
) -> Response:
    """Show a page of a timeline: whole, the cards that follow those shown, or what is new since."""
    newer = query_id(request, "since_id")
    if newer is not None:
        return _newer(ctx, request, select, place, newer, stream)
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        ids = select(snap, visitor, limit=PAGE, max_id=query_id(request, "max_id"))
        listed = cards(snap, visitor.ordinal, ids, place)
        shown: dict[str, Any] = {"cards": listed, "more": more(request, ids)}
        if wants_fragment(request):
            return render(ctx, request, "_cards.html", visitor, **shown)
        shown["facts"] = facts(snap) if visitor.account is None else None
        shown["beside"] = beside(snap, visitor)
    first_page = query_id(request, "max_id") is None
    return render(
        ctx,
        request,
        "timeline.html",
        visitor,
        compose=compose(ctx, visitor) if write and first_page else None,
        live=quote(request.url.path, safe="/@") if live and first_page else None,
        newest=max(ids, default=0),
        stream=stream,
        **shown,
        **({"feed": None, "edit": None, "tag": None} | words),
    )


def _newer(
    ctx: Context, request: Request, select: Select, place: FilterContext, since: int, stream: str
) -> Response:
    """Tell how many statuses there are above an id, or send them when they are asked for."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        ids = select(snap, visitor, limit=PAGE, since_id=since)
        many = len(ids) == PAGE
        have = request.query_params.get("have", "")[:LONGEST_HAVE]
        ids = [id_ for id_ in ids if str(id_) not in have.split(",")]
        listed = cards(snap, visitor.ordinal, ids, place)
        if "count" in request.query_params:
            if not listed:
                return Response(status_code=204)
            return render(
                ctx,
                request,
                "_new.html",
                visitor,
                number=len(listed),
                many=many,
                have=quote(have),
                at=quote(request.url.path, safe="/@"),
                since=since,
            )
    return render(
        ctx,
        request,
        "_newer.html",
        visitor,
        cards=listed,
        more=more(request, ids) if many else None,
        live=quote(request.url.path, safe="/@"),
        newest=max(ids, default=since),
        stream=stream,
    )


async def public(ctx: Context, request: Request) -> Response:
    """Show the newest public statuses, and what this server is."""

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.public(snap, visitor.ordinal, **page)

    return timeline(
        ctx,
        request,
        select,
        stream="local",
        section="public",
        heading=_("Public timeline"),
        empty=_("Nobody has said anything yet."),
    )


async def home(ctx: Context, request: Request) -> Response:
    """Show the newest statuses of those the visitor follows."""

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.home(snap, require_account(visitor).ordinal, **page)

    return timeline(
        ctx,
        request,
        select,
        place=FilterContext.HOME,
        stream="home",
        section="home",
        heading=_("Home"),
        empty=_("Follow somebody, and what they say appears here."),
    )


async def tag(ctx: Context, request: Request) -> Response:
    """Show the newest public statuses with a hashtag."""
    name = request.path_params["tag"]
    with ctx.store.read() as snap:
        shown = tags.show(snap, identify(snap, request).ordinal, name)

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.tag(snap, visitor.ordinal, name.lower(), **page)

    return timeline(
        ctx,
        request,
        select,
        write=False,
        stream=f"tag&tag={quote(name)}",
        section="tag",
        heading=f"#{name}",
        tag=shown,
        empty=_("No public post has this hashtag yet."),
        feed=f"/tags/{quote(name)}.rss",
    )


async def follow_tag(ctx: Context, request: Request) -> Response:
    """Follow a hashtag, or follow it no longer."""
    sent = await submission(ctx, request)
    verb = {"follow": tags.follow, "unfollow": tags.unfollow}.get(request.path_params["verb"])
    if verb is None:
        raise NotFound
    name = request.path_params["tag"]
    await verb(ctx, actor=sent.actor, name=name)
    if not wants_fragment(request):
        return redirect(request, f"/tags/{quote(name)}")
    with ctx.store.read() as snap:
        shown = tags.show(snap, sent.actor, name)
    return render(ctx, request, "_follow_tag.html", sent.visitor, tag=shown)


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
        decides = decisions_told.told(snap, original)
        ancestors = cards(snap, visitor.ordinal, before, FilterContext.THREAD)
        descendants = cards(snap, visitor.ordinal, after, FilterContext.THREAD)
    request.state.basis = basis_of([shown, *ancestors, *descendants])
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
        decides=decides,
        void=VOID,
        compose=compose_reply(ctx, visitor, shown),
        author_name=display_name(shown.view.author.account),
    )


async def by_id(ctx: Context, request: Request) -> Response:
    """Send the visitor of ``/statuses/<id>`` to the page of that status."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        status = statuses.show(snap, visitor.ordinal, path_id(request))
        author = hydration.account_views(snap, [status.author])[status.author].account
    return redirect(request, f"/@{author.username}/{status.id}")


async def counts(ctx: Context, request: Request) -> Response:
    """Tell the counts of some statuses as they are now, to be shown in place."""
    asked = request.query_params.get("ids", "").split(",")[:COUNTED_AT_ONCE]
    ids = [id_ for id_ in map(parse_id, asked) if id_ is not None]
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        found = statuses.visible(snap, visitor.ordinal, list(snap.statuses.many(ids).values()))
        figures = {
            str(status.id): (
                hydration.reply_count(snap, status.id),
                *hydration.boost_and_like_counts(snap, status.id),
            )
            for status in found
        }
    written = {
        id_: [formats.short(number) if number else "" for number in numbers]
        for id_, numbers in figures.items()
    }
    return JSONResponse(written)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/", public),
    ("GET", "/public", public),
    ("GET", "/home", home),
    ("GET", "/counts", counts),
    ("GET", "/tags/{tag}", tag),
    ("POST", "/tags/{tag}/{verb}", follow_tag),
    ("GET", "/@{name}/{id:int}", thread),
    ("GET", "/statuses/{id}", by_id),
)
