"""The one page of those who are signed in and may not act: why, until when, and what to do."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from rostra.domain.accounts import Account, Standing
from rostra.domain.enforcement import Action, ActionKind, State, in_force
from rostra.domain.errors import Forbidden, NotFound, RostraError
from rostra.domain.transfers import Transfer, TransferKind
from rostra.ports import Context, Snapshot
from rostra.services import confirmations, departures, factors, sessions, transfers
from rostra.web.endpoints import Handler, path_id
from rostra.web.render import plain_words, redirect, render
from rostra.web.settings.transfers import download
from rostra.web.sign import STANDING
from rostra.web.visits import ANYBODY, any_submission, owner

SHUTS_OUT: Final = frozenset((ActionKind.SUSPEND, ActionKind.FREEZE))


class Waiting(Struct, frozen=True):
    """What is shown to an account that may not act."""

    account: Account
    state: State
    standing: Standing
    email: str
    actions: tuple[Action, ...]
    archives: tuple[Transfer, ...]
    one_time: bool


def _waiting(snap: Snapshot, account: int) -> Waiting:
    found = snap.accounts.get(account)
    if found is None:
        raise NotFound
    credentials = snap.accounts.credentials(account)
    actions = in_force(*snap.enforcement.of_account(account), snap.now)
    return Waiting(
        account=found,
        state=snap.gate.state(account),
        standing=snap.standings.get(account),
        email=credentials.email if credentials else "",
        actions=tuple(action for action in actions if action.kind in SHUTS_OUT),
        archives=tuple(
            each
            for each in transfers.listed(snap, account)
            if each.kind == TransferKind.ARCHIVE and (each.file or not each.state.is_over)
        ),
        one_time=factors.overview(snap, account).one_time,
    )


def _may_act(snap: Snapshot, account: int) -> bool:
    try:
        snap.gate.require_may_act(account)
    except Forbidden:
        return False
    return True


def _show(
    ctx: Context, request: Request, *, message: str = "", error: RostraError | None = None
) -> Response:
    with ctx.store.read() as snap:
        account, token = owner(snap, request)
        if _may_act(snap, account):
            return redirect(request, "/home")
        shown = _waiting(snap, account)
    return render(
        ctx,
        request,
        "settings/standing.html",
        ANYBODY,
        status=error.status if error else 200,
        section="sign",
        csrf=sessions.csrf_token(token),
        waiting=shown,
        message=message,
        error=plain_words(error) if error else "",
    )


async def page(ctx: Context, request: Request) -> Response:
    """Show why the account may not act."""
    return _show(ctx, request)


async def resend(ctx: Context, request: Request) -> Response:
    """Mail the link to confirm the address again, to another address when one is typed."""
    sent = await any_submission(ctx, request)
    email = sent.form.get("email", "").strip()
    try:
        await confirmations.resend(ctx, actor=sent.account, email=email or None)
    except RostraError as error:
        return _show(ctx, request, error=error)
    return _show(ctx, request, message="We have sent the mail again. Look into your mailbox.")


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
        account, _token = owner(snap, request)
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


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", STANDING, page),
    ("POST", f"{STANDING}/resend", resend),
    ("POST", f"{STANDING}/take", take),
    ("GET", STANDING + "/archives/{id}", archive),
    ("POST", f"{STANDING}/return", come_back),
    ("POST", f"{STANDING}/delete", delete),
)
