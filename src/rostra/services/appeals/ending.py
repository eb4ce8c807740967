"""What ends an appeal, or holds something up, without a moderator's decision about it.

An appeal is moot when what it is about ends by another way. While one is open, nobody but the
person concerned can have the account deleted; their own deletion takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from rostra.config import Settings
from rostra.domain.appeals import (
    Appeal,
    AppealState,
    Did,
    Step,
    decision_of,
    how_it_ended,
    standing_for,
)
from rostra.domain.enforcement import Action, LiftReason
from rostra.domain.errors import Conflict
from rostra.ports import Context, Transaction, View
from rostra.services import mail
from rostra.services.appeals.recording import finished, kept


def close_moot(tx: Transaction, settings: Settings, account: int) -> list[Appeal]:
    """Close the open appeals of an account about what has ended, and tell the person; return them.

    Whatever ends actions calls this in the same transaction.
    """
    waiting = tx.appeals.open_of(account)
    if not waiting:
        return []
    actions, liftings = tx.enforcement.of_account(account)
    closed = []
    for appeal in waiting:
        if standing_for(actions, liftings, appeal.action, tx.now) is not None:
            continue
        word = str(how_it_ended(actions, liftings, appeal.action))
        closed.append(finished(tx, appeal, AppealState.MOOT, Did.MOOT, by=None, word=word))
        mail.queue_in(settings, tx, "appeal_moot", account)
    return closed


def why_lifted(
    view: View, action: Action, reason: LiftReason, actions: Sequence[Action]
) -> tuple[LiftReason, dict[str, object]]:
    """Return for what reason an action ends, and what the ledger is to tell of that.

    An appeal that was accepted said that it should not have been decided. So its strike is void,
    whatever ends it before its reinstatement is run: an amnesty, a moderator, or the clock.

    Args:
        view: the view.
        action: what ends.
        reason: why, unless an appeal about it was accepted.
        actions: all there ever were against its account.
    """
    decision = decision_of(actions, action).id
    for appeal in view.appeals.of(action.account):
        if appeal.action == decision and appeal.state is AppealState.ACCEPTED:
            return LiftReason.OVERTURNED, {"appeal": str(appeal.id)}
    return reason, {}


def holds_up_deletion(view: View, account: int) -> bool:
    """Return whether an account may not be deleted by others because an appeal of it is open."""
    return bool(view.appeals.open_of(account))


def before_deletion(tx: Transaction, account: int, *, by: int | None) -> None:
    """Take back the open appeals of who deletes their own account; refuse it to anybody else.

    Raises:
        Conflict: an appeal is open and somebody else deletes the account.
    """
    for appeal in tx.appeals.open_of(account):
        if by != account:
            raise Conflict(
                "An appeal of this account is open, and stops its deletion: decide the appeal first"
            )
        word = "the account was deleted by its owner"
        finished(tx, appeal, AppealState.WITHDRAWN, Did.WITHDRAWN, by=account, word=word)


def forget(tx: Transaction, account: int) -> None:
    """Erase what a deleted account said in its appeals; that there were some stays."""
    for appeal in tx.appeals.of(account):
        steps = tuple(
            structs.replace(step, text="") if step.did is Did.EDITED else step
            for step in appeal.history
        )
        evidence = structs.replace(appeal.evidence, reports=())
        blank = structs.replace(appeal, text="", history=steps, evidence=evidence)
        if blank != appeal:
            tx.appeals.put(blank)


async def tell_overdue(ctx: Context, *, appeal: int) -> bool:
    """Tell those who look after the server of an appeal whose promised time is over; a job.

    Return whether it was told now: one that is decided is not, and none is told twice.
    """

    def change(tx: Transaction) -> bool:
        found = tx.appeals.get(appeal)
        if found is None or not found.overdue(tx.now):
            return False
        if any(step.did is Did.OVERDUE for step in found.history):
            return False
        kept(tx, found, Step(did=Did.OVERDUE, at=tx.now))
        return True

    return await ctx.store.write(change)
