"""https://docs.joinmastodon.org/methods/admin/accounts/"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import ROLE_IDS, role, when
from rostra.domain.accounts import Account, Role
from rostra.domain.choices import chosen
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Forbidden, NotFound
from rostra.domain.ids import parse_id
from rostra.domain.statement_of_reasons import Details
from rostra.ports import Snapshot
from rostra.services import roles
from rostra.services.membership import account_deletion, approvals
from rostra.services.moderation import admin_accounts, enforcing
from rostra.services.moderation.decision_polls import Undecided

DEFAULT: Final = 100
READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"
_KINDS: Final = {kind.label: kind for kind in ActionKind if kind != ActionKind.DELETE}


def entity(call: Call, snap: Snapshot, account: Account) -> bytes:
    """Return the Admin::Account entity."""
    state = snap.gate.state(account.ordinal)
    credentials = snap.accounts.credentials(account.ordinal)
    began = snap.standings.sign_up(account.ordinal)
    seen = [
        {"ip": session.address, "used_at": when(session.used_at)}
        for session in snap.access.sessions(account.ordinal)
        if session.address
    ]
    head: dict[str, Any] = {
        "id": str(account.id),
        "username": account.username,
        "domain": None,
        "created_at": when(account.created_at),
        "email": credentials.email if credentials is not None else "",
        "ip": seen[0]["ip"] if seen else (began.address or None if began else None),
        "ips": seen,
        "locale": (began.locale if began else "") or account.default_language or "en",
        "invite_request": began.reason or None if began else None,
        "role": role(account.role),
        "confirmed": not state.unconfirmed,
        "approved": not state.pending,
        "disabled": state.frozen,
        "silenced": state.limited,
        "suspended": state.suspended,
        "sensitized": state.sensitive,
    }
    if began is not None and began.application is not None:
        head["created_by_application_id"] = str(began.application)
    body = call.api.parts.account(snap, account.ordinal)
    return encode(head)[:-1] + b',"account":' + body + b"}"


def require_moderator(call: Call, snap: Snapshot) -> None:
    """Refuse everybody but moderators.

    Raises:
        Forbidden: the account is none.
    """
    roles.require_moderator(snap, call.actor)


class Filters(Page, frozen=True):
    """The parameters of both versions; v1 names states one by one."""

    status: str | None = None
    origin: str | None = None
    permissions: str | None = None
    role_ids: list[str] = field(default_factory=list)
    username: str | None = None
    display_name: str | None = None
    by_domain: str | None = None
    email: str | None = None
    ip: str | None = None
    local: bool = False
    remote: bool = False
    active: bool = False
    pending: bool = False
    disabled: bool = False
    silenced: bool = False
    suspended: bool = False
    sensitized: bool = False
    staff: bool = False


def _roles(given: Filters) -> frozenset[Role] | None:
    roles = (
        frozenset(Role)
        if not given.role_ids
        else frozenset(value for value, id_ in ROLE_IDS.items() if id_ in given.role_ids)
    )
    if given.staff or given.permissions == "staff":
        roles -= {Role.USER}
    return None if len(roles) == len(Role) else roles


def selection_of(given: Filters) -> admin_accounts.Selection:
    """Return which accounts are asked for, by the parameters of either version."""
    named = ("active", "pending", "disabled", "silenced", "suspended", "sensitized")
    state = next((name for name in named if getattr(given, name)), None)
    elsewhere = given.remote or given.origin == "remote" or bool(given.by_domain)
    return admin_accounts.Selection(
        state=given.status or state,
        roles=_roles(given),
        username=given.username,
        display_name=given.display_name,
        email=given.email,
        nobody=elsewhere or bool(given.ip),
    )


@reads(Filters, needs=Needs.ACCOUNT, scope=READ)
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    require_moderator(call, snap)
    page = admin_accounts.select(
        snap, selection_of(given), limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    bodies = [entity(call, snap, account) for account in page.accounts]
    return bytes_reply(call, array(bodies), headers=link(call, page.cursors))


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ)
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    require_moderator(call, snap)
    return bytes_reply(call, entity(call, snap, admin_accounts.require(snap, call.id())))


def target(call: Call, snap: Snapshot) -> int:
    """Return the ordinal of the account in the path, for moderators.

    Raises:
        Forbidden: the one who asks is none.
        NotFound: there is no such account.
    """
    require_moderator(call, snap)
    return admin_accounts.require(snap, call.id()).ordinal


class Acting(Struct, frozen=True):
    type: str = ""
    text: str = ""
    report_id: str | None = None
    warning_preset_id: str | None = None
    send_email_notification: bool = False
    statement: Details = Details()


@writes(Acting, scope=WRITE, find=target)
async def action(call: Call, given: Acting) -> Reply:
    """Take an action; its text is the ground, since the Mastodon API knows no other."""
    kind = chosen("Type", given.type, _KINDS)
    text = given.text.strip()
    first, _, rest = text.partition("\n")
    await enforcing.act(
        call.api.ctx,
        report=_report(given.report_id),
        moderator=call.actor,
        target=call.found,
        kind=kind,
        ground=first[: enforcing.MAX_GROUND] or f"{kind.label}, no ground given",
        text=text if rest or len(first) > enforcing.MAX_GROUND else "",
        statement=given.statement,
    )
    return json_reply({})


def _report(text: str | None) -> int | None:
    """Return the id of the report that an action answers, None when it answers none.

    Raises:
        NotFound: it is no id.
    """
    if not text:
        return None
    value = parse_id(text)
    if value is None:
        raise NotFound("There is no such report")
    return value


@writes(Nothing, scope=WRITE, find=target)
async def delete(call: Call, given: Nothing) -> Reply:
    """Delete the data of a suspended account for good."""
    ctx = call.api.ctx
    with ctx.store.read() as snap:
        if not snap.gate.state(call.found).suspended:
            raise Forbidden("Only a suspended account can be deleted: suspend it first")
        body = entity(call, snap, admin_accounts.require(snap, call.id()))
    await account_deletion.delete_account(ctx, by=call.actor, target=call.found)
    return bytes_reply(call, body)


@writes(Nothing, scope=WRITE, find=target)
async def approve(call: Call, given: Nothing) -> Reply:
    await approvals.approve(call.api.ctx, moderator=call.actor, target=call.found)
    with call.api.ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return bytes_reply(call, entity(call, snap, admin_accounts.require(snap, call.id())))


@writes(Nothing, scope=WRITE, find=target)
async def reject(call: Call, given: Nothing) -> Reply:
    ctx = call.api.ctx
    with ctx.store.read() as snap:
        body = entity(call, snap, admin_accounts.require(snap, call.id()))
    await approvals.reject(ctx, moderator=call.actor, target=call.found)
    return bytes_reply(call, body)


async def _lift(call: Call, kind: ActionKind) -> Reply:
    ctx = call.api.ctx
    try:
        await enforcing.lift(
            ctx, moderator=call.actor, target=call.found, kind=kind, reason=LiftReason.SERVED
        )
    except Undecided:
        raise
    except Conflict as error:
        if kind == ActionKind.SUSPEND:
            raise Forbidden(log=str(error)) from None  # as Mastodon answers
    with ctx.store.read() as snap:
        call.api.parts.follow(snap)
        account = admin_accounts.require(snap, call.id())
        return bytes_reply(call, entity(call, snap, account))


@writes(Nothing, scope=WRITE, find=target)
async def unsuspend(call: Call, given: Nothing) -> Reply:
    return await _lift(call, ActionKind.SUSPEND)


@writes(Nothing, scope=WRITE, find=target)
async def unsilence(call: Call, given: Nothing) -> Reply:
    return await _lift(call, ActionKind.LIMIT)


@writes(Nothing, scope=WRITE, find=target)
async def unsensitive(call: Call, given: Nothing) -> Reply:
    return await _lift(call, ActionKind.SENSITIVE)


@writes(Nothing, scope=WRITE, find=target)
async def enable(call: Call, given: Nothing) -> Reply:
    return await _lift(call, ActionKind.FREEZE)


ROUTES_V1: Final[list[BaseRoute]] = [
    *group(
        "/admin",
        at("/accounts", GET=many),
        *group(
            "/accounts/{id}",
            at("/action", POST=action),
            at("/approve", POST=approve),
            at("/reject", POST=reject),
            at("/unsuspend", POST=unsuspend),
            at("/unsilence", POST=unsilence),
            at("/unsensitive", POST=unsensitive),
            at("/enable", POST=enable),
        ),
        at("/accounts/{id}", GET=show, DELETE=delete),
    )
]
ROUTES_V2: Final[list[BaseRoute]] = [at("/admin/accounts", GET=many)]
