"""The pages of moderation: one account brought back, from the plan to the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rostra.domain.accounts import Account, local_name
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Invalid, NotFound, RostraError
from rostra.domain.ids import parse_id
from rostra.domain.reinstatement import (
    MEANING,
    Difference,
    Options,
    Run,
    RunState,
    Seen,
    Step,
)
from rostra.ports import Context, Snapshot
from rostra.services import reinstatement
from rostra.services.moderation import decision_polls
from rostra.services.reinstatement import Frozen, RunView, Stale
from rostra.services.reinstatement.previewing import Preview, preview
from rostra.services.server.stuck import Stuck
from rostra.web.admin import REASONS, lift_reason
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.render import plain_words, redirect, render
from rostra.web.views import Person, person
from rostra.web.visits import (
    Submission,
    Visitor,
    identify,
    require_moderator,
    submission,
    wants_fragment,
)

RUNS: Final = "/admin/reinstatements"
PLANS: Final = RUNS + "/plans"
PAGE: Final = 20

WAY: Final = (RunState.STAGING, RunState.CUTTING_OVER, RunState.CONFIRMING)
"""The steps that are shown on the way from a plan to the end."""


class Stage(Struct, frozen=True):
    """A step of a run as its bar shows it: to come, going on, done, or where it went wrong."""

    name: str
    state: str
    step: Step | None = None


class Told(Struct, frozen=True):
    """A probe as a row: what was asked, and what each worker said."""

    name: str
    passed: bool
    workers: tuple[Seen, ...]


class Progress(Struct, frozen=True):
    """All a moderator is shown of a run; ``decided`` is what somebody decided since it ended."""

    run: Run
    meaning: str
    by: str
    rolled_back_by: str
    decided: str
    bar: tuple[Stage, ...]
    probes: tuple[tuple[str, tuple[Told, ...]], ...]
    stuck: Stuck | None


# -- what is shown ---------------------------------------------------------------------------------


def progress(snap: Snapshot, found: RunView) -> Progress:
    """Return a run as its page shows it."""
    run = found.run
    return Progress(
        run=run,
        meaning=MEANING[run.state],
        by=found.handles.get(run.by or 0, ""),
        rolled_back_by=found.handles.get(run.rolled_back_by or 0, ""),
        decided=reinstatement.decided_since(snap, run) if run.state.cut_over else "",
        bar=_bar(run),
        probes=_by_step(found.probes),
        stuck=found.stuck,
    )


def _bar(run: Run) -> tuple[Stage, ...]:
    steps = {step.name: step for step in run.steps}
    stages = [Stage("plan", "done")]
    stages += [_stage(state.value, steps.get(state.value), run) for state in WAY]
    back = steps.get(RunState.ROLLING_BACK.value)
    if back is not None:
        stages.append(_stage(back.name, back, run))
    stages.append(Stage(run.state.value if run.state.is_over else "report", _end(run)))
    return tuple(stages)


def _stage(name: str, step: Step | None, run: Run) -> Stage:
    if step is None:
        return Stage(name, "left" if run.state.is_over else "ahead")
    if step.ended_at is None:
        return Stage(name, "now", step)
    return Stage(name, "done" if step.passed is not False else "wrong", step)


def _end(run: Run) -> str:
    if not run.state.is_over:
        return "ahead"
    return "done" if run.state == RunState.DONE else "wrong"


def _by_step(probes: tuple[Seen, ...]) -> tuple[tuple[str, tuple[Told, ...]], ...]:
    """Return probes by the step they belong to, the newest attempt of each, row by row."""
    newest: dict[str, int] = {}
    for seen in probes:
        newest[seen.step] = max(newest.get(seen.step, 0), seen.attempt)
    rows: dict[str, dict[str, list[Seen]]] = {}
    for seen in probes:
        if seen.attempt == newest[seen.step]:
            rows.setdefault(seen.step, {}).setdefault(seen.probe.name, []).append(seen)
    return tuple(
        (
            step,
            tuple(
                Told(name, all(one.probe.passed for one in all_), tuple(all_))
                for name, all_ in named.items()
            ),
        )
        for step, named in rows.items()
    )


# -- planning --------------------------------------------------------------------------------------


async def many(ctx: Context, request: Request) -> Response:
    """List the runs there were, and offer to plan another."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        return _list(ctx, request, snap, visitor)


def _list(
    ctx: Context,
    request: Request,
    snap: Snapshot,
    visitor: Visitor,
    *,
    error: RostraError | None = None,
    typed: str = "",
) -> Response:
    found = reinstatement.runs(snap, limit=PAGE, max_id=query_id(request, "max_id"))
    return render(
        ctx,
        request,
        "admin/reinstatements.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        runs=found,
        handles=reinstatement.handles_of(snap, found),
        more=f"{RUNS}?max_id={found[-1].id}" if len(found) == PAGE else None,
        error=plain_words(error) if error else "",
        typed=typed or request.query_params.get("name", ""),
    )


async def plan(ctx: Context, request: Request) -> Response:
    """Plan the reinstatement of the account that is named, and show the plan."""
    sent = await submission(ctx, request)
    require_moderator(sent.visitor)
    name = sent.form.get("name", "").strip()
    try:
        with ctx.store.read() as snap:
            target = _named(snap, local_name(name, ctx.settings.domain))
        only = [number for text in sent.all("only") if (number := parse_id(text)) is not None]
        frozen = await reinstatement.plan(
            ctx, moderator=sent.actor, target=target.ordinal, only=only
        )
    except RostraError as refused:
        if refused.status >= 500:
            raise
        with ctx.store.read() as snap:
            return _list(ctx, request, snap, sent.visitor, error=refused, typed=name)
    return redirect(request, f"{PLANS}/{frozen.hash}")


def _named(snap: Snapshot, name: str) -> Account:
    if not name:
        raise Invalid("Name the account to bring back, as in @anna")
    account = snap.accounts.by_username(name)
    if account is None:
        raise NotFound("There is no account @%(name)s: check how it is spelt", name=name[:40])
    return snap.gate.require_account(account)


async def show_plan(ctx: Context, request: Request) -> Response:
    """Show a plan: what would be, the profile as it will look, and the button to begin."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        moderator = require_moderator(visitor)
    prefix = str(request.path_params["hash"])
    frozen = await reinstatement.find_plan(ctx, moderator=moderator.ordinal, prefix=prefix)
    return _show_plan(ctx, request, visitor, frozen)


def _show_plan(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    frozen: Frozen,
    *,
    found: Difference | None = None,
    error: RostraError | None = None,
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    with ctx.store.read() as snap:
        as_it_will_be, current = _preview(snap, visitor, frozen)
        unfinished = snap.runs.unfinished(frozen.plan.account)
        held = decision_polls.held_up(snap, account=frozen.plan.account)
    return render(
        ctx,
        request,
        "admin/reinstatement_plan.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        frozen=frozen,
        plan=frozen.plan,
        figures=rows(frozen),
        suspensions=[
            held
            for held in (*frozen.plan.lifts, *frozen.plan.stays)
            if held.type == ActionKind.SUSPEND.label
        ],
        sample=Options().sample,
        preview=as_it_will_be,
        person=current,
        unfinished=unfinished,
        waits_for=held,
        difference=found,
        reasons=REASONS,
        error="" if error is None or found else plain_words(error),
        typed=typed or {},
    )


def _preview(
    snap: Snapshot, visitor: Visitor, frozen: Frozen
) -> tuple[Preview | None, Person | None]:
    """Return the profile as it will be and as it is; None for one that was deleted since."""
    try:
        return (
            preview(snap, frozen.plan.account),
            person(snap, visitor.ordinal, frozen.plan.account, with_suspended=True),
        )
    except NotFound:
        return None, None


def rows(frozen: Frozen) -> tuple[tuple[str, int, int, int], ...]:
    """Return a plan's table: what, as stored, what stays hidden, as anybody will see."""
    figures = frozen.plan.figures
    return (
        (
            "Followers",
            figures.followers_stored,
            figures.followers_stored - figures.followers,
            figures.followers,
        ),
        (
            "Following",
            figures.following_stored,
            figures.following_stored - figures.following,
            figures.following,
        ),
        ("Posts", figures.statuses, 0, figures.statuses),
    )


# -- the run ---------------------------------------------------------------------------------------


async def begin(ctx: Context, request: Request) -> Response:
    """Begin to carry a plan out; one that went stale is shown with what is another now."""
    sent = await submission(ctx, request)
    moderator = require_moderator(sent.visitor)
    prefix = sent.form.get("plan", "")
    try:
        run = await reinstatement.begin(
            ctx,
            moderator=moderator.ordinal,
            plan=prefix,
            reason=lift_reason(sent.form),
            ground=sent.form.get("ground", ""),
            accept="accept" in sent.form,
            options=_options(sent),
        )
    except Stale as stale:
        return _show_plan(
            ctx,
            request,
            sent.visitor,
            stale.new,
            found=stale.difference,
            error=stale,
            typed=sent.form,
        )
    except RostraError as refused:
        if refused.status >= 500 or refused.status == 404:
            raise
        frozen = await reinstatement.find_plan(ctx, moderator=moderator.ordinal, prefix=prefix)
        return _show_plan(ctx, request, sent.visitor, frozen, error=refused, typed=sent.form)
    return redirect(request, f"{RUNS}/{run.id}")


def _options(sent: Submission) -> Options:
    options = Options(require_headroom="require_headroom" in sent.form)
    text = sent.form.get("sample", "").strip()
    if not text:
        return options
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("How many are asked is a number, such as 50")
    return structs.replace(options, sample=int(text))


async def show(ctx: Context, request: Request) -> Response:
    """Show a run as it goes on: its steps, figures and probes."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        found = reinstatement.status(snap, path_id(request))
    return _show_run(ctx, request, visitor, found)


def _show_run(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    found: RunView,
    *,
    error: RostraError | None = None,
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    with ctx.store.read() as snap:
        told = progress(snap, found)
    return render(
        ctx,
        request,
        "admin/_reinstatement.html" if wants_fragment(request) else "admin/reinstatement.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        shown=told,
        run=found.run,
        error=plain_words(error) if error else "",
        typed=typed or {},
    )


async def rollback(ctx: Context, request: Request) -> Response:
    """Suspend the account again as it was before a run."""
    sent = await submission(ctx, request)
    require_moderator(sent.visitor)
    run_id = path_id(request)
    try:
        await reinstatement.rollback(
            ctx, moderator=sent.actor, run=run_id, why=sent.form.get("why", "")
        )
    except RostraError as refused:
        if refused.status >= 500 or refused.status == 404:
            raise
        with ctx.store.read() as snap:
            found = reinstatement.status(snap, run_id)
        return _show_run(ctx, request, sent.visitor, found, error=refused, typed=sent.form)
    return redirect(request, f"{RUNS}/{run_id}")


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", RUNS, many),
    ("POST", RUNS, begin),
    ("POST", PLANS, plan),
    ("GET", PLANS + "/{hash}", show_plan),
    ("GET", RUNS + "/{id}", show),
    ("POST", RUNS + "/{id}/rollback", rollback),
)
