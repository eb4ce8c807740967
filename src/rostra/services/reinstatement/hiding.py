"""Whether every worker hides an account again that a run was rolled back for."""

from __future__ import annotations

import asyncio
from typing import Final

from rostra.domain.errors import Unavailable
from rostra.domain.probes import Probe
from rostra.domain.reinstatement import Run, RunState
from rostra.domain.words import how_many
from rostra.ports import Context, Visit, Visitor
from rostra.services.reinstatement import holding
from rostra.services.reinstatement.holding import CONFIRM_SECONDS

HIDDEN_SECONDS: Final = 20.0
"""For how long a worker may still show an account that was rolled back before that is told."""

LOOK_AGAIN_SECONDS: Final = 0.2
HIDDEN: Final = "hidden again"


async def see_hidden(ctx: Context, run: Run) -> Run:
    """Ask every worker whether the account is hidden again."""
    if not run.restored:
        said = "Nothing of it is in force any more"
        return await holding.ended(ctx, run, RunState.ROLLED_BACK, said)
    try:
        async with asyncio.timeout(CONFIRM_SECONDS):
            said = await _ask_all(ctx, run)
    except Exception as error:
        why = holding.why(error, CONFIRM_SECONDS)
        said = f"Whether all workers hide it is not known: {why}"
    return await holding.ended(ctx, run, RunState.ROLLED_BACK, said)


async def _ask_all(ctx: Context, run: Run) -> str:
    tell, bad = holding.teller(ctx, run), []
    async with ctx.visitors.meet() as party:
        for name in party.missing:
            await tell(Probe(HIDDEN, name, False, "was not reached", 0))
        for name, visitor in party.visitors.items():
            probe = await _hidden_in(name, visitor, f"/api/v1/accounts/{run.plan.account_id}")
            await tell(probe)
            if not probe.passed:
                bad.append(name)
    bad += party.missing
    if not bad:
        seen = len(party.visitors)
        return f"Hidden again in {how_many(seen, 'worker')}"
    return f"Not seen to be hidden in worker {', '.join(bad)}: start the server again"


async def _hidden_in(name: str, visitor: Visitor, path: str) -> Probe:
    """Ask a worker until it says that an account is suspended, or knows none (its owner may have
    put it away before), or for long enough.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            hidden, said = _told_hidden(await visitor.ask(path))
        except Unavailable as error:
            hidden, said = False, error.message
        took = loop.time() - began
        if hidden or took > HIDDEN_SECONDS:
            return Probe(HIDDEN, name, hidden, said, took * 1e3)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _told_hidden(answer: Visit) -> tuple[bool, str]:
    """Return whether an answer about an account hides it, and how, for people."""
    if answer.status == 404:
        return True, "not shown"
    told = answer.json()
    if isinstance(told, dict) and told.get("suspended"):
        return True, "suspended"
    return False, "is still shown" if answer.status == 200 else f"answered {answer.status}"
