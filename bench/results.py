"""Results: what a run measured, with the machine it ran on, as JSON under ``bench/results``."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.goals import GOALS, Goal

RESULTS: Final = Path(__file__).parent / "results"
ROOT: Final = Path(__file__).parent.parent


class Sample(Struct, frozen=True, kw_only=True):
    """The spread of a measurement that was repeated, in ``unit``; empty: the unit of its figure."""

    count: int
    p50: float
    p99: float
    worst: float
    unit: str = ""


class Alternative(Struct, frozen=True, kw_only=True):
    """The same work done the usual way in the same run, in the unit of its figure."""

    name: str
    value: float
    ratio: float | None  # how many times better ours is; None: it did nothing in its time


class Figure(Struct, frozen=True, kw_only=True):
    """One thing that was measured."""

    id: str
    name: str
    value: float
    unit: str
    sample: Sample | None = None
    alternatives: tuple[Alternative, ...] = ()
    goal: str | None = None
    met: bool | None = None
    note: str = ""


class Result(Struct, frozen=True, kw_only=True):
    """All that one benchmark measured in one run; ``full`` at the sizes of the issue."""

    bench: str
    at: str
    full: bool
    sizes: dict[str, Any]
    machine: dict[str, Any]
    figures: tuple[Figure, ...]
    seconds: float


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0 to 1) of the values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile of nothing")
    rank = max(0, -(-len(ordered) * share // 1) - 1)
    return ordered[int(rank)]


def sample(values: Iterable[float]) -> Sample:
    """Return the spread of repeated measurements."""
    ordered = sorted(values)
    return Sample(
        count=len(ordered),
        p50=percentile(ordered, 0.5),
        p99=percentile(ordered, 0.99),
        worst=ordered[-1],
    )


class Figures:
    """Collects the figures of one run and judges each by its goal."""

    def __init__(self, bench: str) -> None:
        self.bench = bench
        self.all: list[Figure] = []

    def add(
        self,
        key: str,
        name: str,
        value: float,
        unit: str,
        *,
        values: Iterable[float] | None = None,
        spread: Sample | None = None,
        beside: Mapping[str, float] | None = None,
        more_is_better: bool = False,
        goal: str | None = None,
        note: str = "",
    ) -> Figure:
        """Add a figure.

        Args:
            key: its short name within the benchmark.
            name: what people read.
            value: the figure itself, in ``unit``.
            unit: ms, µs, bytes, MB, requests/s, ...
            values: the single measurements it was made of, for p50 and p99.
            spread: the same, when the tool that measured gave the percentiles alone.
            beside: the alternatives' figures in the same unit, by name.
            more_is_better: for the ratio: whether a higher figure is the better one.
            goal: the key in ``GOALS`` when it is not ``<bench>.<key>``; "" for none.
            note: what one must know to read the figure.
        """
        known: Goal | None = GOALS.get(f"{self.bench}.{key}" if goal is None else goal)
        alternatives = tuple(
            Alternative(name=other, value=figure, ratio=_ratio(value, figure, more_is_better))
            for other, figure in (beside or {}).items()
        )
        figure = Figure(
            id=key,
            name=name,
            value=value,
            unit=unit,
            sample=spread if values is None else sample(values),
            alternatives=alternatives,
            goal=known.text(unit) if known else None,
            met=known.met_by(value) if known else None,
            note=note,
        )
        self.all.append(figure)
        return figure


def _ratio(ours: float, theirs: float, more_is_better: bool) -> float | None:
    better, worse = (ours, theirs) if more_is_better else (theirs, ours)
    return better / worse if worse else None


def machine() -> dict[str, Any]:
    """Return the facts of the machine that a reader needs to judge the figures by."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "commit": commit(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit() -> str:
    """Return the commit the code stands at, with a ``+`` when its sources were changed since."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], **_QUIET)
        dirty = subprocess.run([*git, "status", "--porcelain", "--", "src", "bench/*.py"], **_QUIET)
    except OSError:
        return "unknown"
    if head.returncode:
        return "unknown"
    return str(head.stdout).strip() + ("+" if dirty.stdout.strip() else "")


_QUIET: Final[Any] = {"capture_output": True, "text": True, "check": False}


def now() -> str:
    """Return the time, to the second, as it stands in results."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(result: Result, folder: Path = RESULTS) -> Path:
    """Write a result as JSON, whole or not at all, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.bench}.json"
    temporary = path.with_suffix(".json.tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    temporary.replace(path)
    return path


def read_all(folder: Path = RESULTS) -> list[Result]:
    """Return the results in ``folder``, in the order of their names."""
    return [
        msgspec.json.decode(path.read_bytes(), type=Result)
        for path in sorted(folder.glob("*.json"))
    ]


def show(result: Result, console: Console) -> None:
    """Print a result as a table."""
    table = Table(title=f"bench {result.bench}" + ("" if result.full else " (reduced size)"))
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("p50 / p99", justify="right")
    table.add_column("beside it")
    table.add_column("goal", justify="right")
    for figure in result.figures:
        table.add_row(
            figure.name + (f"\n[dim]{figure.note}[/dim]" if figure.note else ""),
            quantity(figure.value, figure.unit),
            spread_text(figure),
            "\n".join(beside_text(figure)),
            goal_text(figure),
        )
    console.print(table)


def quantity(value: float, unit: str) -> str:
    """Return a figure with three or four digits that mean something, and its unit."""
    size = abs(value)
    if value == int(value) and size < 1e15:
        digits = f"{int(value):,}"
    elif size >= 100:
        digits = f"{value:,.0f}"
    elif size >= 10:
        digits = f"{value:.1f}"
    elif size >= 1:
        digits = f"{value:.2f}"
    else:
        digits = f"{value:.3g}"
    return f"{digits} {unit}".strip()


def spread_text(figure: Figure) -> str:
    """Return "p50 / p99" of a figure, or nothing."""
    spread = figure.sample
    if spread is None:
        return ""
    return f"{quantity(spread.p50, '')} / {quantity(spread.p99, spread.unit)}"


def beside_text(figure: Figure) -> list[str]:
    """Return one text for each alternative: its figure and how many times better ours is."""
    return [
        f"{other.name}: {quantity(other.value, figure.unit)}"
        + ("" if other.ratio is None else f" ({quantity(other.ratio, '')}×)")
        for other in figure.alternatives
    ]


def goal_text(figure: Figure) -> str:
    """Return the goal and whether it was met, or nothing."""
    if figure.goal is None:
        return ""
    return f"{figure.goal} {'met' if figure.met else 'NOT MET'}"
