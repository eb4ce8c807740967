"""``bench table``: the results as a page of the documentation, with the goals beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.results import (
    RESULTS,
    ROOT,
    Figure,
    Result,
    beside_text,
    quantity,
    read_all,
    spread_text,
)

PAGE: Final = ROOT / "docs" / "figures.md"
ORDER: Final = (
    "sets",
    "reinstate",
    "amnesty",
    "rehearsal",
    "writes",
    "timeline",
    "notifications",
    "storm",
    "streams",
    "profile",
    "oracle",
    "kills",
)

INTRODUCTION: Final = """\
# Figures

Measured by `bench/`, each beside its alternative in the same run on the same machine; the goals
are those of the design. This page is written by `python -m bench table` from `bench/results/`,
never by hand. `make bench BENCH=sets` runs one of them again, `make bench BENCH=all` all of them;
`python -m bench sets --help` lists its sizes.

The ratio in brackets says how many times better Rostra's figure is than the alternative's.
"""

TITLES: Final = {
    "sets": "Account sets",
    "reinstate": "Suspending and reinstating",
    "amnesty": "An amnesty",
    "rehearsal": "Reinstated by the tool, in front of visitors",
    "writes": "Durable writes",
    "timeline": "Reading over HTTP",
    "storm": "A storm of sign-ins",
    "notifications": "Notifications",
    "streams": "Streams",
    "profile": "Where the time of a request goes",
    "oracle": "Against a brute-force oracle",
    "kills": "Killed under load",
}


def write(results: Path = RESULTS, page: Path = PAGE) -> Path:
    """Write the page from the results and return its path."""
    page.write_text(render(read_all(results)), encoding="utf-8")
    return page


def render(results: list[Result]) -> str:
    """Return the page."""
    ordered = sorted(results, key=lambda result: ORDER.index(result.bench))
    parts = [INTRODUCTION]
    if goals := [(r, f) for r in ordered for f in r.figures if f.goal]:
        parts.append(_goals(goals))
    parts += [_section(result) for result in ordered]
    return "\n".join(parts)


def _goals(goals: list[tuple[Result, Figure]]) -> str:
    lines = ["## Goals\n", "| Bench | What | Measured | Goal | |", "|---|---|---:|---:|---|"]
    for result, figure in goals:
        verdict = "met" if figure.met else "**not met**"
        if not result.full:
            verdict += " (at a reduced size)"
        measured = quantity(figure.value, figure.unit)
        lines.append(f"| {result.bench} | {figure.name} | {measured} | {figure.goal} | {verdict} |")
    return "\n".join(lines) + "\n"


def _section(result: Result) -> str:
    machine = result.machine
    lines = [
        f"## {TITLES[result.bench]}\n",
        f"`bench {result.bench}`, {result.at[:10]}, commit {machine['commit']}: "
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, SQLite {machine['sqlite']}"
        + (f", PostgreSQL {machine['postgresql']}" if "postgresql" in machine else "")
        + f". {_sizes(result)} Took {result.seconds:,.0f} s.\n",
        "| What | Measured | p50 / p99 | Beside it | Goal |",
        "|---|---:|---:|---|---:|",
    ]
    notes: list[str] = []
    for figure in result.figures:
        mark = ""
        if figure.note:
            if figure.note not in notes:
                notes.append(figure.note)
            mark = f" [{notes.index(figure.note) + 1}]"
        goal = f"{figure.goal}: {'met' if figure.met else '**not met**'}" if figure.goal else ""
        cells = (
            figure.name + mark,
            quantity(figure.value, figure.unit),
            spread_text(figure),
            "<br>".join(beside_text(figure)),
            goal,
        )
        lines.append("| " + " | ".join(cells) + " |")
    if notes:
        lines.append("")
        lines += [f"[{number}] {note}  " for number, note in enumerate(notes, 1)]
    return "\n".join(lines) + "\n"


def _sizes(result: Result) -> str:
    sizes = ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in result.sizes.items()
        if name != "seed"
    )
    return ("Sizes: " if result.full else "Reduced sizes: ") + sizes + "."
