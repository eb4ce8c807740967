"""What operators are told of a reinstatement: how far it has come, and what to do."""

from __future__ import annotations

from typing import Final

import structlog

from rostra.domain.reinstatement import Run, RunState
from rostra.ports import Transaction

_log = structlog.get_logger()

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
    _log.info("reinstatement", run=run.id, state=run.state.value, said=run.last_said)
