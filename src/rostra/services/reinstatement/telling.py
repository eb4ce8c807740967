"""What operators are told of a reinstatement: how far it has come, and what to do."""

from __future__ import annotations

from typing import Final

from rostra.domain.reinstatement import Run, RunState
from rostra.domain.words import how_many
from rostra.ports import Transaction
from rostra.services import alerts

_GRAVE: Final = frozenset(
    {RunState.FAILED, RunState.ROLLING_BACK, RunState.OVERTAKEN, RunState.REFUSED}
)
_WHAT: Final = {
    RunState.STAGING: "is being made ready to come back",
    RunState.STAGED: "is ready to come back; nothing public has changed",
    RunState.CUTTING_OVER: "is about to come back",
    RunState.CONFIRMING: "is back, and is being looked at in every worker",
    RunState.DONE: "is back and was found right in every worker",
    RunState.ROLLING_BACK: "was suspended again, as before",
    RunState.ROLLED_BACK: "is suspended as before",
    RunState.OVERTAKEN: "was decided about by somebody else meanwhile",
    RunState.FAILED: "was not reinstated; nothing public has changed",
    RunState.REFUSED: "was not reinstated: this server has not the headroom",
}

assert _WHAT.keys() == set(RunState)


def tell_operators(tx: Transaction, run: Run) -> None:
    """Have operators told of where a run is, once this transaction is committed."""
    figures = run.plan.figures
    lines = [
        run.last_said,
        f"Plan {run.plan_hash[:8]}: {how_many(figures.followers, 'follower')}, "
        f"{how_many(figures.following, 'follow')}, "
        f"{how_many(figures.statuses, 'status', 'statuses')}.",
        f"To look at it: rostra reinstate status {run.id}",
    ]
    alerts.tell(
        tx,
        subject=f"@{run.plan.handle} {_WHAT[run.state]} (run {run.id})",
        text="\n".join(line for line in lines if line),
        link=f"/admin/reinstatements/{run.id}",
        grave=run.state in _GRAVE,
    )
