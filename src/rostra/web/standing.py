"""The one page of those who are signed in and may not act: why, until when, and what to do.

Who may act and was warned or limited finds what was decided here as well, and appeals here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account, Standing
from rostra.domain.decision_polls import Decision
from rostra.domain.enforcement import ActionKind, State
from rostra.domain.errors import Forbidden, NotFound, RostraError
from rostra.domain.ids import parse_id
from rostra.domain.transfers import Transfer, TransferKind
from rostra.language.i18n import gettext as _
from rostra.language.i18n import mark
from rostra.ports import Context, Snapshot
from rostra.services import appeals
from rostra.services.appeals import Case
from rostra.services.authentication import factors, sessions
from rostra.services.membership import confirmations, departures
from rostra.services.moderation import decisions_told
from rostra.services.portability import transfers
from rostra.web import legal
from rostra.web.endpoints import Handler, path_id
from rostra.web.legal import Lines
from rostra.web.render import plain_words, redirect, render
from rostra.web.settings.transfers import download
from rostra.web.sign import STANDING
from rostra.web.visits import ANYBODY, any_submission, identify, owner

SHUTS_OUT: Final = frozenset((ActionKind.SUSPEND, ActionKind.FREEZE))
APPEALS: Final = f"{STANDING}/appeals"
DONE: Final[Mapping[str, str]] = {
    "sent": mark("We have sent the mail again. Look into your mailbox."),
    "appealed": mark("Your appeal is with the moderators."),
    "changed": mark("Your appeal is changed."),
    "withdrawn": mark("Your appeal is taken back."),
}
"""What is said on the page one is led to after a form, by its name in the address."""


class Waiting(Struct, frozen=True):
    """What is shown to an account that may not act, or of which something was decided.

    ``acts`` is whether it may act all the same, ``poll`` what its return is left to.
    """

    account: Account
    state: State
    standing: Standing
    email: str
    cases: tuple[Case, ...]
    statements: dict[int, Lines]
    archives: tuple[Transfer, ...]
    one_time: bool
    acts: bool
    poll: Decision | None
    asked_by: Account | None


def _waiting(ctx: Context, snap: Snapshot, account: int) -> Waiting:
    found = snap.accounts.get(account)
    if found is None:
        raise NotFound
    credentials = snap.accounts.credentials(account)
    poll = decisions_told.told_to(snap, account)
    cases = tuple(sorted(appeals.cases(snap, ctx.settings, account), key=_weight))
    return Waiting(
        account=found,
        state=snap.gate.state(account),
        standing=snap.standings.get(account),
        email=credentials.email if credentials else "",
        cases=cases,
        statements=legal.of_actions(snap, account, [case.decision.id for case in cases]),
        archives=tuple(
            each
            for each in transfers.listed(snap, account)
            if each.kind == TransferKind.ARCHIVE and (each.file or not each.state.is_over)
        ),
        one_time=factors.overview(snap, account).one_time,
        acts=_may_act(snap, account),
        poll=poll,
        asked_by=snap.accounts.get(poll.author) if poll is not None and not poll.void else None,
    )


def _weight(case: Case) -> tuple[bool, int]:
    """Return what decisions are sorted by: those that hold first, and what shuts out before all."""
    kind = case.action.kind
    return case.ended is not None, -kind if kind in SHUTS_OUT else 0


def _may_act(snap: Snapshot, account: int) -> bool:
    try:
        snap.gate.require_may_act(account)
    except Forbidden:
        return False
    return True


def _show(
    ctx: Context,
    request: Request,
    *,
    message: str = "",
    error: RostraError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Show the page; ``typed`` is what an appeal said that was not taken, by its action's id."""
    with ctx.store.read() as snap:
        account, _token = owner(snap, request)
        shown = _waiting(ctx, snap, account)
        if shown.acts and not shown.cases:
            return redirect(request, "/home")
        visitor = identify(snap, request)
    return render(
        ctx,
        request,
        "settings/standing.html",
        visitor,
        status=error.status if error else 200,
        section="sign",
        waiting=shown,
        message=message,
        error=plain_words(error) if error else "",
        typed=typed or {},
        answer_days=ctx.settings.appeal_days,
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show why the account may not act."""
    done = DONE.get(request.query_params.get("done", ""))
    return _show(ctx, request, message=_(done) if done else "")


def _led_back(request: Request, done: str) -> Response:
    """Lead to the page again, so that reloading it sends no form a second time."""
    return redirect(request, f"{STANDING}?done={done}")


async def resend(ctx: Context, request: Request) -> Response:
    """Mail the link to confirm the address again, to another address when one is typed."""
    sent = await any_submission(ctx, request)
    email = sent.form.get("email", "").strip()
    try:
        await confirmations.resend(ctx, actor=sent.account, email=email or None)
    except RostraError as error:
        return _show(ctx, request, error=error)
    return _led_back(request, "sent")


async def take(ctx: Context, request: Request) -> Response:
    """Ask for an archive of everything; those who may not act may take their data away."""
    sent = await any_submission(ctx, request)
    try:
        await transfers.take_away(ctx, actor=sent.account)
    except RostraError as error:
        return _show(ctx, request, error=error)
    return redirect(request, STANDING)


async def archive(ctx: Context, request: Request) -> Response:
    """Hand out an archive that was made."""
    with ctx.store.read() as snap:
        account, _session = owner(snap, request)
        transfer = transfers.show(snap, account, path_id(request))
        known = transfers.require_owner(snap, account)
    return await download(ctx, transfer, known.username)


async def come_back(ctx: Context, request: Request) -> Response:
    """Bring back an account that its owner put away."""
    sent = await any_submission(ctx, request)
    await departures.come_back(ctx, actor=sent.account)
    return redirect(request, "/home")


async def delete(ctx: Context, request: Request) -> Response:
    """Delete an account that may not act, as its owner may all the same."""
    sent = await any_submission(ctx, request)
    try:
        await departures.delete(
            ctx,
            actor=sent.account,
            password=sent.form.get("password", ""),
            code=sent.form.get("code", ""),
        )
    except RostraError as error:
        return _show(ctx, request, error=error)
    response = render(
        ctx,
        request,
        "settings/goodbye.html",
        ANYBODY,
        section="sign",
        kind="deleted",
        days=departures.RETURN_DAYS,
    )
    response.delete_cookie(
        sessions.cookie(ctx.settings), **sessions.cookie_attributes(ctx.settings)
    )
    return response


# -- appeals ---------------------------------------------------------------------------------------


async def appeal(ctx: Context, request: Request) -> Response:
    """Appeal against a decision."""
    sent = await any_submission(ctx, request)
    action, text = sent.form.get("action", ""), sent.form.get("text", "")
    try:
        await appeals.open_appeal(ctx, actor=sent.account, action=parse_id(action) or 0, text=text)
    except RostraError as error:
        return _show(ctx, request, error=error, typed={action: text})
    return _led_back(request, "appealed")


async def edit(ctx: Context, request: Request) -> Response:
    """Say something else in an open appeal."""
    sent = await any_submission(ctx, request)
    action, text = sent.form.get("action", ""), sent.form.get("text", "")
    try:
        await appeals.edit(ctx, actor=sent.account, appeal_id=path_id(request), text=text)
    except RostraError as error:
        return _show(ctx, request, error=error, typed={action: text})
    return _led_back(request, "changed")


async def withdraw(ctx: Context, request: Request) -> Response:
    """Take an open appeal back."""
    sent = await any_submission(ctx, request)
    try:
        await appeals.withdraw(ctx, actor=sent.account, appeal_id=path_id(request))
    except RostraError as error:
        return _show(ctx, request, error=error)
    return _led_back(request, "withdrawn")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", STANDING, page),
    ("POST", f"{STANDING}/resend", resend),
    ("POST", f"{STANDING}/take", take),
    ("GET", STANDING + "/archives/{id}", archive),
    ("POST", f"{STANDING}/return", come_back),
    ("POST", f"{STANDING}/delete", delete),
    ("POST", APPEALS, appeal),
    ("POST", APPEALS + "/{id}/edit", edit),
    ("POST", APPEALS + "/{id}/withdraw", withdraw),
)
