"""The plan of a reinstatement that an accepted appeal asks for; an operator runs it."""

from __future__ import annotations

from msgspec import structs

from rostra.domain.appeals import Appeal, AppealState, Did, Step, standing_for
from rostra.domain.enforcement import Action
from rostra.domain.errors import Conflict, Invalid, NotFound
from rostra.ports import Context, Transaction, View
from rostra.services import reinstatement
from rostra.services.appeals.recording import kept


async def plan_accepted(ctx: Context, *, appeal: int) -> str:
    """Plan the reinstatement of who is suspended and whose appeal was accepted; a job.

    Return the hash of the plan, empty when there is nothing (more) to plan. Doing it again plans
    nothing anew.
    """
    with ctx.store.read() as snap:
        found, action = _accepted(snap, appeal)
    if found is None or action is None:
        return ""
    if found.plan:
        return found.plan
    try:
        frozen = await reinstatement.plan(
            ctx, moderator=None, target=found.account, only=(action.id,)
        )
    except (Conflict, Invalid, NotFound):
        return ""  # it ended meanwhile

    def change(tx: Transaction) -> str:
        latest, still = _accepted(tx, appeal)
        if latest is None or still is None or latest.plan:
            return latest.plan if latest else ""
        planned = structs.replace(latest, plan=frozen.hash)
        kept(tx, planned, Step(did=Did.PLANNED, at=tx.now))
        return frozen.hash

    return await ctx.store.write(change)


def _accepted(view: View, appeal: int) -> tuple[Appeal | None, Action | None]:
    """Return an appeal that was accepted, and what still carries the decision out."""
    found = view.appeals.get(appeal)
    if found is None or found.state is not AppealState.ACCEPTED:
        return None, None
    return found, standing_for(*view.enforcement.of_account(found.account), found.action, view.now)
