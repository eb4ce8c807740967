"""Appeals from the side of moderators: who may decide about one, accepting and rejecting.

Another moderator than the first decides. A suspension that an accepted appeal is about is not
lifted here: its reinstatement is planned, and an operator runs it. Anything else, and a suspension
whose end nobody would see, is lifted at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from rostra.domain.accounts import Account
from rostra.domain.appeals import (
    MAX_REPLY,
    Appeal,
    AppealState,
    Did,
    Step,
    decision_of,
    standing_for,
)
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, in_force
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import mail
from rostra.services.appeals.appealing import require_open
from rostra.services.appeals.recording import finished, kept
from rostra.services.moderation import lifting
from rostra.services.roles import require_may_moderate, require_moderator

STAFF: Final = 200
"""How many moderators are asked about at most, the newest accounts among them first."""

OPEN_AT_ONCE: Final = 200
"""How many open appeals are listed at most."""

PLANNED: Final = "Your account comes back after a last check by those who run the server."
LIFTED: Final = "What was decided is lifted."
STILL: Final = "That decision is lifted, but another one still holds."


class Shown(Struct, frozen=True, kw_only=True):
    """An appeal as moderators see it.

    ``action`` is what carries the decision out, None once that ended; ``lifting`` how it was
    lifted. ``refusal`` is why who looks may not decide, None when they may; ``deciders`` are those
    who may (at most ``STAFF`` are looked at).
    """

    appeal: Appeal
    account: Account
    decision: Action
    action: Action | None
    lifting: Lifting | None
    refusal: Forbidden | None
    deciders: tuple[Account, ...]
    overdue: bool


# -- reading ---------------------------------------------------------------------------------------


def require_appeal(view: View, moderator: int, appeal_id: int) -> Appeal:
    """Return an appeal, for a moderator.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such appeal.
    """
    require_moderator(view, moderator)
    found = view.appeals.get(appeal_id)
    if found is None:
        raise NotFound("There is no such appeal")
    return found


def show(view: View, moderator: int, appeal_id: int) -> Shown:
    """Return all a moderator needs to decide about an appeal.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such appeal.
    """
    return describe(view, require_appeal(view, moderator, appeal_id), moderator)


def describe(
    view: View,
    appeal: Appeal,
    moderator: int | None = None,
    *,
    staff: Sequence[Account] | None = None,
) -> Shown:
    """Return all there is to an appeal, for a moderator or (None) for who runs the server.

    Args:
        view: the view.
        appeal: the appeal.
        moderator: who looks.
        staff: those among whom to look for who may decide; asked for when not given.
    """
    staff = staff_of(view) if staff is None else staff
    bench = _bench(view, appeal)
    actions, liftings = view.enforcement.of_account(appeal.account)
    action = standing_for(actions, liftings, appeal.action, view.now)
    chain = {one.id for one in actions if decision_of(actions, one).id == appeal.action}
    last = max((one for one in liftings if one.action in chain), default=None, key=_when)
    return Shown(
        appeal=appeal,
        account=bench.account,
        decision=bench.decision,
        action=action,
        lifting=None if action else last,
        refusal=None if moderator is None else bench.refusal(view, moderator),
        deciders=tuple(one for one in staff if bench.refusal(view, one.ordinal) is None),
        overdue=appeal.overdue(view.now),
    )


def staff_of(view: View) -> list[Account]:
    """Return the moderators and owners there are, at most ``STAFF`` of them."""
    return view.accounts.page(limit=STAFF, staff=True)


def _when(lifting: Lifting) -> int:
    return lifting.lifted_at


def listed(
    snap: Snapshot,
    *,
    which: str = "open",
    account: int | None = None,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[Appeal]:
    """Return appeals: ``open`` ones with those promised first at the head, the ``overdue`` among
    them, ``decided`` ones or ``all`` of them newest first.

    Raises:
        Invalid: ``which`` is none of these.
    """
    if which in ("open", "overdue") and account is None:
        overdue_at = snap.now if which == "overdue" else None
        return snap.appeals.waiting(limit=min(limit, OPEN_AT_ONCE), overdue_at=overdue_at)
    if which not in ("open", "overdue", "decided", "all"):
        raise Invalid("Validation failed: State must be open, overdue, decided or all")
    decided = None if which == "all" else which == "decided"
    found = snap.appeals.page(
        decided=decided,
        account=account,
        limit=limit,
        max_id=max_id,
        since_id=since_id,
        min_id=min_id,
    )
    return [one for one in found if which != "overdue" or one.overdue(snap.now)]


# -- who may decide --------------------------------------------------------------------------------


class Bench(Struct, frozen=True):
    """Whom an appeal is by, about what, and which moderators decided before."""

    account: Account
    decision: Action
    upheld_by: frozenset[int | None]

    def refusal(self, view: View, moderator: int) -> Forbidden | None:
        """Return why a moderator may not decide about the appeal, None when they may."""
        try:
            require_may_moderate(view, moderator, self.account)
        except Forbidden as error:
            return error
        if self.decision.moderator == moderator:
            return Forbidden(
                "You took this decision yourself: another moderator decides about the appeal"
            )
        if moderator in self.upheld_by:
            return Forbidden(
                "You turned down an appeal about this before: another moderator decides"
            )
        return None


def _bench(view: View, appeal: Appeal) -> Bench:
    account = view.accounts.get(appeal.account)
    actions, _ = view.enforcement.of_account(appeal.account)
    decision = next((one for one in actions if one.id == appeal.action), None)
    if account is None or decision is None:
        raise NotFound("There is no such appeal")
    upheld = (
        one.decided_by
        for one in view.appeals.of(appeal.account)
        if one.action == appeal.action and one.id != appeal.id and one.state is AppealState.REJECTED
    )
    return Bench(account, decision, frozenset(upheld))


def require_may_decide(view: View, appeal: Appeal, moderator: int) -> None:
    """Refuse who may not decide about an appeal, and say what to do when nobody may.

    Raises:
        Forbidden: with why not.
    """
    require_moderator(view, moderator)
    bench = _bench(view, appeal)
    refused = bench.refusal(view, moderator)
    if refused is None:
        return
    if all(bench.refusal(view, one.ordinal) for one in staff_of(view)):
        raise Forbidden(
            "Nobody here may decide about this appeal, because whoever decided before may not: "
            "an owner has to appoint another moderator first (rostra account role NAME moderator)"
        )
    raise refused


# -- deciding --------------------------------------------------------------------------------------


async def accept(ctx: Context, *, moderator: int, appeal_id: int, reply: str) -> Appeal:
    """Accept an appeal: what it is about should not have been decided.

    Of a suspension that nothing else keeps up a reinstatement is planned, with the reason
    ``overturned``; anything else is lifted at once.

    Args:
        ctx: the ports.
        moderator: who decides.
        appeal_id: about which.
        reply: what the person is told.

    Raises:
        NotFound: there is no such appeal.
        Forbidden: the moderator may not decide about it; with who may.
        Invalid: the reply is missing or too long.
        Conflict: it is over, or its action ended meanwhile.
    """
    said = _reply(reply)

    def change(tx: Transaction) -> Appeal:
        appeal, action = _to_decide(tx, moderator, appeal_id)
        planned = _needs_a_run(tx, action)
        after = finished(tx, appeal, AppealState.ACCEPTED, Did.ACCEPTED, by=moderator, reply=said)
        if planned:
            tx.jobs.enqueue("plan_accepted", {"appeal": appeal.id}, tx.now)
            told = PLANNED
        else:
            overturned = LiftReason.OVERTURNED
            lifting.lift_in(
                tx,
                ctx.settings,
                actions=[action],
                reason=overturned,
                moderator=moderator,
                about={"appeal": str(appeal.id)},
            )
            told = STILL if tx.gate.state(appeal.account).suspended else LIFTED
        _tell(ctx, tx, after, "appeal_accepted", next=told)
        return after

    return await ctx.store.write(change)


async def reject(ctx: Context, *, moderator: int, appeal_id: int, reply: str) -> Appeal:
    """Turn an appeal down: what was decided stays, and no second appeal about it is taken.

    The arguments and what is raised are those of ``accept``.
    """
    said = _reply(reply)

    def change(tx: Transaction) -> Appeal:
        appeal, _ = _to_decide(tx, moderator, appeal_id)
        after = finished(tx, appeal, AppealState.REJECTED, Did.REJECTED, by=moderator, reply=said)
        _tell(ctx, tx, after, "appeal_rejected")
        return after

    return await ctx.store.write(change)


async def allow_again(ctx: Context, *, moderator: int, appeal_id: int) -> Appeal:
    """Allow another appeal about what one was turned down or taken back about, at any time.

    Raises:
        NotFound: there is no such appeal.
        Forbidden: the account is no moderator, or may not act on that account.
        Conflict: it is open or accepted, or there is a newer one.
    """

    def change(tx: Transaction) -> Appeal:
        appeal = require_appeal(tx, moderator, appeal_id)
        require_may_moderate(
            tx, moderator, tx.gate.require_account(tx.accounts.get(appeal.account))
        )
        if appeal.state in (AppealState.OPEN, AppealState.ACCEPTED):
            raise Conflict("This appeal is open or was accepted: there is no need for another")
        newer = [one for one in tx.appeals.of(appeal.account) if one.action == appeal.action]
        if newer[-1].id != appeal.id:
            raise Conflict("There is a newer appeal about this: decide about that one")
        if appeal.again:
            return appeal
        step = Step(did=Did.ALLOWED, at=tx.now, by=moderator)
        return kept(tx, structs.replace(appeal, again=True), step)

    return await ctx.store.write(change)


def _reply(reply: str) -> str:
    said = reply.strip()
    if not said:
        raise Invalid("Validation failed: Reply can't be blank: say to the person why")
    if len(said) > MAX_REPLY:
        raise Invalid(
            "Validation failed: Reply is too long (maximum is %(num)s characters)", num=MAX_REPLY
        )
    return said


def _to_decide(tx: Transaction, moderator: int, appeal_id: int) -> tuple[Appeal, Action]:
    """Return an open appeal that a moderator may decide about, and what carries it out."""
    appeal = require_appeal(tx, moderator, appeal_id)
    require_may_decide(tx, appeal, moderator)
    require_open(tx, appeal)
    action = standing_for(*tx.enforcement.of_account(appeal.account), appeal.action, tx.now)
    if action is None:
        raise NotFound("There is no such action")
    return appeal, action


def _needs_a_run(tx: Transaction, action: Action) -> bool:
    """Return whether lifting a suspension would bring its account back before everybody."""
    holding = in_force(*tx.enforcement.of_account(action.account), tx.now)
    suspensions = [one.id for one in holding if one.kind == ActionKind.SUSPEND]
    return suspensions == [action.id]


def _tell(ctx: Context, tx: Transaction, appeal: Appeal, letter: str, **facts: str) -> None:
    """Tell the person of a decision: by mail, and among their notifications if they can read them.

    Who is suspended reads it on the one page they have, and of their return they are told then.
    """
    mail.queue(ctx, tx, letter, appeal.account, reply=appeal.reply, **facts)
    if tx.gate.active(appeal.account):
        lifting.warn(tx, appeal.account, appeal.action)
