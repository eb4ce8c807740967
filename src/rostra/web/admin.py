"""The pages of moderation: every account with its figures, suspended and reinstated.

What a form changed is read back after the change and shown at once: the true and the public counts,
the state of the follow button, the actions in force and the record of those that were lifted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role, local_name
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.domain.labels import KNOWN, Label
from rostra.language.formats import parse_utc
from rostra.language.i18n import gettext as _
from rostra.language.i18n import mark
from rostra.ports import Context, Snapshot
from rostra.services import roles
from rostra.services.moderation import admin_accounts, enforcing, labels
from rostra.services.moderation.admin_accounts import Selection
from rostra.services.moderation.enforcing import AccountFigures
from rostra.web import legal, record
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.record import Line
from rostra.web.render import plain_words, redirect, render
from rostra.web.views import Person, people, person
from rostra.web.visits import (
    Submission,
    Visitor,
    identify,
    require_moderator,
    submission,
    wants_fragment,
)

PAGE: Final = 40
ENTRIES: Final = 40
GROUNDS: Final = (
    mark("Spam"),
    mark("Harassment"),
    mark("Hate"),
    mark("Violence or threats"),
    mark("Impersonation"),
    mark("Illegal content"),
    mark("Evasion of an earlier suspension"),
)
STATES: Final = {
    "all": (None, mark("All")),
    "active": ("active", mark("Active")),
    "suspended": ("suspended", mark("Suspended")),
    "limited": ("silenced", mark("Limited")),
    "frozen": ("disabled", mark("Frozen")),
    "sensitive": ("sensitized", mark("Media behind a warning")),
}
"""The states to choose from: what the admin API calls them, and what the page does."""

REASONS: Final = (
    (
        LiftReason.OVERTURNED,
        mark("Overturned"),
        mark("It should not have been suspended; the strike is void."),
    ),
    (LiftReason.SERVED, mark("Served"), mark("The time is over; the strike stands.")),
    (LiftReason.AMNESTY, mark("Amnesty"), mark("An act of grace; the strike stands, marked so.")),
)
ROLES: Final = (
    (Role.USER, mark("None"), mark("May do what everybody may.")),
    (
        Role.MODERATOR,
        mark("Moderator"),
        mark("Sees these pages, and decides about accounts, reports and appeals."),
    ),
    (Role.OWNER, mark("Owner"), mark("May act on moderators too, and gives roles.")),
)
NOW: Final = {
    Role.USER: mark("@%(name)s has no role now."),
    Role.MODERATOR: mark("@%(name)s is a moderator now."),
    Role.OWNER: mark("@%(name)s is an owner now."),
}
"""What is told of an account that was given a role."""


class Dossier(Struct, frozen=True):
    """All a moderator is shown of one account."""

    person: Person
    figures: tuple[tuple[str, int, int], ...]
    strikes: int
    flagged: int
    labels: tuple[Label, ...]
    record: tuple[Line, ...]
    older: int | None


def rows(figures: AccountFigures) -> tuple[tuple[str, int, int], ...]:
    """Return the rows of the table of figures: what, as stored, as shown to all."""
    return (
        (mark("Followers"), figures.followers, figures.public_followers),
        (mark("Following"), figures.following, figures.public_following),
        (mark("Posts"), figures.statuses, figures.public_statuses),
    )


def dossier(
    snap: Snapshot, visitor: Visitor, account_id: int, before: int | None = None
) -> Dossier:
    """Return all a moderator is shown of an account, of its record what is older than an entry.

    Raises:
        NotFound: there is no such account.
    """
    account = snap.accounts.by_id(account_id)
    if account is None:
        raise NotFound
    figures = enforcing.figures(snap, account.ordinal)
    entries = snap.ledger.page(account=account.ordinal, limit=ENTRIES, max_id=before)
    return Dossier(
        person=person(snap, visitor.ordinal, account.ordinal, with_suspended=True),
        figures=rows(figures),
        strikes=len(figures.strikes),
        flagged=sum(strike.flagged for strike in figures.strikes),
        labels=tuple(labels.of(snap, account.ordinal)),
        record=tuple(record.lines(snap, entries)),
        older=entries[-1].number if len(entries) == ENTRIES else None,
    )


def _sought(query: str, ctx: Context) -> str:
    """Return the beginning of a name that is looked for, however much of a handle was typed."""
    try:
        return local_name(query, ctx.settings.domain)
    except NotFound:
        return query  # no name is like that, so nobody is found


async def overview(ctx: Context, request: Request) -> Response:
    """List accounts: all of them, those in one state, or those with a name like the one typed."""
    query = request.query_params.get("q", "")
    state = request.query_params.get("state", "all")
    state = state if state in STATES else "all"
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        found = admin_accounts.select(
            snap,
            Selection(state=STATES[state][0], username=_sought(query, ctx) or None),
            limit=PAGE,
            max_id=query_id(request, "max_id"),
        )
        listed = people(snap, None, [account.ordinal for account in found.accounts])
        recent = snap.enforcement.recent(limit=8)
        subjects = snap.accounts.many({action.account for action in recent})
        total = snap.accounts.count()
        facts = {
            "accounts": total,
            "active": snap.gate.active_count(total),
            "suspended": snap.gate.true_count(SetKey(SERVER, SetKind.SUSPENDED)),
            "statuses": snap.statuses.count(),
        }
    more = None
    if len(found.cursors) == PAGE:
        more = f"/admin?{urlencode({'state': state, 'max_id': found.cursors[-1]})}"
    part = "_accounts" if request.headers.get("hx-target") == "accounts" else "_rows"
    return render(
        ctx,
        request,
        f"admin/{part}.html" if wants_fragment(request) else "admin/overview.html",
        visitor,
        section="admin",
        people=listed,
        more=more,
        query=query,
        state=state,
        states=[(value, found[1]) for value, found in STATES.items()],
        facts=facts,
        recent=[(action, subjects[action.account]) for action in recent],
    )


def _show(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    shown: Dossier,
    *,
    message: str = "",
    error: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    template = "admin/_dossier.html" if wants_fragment(request) else "admin/account.html"
    return render(
        ctx,
        request,
        template,
        visitor,
        status=status,
        section="admin",
        dossier=shown,
        person=shown.person,
        place="dossier",
        grounds=[_(ground) for ground in GROUNDS],
        reasons=[(reason, _(title), _(text)) for reason, title, text in REASONS],
        categories=[(value, _(text)) for value, text in legal.CATEGORIES.items()],
        content_types=[(value, _(text)) for value, text in legal.CONTENT_TYPES.items()],
        known_labels=KNOWN,
        roles=[(role.name.lower(), _(title), _(text)) for role, title, text in ROLES],
        message=message,
        error=error,
        typed=typed or {},
    )


async def account(ctx: Context, request: Request) -> Response:
    """Show one account: its figures, what is in force, its record, and the forms to act."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        shown = dossier(snap, visitor, path_id(request), query_id(request, "before"))
    return _show(ctx, request, visitor, shown)


async def _act(
    ctx: Context,
    request: Request,
    act: Callable[[Submission, Account], Awaitable[str]],
) -> Response:
    """Carry out what a form asks for, then show the account as it is now.

    Who took away the role that let them see it goes home.
    """
    sent = await submission(ctx, request)
    require_moderator(sent.visitor)
    account_id = path_id(request)
    with ctx.store.read() as snap:
        target = dossier(snap, sent.visitor, account_id).person.account
    message, error, status = "", "", 200
    try:
        message = await act(sent, target)
    except (Invalid, Conflict, Forbidden) as refused:
        error, status = plain_words(refused), refused.status
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        shown = dossier(snap, visitor, account_id) if visitor.moderates else None
    if shown is None:
        return redirect(request, "/home")
    if not error and not wants_fragment(request):
        return redirect(request, f"/admin/accounts/{account_id}")
    return _show(
        ctx,
        request,
        visitor,
        shown,
        message=message,
        error=error,
        typed=sent.form if error else None,
        status=status,
    )


def _until(form: Mapping[str, str], now: int) -> int | None:
    try:
        until = parse_utc(form.get("until", ""))
    except ValueError as error:
        raise Invalid("Write the end as a date and time, or leave it empty.") from error
    if until is not None and until <= now:
        raise Invalid("The end must be in the future, or empty: until it is lifted.")
    return until


async def suspend(ctx: Context, request: Request) -> Response:
    """Suspend an account, with the ground and the text of the statement of reasons."""

    async def act(sent: Submission, target: Account) -> str:
        ground = sent.form.get("ground", "").strip()
        if not ground:
            raise Invalid("Say on what ground: it is part of the statement of reasons.")
        await enforcing.suspend(
            ctx,
            moderator=sent.actor,
            target=target.ordinal,
            ground=ground,
            text=sent.form.get("text", "").strip(),
            until=_until(sent.form, ctx.clock.now()),
            statement=legal.details(sent.form),
        )
        return _("@%(name)s is suspended.") % {"name": target.username}

    return await _act(ctx, request, act)


def lift_reason(form: Mapping[str, str]) -> LiftReason:
    """Return the reason a form gives for the end of a suspension.

    Raises:
        Invalid: it gives none.
    """
    try:
        return LiftReason(form.get("reason", ""))
    except ValueError as error:
        raise Invalid("Choose why the suspension ends.") from error


async def reinstate(ctx: Context, request: Request) -> Response:
    """Lift the suspensions of an account that are in force, with the reason."""

    async def act(sent: Submission, target: Account) -> str:
        reason = lift_reason(sent.form)
        if reason is LiftReason.EXPIRED:
            raise Invalid("Only the clock ends a suspension as expired. Choose another reason.")
        await enforcing.reinstate(ctx, moderator=sent.actor, target=target.ordinal, reason=reason)
        return _("@%(name)s is back.") % {"name": target.username}

    return await _act(ctx, request, act)


async def label(ctx: Context, request: Request) -> Response:
    """Give an account a label, or with ``take`` take one away."""

    async def act(sent: Submission, target: Account) -> str:
        asked: dict[str, Any] = {"moderator": sent.actor, "target": target.ordinal}
        if taken := sent.form.get("take"):
            await labels.take(ctx, name=taken, **asked)
            gone = {"name": target.username, "label": taken}
            return _("@%(name)s is not labelled %(label)s any more.") % gone
        name = sent.form.get("label", "")
        await labels.give(ctx, name=name, **asked)
        given = {"name": target.username, "label": name.strip().lower()}
        return _("@%(name)s is labelled %(label)s.") % given

    return await _act(ctx, request, act)


async def role(ctx: Context, request: Request) -> Response:
    """Give an account another role, as an owner may."""

    async def act(sent: Submission, target: Account) -> str:
        wanted = sent.form.get("role", "").upper()
        if wanted not in Role.__members__:
            raise Invalid("Choose the role it is to have.")
        given = await roles.change(ctx, by=sent.actor, target=target.ordinal, role=Role[wanted])
        return _(NOW[given.role]) % {"name": given.username}

    return await _act(ctx, request, act)


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/admin", overview),
    ("GET", "/admin/accounts/{id}", account),
    ("POST", "/admin/accounts/{id}/labels", label),
    ("POST", "/admin/accounts/{id}/role", role),
    ("POST", "/admin/accounts/{id}/suspend", suspend),
    ("POST", "/admin/accounts/{id}/reinstate", reinstate),
)
