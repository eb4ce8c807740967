"""The report of a rehearsal: one file of HTML that needs nothing else, the verdict first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jinja2

from rostra.domain.errors import Unavailable
from rostra.ops.rehearsal import figures
from rostra.ops.rehearsal.faults import FAULTS
from rostra.ops.rehearsal.looks import LOOKS
from rostra.ops.rehearsal.plots import letters, plots
from rostra.ops.rehearsal.record import Record
from rostra.ops.rehearsal.verdict import Verdict

TEMPLATE: Final = "report.html"


def render(record: Record, verdict: Verdict) -> str:
    """Return the report."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": _number, "seconds": _seconds}
    return environment.get_template(TEMPLATE).render(
        record=record,
        verdict=verdict,
        fault=FAULTS[record.asked.fault] if record.asked.fault else None,
        figures=figures.figures(record),
        looks=LOOKS,
        plots=plots(record),
        story=_story(record),
        when=datetime.fromtimestamp(record.began, UTC).strftime("%d %B %Y, %H:%M UTC"),
    )


def write(path: Path, text: str) -> None:
    """Write a report, all of it or nothing.

    Raises:
        Unavailable: it cannot be written there.
    """
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unavailable(
            f"The report cannot be written to {path}: {error.strerror}; name another with --out"
        ) from error


def require_place(path: Path) -> None:
    """Refuse a place where no report can be written, before anything is rehearsed.

    Raises:
        Unavailable: there is no such folder, or it may not be written in.
    """
    draft = path.with_name(f".{path.name}.unfinished")
    try:
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise Unavailable(
            f"No report can be written to {path}: {error.strerror}; name another with --out"
        ) from error


def _story(record: Record) -> list[dict[str, Any]]:
    """Return what happened, step by step, each with its letter in the plots."""
    if not record.marks:
        return []
    begin = record.marks[0].at
    return [
        {"letter": letter, "at": mark.at - begin, "name": mark.name, "said": mark.said}
        for letter, mark in letters(record.marks)
    ]


def _number(value: float | None) -> str:
    """Return a figure as people read it."""
    if value is None:
        return "–"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f} s"
