"""A run in the hands of the job that goes its way, which somebody else may move on at any time."""

from __future__ import annotations

from typing import Any, Final

import structlog

from rostra.domain.errors import RostraError
from rostra.domain.ledger import LedgerKind
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run, RunState, moved_to, saying
from rostra.ports import Context, Transaction
from rostra.services import probing
from rostra.services.probing.waiting import patient, waits_for
from rostra.services.reinstatement import operating
from rostra.services.reinstatement.telling import tell_operators

CONFIRM_SECONDS: Final = 300.0
"""After so long an account that could not be confirmed is suspended again."""

_log = structlog.get_logger()


class Overtaken(Exception):
    """The run is not where this job left it: somebody else moved it on."""


def latest(tx: Transaction, run: Run) -> Run:
    """Return a run as it is stored, if it is still in the hands of this job.

    Raises:
        Overtaken: it is not.
    """
    found = tx.runs.get(run.id)
    if found is None or (found.state, found.attempts) != (run.state, run.attempts):
        raise Overtaken
    return found


def teller(ctx: Context, run: Run) -> probing.Tell:
    """Return what writes probes of a run down as they are done."""

    async def tell(probe: Probe) -> None:
        def change(tx: Transaction) -> None:
            tx.runs.see(latest(tx, run), run.state.value, probe, tx.now)

        await ctx.store.write(change)

    return tell


def end(tx: Transaction, run: Run, state: RunState, said: str, **changes: Any) -> Run:
    """Move a run to one of the states it ends in, and tell of it."""
    over = moved_to(run, state, at=tx.now, said=said, **changes)
    tx.runs.put(over)
    if state == RunState.DONE:
        operating.record(tx, over, LedgerKind.RUN_CONFIRMED, said=said)
    elif state != RunState.ROLLED_BACK:
        operating.record(tx, over, LedgerKind.RUN_FAILED, state=state.value, said=said)
    tell_operators(tx, over)
    return over


async def ended(ctx: Context, run: Run, state: RunState, said: str) -> Run:
    """Do so in a transaction of its own, if the run is still in the hands of this job."""
    return await ctx.store.write(lambda tx: end(tx, latest(tx, run), state, said))


def why(error: Exception, seconds: float) -> str:
    """Return why something could not be done; what is not the run's fault is raised again.

    Raises:
        Overtaken: the run is somebody else's by now.
    """
    if isinstance(error, Overtaken):
        raise error
    if isinstance(error, TimeoutError):
        return f"it was not over after {seconds:.0f} seconds: see what holds the server up"
    if isinstance(error, RostraError):
        return error.message
    _log.error("probe raised", exc_info=error)
    return f"a probe could not be done ({type(error).__name__}): see the server's log"


def first_failed(ctx: Context, run: Run) -> str:
    """Return what the first probe said that failed in the present step; empty: none did."""
    with ctx.store.read() as snap:
        seen = snap.runs.probes(run.id)
    for one in seen:
        if one.step == run.state.value and not one.probe.passed:
            where = f" in worker {one.probe.worker}" if one.probe.worker else ""
            return f"the probe {one.probe.name}{where} failed: {one.probe.said}"
    return ""


def patient_if_anew(ctx: Context, run: Run) -> Context:
    """Return the ports to do a step with: one that was begun before waits for workers that are
    just starting, and tells who follows the run; one that this job came to by itself met them all
    a moment ago.
    """
    if run.attempts <= (0 if run.state == RunState.ROLLING_BACK else 1):
        return ctx

    async def missed(workers: tuple[str, ...]) -> None:
        if workers:
            _log.info("reinstatement waits for workers", run=run.id, workers=workers)
        said = waits_for(workers)
        await ctx.store.write(lambda tx: tx.runs.put(saying(latest(tx, run), said)))

    return patient(ctx, missed)
