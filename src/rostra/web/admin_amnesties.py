"""The pages of moderation: amnesties, from the question whom they are for to the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rostra.domain.accounts import Account
from rostra.domain.amnesty import (
    DEFAULT_WAVES,
    OVERRIDABLE,
    Amnesty,
    AmnestyState,
    Entry,
    Limits,
    Outcome,
)
from rostra.domain.amnesty_waves import Course, Probed
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Invalid, RostraError
from rostra.domain.selector_parser import SelectorError
from rostra.domain.selectors import FIELDS
from rostra.ports import Context, Snapshot
from rostra.services.amnesty import account_lists, amnesties, steering
from rostra.services.amnesty.reporting import stuck_at
from rostra.services.amnesty.selecting import KINDS
from rostra.services.moderation import decision_polls
from rostra.services.server.stuck import Stuck
from rostra.web.admin import REASONS, lift_reason
from rostra.web.endpoints import Handler, path_id, query_id
from rostra.web.files import submission_with_files
from rostra.web.render import plain_words, redirect, render
from rostra.web.visits import (
    Submission,
    Visitor,
    identify,
    require_moderator,
    submission,
    wants_fragment,
)

AMNESTIES: Final = "/admin/amnesties"
PAGE: Final = 20
ACCOUNTS: Final = 50
MAX_SELECTOR: Final = 4000
MAX_LIST_BYTES: Final = 16 * 2**20
GOING: Final = (AmnestyState.PLANNING, AmnestyState.RUNNING, AmnestyState.ROLLING_BACK)
"""States that move on without anybody doing anything."""

EXAMPLE: Final = 'state = suspended and ground ~ "spam" and taken < 2023-01-01'


class WaveRow(Struct, frozen=True):
    """A wave as its row shows it: how many accounts, what became of them, and what was probed."""

    number: int
    size: int
    state: str
    outcomes: Mapping[Outcome, int]
    began_at: int | None = None
    over_at: int | None = None
    probes: int = 0
    failed: tuple[Probed, ...] = ()


class Shown(Struct, frozen=True):
    """All a moderator is shown of an amnesty; ``people`` are by ordinal who has a part in it."""

    amnesty: Amnesty
    course: Course
    waves: tuple[WaveRow, ...]
    people: Mapping[int, Account]
    done: int
    stuck: Stuck | None


# -- what is shown ---------------------------------------------------------------------------------


def _shown(snap: Snapshot, amnesty: Amnesty) -> Shown:
    course = steering.course_of(snap, amnesty.id)
    tally = snap.amnesties.tally(amnesty.id)
    rows = tuple(
        _wave(course, number, size, tally.get(number, {}))
        for number, size in enumerate(amnesty.sizes, 1)
    )
    involved = {amnesty.planned_by, amnesty.approved_by, amnesty.rejected_by, amnesty.started_by}
    involved |= {note.moderator for note in course.log}
    involved |= {each.account for each in amnesty.figures.largest}
    involved |= {each.account for each in amnesty.figures.clashes}
    return Shown(
        amnesty=amnesty,
        course=course,
        waves=rows,
        people=snap.accounts.many({one for one in involved if one is not None}),
        done=sum(
            count
            for outcomes in tally.values()
            for outcome, count in outcomes.items()
            if outcome is not Outcome.PENDING
        ),
        stuck=stuck_at(snap, amnesty),
    )


def _wave(course: Course, number: int, size: int, outcomes: Mapping[Outcome, int]) -> WaveRow:
    found = course.wave(number)
    if found is None:
        return WaveRow(number, size, "ahead", outcomes)
    failed = tuple(one for one in found.probes if not one.passed)
    state = "done" if found.over_at is not None else "now"
    if failed and found.passed_by is None:
        state = "wrong"
    return WaveRow(
        number=number,
        size=size,
        state=state,
        outcomes=outcomes,
        began_at=found.began_at,
        over_at=found.over_at,
        probes=len(found.probes),
        failed=failed,
    )


async def many(ctx: Context, request: Request) -> Response:
    """List the amnesties there were, and offer to plan another."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
    return _list(ctx, request, visitor)


def _list(
    ctx: Context,
    request: Request,
    visitor: Visitor,
    *,
    error: RostraError | None = None,
    sent: Submission | None = None,
) -> HTMLResponse:
    with ctx.store.read() as snap:
        found = amnesties.listed(snap, limit=PAGE, max_id=query_id(request, "max_id"))
        people = snap.accounts.many({one.planned_by for one in found if one.planned_by})
    return render(
        ctx,
        request,
        "admin/amnesties.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        amnesties=found,
        people=people,
        more=f"{AMNESTIES}?max_id={found[-1].id}" if len(found) == PAGE else None,
        fields=FIELDS.values(),
        overridable=OVERRIDABLE,
        reasons=REASONS,
        waves=",".join(DEFAULT_WAVES),
        example=EXAMPLE,
        limits=Limits(),
        kinds=KINDS,
        megabytes=MAX_LIST_BYTES // 2**20,
        error=plain_words(error) if error and not _in_lines(error) else "",
        pointed=plain_words(error) if error and _in_lines(error) else "",
        typed=sent.form if sent else {},
        included=sent.all("include") if sent else [],
    )


def _in_lines(error: RostraError) -> bool:
    """Return whether an error is told line by line, as it points at words or at lines of a list."""
    return isinstance(error, SelectorError) or "\n" in error.message


async def plan(ctx: Context, request: Request) -> Response:
    """Ask for the plan of an amnesty."""
    async with submission_with_files(ctx, request, most=MAX_LIST_BYTES) as (sent, files):
        moderator = require_moderator(sent.visitor)
        try:
            made = await _planned(ctx, moderator.ordinal, sent, files.get("list", []))
        except RostraError as refused:
            if refused.status >= 500:
                raise
            return _list(ctx, request, sent.visitor, error=refused, sent=sent)
    return redirect(request, f"{AMNESTIES}/{made.id}")


async def _planned(ctx: Context, moderator: int, sent: Submission, lists: list[Path]) -> Amnesty:
    form = sent.form
    return await amnesties.plan(
        ctx,
        moderator=moderator,
        where=form.get("where", "").strip()[:MAX_SELECTOR],
        except_=form.get("except", "").strip()[:MAX_SELECTOR],
        accounts=await _listed(ctx, moderator, form.get("listed", ""), lists),
        include=sent.all("include"),
        kind=_kind(form),
        reason=lift_reason(form),
        ground=form.get("ground", ""),
        waves=[wave.strip() for wave in form.get("waves", "").split(",") if wave.strip()],
        limits=_limits(form),
    )


async def _listed(ctx: Context, moderator: int, typed: str, lists: list[Path]) -> list[int] | None:
    """Return whom a list names that was sent as a file, or else as text; None without any."""
    data = lists[0].read_bytes() if lists else typed.strip().encode()
    if not data:
        return None
    return await account_lists.in_file(ctx, moderator=moderator, data=data)


def _kind(form: Mapping[str, str]) -> ActionKind:
    wanted = form.get("type") or ActionKind.SUSPEND.label
    for kind in KINDS:
        if kind.label == wanted:
            return kind
    raise Invalid("Choose what is to be lifted")


def _limits(form: Mapping[str, str]) -> Limits:
    values: dict[str, int] = {}
    for name in Limits.__struct_fields__:
        text = form.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise Invalid("Limits are numbers from 0 on")
        if text:
            values[name] = int(text)
    return Limits(**values)


async def show(ctx: Context, request: Request) -> Response:
    """Show an amnesty as it goes on: its plan, its waves, and what may be decided now."""
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
    return _show(ctx, request, visitor)


def _show(
    ctx: Context, request: Request, visitor: Visitor, *, error: RostraError | None = None
) -> HTMLResponse:
    with ctx.store.read() as snap:
        amnesty = amnesties.require_amnesty(snap, path_id(request))
        shown = _shown(snap, amnesty)
        held = decision_polls.held_up(snap, amnesty=amnesty.id)
    return render(
        ctx,
        request,
        "admin/_amnesty.html" if wants_fragment(request) else "admin/amnesty.html",
        visitor,
        status=error.status if error else 200,
        section="admin",
        shown=shown,
        amnesty=amnesty,
        held=held,
        going=amnesty.state in GOING,
        left_out=amnesties.left_out(amnesty),
        error=plain_words(error) if error else "",
    )


async def accounts(ctx: Context, request: Request) -> Response:
    """List the accounts of an amnesty: all, those of a wave, or those with an outcome."""
    query = request.query_params
    outcome = query.get("outcome", "")
    chosen = Outcome(outcome) if outcome in {one.value for one in Outcome} else None
    wave = int(query["wave"]) if query.get("wave", "").isdecimal() else None
    after = int(query["after"]) if query.get("after", "").isdecimal() else 0
    with ctx.store.read() as snap:
        visitor = identify(snap, request)
        require_moderator(visitor)
        amnesty = amnesties.require_amnesty(snap, path_id(request))
        found = amnesties.entries(
            snap,
            amnesty.id,
            after=min(after, 2**62),
            limit=ACCOUNTS,
            wave=None if wave is None else min(wave, 2**31),
            outcome=chosen,
        )
        people = snap.accounts.many({entry.account for entry in found})
    return render(
        ctx,
        request,
        "admin/amnesty_accounts.html",
        visitor,
        section="admin",
        amnesty=amnesty,
        entries=found,
        people=people,
        outcomes=tuple(Outcome),
        chosen=outcome,
        wave=wave,
        more=_more(amnesty, found, outcome, wave),
    )


def _more(amnesty: Amnesty, found: list[Entry], outcome: str, wave: int | None) -> str | None:
    if len(found) < ACCOUNTS:
        return None
    asked: dict[str, Any] = {"after": found[-1].n}
    if outcome:
        asked["outcome"] = outcome
    if wave is not None:
        asked["wave"] = wave
    return f"{AMNESTIES}/{amnesty.id}/accounts?{urlencode(asked)}"


async def manifest(ctx: Context, request: Request) -> Response:
    """Answer with the manifest of an amnesty as a file: the bytes its hash is of."""
    amnesty_id = path_id(request)
    with ctx.store.read() as snap:
        require_moderator(identify(snap, request))
        amnesties.require_amnesty(snap, amnesty_id)
    async with ctx.store.audit(gently=True) as audit:
        lines = await audit.read(lambda snap: b"".join(amnesties.export(snap, amnesty_id)))
    name = f'attachment; filename="amnesty-{amnesty_id}.jsonl"'
    headers = {"content-disposition": name}
    return Response(lines, media_type="application/jsonl", headers=headers)


# -- what is decided -------------------------------------------------------------------------------

Decide = Callable[[Context, int, int, Mapping[str, str]], Awaitable[object]]


async def _approve(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    hash_ = form.get("hash", "")
    return await amnesties.approve(ctx, moderator=moderator, amnesty=amnesty, hash_=hash_)


async def _reject(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    why = form.get("why", "")
    return await amnesties.reject(ctx, moderator=moderator, amnesty=amnesty, why=why)


async def _run(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    return await steering.run(ctx, moderator=moderator, amnesty_id=amnesty)


async def _pause(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    return await steering.pause(ctx, moderator=moderator, amnesty_id=amnesty)


async def _resume(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    past = "past_probes" in form
    return await steering.resume(ctx, moderator=moderator, amnesty_id=amnesty, past_probes=past)


async def _stop(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    return await steering.stop(ctx, moderator=moderator, amnesty_id=amnesty)


async def _roll_back(ctx: Context, moderator: int, amnesty: int, form: Mapping[str, str]) -> object:
    return await steering.roll_back(ctx, moderator=moderator, amnesty_id=amnesty)


_DECISIONS: Final[Mapping[str, Decide]] = {
    "approve": _approve,
    "reject": _reject,
    "run": _run,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "rollback": _roll_back,
}


def _decides(decide: Decide) -> Handler:
    async def act(ctx: Context, request: Request) -> Response:
        sent = await submission(ctx, request)
        moderator = require_moderator(sent.visitor)
        amnesty_id = path_id(request)
        try:
            await decide(ctx, moderator.ordinal, amnesty_id, sent.form)
        except RostraError as refused:
            if refused.status >= 500 or refused.status == 404:
                raise
            return _show(ctx, request, sent.visitor, error=refused)
        return redirect(request, f"{AMNESTIES}/{amnesty_id}")

    return act


TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", AMNESTIES, many),
    ("POST", AMNESTIES, plan),
    ("GET", AMNESTIES + "/{id}", show),
    ("GET", AMNESTIES + "/{id}/accounts", accounts),
    ("GET", AMNESTIES + "/{id}/manifest", manifest),
    *(("POST", f"{AMNESTIES}/{{id}}/{name}", _decides(do)) for name, do in _DECISIONS.items()),
)
