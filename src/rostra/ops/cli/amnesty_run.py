"""``rostra amnesty run``, ``pause``, ``resume``, ``stop``, ``rollback``, ``status``, ``report``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal

from cyclopts import App

from rostra.api.extension import amnesty_forms, reports
from rostra.domain.amnesty import Amnesty, AmnestyState, shown
from rostra.domain.amnesty_waves import Note
from rostra.domain.errors import Invalid
from rostra.domain.words import how_many
from rostra.language import i18n
from rostra.ops.cli import INTERRUPTED
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    command,
    decided,
    named,
    opened,
    print_json,
    required_id,
    required_language,
    shown_time,
    tell_unserved,
    terminal,
    told_stuck,
    write_file,
)
from rostra.ops.cli.listing import Listing
from rostra.ops.locks import is_held
from rostra.ops.opening import JOBS_LOCK
from rostra.ports import Context
from rostra.services.amnesty import reporting, steering
from rostra.services.amnesty.reporting import Standing

FOLLOW_SECONDS: Final = 1.0
_WORKING: Final = (AmnestyState.RUNNING, AmnestyState.ROLLING_BACK)


def attach(app: App) -> None:
    """Make the commands of this module commands of an application."""
    for verb in (run, pause, resume, stop, rollback, status, report):
        app.command(verb)


def run(id: str, /, *, by: str, follow: Flag = False, folder: Folder = HERE) -> int:
    """Start the waves of an approved amnesty; the job process of the server does them.

    Args:
        id: Its id.
        by: The handle of the moderator who starts it.
        follow: Stay, and show how it goes on.
    """
    return _decide(steering.run, id, by, folder, follow=follow)


def pause(id: str, /, *, by: str, folder: Folder = HERE) -> int:
    """Let the waves rest where they are.

    Args:
        id: Its id.
        by: The handle of the moderator who decides.
    """
    return _decide(steering.pause, id, by, folder)


def resume(
    id: str,
    /,
    *,
    by: str,
    past_probes: Flag = False,
    follow: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Let the waves go on after a pause or a halt.

    Args:
        id: Its id.
        by: The handle of the moderator who decides.
        past_probes: Take the present wave as it is, without looking at it again.
        follow: Stay, and show how it goes on.
    """
    return _decide(steering.resume, id, by, folder, follow=follow, past_probes=past_probes)


def stop(id: str, /, *, by: str, folder: Folder = HERE) -> int:
    """End an amnesty where it is: what is done stays, the rest is not done.

    Args:
        id: Its id.
        by: The handle of the moderator who decides.
    """
    return _decide(steering.stop, id, by, folder)


def rollback(id: str, /, *, by: str, follow: Flag = False, folder: Folder = HERE) -> int:
    """Suspend again whom the waves reinstated, unless somebody decided about them since.

    Args:
        id: Its id.
        by: The handle of the moderator who decides.
        follow: Stay, and show how it goes on.
    """
    return _decide(steering.roll_back, id, by, folder, follow=follow)


def status(id: str, /, *, follow: Flag = False, json: Flag = False, folder: Folder = HERE) -> int:
    """Show how an amnesty stands: its waves, their probes, and what became of its accounts.

    Args:
        id: Its id.
        follow: Stay, and show how it goes on.
        json: Print it as JSON; with --follow once nothing more happens by itself.
    """

    async def work() -> int:
        async with opened(folder) as ctx:
            found = _standing(ctx, required_id(id, "amnesty"))
            served = is_held(ctx.settings.data / JOBS_LOCK)
            if found.amnesty.state in _WORKING and not served:
                tell_unserved()
            elif follow:
                return await _follow(ctx, found.amnesty.id, json=json)
            if json:
                print_json(amnesty_forms.standing_entity(found))
            else:
                _print(found)
            return 0

    return asyncio.run(work())


def report(
    id: str,
    /,
    *,
    format: Literal["text", "json", "csv", "html"] = "text",
    language: str = i18n.SOURCE,
    out: Path | None = None,
    folder: Folder = HERE,
) -> int:
    """Write the report of an amnesty, with the outcome of each account.

    Args:
        id: Its id.
        format: What it is written as; text, to read in a terminal, leaves out the accounts.
        language: The language of the page of HTML, such as de.
        out: The file to write; standard output when not given.
    """

    form, spoken = _form(format, out), required_language(language)

    async def work() -> bytes:
        async with opened(folder) as ctx:
            number = required_id(id, "amnesty")
            if form == "text":
                _print(_standing(ctx, number))
                return b""
            with ctx.store.read() as snap, i18n.speaking(spoken):
                text, _ = reports.of_amnesty(snap, number, form)
                return text

    text = asyncio.run(work())
    if out is None:
        sys.stdout.buffer.write(text)
    else:
        write_file(out, text)
        print(f"written: {out}")
    return 0


def _form(asked: str, out: Path | None) -> str:
    """Return what a report is written as: a file's name says it where nothing else does.

    Raises:
        Invalid: neither does.
    """
    if out is None or asked != "text":
        return asked
    form = out.suffix.removeprefix(".")
    if form not in ("json", "csv", "html"):
        raise Invalid("Say with --format what to write: json, csv or html")
    return form


# -- deciding --------------------------------------------------------------------------------------


def _decide(
    verb: Callable[..., Awaitable[Amnesty]],
    id_: str,
    by: str,
    folder: Folder,
    *,
    follow: bool = False,
    **options: Any,
) -> int:
    async def work() -> int:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                moderator = named(ctx, snap.accounts, by)
            number = required_id(id_, "amnesty")
            await decided(verb(ctx, moderator=moderator.ordinal, amnesty_id=number, **options))
            found = _standing(ctx, number)
            served = is_held(ctx.settings.data / JOBS_LOCK)
            if found.amnesty.state in _WORKING and not served:
                tell_unserved()
            elif follow:
                return await _follow(ctx, number)
            print(reporting.verdict(found))
            return 0

    return asyncio.run(work())


def _standing(ctx: Context, number: int) -> Standing:
    with ctx.store.read() as snap:
        return reporting.standing(snap, number)


# -- showing ---------------------------------------------------------------------------------------


async def _follow(ctx: Context, number: int, *, json: bool = False) -> int:
    """Print what happens until nothing more will by itself; return 1 when it halted."""
    try:
        found = await _to_the_end(ctx, number, quiet=json)
        if json:
            print_json(amnesty_forms.standing_entity(found))
        return int(found.amnesty.state is AmnestyState.HALTED)
    except asyncio.CancelledError:
        see = command("amnesty", "status", number, "--follow")
        hold_up = command("amnesty", "pause", number, "--by", "MODERATOR")
        print(f"\nThe amnesty goes on in the server: {see}", file=sys.stderr)
        print(f"To hold it up: {hold_up}", file=sys.stderr)
        return INTERRUPTED


async def _to_the_end(ctx: Context, number: int, *, quiet: bool) -> Standing:
    told, last = 0, ""
    while True:
        found = _standing(ctx, number)
        for note in () if quiet else found.log[told:]:
            print(_noted(found, note))
        told, line = len(found.log), _going(found)
        if line != last and not quiet:
            print(line, flush=True)
        last = line
        if found.amnesty.state not in _WORKING:
            return found
        await asyncio.sleep(FOLLOW_SECONDS)


def _going(found: Standing) -> str:
    line = f"{shown(found.amnesty.state)}: {found.done:,} of {how_many(found.total, 'account')}"
    if found.resting_until is not None:
        line += f", rests until {shown_time(found.resting_until)}"
    return line if found.stuck is None else f"{line}\n{told_stuck(found.stuck)}"


def _noted(found: Standing, note: Note) -> str:
    who = "" if note.moderator is None else f" by @{found.name(note.moderator)}"
    return f"{shown_time(note.at)}  {note.what.replace('_', ' ')}{who}: {note.text}"


def _print(found: Standing) -> None:
    console = terminal()
    console.print(reporting.verdict(found))
    if found.stuck is not None:
        console.print(told_stuck(found.stuck))
    table = Listing("wave", "accounts", "began", "lifted", "over", "outcomes", "probes")
    for wave in found.waves:
        failed = sum(not probe.passed for probe in wave.probes)
        table.add_row(
            str(wave.number),
            f"{wave.size:,}",
            shown_time(wave.began_at),
            shown_time(wave.lifted_at),
            shown_time(wave.over_at),
            reporting.counted(wave.outcomes),
            f"{len(wave.probes)} ({failed} failed)" if wave.probes else "-",
        )
    console.print(table)
    for note in found.log:
        console.print(_noted(found, note))
