"""``rostra reinstate``: bringing one account back, with a plan, probes and a way back."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import App, Parameter

from rostra.api.extension import reinstatement_entities as entities
from rostra.api.extension.report_pages import reinstatement_page
from rostra.domain.accounts import Role
from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Forbidden, Invalid, Unavailable
from rostra.domain.reinstatement import Options, Run, RunState
from rostra.language import i18n
from rostra.ops.cli import INTERRUPTED
from rostra.ops.cli import reinstate_shown as shown
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    Limit,
    agreed,
    command,
    decided,
    json_text,
    local,
    named,
    print_json,
    required_id,
    required_language,
    tell_unserved,
    with_data,
    write_file,
)
from rostra.ops.locks import is_held
from rostra.ops.opening import JOBS_LOCK
from rostra.ports import Context
from rostra.services import reinstatement
from rostra.services.moderation import decision_polls
from rostra.services.reinstatement import Frozen, RunView, Stale

app = App(name="reinstate", help="Bring one account back: plan, run, look, roll back, report.")

Reason = Literal["overturned", "served", "amnesty"]
LISTED: Final = 40


def _moderator(ctx: Context, name: str | None) -> int | None:
    """Return who decides; what they may do to an account is checked later.

    Raises:
        NotFound: there is no account of that name.
        Forbidden: the one named by ``--by`` decides nothing here.
    """
    if name is None:
        return None
    with ctx.store.read() as snap:
        by = named(ctx, snap.accounts, name)
    if by.role < Role.MODERATOR:
        raise Forbidden(f"@{by.username} is no moderator: name one with --by")
    return by.ordinal


def _require_server(ctx: Context) -> None:
    """Refuse what nobody would do: runs are gone by the job process of a server.

    Raises:
        Unavailable: no server runs on this data folder.
    """
    if not is_held(ctx.settings.data / JOBS_LOCK):
        raise Unavailable(
            f"No server runs on {ctx.settings.data}, and a run is carried out and looked at by "
            f"one: start {command('serve')}, then try again"
        )


# -- the plan --------------------------------------------------------------------------------------


@app.command
def plan(
    name: str,
    /,
    *,
    only: Annotated[list[int] | None, Parameter(negative="")] = None,
    by: str | None = None,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Say what reinstating an account would do, without changing anything, and freeze that.

    Args:
        name: The handle.
        only: The id of a suspension to lift, again for each; all that are in force otherwise.
        by: The handle of the moderator who asks.
        json: Print the plan as JSON.
    """

    async def work(ctx: Context) -> int:
        moderator = _moderator(ctx, by)
        with ctx.store.read() as snap:
            target = named(ctx, snap.accounts, name)
        found = await reinstatement.plan(
            ctx, moderator=moderator, target=target.ordinal, only=only or ()
        )
        with ctx.store.read() as snap:
            held = decision_polls.held_up(snap, account=target.ordinal)
        if json:
            print_json(entities.plan_now(found, held))
        else:
            shown.plan(found, held, by=by)
        return 0

    return with_data(folder, work)


# -- the run ---------------------------------------------------------------------------------------


@app.command
def run(
    name: str,
    /,
    *,
    plan: str,
    by: str,
    reason: Reason,
    ground: str = "",
    accept: Flag = False,
    require_headroom: Flag = False,
    sample: int = 50,
    no_follow: Flag = False,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Carry a plan out: stage, cut over, look at everything as visitors do, or roll back.

    The server does it, and goes on when this command is interrupted. Exit code 1 when the account
    is not back at the end.

    Args:
        name: The handle.
        plan: The hash of the plan, at least eight digits of it.
        by: The handle of the moderator who decides.
        reason: Why: the decision was wrong, the time is served, or mercy.
        ground: The decision in words, for the record.
        accept: Go by what is so now, whatever changed since the plan.
        require_headroom: Refuse when this server has not the room for the returning audience.
        sample: How many followers, and how many others, are asked for their relationship.
        no_follow: Do not wait for the end.
        json: Print the run as JSON instead, once it is over.
    """
    options = Options(sample=sample, require_headroom=require_headroom)

    async def work(ctx: Context) -> int:
        _require_server(ctx)
        moderator = _moderator(ctx, by)
        asked = await reinstatement.find_plan(ctx, moderator=moderator, prefix=plan)
        if asked.plan.handle.lower() != local(ctx, name).lower():
            raise Invalid(f"Plan {asked.hash[:8]} is for @{asked.plan.handle}, not for {name}")
        begun = await _begin(
            ctx,
            asked,
            accept=accept,
            moderator=moderator,
            reason=LiftReason(reason),
            ground=ground,
            options=options,
        )
        if begun is None:
            return 1
        if no_follow:
            _tell_of(ctx, begun, json=json)
            return 0
        return await _follow(ctx, begun.id, json=json)

    return with_data(folder, work)


async def _begin(ctx: Context, asked: Frozen, *, accept: bool, **given: Any) -> Run | None:
    """Begin a run, showing what changed since its plan and asking whether to go on all the same."""
    while True:
        try:
            begun = reinstatement.begin(ctx, plan=asked.hash, accept=accept, **given)
            return await decided(begun)
        except Stale as stale:
            shown.difference(stale)
            if not sys.stdin.isatty():
                raise
            if not agreed(f"Go on with plan {stale.new.hash[:8]}?"):
                print("Nothing was begun.")
                return None
            asked = stale.new


def _tell_of(ctx: Context, begun: Run, *, json: bool) -> None:
    with ctx.store.read() as snap:
        found = reinstatement.status(snap, begun.id)
    if json:
        print_json(entities.run(found))
    else:
        see = command("reinstate", "status", begun.id, "--follow")
        print(f"Run {begun.id} was begun: {see}")


async def _follow(ctx: Context, run_id: int, *, json: bool) -> int:
    found = await _to_the_end(ctx, run_id, quiet=json)
    if found is None:
        return INTERRUPTED
    if json:
        print_json(entities.run(found))
    return 0 if found.run.state == RunState.DONE else 1


async def _to_the_end(ctx: Context, run_id: int, *, quiet: bool) -> RunView | None:
    """Show how a run goes until it is over; return None when that was interrupted."""

    def look() -> RunView:
        with ctx.store.read() as snap:
            return reinstatement.status(snap, run_id)

    try:
        return await shown.follow(look, quiet=quiet)
    except asyncio.CancelledError:
        see = command("reinstate", "status", run_id, "--follow")
        print(f"\nThe run goes on in the server: {see}", file=sys.stderr)
        return None


@app.command
def status(
    run: str | None = None,
    /,
    *,
    follow: Flag = False,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Show a run with its steps and probes: the newest when none is named.

    Args:
        run: The id of the run.
        follow: Wait for its end and show how it goes.
        json: Print it as JSON.
    """

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            id_ = _run_id(run) if run is not None else _newest(reinstatement.runs(snap, limit=1))
            found = reinstatement.status(snap, id_)
        if follow and not found.run.state.is_over:
            _require_server(ctx)
            return await _follow(ctx, id_, json=json)
        if not found.run.state.is_over and not is_held(ctx.settings.data / JOBS_LOCK):
            tell_unserved()
        if json:
            print_json(entities.run(found))
        else:
            shown.run(found)
        return 0

    return with_data(folder, work)


def _run_id(text: str) -> int:
    return required_id(text, "run", "reinstate")


def _newest(found: list[Run]) -> int:
    if not found:
        begin = command("reinstate", "plan", "NAME")
        raise Invalid(f"Nobody was reinstated by a run yet: begin with {begin}")
    return found[0].id


@app.command
def rollback(
    run: str, /, *, by: str, why: str = "", json: Flag = False, folder: Folder = HERE
) -> int:
    """Suspend an account again as it was before a run, unless somebody decided about it since.

    Args:
        run: The id of the run.
        by: The handle of the moderator who decides.
        why: In words, for the record.
        json: Print the run as JSON.
    """

    async def work(ctx: Context) -> int:
        moderator, id_ = _moderator(ctx, by), _run_id(run)
        await reinstatement.rollback(ctx, moderator=moderator, run=id_, why=why)
        served = is_held(ctx.settings.data / JOBS_LOCK)
        found = await _to_the_end(ctx, id_, quiet=True) if served else None
        if found is None:
            with ctx.store.read() as snap:
                found = reinstatement.status(snap, id_)
        if json:
            print_json(entities.run(found))
        else:
            shown.rolled_back(found, served=served)
        return 0

    return with_data(folder, work)


@app.command
def report(
    run: str,
    /,
    *,
    format: Literal["text", "json", "html"] = "text",
    language: str = i18n.SOURCE,
    out: Path | None = None,
    folder: Folder = HERE,
) -> int:
    """Tell all of a run: its plan, timings, probes, counts before and after, and who decided.

    Args:
        run: The id of the run.
        format: As text, as JSON, or as one page of HTML without outside links.
        language: The language of the page of HTML, such as de.
        out: The file to write; printed when none is named.
    """

    spoken = required_language(language)

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            found = reinstatement.status(snap, _run_id(run))
        data = entities.report(found)
        if format == "html":
            with i18n.speaking(spoken):
                text = reinstatement_page(data)
        elif format == "json":
            text = json_text(data) + "\n"
        else:
            text = shown.report(found, data)
        _write(out, text)
        return 0

    return with_data(folder, work)


def _write(out: Path | None, text: str) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    write_file(out, text.encode())
    print(f"The report is in {out}")


@app.command(name="list")
def list_(*, limit: Limit = LISTED, json: Flag = False, folder: Folder = HERE) -> int:
    """List the runs there were, newest first.

    Args:
        limit: How many at most.
        json: Print them as JSON.
    """

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            found = reinstatement.runs(snap, limit=limit)
            handles = reinstatement.handles_of(snap, found)
        if json:
            print_json(entities.runs(found, handles))
        else:
            shown.runs(found, handles)
        return 0

    return with_data(folder, work)
