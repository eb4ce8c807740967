"""The report of an amnesty as JSON and as CSV; ``report_pages`` has its page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from rostra.api.extension.reinstatement_entities import stuck
from rostra.api.rendering import when, when_known
from rostra.domain.spreadsheets import csv_row
from rostra.services.amnesty.reporting import Line, Standing, WaveTold

COLUMNS: Final = (
    *("n", "id", "username", "wave", "outcome", "why", "at"),
    *("followers_before", "followers_expected", "following_expected"),
)


# -- JSON ------------------------------------------------------------------------------------------


def standing_entity(found: Standing) -> dict[str, Any]:
    """Return how an amnesty stands, as the API writes it."""
    amnesty = found.amnesty
    drift = found.drift
    return {
        "id": str(amnesty.id),
        "state": amnesty.state.value,
        "stuck": stuck(found.stuck),
        "why": amnesty.why or None,
        "where": amnesty.where,
        "except": amnesty.except_,
        "listed": amnesty.listed,
        "include": list(amnesty.include),
        "kind": amnesty.kind.label,
        "reason": amnesty.reason.value,
        "ground": amnesty.ground,
        "manifest": amnesty.hash,
        "limits": msgspec.to_builtins(amnesty.limits),
        "planned": _act(found, amnesty.planned_by, amnesty.planned_at),
        "approved": _act(found, amnesty.approved_by, amnesty.approved_at),
        "started": _act(found, amnesty.started_by, amnesty.started_at),
        "rolled_back_by": None
        if found.rolled_back_by is None
        else found.name(found.rolled_back_by),
        "finished_at": when_known(amnesty.finished_at),
        "total": amnesty.total,
        "progress": {"done": found.done, "of": found.total},
        "resting_until": when_known(found.resting_until),
        "outcomes": dict(found.outcomes),
        "excluded": dict(amnesty.figures.excluded),
        "edges": {
            "expected": amnesty.figures.edges,
            "alive": None if drift is None else drift.alive,
        },
        "drift": None
        if drift is None
        else {
            "at": when(drift.at),
            "accounts": drift.accounts,
            "with_other_counts": drift.changed,
            "recounted": drift.recounted,
            "wrong": len(drift.wrong),
        },
        "waves": [_wave(found, wave) for wave in found.waves],
        "log": [
            {
                "at": when(note.at),
                "what": note.what.value,
                "by": None if note.moderator is None else found.name(note.moderator),
                "text": note.text,
            }
            for note in found.log
        ],
    }


def _act(found: Standing, by: int | None, at: int | None) -> dict[str, Any] | None:
    return None if at is None else {"by": found.name(by), "at": when(at)}


def _wave(found: Standing, wave: WaveTold) -> dict[str, Any]:
    return {
        "number": wave.number,
        "size": wave.size,
        "outcomes": dict(wave.outcomes),
        "began_at": when_known(wave.began_at),
        "lifted_at": when_known(wave.lifted_at),
        "over_at": when_known(wave.over_at),
        "passed_by": wave.passed_by,
        "probes": [
            {
                "account": found.name(probe.account),
                "name": probe.name,
                "worker": probe.worker,
                "passed": probe.passed,
                "said": probe.said,
                "took_ms": round(probe.took_ms, 1),
            }
            for probe in wave.probes
        ],
    }


def as_json(found: Standing, lines: Iterable[Line]) -> bytes:
    """Return the whole report as JSON."""
    report = bytearray(msgspec.json.encode(standing_entity(found)).removesuffix(b"}"))
    before = b',"accounts":['
    for line in lines:  # one by one: there may be a million
        report += before + msgspec.json.encode({name: _cell(line, name) for name in COLUMNS})
        before = b","
    report += b"]}" if before == b"," else before + b"]}"
    return bytes(report)


def _cell(line: Line, name: str) -> Any:
    return when_known(line.at) if name == "at" else getattr(line, name)


# -- CSV -------------------------------------------------------------------------------------------


def as_csv(lines: Iterable[Line]) -> bytes:
    """Return the accounts and their outcomes as CSV."""
    rows = ([_cell(line, name) for name in COLUMNS] for line in lines)
    return b"".join(csv_row(row) for row in (COLUMNS, *rows))
