"""Appeals: made by the person concerned, decided by moderators.

Who is suspended has no token and appeals on the page ``/auth/standing``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import appeals as told
from rostra.api.extension.asked import Asked, any_account, path_id
from rostra.api.extension.naming import Names, named
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Header, Reply, encode
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when, when_known
from rostra.domain.appeals import Appeal, Did
from rostra.domain.enforcement import Action
from rostra.domain.errors import Invalid
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import appeals
from rostra.services.appeals import Case, deciding
from rostra.services.appeals.deciding import Shown

DEFAULT: Final = 40
OWN_READ: Final = "read:accounts"
OWN_WRITE: Final = "write:accounts"
READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"


def _reply(call: Call, value: object, headers: tuple[Header, ...] = ()) -> Reply:
    return bytes_reply(call, encode(value), headers=headers)


# -- entities --------------------------------------------------------------------------------------


def _action(action: Action) -> Entity:
    return {
        "id": str(action.id),
        "type": action.kind.label,
        "ground": action.ground,
        "text": action.text,
        "taken_at": when(action.taken_at),
        "until": when_known(action.until),
    }


def _head(appeal: Appeal, now: int) -> Entity:
    """Return what both sides are told of an appeal."""
    return {
        "id": str(appeal.id),
        "action_id": str(appeal.action),
        "state": str(appeal.state),
        "overdue": appeal.overdue(now),
        "text": appeal.text,
        "opened_at": when(appeal.opened_at),
        "due_at": when(appeal.due_at),
        "decided_at": when_known(appeal.decided_at),
        "reply": appeal.reply or None,
        "plan": appeal.plan or None,
    }


def _own(appeal: Appeal, now: int) -> Entity:
    """Return an appeal for who made it: who decided is not told."""
    history = [
        {"did": str(step.did), "at": when(step.at)}
        for step in appeal.history
        if step.did is not Did.OVERDUE
    ]
    return _head(appeal, now) | {"history": history}


def _case(case: Case, now: int) -> Entity:
    return {
        "action": _action(case.action),
        "ended": None if case.ended is None else str(case.ended),
        "may_appeal": not case.barred,
        "why_not": case.barred.message if case.barred else None,
        "appeal_until": when(case.until),
        "appeals": [_own(appeal, now) for appeal in case.appeals],
    }


def entity(snap: Snapshot, shown: Shown) -> Entity:
    """Return an appeal for moderators, with what it is decided on and who may decide."""
    appeal = shown.appeal
    names = Names(
        snap,
        {
            *(step.by for step in appeal.history),
            *(appeal.account, appeal.decided_by, shown.decision.moderator),
        },
    )
    history = [
        {
            "did": str(step.did),
            "at": when(step.at),
            "by": names.of(step.by),
            "text": step.text or None,
        }
        for step in appeal.history
    ]
    evidence = msgspec.to_builtins(appeal.evidence)
    for part in (evidence, *evidence["reports"]):
        for name in ("taken_at", "until", "created_at"):
            if name in part:
                part[name] = when_known(part[name])
    for report in evidence["reports"]:
        report["id"] = str(report["id"])
    return _head(appeal, snap.now) | {
        "account": names.of(appeal.account),
        "decision": _action(shown.decision) | {"by": names.of(shown.decision.moderator)},
        "in_force": shown.action is not None,
        "lifted": None
        if shown.lifting is None
        else {"reason": str(shown.lifting.reason), "at": when(shown.lifting.lifted_at)},
        "decided_by": names.of(appeal.decided_by),
        "may_decide": not shown.refusal,
        "why_not": shown.refusal.message if shown.refusal else None,
        "deciders": [named(one) for one in shown.deciders],
        "again": appeal.again,
        "evidence": evidence,
        "history": history,
    }


# -- who appeals -----------------------------------------------------------------------------------


@reads(Nothing, needs=Needs.ACCOUNT, scope=OWN_READ, answers=list[told.Case])
def own(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """List what was decided about oneself, with the appeals against it."""
    found = appeals.cases(snap, call.api.ctx.settings, call.actor)
    return _reply(call, [_case(case, snap.now) for case in found])


class Opening(Asked, frozen=True):
    action_id: str
    text: str


class Wording(Asked, frozen=True):
    text: str


async def _own_after(call: Call, work: Awaitable[Appeal]) -> Reply:
    appeal = await work
    return _reply(call, _own(appeal, call.api.ctx.clock.now()))


@writes(Opening, scope=OWN_WRITE, answers=told.OwnAppeal)
async def make(call: Call, given: Opening) -> Reply:
    """Appeal against a decision about oneself."""
    action = parse_id(given.action_id)
    if action is None:
        raise Invalid("Validation failed: Action id must be the id of a decision about you")
    work = appeals.open_appeal(call.api.ctx, actor=call.actor, action=action, text=given.text)
    return await _own_after(call, work)


@writes(Wording, scope=OWN_WRITE, answers=told.OwnAppeal)
async def edit(call: Call, given: Wording) -> Reply:
    """Say it in other words, while the appeal is open."""
    ctx = call.api.ctx
    work = appeals.edit(ctx, actor=call.actor, appeal_id=path_id(call, "appeal"), text=given.text)
    return await _own_after(call, work)


@writes(Nothing, scope=OWN_WRITE, answers=told.OwnAppeal)
async def withdraw(call: Call, given: Nothing) -> Reply:
    """Take an appeal back."""
    work = appeals.withdraw(call.api.ctx, actor=call.actor, appeal_id=path_id(call, "appeal"))
    return await _own_after(call, work)


# -- who decides -----------------------------------------------------------------------------------


class Filters(Page, frozen=True):
    state: str = "open"
    account_id: str | None = None


@reads(Filters, needs=Needs.ACCOUNT, scope=READ, answers=list[told.Appeal])
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    """List appeals: ``state`` is open, overdue, decided or all."""
    require_moderator(call, snap)
    account = None
    if given.account_id:
        account = any_account(snap, given.account_id).ordinal
    listed = deciding.listed(
        snap,
        which=given.state,
        account=account,
        limit=clamped(given.limit, DEFAULT),
        **given.cursors(),
    )
    staff = deciding.staff_of(snap)
    shown = [deciding.describe(snap, one, call.actor, staff=staff) for one in listed]
    by_time = given.state in ("decided", "all") or account is not None
    headers = link(call, [one.id for one in listed]) if by_time else ()
    return _reply(call, [entity(snap, one) for one in shown], headers=headers)


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Appeal)
def one(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Show an appeal with what it is decided on."""
    return _reply(call, entity(snap, deciding.show(snap, call.actor, path_id(call, "appeal"))))


class Answer(Asked, frozen=True):
    reply: str


async def _after(call: Call, work: Awaitable[Appeal]) -> Reply:
    appeal = await work
    with call.api.ctx.store.read() as snap:
        return _reply(call, entity(snap, deciding.show(snap, call.actor, appeal.id)))


async def _decided(call: Call, given: Answer, decide: Callable[..., Awaitable[Appeal]]) -> Reply:
    work = decide(
        call.api.ctx, moderator=call.actor, appeal_id=path_id(call, "appeal"), reply=given.reply
    )
    return await _after(call, work)


@writes(Answer, scope=WRITE, answers=told.Appeal)
async def accept(call: Call, given: Answer) -> Reply:
    """Accept an appeal, as another moderator than who decided first."""
    return await _decided(call, given, deciding.accept)


@writes(Answer, scope=WRITE, answers=told.Appeal)
async def reject(call: Call, given: Answer) -> Reply:
    """Turn an appeal down, as another moderator than who decided first."""
    return await _decided(call, given, deciding.reject)


@writes(Nothing, scope=WRITE, answers=told.Appeal)
async def allow_again(call: Call, given: Nothing) -> Reply:
    """Allow another appeal against the same decision."""
    work = deciding.allow_again(
        call.api.ctx, moderator=call.actor, appeal_id=path_id(call, "appeal")
    )
    return await _after(call, work)


ROUTES: Final[list[BaseRoute]] = [
    at("/appeals", GET=many, POST=make),
    at("/appeals/own", GET=own),
    *group(
        "/appeals/{id}",
        at("/withdraw", POST=withdraw),
        at("/accept", POST=accept),
        at("/reject", POST=reject),
        at("/allow_again", POST=allow_again),
    ),
    at("/appeals/{id}", GET=one, PUT=edit),
]
