"""https://docs.joinmastodon.org/methods/admin/reports/"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon.admin import entity as account_entity
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import array, bytes_reply
from rostra.api.mastodon.reports import head, ids_of
from rostra.api.messages import Call, Reply, encode
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import when
from rostra.domain.ids import parse_id
from rostra.domain.reports import Report
from rostra.ports import Snapshot
from rostra.services.moderation import reports

DEFAULT: Final = 100
READ: Final = "admin:read:reports"
WRITE: Final = "admin:write:reports"


def entity(call: Call, snap: Snapshot, report: Report) -> bytes:
    """Return the Admin::Report entity; statuses that are gone are left out of it."""
    fields = head(report) | {"updated_at": when(report.updated_at)}
    statuses, _ = call.api.parts.statuses(snap, call.viewer, report.statuses)
    parts = {
        b"account": _account(call, snap, report.account),
        b"target_account": _account(call, snap, report.target),
        b"assigned_account": _account(call, snap, report.assigned),
        b"action_taken_by_account": _account(call, snap, report.action_taken_by),
        b"statuses": array(statuses),
        b"rules": encode(_rules(snap, report)),
    }
    rest = b"".join(b',"' + name + b'":' + body for name, body in parts.items())
    return encode(fields)[:-1] + rest + b"}"


def _rules(snap: Snapshot, report: Report) -> list[dict[str, str]]:
    """Return the rules named in a report that still stand."""
    return [
        {"id": str(rule.id), "text": rule.text, "hint": rule.hint}
        for rule in snap.about.rules()
        if rule.id in report.rules
    ]


def _account(call: Call, snap: Snapshot, ordinal: int | None) -> bytes:
    account = snap.accounts.get(ordinal) if ordinal is not None else None
    return b"null" if account is None else account_entity(call, snap, account)


class Filters(Page, frozen=True):
    resolved: bool = False
    account_id: str | None = None
    target_account_id: str | None = None


@reads(Filters, needs=Needs.ACCOUNT, scope=READ)
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    require_moderator(call, snap)
    named = [_ordinal(snap, text) for text in (given.account_id, given.target_account_id)]
    if -1 in named:
        return bytes_reply(call, b"[]")
    found = reports.listed(
        snap,
        resolved=given.resolved,
        account=named[0],
        target=named[1],
        limit=clamped(given.limit, DEFAULT),
        **given.cursors(),
    )
    bodies = [entity(call, snap, report) for report in found]
    return bytes_reply(call, array(bodies), headers=link(call, [report.id for report in found]))


def _ordinal(snap: Snapshot, text: str | None) -> int | None:
    """Return the ordinal of the account with an id, -1 when there is none, None for no id."""
    if not text:
        return None
    account_id = parse_id(text)
    account = snap.accounts.by_id(account_id) if account_id is not None else None
    return -1 if account is None else account.ordinal


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ)
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return bytes_reply(
        call, entity(call, snap, reports.require_report(snap, call.actor, call.id()))
    )


async def _done(call: Call, work: Awaitable[Report]) -> Reply:
    report = await work
    with call.api.ctx.store.read() as snap:
        call.api.parts.follow(snap)
        return bytes_reply(call, entity(call, snap, report))


class Revision(Struct, frozen=True):
    category: str | None = None
    rule_ids: list[str] | None = None


@writes(Revision, scope=WRITE)
async def revise(call: Call, given: Revision) -> Reply:
    rules = None if given.rule_ids is None else ids_of(given.rule_ids)
    return await _done(
        call,
        reports.recategorise(
            call.api.ctx,
            moderator=call.actor,
            report_id=call.id(),
            category=given.category,
            rules=rules,
        ),
    )


@writes(Nothing, scope=WRITE)
async def assign(call: Call, given: Nothing) -> Reply:
    work = reports.assign(call.api.ctx, moderator=call.actor, report_id=call.id())
    return await _done(call, work)


@writes(Nothing, scope=WRITE)
async def unassign(call: Call, given: Nothing) -> Reply:
    work = reports.unassign(call.api.ctx, moderator=call.actor, report_id=call.id())
    return await _done(call, work)


@writes(Nothing, scope=WRITE)
async def resolve(call: Call, given: Nothing) -> Reply:
    work = reports.resolve(call.api.ctx, moderator=call.actor, report_id=call.id())
    return await _done(call, work)


@writes(Nothing, scope=WRITE)
async def reopen(call: Call, given: Nothing) -> Reply:
    work = reports.reopen(call.api.ctx, moderator=call.actor, report_id=call.id())
    return await _done(call, work)


ROUTES: Final[list[BaseRoute]] = [
    at("/admin/reports", GET=many),
    *group(
        "/admin/reports/{id}",
        at("/assign_to_self", POST=assign),
        at("/unassign", POST=unassign),
        at("/resolve", POST=resolve),
        at("/reopen", POST=reopen),
    ),
    at("/admin/reports/{id}", GET=show, PUT=revise),
]
