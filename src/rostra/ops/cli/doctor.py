"""``rostra doctor``."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rostra.config import Settings
from rostra.domain.errors import Invalid
from rostra.domain.words import how_many
from rostra.ops import logging
from rostra.ops.cli.common import HERE, Folder, terminal
from rostra.ops.cli.listing import Listing
from rostra.ops.doctor import Finding, examine, mend
from rostra.storage.store import SystemClock

MAX_REPAIRS: Final = 3
"""A set that could not be read hides what else is wrong: that shows once it is repaired."""

MAX_SHOWN: Final = 1_000
"""How many differences the table names; JSON has all."""


def doctor(
    *,
    sample: float = 1.0,
    repair: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Check a data folder, whether a server runs on it or not; exit code 1 when anything is wrong.

    Args:
        sample: The share of the account sets to look at, such as 0.05.
        repair: Rebuild what can be rebuilt from what is intact, and check again.
        json: Print what was found as JSON.
    """
    if not 0 < sample <= 1:
        raise Invalid("--sample must be above 0 and at most 1")
    settings = folder.settings()
    logging.configure("warning")
    found = _examined(settings, sample)
    repaired: list[str] = []
    rounds = MAX_REPAIRS if repair else 0
    while rounds and any(finding.repairable for finding in found):
        rounds -= 1
        repaired += mend(settings, found, now=SystemClock().now())
        found = _examined(settings, 1.0)
    if json:
        _print_json(found, repaired)
    else:
        _print_table(found, repaired)
    return 1 if found else 0


def _examined(settings: Settings, sample: float) -> list[Finding]:
    with _bar() as progress:
        return list(examine(settings, sample=sample, random=random.Random(), progress=progress))


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """Show how far it is, on a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("Reading account sets", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_json(found: list[Finding], repairs: list[str]) -> None:
    differences = [
        {
            "check": finding.check,
            "subject": finding.subject,
            "problem": finding.problem,
            "repairable": finding.repairable,
        }
        for finding in found
    ]
    answer = {"ok": not found, "differences": differences, "repairs": repairs}
    print(msgspec.json.format(msgspec.json.encode(answer)).decode())


def _print_table(found: list[Finding], repairs: list[str]) -> None:
    console = terminal()
    for line in repairs:
        console.print(f"Repair: {line}")
    if not found:
        console.print("No differences")
        return
    table = Listing("check", "about", "what is wrong", "repair")
    for finding in found[:MAX_SHOWN]:
        able = "--repair" if finding.repairable else "-"
        table.add_row(finding.check, finding.subject, finding.problem, able)
    console.print(table)
    more = f", the first {MAX_SHOWN:,} shown" if len(found) > MAX_SHOWN else ""
    console.print(f"{how_many(len(found), 'difference')}{more}")
