"""The pages of moderation: reports to deal with, and people who wait to be let in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account, SignUp
from rostra.domain.reports import Report
from rostra.ports import Context, Snapshot
from rostra.services.membership import approvals
from rostra.services.moderation import reports
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import redirect, render
from rostra.web.views import Card, Person, cards, people
from rostra.web.visits import Visitor, identify, require_moderator, submission

PAGE: Final = 20
REPORTS: Final = "/admin/reports"
SIGN_UPS: Final = "/admin/sign_ups"


class Told(Struct, frozen=True):
    """A report with those it concerns, and what of the reported statuses is still there."""

    report: Report
    by: Person | None
    about: Person | None
    assigned: Account | None = None
    resolved_by: Account | None = None
    rules: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()


def _told(snap: Snapshot, visitor: Visitor, found: list[Report]) -> list[Told]:
    ordinals = {each.account for each in found} | {each.target for each in found}
    shown = {
        one.account.ordinal: one
        for one in people(snap, None, sorted(ordinals), with_suspended=True)
    }
    staff = {each.assigned for each in found} | {each.action_taken_by for each in found}
    moderators = snap.accounts.many(one for one in staff if one is not None)
    rules = {rule.id: rule.text for rule in snap.about.rules()}
    return [
        Told(
            report=each,
            by=shown.get(each.account),
            about=shown.get(each.target),
            assigned=moderators.get(each.assigned or 0),
            resolved_by=moderators.get(each.action_taken_by or 0),
            rules=tuple(rules[rule] for rule in each.rules if rule in rules),
            cards=tuple(cards(snap, visitor.ordinal, each.statuses)),
        )
        for each in found
    ]


async def many(ctx: Context, request: Request) -> Response:
    """List reports: those that are open, or those that are resolved."""
    resolved = request.query_params.get("resolved") == "1"
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        found = reports.listed(
            snap, resolved=resolved, limit=PAGE, max_id=query_id(request, "max_id")
        )
        told = _told(snap, visitor, found)
        waiting = snap.reports.count_open()
    more = None
    if len(found) == PAGE:
        more = f"{REPORTS}?{'resolved=1&' if resolved else ''}max_id={found[-1].id}"
    return render(
        ctx,
        request,
        "admin/reports.html",
        visitor,
        section="admin",
        reports=told,
        resolved=resolved,
        waiting=waiting,
        more=more,
    )


async def show(ctx: Context, request: Request) -> Response:
    """Show one report: who told what of whom, and what was said when it was told."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        moderator = require_moderator(visitor)
        report = reports.require_report(snap, moderator.ordinal, path_id(request))
        (told,) = _told(snap, visitor, [report])
        here = {card.view.status.id for card in told.cards}
        gone = [each for each in report.evidence if each.id not in here]
        others = reports.listed(snap, resolved=None, target=report.target, limit=PAGE)
    return render(
        ctx,
        request,
        "admin/report.html",
        visitor,
        section="admin",
        told=told,
        report=report,
        gone=gone,
        others=[each for each in others if each.id != report.id],
    )


_WORK: Final[dict[str, Callable[..., Awaitable[Report]]]] = {
    "assign": reports.assign,
    "unassign": reports.unassign,
    "resolve": reports.resolve,
    "reopen": reports.reopen,
}


def _does(work: Callable[..., Awaitable[Report]]) -> Handler:
    async def act(ctx: Context, request: Request) -> Response:
        sent = await submission(ctx, request)
        report_id = path_id(request)
        await work(ctx, moderator=sent.actor, report_id=report_id)
        return redirect(request, f"{REPORTS}/{report_id}")

    return act


# -- sign-ups --------------------------------------------------------------------------------------


class Waiting(Struct, frozen=True):
    """Somebody who waits to be let in, and how they came."""

    account: Account
    email: str
    sign_up: SignUp | None


async def sign_ups(ctx: Context, request: Request) -> Response:
    """List those who wait to be let in."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        found = [_waiting(snap, account) for account in approvals.pending(snap, limit=PAGE)]
    return render(ctx, request, "admin/sign_ups.html", visitor, section="admin", waiting=found)


def _waiting(snap: Snapshot, account: Account) -> Waiting:
    credentials = snap.accounts.credentials(account.ordinal)
    return Waiting(
        account=account,
        email=credentials.email if credentials is not None else "",
        sign_up=snap.standings.sign_up(account.ordinal),
    )


def _decides(decide: Callable[..., Awaitable[None]]) -> Handler:
    async def act(ctx: Context, request: Request) -> Response:
        sent = await submission(ctx, request)
        require_moderator(sent.visitor)
        with ctx.store.read() as snap:
            account = snap.accounts.by_id(path_id(request))
        if account is not None:
            await decide(ctx, moderator=sent.actor, target=account.ordinal)
        return redirect(request, SIGN_UPS)

    return act


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", REPORTS, many),
    ("GET", REPORTS + "/{id}", show),
    *(("POST", f"{REPORTS}/{{id}}/{name}", _does(work)) for name, work in _WORK.items()),
    ("GET", SIGN_UPS, sign_ups),
    ("POST", SIGN_UPS + "/{id}/approve", _decides(approvals.approve)),
    ("POST", SIGN_UPS + "/{id}/reject", _decides(approvals.reject)),
)
