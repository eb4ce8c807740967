"""Reinstatements and amnesties left to public polls."""

from __future__ import annotations

from typing import Final

from msgspec import structs
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import decisions as told
from rostra.api.extension.asked import Asked, any_account, path_id
from rostra.api.extension.naming import named
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Header, Reply, encode
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when, when_known
from rostra.domain.decision_polls import Decision, hundredths
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services.moderation import decision_polls

DEFAULT: Final = 40
READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"


def _percent(share: int) -> float:
    return share / 100


def entity(snap: Snapshot, decision: Decision) -> Entity:
    """Return a decision, with how the poll stands now, and its result when it has one."""
    shown = decision_polls.show(snap, decision)
    result = decision.result
    refusal = decision_polls.refusal(snap, decision)
    return {
        "id": str(decision.id),
        "state": str(decision.state),
        "account": named(shown.account),
        "amnesty_id": None if decision.amnesty is None else str(decision.amnesty),
        "poll_id": str(decision.poll),
        "asked_by": named(shown.asked_by),
        "bound_by": named(shown.bound_by),
        "text": decision.text,
        "options": list(decision.options),
        "yes": decision.yes,
        "share": _percent(decision.share),
        "quorum": decision.quorum,
        "opened_at": when(decision.opened_at),
        "bound_at": when(decision.bound_at),
        "closes_at": when(decision.closes_at),
        "closed_at": when_known(decision.closed_at),
        "now": {"votes": shown.votes, "yes": shown.yes},
        "may_run": shown.waits and not refusal,
        "why_not": refusal or None,
        "void": None if decision.void is None else decision.void.says,
        "unbound_at": when_known(decision.unbound_at),
        "why": decision.why or None,
        "result": None
        if result is None
        else {
            **structs.asdict(result),
            "share": _percent(result.share),
            "tallies": [structs.asdict(one) for one in result.tallies],
            "ages": [structs.asdict(one) for one in result.ages],
        },
    }


def _reply(call: Call, value: object, headers: tuple[Header, ...] = ()) -> Reply:
    return bytes_reply(call, encode(value), headers=headers)


def _after(call: Call, decision: Decision) -> Reply:
    with call.api.ctx.store.read() as snap:
        return _reply(call, entity(snap, decision))


@reads(Page, needs=Needs.ACCOUNT, scope=READ, answers=list[told.Decision])
def many(call: Call, snap: Snapshot, given: Page) -> Reply:
    """List what is left to polls, newest first."""
    require_moderator(call, snap)
    found = decision_polls.listed(snap, limit=clamped(given.limit, DEFAULT), **given.cursors())
    headers = link(call, [one.id for one in found])
    return _reply(call, [entity(snap, one) for one in found], headers)


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Decision)
def one(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Show what a poll decides, how it stands, and its result with its evidence."""
    require_moderator(call, snap)
    return _reply(
        call, entity(snap, decision_polls.require_decision(snap, path_id(call, "decision")))
    )


class Binding(Asked, frozen=True):
    poll_id: str
    share: str
    account_id: str | None = None
    amnesty_id: str | None = None
    yes: int = 0
    quorum: int = 1


@writes(Binding, scope=WRITE, answers=told.Decision)
async def bind(call: Call, given: Binding) -> Reply:
    """Leave the return of an account, or an amnesty, to a public poll by a moderator that is open.

    ``share`` is how many percent of the votes must be for it, ``yes`` which option that is, from 0.
    """
    account = None
    if given.account_id:
        with call.api.ctx.store.read() as snap:
            require_moderator(call, snap)
            account = any_account(snap, given.account_id).ordinal
    decision = await decision_polls.bind(
        call.api.ctx,
        moderator=call.actor,
        poll=parse_id(given.poll_id) or 0,
        share=hundredths(given.share),
        account=account,
        amnesty=(parse_id(given.amnesty_id) or 0) if given.amnesty_id else None,
        yes=given.yes,
        quorum=given.quorum,
    )
    return _after(call, decision)


class Reason(Asked, frozen=True):
    why: str


@writes(Reason, scope=WRITE, answers=told.Decision)
async def unbind(call: Call, given: Reason) -> Reply:
    """Take it back from its poll, whatever that says; the reason goes into the ledger."""
    decision = await decision_polls.unbind(
        call.api.ctx, moderator=call.actor, decision=path_id(call, "decision"), why=given.why
    )
    return _after(call, decision)


ROUTES: Final[list[BaseRoute]] = [
    at("/decisions", GET=many, POST=bind),
    *group("/decisions/{id}", at("/unbind", POST=unbind)),
    at("/decisions/{id}", GET=one),
]
