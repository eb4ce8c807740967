"""Lists: accounts read apart from the rest; made, filled, read and thrown away."""

from __future__ import annotations

from typing import Final, Unpack

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import Invalid
from rostra.domain.filters import FilterContext
from rostra.domain.lists import MAX_TITLE, RepliesPolicy
from rostra.domain.pages import Page
from rostra.language.i18n import gettext as _
from rostra.ports import Context, Snapshot
from rostra.services import accounts
from rostra.services.reading import timelines
from rostra.services.social_graph import lists
from rostra.web.endpoints import Handler, path_id
from rostra.web.render import redirect, render
from rostra.web.timelines import timeline
from rostra.web.views import people
from rostra.web.visits import Submission, Visitor, came_from, identify, require_account, submission

_POLICIES: Final = {policy.label: policy for policy in RepliesPolicy}


async def index(ctx: Context, request: Request) -> Response:
    """Show the visitor's lists."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        found = [(one, len(lists.everybody(snap, viewer, one.id))) for one in snap.lists.of(viewer)]
    return render(
        ctx, request, "lists.html", visitor, section="lists", lists=found, max_title=MAX_TITLE
    )


async def show(ctx: Context, request: Request) -> Response:
    """Show what the members of a list have said."""
    list_id = path_id(request)
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        found = lists.show(snap, require_account(visitor).ordinal, list_id)

    def select(snap: Snapshot, visitor: Visitor, **page: Unpack[Page]) -> list[int]:
        return timelines.in_list(snap, require_account(visitor).ordinal, list_id, **page)

    return timeline(
        ctx,
        request,
        select,
        place=FilterContext.HOME,
        write=False,
        stream=f"list&list={list_id}",
        section="lists",
        heading=found.title,
        edit=f"/lists/{list_id}/edit",
        empty=_("Nobody on this list has said anything yet."),
    )


async def edit(ctx: Context, request: Request) -> Response:
    """Show a list's name, its rules and who is on it."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        found = lists.show(snap, viewer, path_id(request))
        members = people(snap, viewer, lists.everybody(snap, viewer, found.id))
    return render(
        ctx,
        request,
        "list.html",
        visitor,
        section="lists",
        list=found,
        members=members,
        policies=list(_POLICIES),
        max_title=MAX_TITLE,
    )


async def create(ctx: Context, request: Request) -> Response:
    """Make a list."""
    sent = await submission(ctx, request)
    made = await lists.create(ctx, actor=sent.actor, title=sent.form.get("title", ""))
    return redirect(request, f"/lists/{made.id}/edit")


async def update(ctx: Context, request: Request) -> Response:
    """Give a list another name or other rules."""
    sent = await submission(ctx, request)
    after = await lists.update(
        ctx,
        actor=sent.actor,
        list_id=path_id(request),
        title=sent.form.get("title"),
        replies=_POLICIES.get(sent.form.get("replies_policy", "")),
        exclusive=bool(sent.form.get("exclusive")),
    )
    return redirect(request, f"/lists/{after.id}")


async def delete(ctx: Context, request: Request) -> Response:
    """Throw a list away."""
    sent = await submission(ctx, request)
    await lists.delete(ctx, actor=sent.actor, list_id=path_id(request))
    return redirect(request, "/lists")


def _named(ctx: Context, sent: Submission) -> int:
    name = sent.form.get("name", "").strip()
    if not name:
        raise Invalid("Write whom to add, as @name.")
    with ctx.store.read() as snap:
        return accounts.lookup(snap, name, domain=ctx.settings.domain).ordinal


async def add(ctx: Context, request: Request) -> Response:
    """Put somebody on a list."""
    sent = await submission(ctx, request)
    list_id = path_id(request)
    await lists.add_members(ctx, actor=sent.actor, list_id=list_id, members=[_named(ctx, sent)])
    return redirect(request, came_from(request, f"/lists/{list_id}/edit"))


async def remove(ctx: Context, request: Request) -> Response:
    """Take somebody off a list."""
    sent = await submission(ctx, request)
    list_id = path_id(request)
    await lists.remove_members(ctx, actor=sent.actor, list_id=list_id, members=[_named(ctx, sent)])
    return redirect(request, came_from(request, f"/lists/{list_id}/edit"))


async def of_account(ctx: Context, request: Request) -> Response:
    """Show which of the visitor's lists an account is on."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        name = request.path_params["name"]
        account = accounts.lookup(snap, name, domain=ctx.settings.domain)
        found = snap.lists.of(viewer)
        on = {one.id for one in lists.containing(snap, viewer, account.ordinal)}
    return render(
        ctx, request, "on_lists.html", visitor, section="lists", account=account, lists=found, on=on
    )


async def place(ctx: Context, request: Request) -> Response:
    """Put an account on the lists that were chosen, and take it off the others."""
    sent = await submission(ctx, request)
    with ctx.store.read() as snap:
        name = request.path_params["name"]
        account = accounts.lookup(snap, name, domain=ctx.settings.domain)
        known = [one.id for one in snap.lists.of(sent.actor)]
        on = {one.id for one in lists.containing(snap, sent.actor, account.ordinal)}
    chosen = set(sent.all("list"))
    for list_id in known:
        wanted = str(list_id) in chosen
        if wanted != (list_id in on):
            change = lists.add_members if wanted else lists.remove_members
            await change(ctx, actor=sent.actor, list_id=list_id, members=[account.ordinal])
    return redirect(request, f"/@{account.username}")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/@{name}/lists", of_account),
    ("POST", "/@{name}/lists", place),
    ("GET", "/lists", index),
    ("POST", "/lists", create),
    ("GET", "/lists/{id}", show),
    ("POST", "/lists/{id}", update),
    ("GET", "/lists/{id}/edit", edit),
    ("POST", "/lists/{id}/delete", delete),
    ("POST", "/lists/{id}/add", add),
    ("POST", "/lists/{id}/remove", remove),
)
