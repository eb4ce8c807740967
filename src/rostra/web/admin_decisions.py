"""The pages of moderation: reinstatements and amnesties left to public polls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import local_name
from rostra.domain.decision_polls import WHOLE
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound, RostraError
from rostra.domain.ids import parse_id
from rostra.ports import Context
from rostra.services.moderation import decision_polls
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import plain_words, redirect, render
from rostra.web.visits import identify, require_moderator, submission

PAGE: Final = 20
DECISIONS: Final = "/admin/decisions"
_NUMBER: Final = re.compile(r"\d{1,19}\Z")
_SHARE: Final = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\Z")


async def many(
    ctx: Context,
    request: Request,
    *,
    error: RostraError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """List what is left to polls, with the form to leave something to one."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        found = decision_polls.listed(snap, limit=PAGE, max_id=query_id(request, "max_id"))
        shown = [decision_polls.show(snap, one) for one in found]
    more = f"{DECISIONS}?max_id={found[-1].id}" if len(found) == PAGE else None
    return render(
        ctx,
        request,
        "admin/decisions.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        decisions=shown,
        more=more,
        error=plain_words(error) if error else "",
        typed=typed or request.query_params,
    )


async def list_all(ctx: Context, request: Request) -> Response:
    """List what is left to polls."""
    return await many(ctx, request)


async def bind(ctx: Context, request: Request) -> Response:
    """Leave the return of an account, or an amnesty, to a poll."""
    sent = await submission(ctx, request)
    form = sent.form
    try:
        account, amnesty = _target(ctx, form)
        decision = await decision_polls.bind(
            ctx,
            moderator=sent.actor,
            poll=_poll(form.get("poll", "")),
            share=_share(form.get("share", "")),
            account=account,
            amnesty=amnesty,
            yes=int(form["yes"]) - 1 if _NUMBER.match(form.get("yes", "")) else 0,
            quorum=int(form["quorum"]) if _NUMBER.match(form.get("quorum", "")) else 0,
        )
    except (Invalid, Conflict, Forbidden, NotFound) as error:
        return await many(ctx, request, error=error, typed=form)
    return redirect(request, f"{DECISIONS}/{decision.id}")


def _target(ctx: Context, form: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return the account (an ordinal) and the amnesty that a form names."""
    typed = form.get("about", "").strip()
    if _NUMBER.match(typed):  # with an @ before it, it is a handle of digits alone
        return None, parse_id(typed)
    name = local_name(typed, ctx.settings.domain)
    with ctx.store.read() as snap:
        account = snap.accounts.by_username(name)
    if account is None:
        raise NotFound("There is no account of this name: write @name, or the number of an amnesty")
    return account.ordinal, None


def _poll(text: str) -> int:
    """Return the id of a poll, typed alone or at the end of its address."""
    return parse_id(text.strip().rstrip("/").rpartition("/")[2]) or 0


def _share(text: str) -> int:
    """Return a percentage in hundredths of a percent."""
    found = _SHARE.match(text.strip().removesuffix("%").strip())
    share = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0
    if not 1 <= share <= WHOLE:
        raise Invalid("Write how much of the votes it takes as a percentage, such as 50.01.")
    return share


async def show(ctx: Context, request: Request, *, error: RostraError | None = None) -> Response:
    """Show what one poll decides."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        decision = decision_polls.require_decision(snap, path_id(request))
        shown = decision_polls.show(snap, decision)
        refusal = decision_polls.refusal(snap, decision)
    return render(
        ctx,
        request,
        "admin/decision.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        shown=shown,
        decision=decision,
        refusal=refusal,
        error=plain_words(error) if error else "",
    )


async def show_one(ctx: Context, request: Request) -> Response:
    """Show what one poll decides, and how it stands."""
    return await show(ctx, request)


async def unbind(ctx: Context, request: Request) -> Response:
    """Take a decision back from its poll."""
    sent = await submission(ctx, request)
    try:
        await decision_polls.unbind(
            ctx, moderator=sent.actor, decision=path_id(request), why=sent.form.get("why", "")
        )
    except (Invalid, Conflict, Forbidden) as error:
        return await show(ctx, request, error=error)
    return redirect(request, f"{DECISIONS}/{path_id(request)}")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", DECISIONS, list_all),
    ("POST", DECISIONS, bind),
    ("GET", DECISIONS + "/{id}", show_one),
    ("POST", DECISIONS + "/{id}/unbind", unbind),
)
