"""Figures from the record of a rehearsal: what the report and ``--json`` tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.http import BROKEN
from rostra.ops.rehearsal.looks import LOOKS, Sight
from rostra.ops.rehearsal.record import Record
from rostra.ops.rehearsal.scenes import UNRELATED_READS

MB: Final = 1_000_000
AWAY_ANSWERS: Final = frozenset({404, 410, 422})
"""What may be said of an account that is not to be seen."""


class Spread(Struct, frozen=True, kw_only=True):
    """How long answers took, in ms, and how many there were a second."""

    count: int
    rate: float
    p50: float
    p99: float
    worst: float


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    rank = max(0, -(-len(ordered) * share // 1) - 1)
    return ordered[int(rank)] if ordered else 0.0


def spread(acts: list[Act], seconds: float) -> Spread | None:
    """Return how long some acts took; None when there were none."""
    if not acts or seconds <= 0:
        return None
    times = [act.ms for act in acts]
    return Spread(
        count=len(acts),
        rate=round(len(acts) / seconds, 1),
        p50=round(percentile(times, 0.5), 2),
        p99=round(percentile(times, 0.99), 2),
        worst=round(max(times), 2),
    )


def in_span(acts: Iterable[Act], begin: float, end: float) -> list[Act]:
    """Return the acts that were due within a span of time."""
    return [act for act in acts if begin <= act.at < end]


# -- wrong answers ---------------------------------------------------------------------------------


def wrong(record: Record) -> Counter[str]:
    """Return what visitors were answered and should not have been, by what it was."""
    found: Counter[str] = Counter()
    away = _away(record)
    for act in record.acts:
        if act.status == 200:
            continue
        if act.star and act.status in AWAY_ANSWERS and away(act):
            continue
        said = "no answer" if act.status == BROKEN else f"status {act.status}"
        found[f"{act.what}: {said}"] += 1
    return found


def _away(record: Record) -> Callable[[Act], bool]:
    """Return what tells whether an act may have met the star out of sight.

    A request is under way from when it is due until it is answered, and until its last worker was
    right the star may be met either way.
    """
    begin = record.suspended_at
    course = record.course
    end = course.cut_over_at
    if end is not None and not course.held_back and record.shown:
        end = max(sight.at for sight in record.shown)
    elif course.held_back:
        end = None

    def away(act: Act) -> bool:
        if begin is None or act.at + act.ms / 1e3 < begin:
            return False
        return end is None or act.at <= end

    return away


def broken(record: Record) -> int:
    """Return how many requests were not answered at all."""
    return sum(act.status == BROKEN for act in record.acts)


# -- time to right ---------------------------------------------------------------------------------


def to_right(sights: list[Sight], since: float | None) -> dict[str, dict[str, float]]:
    """Return for each view by worker after how many ms it was right."""
    found: dict[str, dict[str, float]] = {look: {} for look in LOOKS}
    for sight in sights if since is not None else ():
        found[sight.look][sight.worker] = round((sight.at - (since or 0)) * 1e3, 1)
    return found


def everywhere(sights: list[Sight], since: float | None, workers: int) -> float | None:
    """Return after how many ms all was right in every worker; None when it never was."""
    if since is None or len(sights) < workers * len(LOOKS):
        return None
    return round((max(sight.at for sight in sights) - since) * 1e3, 1)


# -- all of it -------------------------------------------------------------------------------------


def figures(record: Record) -> dict[str, Any]:
    """Return the figures of a rehearsal as ``--json`` prints them."""
    course, asked = record.course, record.asked
    return {
        "asked": {
            name: getattr(asked, name) for name in asked.__struct_fields__ if name != "command"
        },
        "machine": record.machine,
        "seconds": round(record.ended - record.began, 1),
        "world": {
            "followers": asked.followers,
            "visible": record.visible,
            "built_seconds": record.built_seconds,
            "built_peak_mb": record.built_peak_mb,
            "bytes": record.built_bytes,
            "reused": record.reused,
        },
        "tool": {
            "run": course.run,
            "plan": course.plan,
            "state": course.state,
            "said": course.said,
            "plan_seconds": course.plan_seconds,
            "expected_followers": course.expected,
            "steps": [
                {
                    "name": step.name,
                    "seconds": None if step.ended is None else round(step.ended - step.began, 3),
                    "passed": step.passed,
                    "said": step.said,
                }
                for step in course.steps
            ],
            "probes": len(course.probes),
            "probes_failed": [
                {"name": one.name, "worker": one.worker, "said": one.said}
                for one in course.failed_probes
            ],
        },
        "hidden_ms": everywhere(record.hidden, record.suspended_at, asked.workers),
        "right_ms": everywhere(record.shown, course.cut_over_at, asked.workers),
        "right_by_view_ms": to_right(record.shown, course.cut_over_at),
        "traffic": traffic(record),
        "wrong_answers": dict(wrong(record).most_common()),
        "dropped": record.dropped,
        "memory_mb": memory(record),
        "cpu_seconds": cpu(record),
        "other_programs": others(record),
        "final": [
            {"worker": one.name, "followers": one.followers, "views": one.views}
            for one in record.final
        ],
        "expected_followers": record.expected,
        "planted": record.planted,
        "interrupted": record.interrupted,
        "error": record.error,
    }


def traffic(record: Record) -> dict[str, Any]:
    """Return how long visitors waited: quiet, and during the event; unrelated reads, and all."""
    if record.quiet is None:
        return {}
    begin, end = record.quiet
    last = max((act.at for act in record.acts), default=end)
    found: dict[str, Any] = {}
    for name, acts in (
        ("all", record.acts),
        ("unrelated", [act for act in record.acts if act.what in UNRELATED_READS]),
        ("star", [act for act in record.acts if act.star]),
    ):
        quiet = spread(in_span(acts, begin, end), end - begin)
        during = spread(in_span(acts, end, last + 1), last - end)
        found[name] = {"quiet": quiet, "during": during}
        if quiet and during and quiet.p99:
            found[name]["p99_ratio"] = round(during.p99 / quiet.p99, 2)
    return found


def memory(record: Record) -> dict[str, dict[str, float]]:
    """Return the memory of each process in MB (10^6 bytes): when quiet first, and at most."""
    found: dict[str, dict[str, float]] = {}
    for sample in record.samples:
        for name, size in sample.memory.items():
            one = found.setdefault(name, {"first": round(size / MB, 1), "most": 0.0})
            one["most"] = max(one["most"], round(size / MB, 1))
    return found


def cpu(record: Record) -> dict[str, float]:
    """Return the processor time each process took, in seconds."""
    if not record.samples:
        return {}
    spent: dict[str, float] = {}
    before: dict[str, float] = dict(record.samples[0].cpu)
    for sample in record.samples[1:]:
        for name, seconds in sample.cpu.items():
            grown = seconds - before.get(name, 0.0)
            spent[name] = spent.get(name, 0.0) + (grown if grown >= 0 else seconds)
            before[name] = seconds
    return {name: round(seconds, 2) for name, seconds in spent.items()}


def others(record: Record) -> float | None:
    """Return how many processors other programs took meanwhile; None when nobody looked."""
    samples = record.samples
    if len(samples) < 2:
        return None
    seconds = samples[-1].at - samples[0].at
    cores = record.machine["cores"] or 1
    busy = sum(after.busy * cores * (after.at - before.at) for before, after in pairwise(samples))
    return round(max(0.0, busy - sum(cpu(record).values())) / seconds, 2)
