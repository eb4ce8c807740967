"""Filters: words one does not want to read unwarned; made, changed and removed."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import RostraError
from rostra.domain.filters import MAX_KEYWORD, MAX_TITLE, Filter, FilterAction, FilterContext
from rostra.ports import Context
from rostra.services.reading import filters
from rostra.services.reading.filters import Changes, KeywordChange
from rostra.web.endpoints import Handler, path_id
from rostra.web.render import plain_words, redirect, render
from rostra.web.visits import Submission, identify, require_account, submission

_DURATIONS: Final = (0, 1800, 3600, 21600, 43200, 86400, 604800)


async def index(ctx: Context, request: Request) -> Response:
    """Show the visitor's filters."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        found = snap.filters.of(require_account(visitor).ordinal)
    return render(
        ctx,
        request,
        "preferences/filters.html",
        visitor,
        section="settings",
        tab="filters",
        filters=found,
    )


def _form(
    ctx: Context,
    request: Request,
    found: Filter | None,
    *,
    sent: Submission | None = None,
    error: RostraError | None = None,
) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
    require_account(visitor)
    words = "\n".join(one.keyword for one in found.keywords) if found else ""
    return render(
        ctx,
        request,
        "preferences/filter.html",
        visitor,
        status=error.status if error else 200,
        section="settings",
        tab="filters",
        filter=found,
        title=sent.form.get("title", "") if sent else found.title if found else "",
        words=sent.form.get("words", "") if sent else words,
        whole=bool(sent.form.get("whole_word"))
        if sent
        else all(one.whole_word for one in found.keywords)
        if found
        else True,
        contexts=sent.all("context")
        if sent
        else [one.value for one in found.contexts]
        if found
        else [FilterContext.HOME.value, FilterContext.PUBLIC.value],
        action=sent.form.get("action", "") if sent else (found.action.value if found else "warn"),
        actions=[one.value for one in FilterAction],
        all_contexts=[one.value for one in FilterContext],
        durations=_DURATIONS,
        max_title=MAX_TITLE,
        max_keyword=MAX_KEYWORD,
        error=plain_words(error) if error else "",
    )


async def new(ctx: Context, request: Request) -> Response:
    """Show a form for a new filter."""
    return _form(ctx, request, None)


def _found(ctx: Context, request: Request) -> Filter:
    with ctx.store.read() as snap:
        viewer = require_account(identify(snap, request)).ordinal
        return filters.show(snap, viewer, path_id(request))


async def edit(ctx: Context, request: Request) -> Response:
    """Show a filter, to be changed."""
    return _form(ctx, request, _found(ctx, request))


def _changes(sent: Submission, before: Filter | None) -> Changes:
    """Return what a form asks for: a keyword a line, those that are there already kept."""
    whole = bool(sent.form.get("whole_word"))
    lines = (line.strip() for line in sent.form.get("words", "").splitlines())
    wanted = list(dict.fromkeys(line for line in lines if line))
    known = {one.keyword: one.id for one in before.keywords} if before else {}
    keywords = [
        KeywordChange(id=known.pop(word, None), keyword=word, whole_word=whole) for word in wanted
    ]
    keywords += [KeywordChange(id=id_, remove=True) for id_ in known.values()]
    expires = sent.form.get("expires_in", "")
    return Changes(
        title=sent.form.get("title", ""),
        contexts=tuple(sent.all("context")),
        action=sent.form.get("action") or None,
        expires_in_s=int(expires) if expires.isascii() and expires.isdigit() else None,
        keywords=tuple(keywords),
    )


async def create(ctx: Context, request: Request) -> Response:
    """Make a filter."""
    sent = await submission(ctx, request)
    try:
        await filters.create(ctx, actor=sent.actor, changes=_changes(sent, None))
    except RostraError as error:
        return _form(ctx, request, None, sent=sent, error=error)
    return redirect(request, "/filters")


async def update(ctx: Context, request: Request) -> Response:
    """Change a filter."""
    sent = await submission(ctx, request)
    found = _found(ctx, request)
    try:
        changes = _changes(sent, found)
        await filters.update(ctx, actor=sent.actor, filter_id=found.id, changes=changes)
    except RostraError as error:
        return _form(ctx, request, found, sent=sent, error=error)
    return redirect(request, "/filters")


async def delete(ctx: Context, request: Request) -> Response:
    """Remove a filter."""
    sent = await submission(ctx, request)
    await filters.delete(ctx, actor=sent.actor, filter_id=path_id(request))
    return redirect(request, "/filters")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/filters", index),
    ("POST", "/filters", create),
    ("GET", "/filters/new", new),
    ("GET", "/filters/{id}", edit),
    ("POST", "/filters/{id}", update),
    ("POST", "/filters/{id}/delete", delete),
)
