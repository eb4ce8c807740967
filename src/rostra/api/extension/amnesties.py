"""Amnesties: planned by one moderator, approved by another."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

import msgspec
from msgspec import Struct
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension.answers import amnesties as told
from rostra.api.extension.asked import Asked, path_id
from rostra.api.extension.naming import Names
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import Call, Header, Reply, encode
from rostra.api.operation import Needs, at, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, when_known
from rostra.domain.amnesty import DEFAULT_WAVES, Amnesty, AmnestyState, Entry, Limits, Outcome
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Invalid
from rostra.ports import Snapshot
from rostra.services.amnesty import account_lists, amnesties

DEFAULT: Final = 20
DEFAULT_ENTRIES: Final = 100
MOST_ENTRIES: Final = 1000
READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"

_TIMES: Final = ("planned", "expires", "approved", "rejected", "started", "wave", "finished")
_PEOPLE: Final = ("planned", "approved", "rejected", "started")


def _reply(call: Call, value: object, headers: tuple[Header, ...] = ()) -> Reply:
    return bytes_reply(call, encode(value), headers=headers)


# -- entities --------------------------------------------------------------------------------------


def entity(snap: Snapshot, amnesty: Amnesty, actor: int) -> Entity:
    """Return an amnesty for moderators."""
    figures = amnesty.figures
    names = Names(
        snap,
        {
            *(getattr(amnesty, f"{what}_by") for what in _PEOPLE),
            *(one.account for one in figures.largest),
            *(one.account for one in figures.clashes),
        },
    )
    refused = amnesties.refusal(snap, amnesty, actor)
    return {
        "id": str(amnesty.id),
        "state": amnesty.state.value,
        "where": amnesty.where or None,
        "except": amnesty.except_ or None,
        "listed": amnesty.listed,
        "include": amnesty.include,
        "type": amnesty.kind.label,
        "reason": str(amnesty.reason),
        "ground": amnesty.ground,
        "hash": amnesty.hash or None,
        "accounts": amnesty.total,
        "waves": amnesty.waves,
        "wave_sizes": amnesty.sizes,
        "wave": amnesty.wave,
        "limits": msgspec.to_builtins(amnesty.limits),
        "progress": {"done": amnesty.progress[0], "total": amnesty.progress[1]},
        "why": amnesty.why or None,
        "may_approve": refused is None,
        "why_not": refused.message if refused else None,
        **{f"{what}_at": when_known(getattr(amnesty, f"{what}_at")) for what in _TIMES},
        **{f"{what}_by": names.of(getattr(amnesty, f"{what}_by")) for what in _PEOPLE},
        "figures": {
            "listed": figures.listed,
            "found": figures.found,
            "selected": figures.selected,
            "excluded": [
                {"by": why.value, "says": why.says, "count": count}
                for why, count in amnesties.left_out(amnesty)
            ],
            "edges": figures.edges,
            "others": figures.others,
            "largest": [
                {
                    "account": names.of(one.account),
                    "followers": one.followers,
                    "following": one.following,
                }
                for one in figures.largest
            ],
            "conflicts": figures.conflicts,
            "clashes": [
                {"account": names.of(one.account), "kind": one.kind, "detail": one.detail}
                for one in figures.clashes
            ],
        },
    }


def entry_entity(names: Names, entry: Entry) -> Entity:
    """Return an account of an amnesty for moderators."""
    return {
        "n": entry.n,
        "account": names.of(entry.account),
        "wave": entry.wave,
        "actions": [str(action) for action in entry.actions],
        "then": msgspec.to_builtins(entry.then),
        "finally": msgspec.to_builtins(entry.finally_),
        "outcome": entry.outcome.value,
        "why": entry.why or None,
        "at": when_known(entry.at),
    }


# -- reading ---------------------------------------------------------------------------------------


class Filters(Page, frozen=True):
    state: str | None = None


@reads(Filters, needs=Needs.ACCOUNT, scope=READ, answers=list[told.Amnesty])
def many(call: Call, snap: Snapshot, given: Filters) -> Reply:
    """List amnesties, newest first."""
    require_moderator(call, snap)
    states = [_state(given.state)] if given.state else []
    found = amnesties.listed(
        snap, states=states, limit=clamped(given.limit, DEFAULT), **given.cursors()
    )
    shown = [entity(snap, one, call.actor) for one in found]
    return _reply(call, shown, headers=link(call, [one.id for one in found]))


def _state(text: str) -> AmnestyState:
    try:
        return AmnestyState(text)
    except ValueError:
        raise Invalid(f"State must be one of {', '.join(AmnestyState)}") from None


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Amnesty)
def one(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Show an amnesty as it was planned."""
    require_moderator(call, snap)
    return _reply(
        call, entity(snap, amnesties.require_amnesty(snap, path_id(call, "amnesty")), call.actor)
    )


class Part(Struct, frozen=True):
    """Which accounts: those with a number above ``after``, of a wave, with an outcome."""

    after: int = 0
    limit: int | None = None
    wave: int | None = None
    outcome: str | None = None


@reads(Part, needs=Needs.ACCOUNT, scope=READ, answers=list[told.AmnestyEntry])
def accounts(call: Call, snap: Snapshot, given: Part) -> Reply:
    """List the accounts of an amnesty with what became of each."""
    require_moderator(call, snap)
    found = amnesties.entries(
        snap,
        path_id(call, "amnesty"),
        after=min(max(0, given.after), 2**62),
        limit=clamped(given.limit, DEFAULT_ENTRIES, MOST_ENTRIES),
        wave=None if given.wave is None else min(max(0, given.wave), 2**31),
        outcome=_outcome(given.outcome) if given.outcome else None,
    )
    names = Names(snap, {entry.account for entry in found})
    return _reply(call, [entry_entity(names, entry) for entry in found])


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError:
        raise Invalid(f"Outcome must be one of {', '.join(Outcome)}") from None


# -- deciding --------------------------------------------------------------------------------------


class Bounds(Asked, frozen=True):
    """When waves halt by themselves; what is not given is as by default."""

    failures: int | None = None
    reports: int | None = None
    lag_s: int | None = None
    pause_s: int | None = None


class Planning(Asked, frozen=True):
    """What an amnesty is asked for with; ``accounts`` are ids, instead of ``where``."""

    where: str = ""
    except_: str = msgspec.field(default="", name="except")
    accounts: list[str] | None = None
    include: tuple[str, ...] = ()
    type: str = "suspend"
    reason: str = "amnesty"
    ground: str = ""
    waves: tuple[str, ...] = ()
    limits: Bounds = Bounds()


async def _found(call: Call, ids: list[str] | None) -> list[int] | None:
    """Return the ordinals of the accounts that are listed; None when none are."""
    if ids is None:
        return None
    return await account_lists.by_ids(call.api.ctx, moderator=call.actor, ids=ids)


def _kind(text: str) -> ActionKind:
    for kind in ActionKind:
        if kind.label == text:
            return kind
    raise Invalid("Type must be suspend, silence, disable or sensitive")


def _reason(text: str) -> LiftReason:
    try:
        return LiftReason(text)
    except ValueError:
        raise Invalid("Reason must be overturned, served or amnesty") from None


def _limits(given: Bounds) -> Limits:
    named = msgspec.to_builtins(given)
    values = {name: value for name, value in named.items() if value is not None}
    if any(abs(value) > 10**9 for value in values.values()):
        raise Invalid("Limits are numbers from 0 to 1000000000")
    return Limits(**values)


@writes(Planning, scope=WRITE, answers=told.Amnesty)
async def plan(call: Call, given: Planning) -> Reply:
    """Plan an amnesty; a job draws up the manifest, and nothing else is changed."""
    work = amnesties.plan(
        call.api.ctx,
        moderator=call.actor,
        where=given.where,
        except_=given.except_,
        accounts=await _found(call, given.accounts),
        include=given.include,
        kind=_kind(given.type),
        reason=_reason(given.reason),
        ground=given.ground,
        waves=tuple(given.waves) or DEFAULT_WAVES,
        limits=_limits(given.limits),
    )
    return await _after(call, work)


class Approval(Asked, frozen=True):
    hash: str


class Rejection(Asked, frozen=True):
    why: str = ""


async def _after(call: Call, work: Awaitable[Amnesty]) -> Reply:
    amnesty = await work
    with call.api.ctx.store.read() as snap:
        return _reply(call, entity(snap, amnesty, call.actor))


@writes(Approval, scope=WRITE, answers=told.Amnesty)
async def approve(call: Call, given: Approval) -> Reply:
    """Approve a manifest by its hash, as another moderator than who planned it."""
    work = amnesties.approve(
        call.api.ctx, moderator=call.actor, amnesty=path_id(call, "amnesty"), hash_=given.hash
    )
    return await _after(call, work)


@writes(Rejection, scope=WRITE, answers=told.Amnesty)
async def reject(call: Call, given: Rejection) -> Reply:
    """Turn a planned amnesty down."""
    work = amnesties.reject(
        call.api.ctx, moderator=call.actor, amnesty=path_id(call, "amnesty"), why=given.why
    )
    return await _after(call, work)


ROUTES: Final[list[BaseRoute]] = [
    at("/amnesties", GET=many, POST=plan),
    at("/amnesties/{id}", GET=one),
    at("/amnesties/{id}/accounts", GET=accounts),
    at("/amnesties/{id}/approve", POST=approve),
    at("/amnesties/{id}/reject", POST=reject),
]
