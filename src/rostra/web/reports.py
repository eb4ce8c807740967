"""Reporting an account to the moderators, with statuses of it or without."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.errors import RostraError
from rostra.domain.ids import parse_id
from rostra.domain.reports import Category
from rostra.ports import Context
from rostra.services import accounts
from rostra.services.moderation import reports
from rostra.web.endpoints import Handler, query_id
from rostra.web.render import plain_words, render
from rostra.web.views import cards
from rostra.web.visits import Submission, identify, require_account, submission


def _page(
    ctx: Context,
    request: Request,
    *,
    sent: Submission | None = None,
    error: RostraError | None = None,
    done: bool = False,
) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        viewer = require_account(visitor).ordinal
        target = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
        asked = query_id(request, "status")
        shown = cards(snap, viewer, [asked]) if asked is not None else []
        rules = snap.about.rules()
    return render(
        ctx,
        request,
        "report.html",
        visitor,
        status=error.status if error else 200,
        section="report",
        target=target,
        cards=shown,
        rules=rules,
        categories=[one.value for one in Category if one != Category.VIOLATION or rules],
        typed=sent.form if sent else {},
        error=plain_words(error) if error else "",
        done=done,
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show the form to report an account."""
    return _page(ctx, request)


async def report(ctx: Context, request: Request) -> Response:
    """Tell the moderators of an account."""
    sent = await submission(ctx, request)
    with ctx.store.read() as snap:
        target = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
    try:
        await reports.report(
            ctx,
            actor=sent.actor,
            target=target.ordinal,
            statuses=_ids(sent, "status"),
            comment=sent.form.get("comment", ""),
            category=sent.form.get("category") or None,
            rules=_ids(sent, "rule"),
        )
    except RostraError as error:
        return _page(ctx, request, sent=sent, error=error)
    return _page(ctx, request, done=True)


def _ids(sent: Submission, name: str) -> list[int]:
    return [id_ for id_ in map(parse_id, sent.all(name)) if id_ is not None]


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/@{name}/report", page),
    ("POST", "/@{name}/report", report),
)
