"""How reinstatements look on a terminal: plans, differences, and runs as they go."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rostra.domain.reinstatement import (
    MEANING,
    Held,
    Moved,
    Run,
    RunState,
    Seen,
    Step,
    shown,
)
from rostra.domain.times import moment
from rostra.domain.words import how_many
from rostra.ops.cli.common import command, terminal, told_stuck
from rostra.ops.cli.listing import Listing
from rostra.services.moderation.decision_polls import HeldUp
from rostra.services.reinstatement import Frozen, RunView, Stale

LOOK_EVERY: Final = 0.2
PROBES_SHOWN: Final = 12
_WORDS: Final = {
    "followers_stored": "followers stored",
    "followers_suspended": "– suspended themselves",
    "followers_deleted": "– deleted",
    "followers_absent": "– put away, not confirmed or not approved",
    "following_stored": "follows stored",
    "following_hidden": "– of accounts that are away",
    "dormant": "follows that become requests (away for long)",
    "blocks_since": "blocks since the suspension",
    "requests_in": "follow requests to answer",
    "requests_out": "follow requests to others",
    "media": "media",
    "drafts": "scheduled, past due: become drafts",
    "scheduled": "scheduled, will go out",
    "mailbox_freed": "its address may sign up again",
    "appeals": "open appeals",
    "labels": "labels",
    "lifts": "lifted",
    "stays": "staying in force",
    "hidden_after": "stays hidden because",
}


def _words(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return str(value) or "–"


# -- plans -----------------------------------------------------------------------------------------


def plan(found: Frozen, poll: HeldUp | None, *, by: str | None) -> None:
    """Print a plan, and the command that carries it out unless a poll holds that up.

    Args:
        found: the plan.
        poll: what holds it up.
        by: who asked for it and may carry it out; None: somebody is yet to be named.
    """
    console, one = terminal(), found.plan
    console.print(f"Plan for @{one.handle}, made {moment(one.made_at)}; nothing was changed.")
    console.print(f"Suspended since {moment(one.suspended_since)}.")
    actions = Listing("action", "type", "ground", "by", "until", "")
    for held in one.lifts:
        actions.add_row(*_held(held), "would be lifted")
    for held in one.stays:
        actions.add_row(*_held(held), "STAYS in force")
    console.print(actions)
    if one.hidden_after:
        console.print(f"The account STAYS HIDDEN: {one.hidden_after}.")
    counts = Table("what anybody will see", "")
    for name in ("followers", "following", "statuses"):
        counts.add_row(name, _value(getattr(one.figures, name)))
    console.print(counts)
    rest = Table("how that comes", "")
    for name in one.figures.__struct_fields__:
        if name not in ("followers", "following", "statuses"):
            rest.add_row(_words(name), _value(getattr(one.figures, name)))
    console.print(rest)
    sets, size = how_many(one.cost.sets, "set"), how_many(one.cost.bytes, "byte")
    console.print(f"To read: {sets}, {size}.")
    if one.headroom is not None:
        enough = "enough" if one.headroom["enough"] else "NOT ENOUGH"
        console.print(f"Headroom: {enough} ({one.headroom['said']})")
    console.print(f"Frozen as {found.hash}")
    if poll is not None:
        console.print(f"It cannot be carried out now. {poll.why}.")
        return
    options = ("--plan", found.hash[:8], "--by", by or "MODERATOR", "--reason", "REASON")
    console.print("To carry it out, for the reason overturned, served or amnesty:")
    console.print(command("reinstate", "run", one.handle, *options), soft_wrap=True)


def _held(held: Held) -> tuple[str, str, str, str, str]:
    until = "until lifted" if held.until is None else moment(held.until)
    return held.id, held.type, held.ground, f"@{held.by}" if held.by else "the server", until


def difference(stale: Stale) -> None:
    """Print what changed since a plan was made."""
    console = terminal()
    console.print(f"Something changed since plan {stale.old.hash[:8]} was made:")
    table = Listing("", f"plan {stale.old.hash[:8]}", f"now ({stale.new.hash[:8]})")
    for one in stale.difference.figures:
        table.add_row(_words(one.name), _value(one.before), _value(one.after))
    console.print(table)
    for line in _moved(stale.difference.moved):
        console.print(line)


def _moved(found: Moved) -> list[str]:
    lines = []
    for name, what in (
        ("joined", "followed since"),
        ("left", "left since"),
        ("shown", "are to be seen again"),
        ("hidden", "are away since"),
    ):
        count, some = getattr(found, name), getattr(found, f"who_{name}")
        if count:
            more = " …" if count > len(some) else ""
            lines.append(f"  {count:,} {what}: {', '.join(f'@{who}' for who in some)}{more}")
    if found.unnamed:
        lines.append(f"  {found.unnamed:+,} more, of whom the change feed does not tell any more")
    return lines


# -- runs ------------------------------------------------------------------------------------------


def run(found: RunView) -> None:
    """Print a run with its steps and probes."""
    terminal().print(_picture(found, len(found.probes)))


def runs(found: list[Run], handles: dict[int, str]) -> None:
    """Print a list of runs."""
    if not found:
        terminal().print("No account was reinstated by a run yet.")
        return
    table = Listing("run", "account", "state", "begun", "by", "reason", "plan", "said")
    for one in found:
        by = handles.get(one.by or 0)
        table.add_row(
            str(one.id),
            f"@{one.plan.handle}",
            shown(one.state),
            moment(one.begun_at),
            f"@{by}" if by else "the server",
            str(one.reason),
            one.plan_hash[:8],
            one.last_said,
        )
    terminal().print(table)


def rolled_back(found: RunView, *, served: bool) -> None:
    """Print how a run was rolled back."""
    one = found.run
    print(f"Run {one.id} is {shown(one.state)}: {one.last_said}")
    if not served:
        print("No server runs on this data folder; the next one asks its workers whether it shows.")


async def follow(look: Callable[[], RunView], *, quiet: bool) -> RunView:
    """Show a run as it goes and return it at its end.

    Args:
        look: returns the run as it is now.
        quiet: show nothing.
    """
    console = terminal()
    if quiet:
        return await _watch(look, lambda _: None)
    if not console.is_terminal:
        return await _watch(look, _Lines(console).tell)
    with Live(console=console, auto_refresh=False) as live:
        return await _watch(
            look, lambda found: live.update(_picture(found, PROBES_SHOWN), refresh=True)
        )


async def _watch(look: Callable[[], RunView], tell: Callable[[RunView], None]) -> RunView:
    while True:
        found = look()
        tell(found)
        if found.run.state.is_over:
            return found
        await asyncio.sleep(LOOK_EVERY)


class _Lines:
    """Prints what is new of a run, a line each, where nothing can be drawn over.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = 0
        self._probes = 0
        self._going = ""
        self._stuck = ""

    def tell(self, found: RunView) -> None:
        """Print what was not there at the last look."""
        ended = [step for step in found.run.steps if step.ended_at is not None]
        for seen in found.probes[self._probes :]:
            self._console.print(_probe_line(seen))
        self._probes = len(found.probes)
        for step in ended[self._steps :]:
            self._console.print(_step_line(step))
        self._steps = len(ended)
        going = next((step.said for step in found.run.steps if step.ended_at is None), "")
        if going and going != self._going:
            self._console.print(f"  {going}")
        self._going = going
        held = "" if found.stuck is None else told_stuck(found.stuck)
        if held and held != self._stuck:
            self._console.print(held)
        self._stuck = held
        if found.run.state.is_over:
            self._console.print(_verdict(found.run).plain)


def _probe_line(seen: Seen) -> str:
    probe = seen.probe
    where = f" in worker {probe.worker}" if probe.worker else ""
    passed = "passed" if probe.passed else "FAILED"
    return f"  {passed} {probe.name}{where}: {probe.said} ({probe.took_ms:,.0f} ms)"


def _step_line(step: Step) -> str:
    took = (step.ended_at or step.began_at) - step.began_at
    passed = "passed" if step.passed else "FAILED"
    head = f"{step.name.replace('_', ' ')}: {passed} after {took / 1000:,.2f} s."
    return f"{head} {step.said}".strip()


def _verdict(one: Run) -> Text:
    good = one.state == RunState.DONE
    style = "bold green" if good else "bold red" if one.state.is_over else "bold"
    said = f" {one.last_said[0].upper()}{one.last_said[1:]}" if one.last_said else ""
    head = f"@{one.plan.handle}: {shown(one.state)}, {MEANING[one.state]}."
    return Text(f"{head}{said}", style=style)


def _mark(passed: bool | None) -> Text:
    if passed is None:
        return Text("…")
    return Text("passed", style="green") if passed else Text("failed", style="red")


def _picture(found: RunView, probes: int) -> RenderableType:
    one = found.run
    by = found.handles.get(one.by or 0)
    head = Text(
        f"Run {one.id} of plan {one.plan_hash[:8]}, {one.reason}, "
        f"by {f'@{by}' if by else 'the server'}, begun {moment(one.begun_at)}"
    )
    steps = Table("step", "took (s)", "", "what came of it", box=None)
    for step in one.steps:
        took = "" if step.ended_at is None else f"{(step.ended_at - step.began_at) / 1000:,.2f}"
        state = _mark(step.passed)
        steps.add_row(step.name.replace("_", " "), took, state, step.said)
    parts: list[RenderableType] = [head, steps]
    if found.probes:
        table = Table("probe", "worker", "", "ms", "what was found", box=None)
        good = sum(seen.probe.passed for seen in found.probes)
        for seen in found.probes[-probes:]:
            probe = seen.probe
            state = _mark(probe.passed)
            table.add_row(probe.name, probe.worker, state, f"{probe.took_ms:,.0f}", probe.said)
        parts += [Text(f"{good} of {how_many(len(found.probes), 'probe')} passed"), table]
    parts.append(_verdict(one))
    if found.stuck is not None:
        parts.append(Text(told_stuck(found.stuck), style="bold red"))
    return Group(*parts)


# -- the report ------------------------------------------------------------------------------------


def report(found: RunView, data: dict[str, Any]) -> str:
    """Return the report of a run as text."""
    out = io.StringIO()
    console = terminal(out)
    console.print(_picture(found, len(found.probes)))
    one = found.run
    if one.ground:
        console.print(f"Ground: {one.ground}")
    counts = Table("", "before", "planned", "after")
    for name in ("followers", "following", "statuses"):
        told = [(data["counts"][when] or {}).get(name) for when in ("before", "planned", "after")]
        counts.add_row(name, *("–" if value is None else f"{value:,}" for value in told))
    console.print(counts)
    unexplained = data["counts"]["unexplained"]
    if unexplained is not None:
        since = data["counts"]["explained"]
        moves = ", ".join(
            f"{since[name]['count']:,} {name}" for name in ("joined", "left", "shown", "hidden")
        )
        console.print(f"Since the plan: {moves}; {unexplained:,} not explained.")
    for name in one.plan.figures.__struct_fields__:
        console.print(f"  {_words(name)}: {_value(getattr(one.plan.figures, name))}")
    console.print(f"Plan {one.plan_hash}")
    return out.getvalue()
