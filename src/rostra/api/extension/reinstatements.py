"""Reinstating one account: plans, runs, their reports, and the profile as it will be."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension import asked, reports
from rostra.api.extension import reinstatement_entities as entities
from rostra.api.extension.answers import reinstatements as told
from rostra.api.extension.asked import Asked
from rostra.api.mastodon.admin import require_moderator
from rostra.api.mastodon.common import bytes_reply
from rostra.api.messages import PRIVATE, Call, Header, Reply, encode, json_reply
from rostra.api.operation import Answers, Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped, link
from rostra.api.rendering import Entity, Renderer, when
from rostra.domain.choices import chosen
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Invalid
from rostra.domain.ids import parse_id
from rostra.domain.reinstatement import Options
from rostra.domain.statuses import Visibility
from rostra.ports import Snapshot
from rostra.services import reinstatement
from rostra.services.moderation import decision_polls
from rostra.services.reinstatement import Frozen, Stale
from rostra.services.reinstatement.previewing import PreviewedStatus, preview

DEFAULT: Final = 40
READ: Final = "admin:read:accounts"
WRITE: Final = "admin:write:accounts"
HTML: Final = (b"content-type", b"text/html; charset=utf-8")
_REASONS: Final = {str(one): one for one in LiftReason if one is not LiftReason.EXPIRED}
_FORMATS: Final = {"json": "json", "html": "html"}


def _reply(value: object, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    return json_reply(value, status=status, headers=(*PRIVATE, *headers))


# -- plans -----------------------------------------------------------------------------------------


class Planning(Asked, frozen=True):
    account_id: str
    only: list[str] = field(default_factory=list)


@writes(Planning, scope=WRITE, answers=told.PlanNow)
async def make_plan(call: Call, given: Planning) -> Reply:
    """Plan the reinstatement of an account; nothing is changed by it."""
    ctx = call.api.ctx
    with ctx.store.read() as snap:
        require_moderator(call, snap)
        target = asked.account(snap, given.account_id).ordinal
    only = [parse_id(one) for one in given.only]
    wrong = [text for text, id_ in zip(given.only, only, strict=True) if id_ is None]
    if wrong:
        raise Invalid(f"Validation failed: Only must be ids of actions, not {wrong[0][:40]}")
    found = await reinstatement.plan(
        ctx, moderator=call.actor, target=target, only=[one for one in only if one is not None]
    )
    return _planned(call, found)


@writes(Nothing, scope=READ, answers=told.PlanNow)
async def one_plan(call: Call, given: Nothing) -> Reply:
    """Show a plan by at least eight digits of its hash."""
    found = await reinstatement.find_plan(
        call.api.ctx, moderator=call.actor, prefix=call.path_params["hash"]
    )
    return _planned(call, found)


def _planned(call: Call, found: Frozen) -> Reply:
    with call.api.ctx.store.read() as snap:
        held = decision_polls.held_up(snap, account=found.plan.account)
    return _reply(entities.plan_now(found, held))


# -- runs ------------------------------------------------------------------------------------------


class Beginning(Asked, frozen=True):
    plan: str
    reason: str
    ground: str = ""
    accept: bool = False
    require_headroom: bool = False
    sample: int | None = None


@writes(Beginning, scope=WRITE, answers=Answers(told.Run, also={409: told.StalePlan}))
async def begin(call: Call, given: Beginning) -> Reply:
    """Begin to carry out a plan; 409 with what changed when the world moved on since."""
    reason = chosen("Reason", given.reason, _REASONS)
    options = Options(require_headroom=given.require_headroom)
    if given.sample is not None:
        options = Options(require_headroom=given.require_headroom, sample=given.sample)
    try:
        run = await reinstatement.begin(
            call.api.ctx,
            moderator=call.actor,
            plan=given.plan,
            reason=reason,
            ground=given.ground,
            accept=given.accept,
            options=options,
        )
    except Stale as stale:
        return _reply(
            {
                "error": stale.message,
                "difference": entities.difference(stale.difference),
                "plan": entities.plan(stale.new),
            },
            409,
        )
    return _one(call, run.id)


class Listing(Page, frozen=True):
    account_id: str | None = None


@reads(Listing, needs=Needs.ACCOUNT, scope=READ, answers=list[told.RunHead])
def many(call: Call, snap: Snapshot, given: Listing) -> Reply:
    """List runs, newest first, those of one account when it is named."""
    require_moderator(call, snap)
    if given.account_id:
        account = asked.account(snap, given.account_id)
        found, more = reinstatement.runs_of(snap, account.ordinal), False
    else:
        limit = clamped(given.limit, DEFAULT)
        found, more = reinstatement.runs(snap, limit=limit, **given.cursors()), True
    shown = entities.runs(found, reinstatement.handles_of(snap, found))
    headers = link(call, [run.id for run in found]) if more else ()
    return bytes_reply(call, encode(shown), headers=headers)


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Run)
def one(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Show a run with its steps and probes."""
    require_moderator(call, snap)
    return bytes_reply(
        call, encode(entities.run(reinstatement.status(snap, asked.path_id(call, "run"))))
    )


def _one(call: Call, run: int) -> Reply:
    with call.api.ctx.store.read() as snap:
        return _reply(entities.run(reinstatement.status(snap, run)))


class Back(Asked, frozen=True):
    why: str = ""


@writes(Back, scope=WRITE, answers=told.Run)
async def rollback(call: Call, given: Back) -> Reply:
    """Suspend the account again, as before the run."""
    run = await reinstatement.rollback(
        call.api.ctx, moderator=call.actor, run=asked.path_id(call, "run"), why=given.why
    )
    return _one(call, run.id)


class Format(Struct, frozen=True):
    format: str = "json"


@reads(
    Format, needs=Needs.ACCOUNT, scope=READ, answers=Answers(told.RunReport, forms=("text/html",))
)
def report(call: Call, snap: Snapshot, given: Format) -> Reply:
    """Tell all of a run, as JSON or as a page of HTML without outside links."""
    require_moderator(call, snap)
    form = chosen("Format", given.format, _FORMATS)
    body, headers = reports.of_reinstatement(snap, asked.path_id(call, "run"), form)
    return Reply(body, 200, (*headers, *PRIVATE))


@reads(Nothing, needs=Needs.ACCOUNT, scope=READ, answers=told.Preview)
def previewed(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Show the profile as it will be once the account is back."""
    require_moderator(call, snap)
    run = reinstatement.require_run(snap, asked.path_id(call, "run"))
    found = preview(snap, run.account)
    renderer = Renderer(call.api.ctx.settings)
    return bytes_reply(
        call,
        encode(
            {
                "run": str(run.id),
                "stays_hidden": run.plan.hidden_after or None,
                "account": renderer.account(found.view, snap),
                "statuses": [_status(one) for one in found.statuses],
            }
        ),
    )


def _status(one: PreviewedStatus) -> Entity:
    return {
        "id": str(one.status.id),
        "created_at": when(one.status.created_at),
        "visibility": Visibility(one.status.visibility).label,
        "spoiler_text": (one.original or one.status).spoiler_text,
        "text": (one.original or one.status).text,
        "reblog_of": None if one.original is None else str(one.original.id),
        "replies_count": one.replies,
        "reblogs_count": one.boosts,
        "favourites_count": one.likes,
    }


ROUTES: Final[list[BaseRoute]] = [
    at("/reinstatements", GET=many, POST=begin),
    *group(
        "/reinstatements",
        at("/plans", POST=make_plan),
        at("/plans/{hash}", GET=one_plan),
        at("/{id}", GET=one),
        at("/{id}/rollback", POST=rollback),
        at("/{id}/report", GET=report),
        at("/{id}/preview", GET=previewed),
    ),
]
