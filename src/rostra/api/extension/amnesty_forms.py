"""The report of an amnesty in its forms: JSON, CSV, and one HTML file without outside links."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import msgspec

from rostra.api.rendering import when, when_known
from rostra.domain.amnesty import shown
from rostra.services.amnesty_report import Line, Standing, WaveTold

COLUMNS: Final = (
    *("n", "id", "username", "wave", "outcome", "why", "at"),
    *("followers_before", "followers_expected", "following_expected"),
)
HTML_LISTS: Final = 2_000
"""Accounts that came to no plain end and are listed in the page; all of them are in the others."""

_PLAIN: Final = frozenset({"lifted", "rolled_back", "pending"})


# -- JSON ------------------------------------------------------------------------------------------


def standing_entity(found: Standing) -> dict[str, Any]:
    """Return how an amnesty stands, as the API writes it."""
    amnesty = found.amnesty
    drift = found.drift
    return {
        "id": str(amnesty.id),
        "state": amnesty.state.value,
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
    told = standing_entity(found) | {
        "accounts": [{name: _cell(line, name) for name in COLUMNS} for line in lines]
    }
    return msgspec.json.encode(told)


def _cell(line: Line, name: str) -> Any:
    return when_known(line.at) if name == "at" else getattr(line, name)


# -- CSV -------------------------------------------------------------------------------------------


def as_csv(lines: Iterable[Line]) -> bytes:
    """Return the accounts and their outcomes as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(line, name) for name in COLUMNS] for line in lines)
    return out.getvalue().encode()


# -- HTML ------------------------------------------------------------------------------------------

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1f24;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid #d5dae0;vertical-align:top}td.n{text-align:right;
font-variant-numeric:tabular-nums}.verdict{font-size:1.2rem;padding:.8rem 1rem;
border-left:.4rem solid #2c7a3f;background:#eef7f0}.bad{border-color:#b3261e;background:#fbeeed}
code{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#e6e9ed;background:#15181c}
th,td{border-color:#39414a}.verdict{background:#16281c}.bad{background:#331a18}}
"""


def as_html(found: Standing, lines: Iterable[Line]) -> bytes:
    """Return the report as one page, the verdict first."""
    amnesty = found.amnesty
    wrong = bool(found.drift and found.drift.wrong) or found.outcomes.get("failed", 0) > 0
    bad = wrong or amnesty.state.value in ("halted", "failed")
    title = f"Amnesty {amnesty.id}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f'<p class="verdict{" bad" if bad else ""}">{escape(verdict(found))}</p>',
        _table(None, _facts(found)),
        "<h2>Waves</h2>",
        _table(
            ("Wave", "Accounts", "Outcomes", "Began", "Lifted in", "Probes"),
            [_wave_cells(found, wave) for wave in found.waves],
        ),
        "<h2>What happened</h2>",
        _table(
            ("When", "What", "Who", ""),
            [
                (when(one.at), shown_word(one.what), found.name(one.moderator), one.text)
                for one in found.log
            ],
        ),
        "<h2>Accounts that were not simply lifted or rolled back</h2>",
        _exceptions(lines),
        "<h2>Probes</h2>",
        _table(("Wave", "Account", "Probe", "Worker", "", "Found"), _probe_cells(found)),
        "</body></html>\n",
    ]
    return "".join(parts).encode()


def verdict(found: Standing) -> str:
    """Return in a sentence how an amnesty stands."""
    outcomes = ", ".join(f"{count:,} {shown_word(name)}" for name, count in found.outcomes.items())
    amnesty = found.amnesty
    why = f": {amnesty.why}" if amnesty.why else "."
    return f"{shown(amnesty.state).capitalize()}{why} {amnesty.total:,} accounts: {outcomes}."


def shown_word(word: str) -> str:
    """Return an outcome, or what happened, as people read it."""
    return word.replace("_", " ")


def _facts(found: Standing) -> list[tuple[str, ...]]:
    amnesty, drift = found.amnesty, found.drift
    which = "a list of accounts" if amnesty.listed else amnesty.where
    excluded = ", ".join(f"{name} {count:,}" for name, count in amnesty.figures.excluded.items())
    facts: list[tuple[str, ...]] = [
        ("For", which),
        ("Except", amnesty.except_ or "-"),
        ("Left out", excluded or "nobody"),
        ("Set aside", ", ".join(amnesty.include) or "-"),
        ("Ground", amnesty.ground or "-"),
        ("Lifted as", amnesty.reason.value),
        ("Manifest", amnesty.hash),
    ]
    for label, by, at in (
        ("Planned", amnesty.planned_by, amnesty.planned_at),
        ("Approved", amnesty.approved_by, amnesty.approved_at),
        ("Started", amnesty.started_by, amnesty.started_at),
    ):
        if at is not None:
            facts.append((label, f"by {found.name(by)}, {when(at)}"))
    facts.append(("Edges expected to come alive", f"{amnesty.figures.edges:,}"))
    if drift is not None:
        facts += [
            ("Edges that came alive", f"{drift.alive:,}"),
            ("Accounts with other counts than planned", f"{drift.changed:,}"),
            (
                "Drift",
                f"{len(drift.wrong)} of {drift.recounted} accounts counted anew, entry by entry",
            ),
        ]
    return facts


def _wave_cells(found: Standing, wave: WaveTold) -> tuple[str, ...]:
    took = ""
    if wave.began_at is not None and wave.lifted_at is not None:
        took = f"{(wave.lifted_at - wave.began_at) / 1000:,.1f} s"
    failed = sum(not probe.passed for probe in wave.probes)
    probes = f"{len(wave.probes)}, {failed} failed" if wave.probes else ""
    if wave.passed_by:
        probes += f" (passed over by {wave.passed_by})"
    outcomes = ", ".join(f"{count:,} {shown_word(name)}" for name, count in wave.outcomes.items())
    began = "" if wave.began_at is None else when(wave.began_at)
    return str(wave.number), f"{wave.size:,}", outcomes, began, took, probes


def _probe_cells(found: Standing) -> list[tuple[str, ...]]:
    return [
        (
            str(wave.number),
            f"@{found.name(probe.account)}",
            probe.name,
            probe.worker,
            "passed" if probe.passed else "FAILED",
            probe.said,
        )
        for wave in found.waves
        for probe in wave.probes
    ]


def _exceptions(lines: Iterable[Line]) -> str:
    told = [line for line in lines if line.outcome not in _PLAIN]
    rows = [
        (str(one.n), f"@{one.username}", str(one.wave), shown_word(one.outcome), one.why)
        for one in told[:HTML_LISTS]
    ]
    more = len(told) - len(rows)
    rest = f"<p>and {more:,} more: they are in the CSV.</p>" if more > 0 else ""
    return _table(("n", "Account", "Wave", "Outcome", "Why"), rows) + rest


def _table(head: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>None.</p>"
    top = "" if head is None else f"<tr>{''.join(f'<th>{escape(one)}</th>' for one in head)}</tr>"
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{top}{body}</table>"
