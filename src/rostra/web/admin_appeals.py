"""The pages of moderation: appeals, those promised first at the head, and deciding about one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account
from rostra.domain.appeals import Appeal
from rostra.domain.errors import Conflict, Forbidden, Invalid, RostraError
from rostra.ports import Context, Snapshot
from rostra.services.appeals import deciding
from rostra.services.appeals.deciding import Shown
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import plain_words, redirect, render
from rostra.web.visits import identify, require_moderator, submission

PAGE: Final = 20
APPEALS: Final = "/admin/appeals"
WHICH: Final = ("open", "overdue", "decided")


class Row(Struct, frozen=True):
    """One appeal in the list."""

    appeal: Appeal
    account: Account | None
    overdue: bool


async def many(ctx: Context, request: Request) -> Response:
    """List appeals: those that are open, those overdue among them, or those decided."""
    which = request.query_params.get("state", "open")
    which = which if which in WHICH else "open"
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        max_id = query_id(request, "max_id")
        found = deciding.listed(snap, which=which, limit=PAGE, max_id=max_id)
        accounts = snap.accounts.many({one.account for one in found})
        rows = [Row(one, accounts.get(one.account), one.overdue(snap.now)) for one in found]
        figures = {
            "open": snap.appeals.count_open(),
            "overdue": snap.appeals.count_open(overdue_at=snap.now),
        }
    more = None
    if which == "decided" and len(found) == PAGE:
        more = f"{APPEALS}?state=decided&max_id={found[-1].id}"
    return render(
        ctx,
        request,
        "admin/appeals.html",
        visitor,
        section="admin",
        rows=rows,
        which=which,
        figures=figures,
        more=more,
    )


def _names(snap: Snapshot, shown: Shown) -> Mapping[int, Account]:
    """Return the accounts that the page of an appeal names, by their ordinals."""
    involved = {step.by for step in shown.appeal.history}
    involved |= {shown.decision.moderator, shown.appeal.decided_by}
    return snap.accounts.many(one for one in involved if one is not None)


async def _show(
    ctx: Context,
    request: Request,
    *,
    error: RostraError | None = None,
    typed: str = "",
) -> Response:
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        moderator = require_moderator(visitor)
        shown = deciding.show(snap, moderator.ordinal, path_id(request))
        names = _names(snap, shown)
    return render(
        ctx,
        request,
        "admin/appeal.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        shown=shown,
        appeal=shown.appeal,
        names=names,
        refusal=plain_words(shown.refusal) if shown.refusal else "",
        error=plain_words(error) if error else "",
        typed=typed,
    )


async def show(ctx: Context, request: Request) -> Response:
    """Show one appeal: what was decided, what is said against it, and what it rests on."""
    return await _show(ctx, request)


def _does(work: Callable[..., Awaitable[Appeal]], *, answers: bool) -> Handler:
    async def act(ctx: Context, request: Request) -> Response:
        sent = await submission(ctx, request)
        reply = sent.form.get("reply", "")
        said = {"reply": reply} if answers else {}
        try:
            await work(ctx, moderator=sent.actor, appeal_id=path_id(request), **said)
        except (Invalid, Conflict, Forbidden) as error:
            return await _show(ctx, request, error=error, typed=reply)
        return redirect(request, f"{APPEALS}/{path_id(request)}")

    return act


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", APPEALS, many),
    ("GET", APPEALS + "/{id}", show),
    ("POST", APPEALS + "/{id}/accept", _does(deciding.accept, answers=True)),
    ("POST", APPEALS + "/{id}/reject", _does(deciding.reject, answers=True)),
    ("POST", APPEALS + "/{id}/allow_again", _does(deciding.allow_again, answers=False)),
)
