"""Plans, runs and reports of reinstatements as JSON: ids as text, times in ISO 8601."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rostra.api.rendering import Entity, when, when_known
from rostra.domain.reinstatement import MEANING, Difference, Held, Moved, Plan, Run, Seen, Step
from rostra.services.moderation.decision_polls import HeldUp
from rostra.services.reinstatement import Frozen, RunView
from rostra.services.server.stuck import Stuck


def _held(held: Held) -> Entity:
    return {
        "id": held.id,
        "type": held.type,
        "ground": held.ground,
        "by": held.by,
        "taken_at": when(held.taken_at),
        "until": when_known(held.until),
    }


def plan(frozen: Frozen) -> Entity:
    """Return a plan with the hash it is known by."""
    return {"hash": frozen.hash, **plan_alone(frozen.plan)}


def plan_now(frozen: Frozen, held: HeldUp | None) -> Entity:
    """Return a plan with its hash, and why a poll holds it up."""
    return {**plan(frozen), "held_up": None if held is None else held.why}


def plan_alone(found: Plan) -> Entity:
    """Return a plan without its hash."""
    return {
        "account": {"id": found.account_id, "username": found.handle},
        "made_at": when(found.made_at),
        "made_by": found.made_by,
        "suspended_since": when(found.suspended_since),
        "lifts": [_held(held) for held in found.lifts],
        "stays": [_held(held) for held in found.stays],
        "stays_hidden": found.hidden_after or None,
        "figures": msgspec.to_builtins(found.figures),
        "cost": msgspec.to_builtins(found.cost),
        "headroom": found.headroom and headroom(found.headroom),
    }


def difference(found: Difference) -> Entity:
    """Return what is another than in a plan."""
    return {
        "figures": msgspec.to_builtins(found.figures),
        "followers": moved(found.moved),
    }


def moved(found: Moved) -> Entity:
    """Return who joined or left the followers anybody sees."""
    return {
        "net": found.net,
        "joined": {"count": found.joined, "some": list(found.who_joined)},
        "left": {"count": found.left, "some": list(found.who_left)},
        "shown": {"count": found.shown, "some": list(found.who_shown)},
        "hidden": {"count": found.hidden, "some": list(found.who_hidden)},
        "unnamed": found.unnamed,
    }


def _step(step: Step) -> Entity:
    took = None if step.ended_at is None else step.ended_at - step.began_at
    return {
        "name": step.name,
        "began_at": when(step.began_at),
        "ended_at": when_known(step.ended_at),
        "took_ms": took,
        "passed": step.passed,
        "said": step.said,
        "figures": _figures(step.figures),
    }


def _figures(found: dict[str, Any]) -> Entity:
    room = found.get("headroom")
    return {**found, "headroom": headroom(room)} if room else found


def headroom(told: dict[str, Any]) -> Entity:
    """Return what a headroom tells of itself (``capacity.Headroom.told``), its time in ISO 8601."""
    busiest = told.get("busiest_hour")
    return {**told, "busiest_hour": busiest and {**busiest, "at": when(busiest["at"])}}


def stuck(found: Stuck | None) -> Entity | None:
    """Return what is in the way of work that does not get on."""
    if found is None:
        return None
    again = when_known(found.again_at)
    return {"why": found.why, "do": found.do, "tries": found.tries, "again_at": again}


def probe(seen: Seen) -> Entity:
    """Return a probe of a run."""
    return {
        "number": seen.number,
        "step": seen.step,
        "attempt": seen.attempt,
        "at": when(seen.at),
        **msgspec.to_builtins(seen.probe),
    }


def head(run: Run, handles: dict[int, str]) -> Entity:
    """Return a run as it stands in a list."""
    return {
        "id": str(run.id),
        "state": run.state.value,
        "meaning": MEANING[run.state],
        "over": run.state.is_over,
        "account": {"id": run.plan.account_id, "username": run.plan.handle},
        "plan": run.plan_hash,
        "reason": str(run.reason),
        "ground": run.ground,
        "by": None if run.by is None else handles.get(run.by),
        "begun_at": when(run.begun_at),
        "cut_over_at": when_known(run.cut_over_at),
        "finished_at": when_known(run.finished_at),
        "rolled_back_by": None if run.rolled_back_by is None else handles.get(run.rolled_back_by),
        "said": run.last_said,
    }


def run(found: RunView) -> Entity:
    """Return a run with its steps and probes."""
    one = found.run
    return {
        **head(one, found.handles),
        "stuck": stuck(found.stuck),
        "options": msgspec.to_builtins(one.options),
        "attempts": one.attempts,
        "steps": [_step(step) for step in one.steps],
        "probes": [probe(seen) for seen in found.probes],
        "lifted": [str(id_) for id_ in one.lifted],
        "restored": [str(id_) for id_ in one.restored],
        "followers_planned": one.plan.figures.followers,
    }


def runs(found: Sequence[Run], handles: dict[int, str]) -> list[Entity]:
    """Return runs as a list."""
    return [head(one, handles) for one in found]


def report(found: RunView) -> Entity:
    """Return all there is to tell of a run: its plan, timings, probes and counts, and who decided.

    Every difference between the followers planned and those seen afterwards is explained by who
    joined or left since; ``unexplained`` is what is left over.
    """
    one = found.run
    return {
        **run(found),
        "plan": {"hash": one.plan_hash, **plan_alone(one.plan)},
        "counts": _counts(one),
    }


def _counts(one: Run) -> Entity:
    counts: Entity = {
        "before": one.counts.get("before"),
        "planned": {
            name: getattr(one.plan.figures, name) for name in ("followers", "following", "statuses")
        },
        "after": one.counts.get("after"),
        "explained": None,
        "unexplained": None,
    }
    found: dict[str, Any] | None = one.counts.get("moved")
    if found is not None and counts["after"] is not None:
        since = msgspec.convert(found, Moved)
        counts["explained"] = moved(since)
        counts["unexplained"] = since.unnamed
    return counts
