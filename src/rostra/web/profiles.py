"""The page of an account: who it is, what it says, who follows it and whom it follows."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.account_set import Entry
from rostra.domain.accounts import Account
from rostra.domain.errors import Gone, NotFound
from rostra.domain.filters import FilterContext
from rostra.language.i18n import gettext as _
from rostra.language.i18n import mark
from rostra.ports import Context, Snapshot
from rostra.services import accounts, statuses, text
from rostra.services.discovery import tags
from rostra.services.social_graph import endorsements, relationships
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import display_name, render
from rostra.web.views import Card, Person, basis_of, cards, people, person
from rostra.web.visits import Visitor, identify, wants_fragment

PAGE: Final = 20
PEOPLE: Final = 40
SUSPENDED: Final = mark("This account has been suspended. Its profile and statuses are not shown.")


def find(ctx: Context, snap: Snapshot, name: str) -> Account:
    """Return the account with a username, when there is something to show of it.

    Raises:
        NotFound: there is none, or it was deleted.
        Gone: it is suspended.
    """
    account = accounts.lookup(snap, name, domain=ctx.settings.domain)
    state = snap.gate.state(account.ordinal)
    if state.deleted:
        raise NotFound
    if state.suspended:
        raise Gone(SUSPENDED)
    return account


def _words(ctx: Context, snap: Snapshot, account: Account) -> dict[str, Any]:
    """Return the note and the fields of a profile as the sanitised HTML they are shown as."""

    def html(plain: str) -> Markup:
        return Markup(text.render_plain(snap, plain, ctx.settings))

    return {
        "note": html(account.note) if account.note else "",
        "fields": [(field.name, html(field.value)) for field in account.fields],
    }


def _me_links(account: Account) -> list[str]:
    """Return the addresses in a profile's fields, told to be the same person's (``rel="me"``)."""
    values = (field.value.strip() for field in account.fields)
    return [value for value in values if value.startswith("https://") and " " not in value]


async def _profile(ctx: Context, request: Request, tab: str) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        account = find(ctx, snap, request.path_params["name"])
        ids = statuses.by_account(
            snap,
            visitor.ordinal,
            account.ordinal,
            limit=PAGE,
            max_id=query_id(request, "max_id"),
            exclude_replies=tab == "posts",
            exclude_reblogs=tab == "media",
            only_media=tab == "media",
        )
        listed = cards(snap, visitor.ordinal, ids, FilterContext.ACCOUNT)
        pinned: list[Card] = []
        if tab == "posts" and query_id(request, "max_id") is None:
            on_top = statuses.by_account(
                snap, visitor.ordinal, account.ordinal, limit=PAGE, pinned=True
            )
            found = cards(snap, visitor.ordinal, on_top, FilterContext.ACCOUNT)
            pinned = [replace(one, on_top=True) for one in found]
            listed = [one for one in listed if one.id not in on_top]
        shown = person(snap, visitor.ordinal, account.ordinal)
        words = _words(ctx, snap, account)
    request.state.basis = basis_of([*pinned, *listed], account.ordinal)
    path = {"posts": "", "replies": "/with_replies", "media": "/media"}[tab]
    return render(
        ctx,
        request,
        "_cards.html" if wants_fragment(request) else "profile.html",
        visitor,
        section="self" if shown.own else "profile",
        person=shown,
        **words,
        me_links=_me_links(account),
        pinned=pinned,
        cards=listed,
        more=f"/@{account.username}{path}?max_id={ids[-1]}" if len(ids) == PAGE else None,
        tab=tab,
        empty=_("%(name)s has not said anything here yet.") % {"name": display_name(account)},
    )


async def profile(ctx: Context, request: Request) -> Response:
    """Show an account and its newest statuses."""
    return await _profile(ctx, request, "posts")


async def with_replies(ctx: Context, request: Request) -> Response:
    """Show an account and its newest statuses, replies to others among them."""
    return await _profile(ctx, request, "replies")


async def media(ctx: Context, request: Request) -> Response:
    """Show an account and its newest statuses with pictures, films or sounds."""
    return await _profile(ctx, request, "media")


async def about(ctx: Context, request: Request) -> Response:
    """Show which hashtags an account features, and whom it recommends."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        account = find(ctx, snap, request.path_params["name"])
        featured = tags.featured(snap, account.ordinal)
        entries = endorsements.endorsed(snap, visitor.ordinal, account.ordinal, limit=PEOPLE)
        recommended = people(snap, visitor.ordinal, [entry.member for entry in entries])
        shown = person(snap, visitor.ordinal, account.ordinal)
        words = _words(ctx, snap, account)
    return render(
        ctx,
        request,
        "profile_about.html",
        visitor,
        section="self" if shown.own else "profile",
        person=shown,
        **words,
        me_links=_me_links(account),
        featured=featured,
        recommended=recommended,
        tab="about",
    )


def _page_of_people(
    snap: Snapshot, visitor: Visitor, entries: list[Entry]
) -> tuple[list[Person], int | None]:
    found = people(snap, visitor.ordinal, [entry.member for entry in entries])
    return found, entries[-1].position if len(entries) == PEOPLE else None


async def _list(ctx: Context, request: Request, tab: str) -> Response:
    select = relationships.followers if tab == "followers" else relationships.following
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        account = find(ctx, snap, request.path_params["name"])
        entries = select(
            snap,
            visitor.ordinal,
            account.ordinal,
            limit=PEOPLE,
            max_id=query_id(request, "max_id"),
        )
        listed, cursor = _page_of_people(snap, visitor, entries)
        shown = person(snap, visitor.ordinal, account.ordinal)
        words = _words(ctx, snap, account)
    template = "_people.html" if wants_fragment(request) else "people.html"
    return render(
        ctx,
        request,
        template,
        visitor,
        section="self" if shown.own else "profile",
        person=shown,
        **words,
        people=listed,
        more=f"/@{account.username}/{tab}?max_id={cursor}" if cursor else None,
        tab=tab,
        closed=account.hide_collections and not shown.own,
    )


async def followers(ctx: Context, request: Request) -> Response:
    """Show who follows an account, newest first."""
    return await _list(ctx, request, "followers")


async def following(ctx: Context, request: Request) -> Response:
    """Show whom an account follows, newest first."""
    return await _list(ctx, request, "following")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/@{name}", profile),
    ("GET", "/@{name}/with_replies", with_replies),
    ("GET", "/@{name}/media", media),
    ("GET", "/@{name}/about", about),
    ("GET", "/@{name}/followers", followers),
    ("GET", "/@{name}/following", following),
)
