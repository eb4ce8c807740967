"""Appeals from the side of the person concerned: what may be appealed, opening, editing, and what
ends an appeal without a decision.

What moderators do with one is in ``deciding``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.appeals import (
    DAY_MS,
    MAX_EDITS,
    MAX_TEXT,
    MAX_WITHDRAWN,
    Appeal,
    AppealState,
    Did,
    Evidence,
    Step,
    as_told,
    decision_of,
    how_it_ended,
    may_be_appealed,
    standing_for,
)
from rostra.domain.enforcement import Action, LiftReason, in_force
from rostra.domain.errors import Conflict, Forbidden, Invalid, NotFound
from rostra.ports import Context, Transaction, View
from rostra.services import mail
from rostra.services.appeals.recording import day, finished, kept

REPORTS_KEPT: Final = 50
"""How many reports from before a decision are kept with an appeal, the newest of them."""


class Case(Struct, frozen=True, kw_only=True):
    """A decision as the person concerned sees it.

    ``action`` is what carries it out and ``decision`` what was decided (the same, unless one was
    restored). ``ended`` is why it no longer holds, None while it does. ``until`` is to when (ms)
    it may be appealed; ``barred`` says why it cannot be now, None when it can.
    """

    action: Action
    decision: Action
    ended: LiftReason | None
    appeals: tuple[Appeal, ...]
    until: int
    barred: Conflict | None

    @property
    def latest(self) -> Appeal | None:
        """The newest appeal about it."""
        return self.appeals[-1] if self.appeals else None


# -- what may be appealed --------------------------------------------------------------------------


def cases(view: View, settings: Settings, account: int) -> list[Case]:
    """Return the decisions about an account that hold or were appealed, newest first."""
    actions, liftings = view.enforcement.of_account(account)
    mine = view.appeals.of(account)
    found: list[Case] = []
    for decision in actions:
        if decision_of(actions, decision).id != decision.id or not may_be_appealed(decision):
            continue
        about = tuple(appeal for appeal in mine if appeal.action == decision.id)
        action = standing_for(actions, liftings, decision.id, view.now)
        if action is None and not about:
            continue
        ended = None if action else how_it_ended(actions, liftings, decision.id)
        until = decision.taken_at + settings.appeal_window_days * DAY_MS
        found.append(
            Case(
                action=action or decision,
                decision=decision,
                ended=ended,
                appeals=about,
                until=until,
                barred=_barred(about, ended=ended is not None, late=view.now >= until),
            )
        )
    return found[::-1]


def _barred(about: Sequence[Appeal], *, ended: bool, late: bool) -> Conflict | None:
    """Return why no (other) appeal about a decision can be opened, None when one can."""
    states = [appeal.state for appeal in about]
    if ended:
        return Conflict("This has ended: there is nothing to appeal against")
    if AppealState.OPEN in states:
        return Conflict("There is an open appeal about this: edit it, or take it back first")
    if AppealState.ACCEPTED in states:
        return Conflict("Your appeal was accepted: there is nothing more to appeal against")
    if about and (about[-1].again or about[-1].state is AppealState.MOOT):
        return None  # allowed by a moderator, or never decided, though the time may be over
    if late:
        return Conflict("The time to appeal against this is over")
    if AppealState.REJECTED in states:
        return Conflict("An appeal about this was decided: only a moderator can allow another")
    if states.count(AppealState.WITHDRAWN) >= MAX_WITHDRAWN:
        return Conflict(
            "You took back several appeals about this: only a moderator can allow another"
        )
    return None


def _case(tx: View, settings: Settings, account: int, action: int) -> Case:
    """Return the case of an action, or of the decision it carries out.

    Raises:
        NotFound: nothing like that was decided about the account.
    """
    for case in cases(tx, settings, account):
        if action in (case.action.id, case.decision.id):
            return case
    raise NotFound("There is no such decision about your account; look at what holds now")


# -- what the person does --------------------------------------------------------------------------


async def open_appeal(ctx: Context, *, actor: int, action: int, text: str) -> Appeal:
    """Appeal against an action about oneself; suspended accounts may, that is what it is for.

    What the decision rests on is frozen with it: the statement of reasons, reports, figures.

    Args:
        ctx: the ports.
        actor: whose account it is about.
        action: the id of the action.
        text: why it is wrong.

    Raises:
        NotFound: there is no such action about the actor.
        Invalid: the text is missing or too long.
        Conflict: it cannot be appealed (again); the message says why.
    """
    said = _text(text)

    def change(tx: Transaction) -> Appeal:
        _require_there(tx, actor)
        case = _case(tx, ctx.settings, actor, action)
        if case.barred:
            raise case.barred
        due = tx.now + ctx.settings.appeal_days * DAY_MS
        appeal = Appeal(
            id=tx.next_id(),
            account=actor,
            action=case.decision.id,
            text=said,
            opened_at=tx.now,
            due_at=due,
            evidence=_evidence(tx, case.decision),
        )
        appeal = kept(tx, appeal, Step(did=Did.OPENED, at=tx.now, by=actor))
        tx.jobs.enqueue("tell_overdue", {"appeal": appeal.id}, due)
        mail.queue(ctx, tx, "appeal_opened", actor, due=day(due))
        return appeal

    return await ctx.store.write(change)


async def edit(ctx: Context, *, actor: int, appeal_id: int, text: str) -> Appeal:
    """Say something else in an open appeal; what it said before stays in its history.

    Raises:
        NotFound: the actor made no such appeal.
        Invalid: the text is missing or too long, or it was edited too often.
        Conflict: it is over.
    """
    said = _text(text)

    def change(tx: Transaction) -> Appeal:
        appeal = _own_open(tx, actor, appeal_id)
        if said == appeal.text:
            return appeal
        if appeal.edits >= MAX_EDITS:
            raise Invalid("You edited this appeal many times: wait for the answer now")
        step = Step(did=Did.EDITED, at=tx.now, by=actor, text=appeal.text)
        return kept(tx, structs.replace(appeal, text=said), step)

    return await ctx.store.write(change)


async def withdraw(ctx: Context, *, actor: int, appeal_id: int) -> Appeal:
    """Take an open appeal back; another may be opened in its time.

    Raises:
        NotFound: the actor made no such appeal.
        Conflict: it is over.
    """

    def change(tx: Transaction) -> Appeal:
        appeal = _own_open(tx, actor, appeal_id)
        return finished(tx, appeal, AppealState.WITHDRAWN, Did.WITHDRAWN, by=actor)

    return await ctx.store.write(change)


def _text(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid("Validation failed: Text can't be blank: say why the decision is wrong")
    if len(said) > MAX_TEXT:
        raise Invalid(
            "Validation failed: Text is too long (maximum is %(num)s characters)", num=MAX_TEXT
        )
    return said


def _require_there(tx: Transaction, actor: int) -> None:
    state = tx.gate.state(actor)
    if state.deleted or tx.accounts.get(actor) is None:
        raise NotFound
    if state.unconfirmed or state.pending:
        raise Forbidden("Your account is not confirmed yet")


def _own_open(tx: Transaction, actor: int, appeal_id: int) -> Appeal:
    appeal = own(tx, actor, appeal_id)
    require_open(tx, appeal)
    return appeal


def own(view: View, actor: int, appeal_id: int) -> Appeal:
    """Return an appeal that an account made.

    Raises:
        NotFound: it made none of that id.
    """
    appeal = view.appeals.get(appeal_id)
    if appeal is None or appeal.account != actor:
        raise NotFound("There is no such appeal of yours")
    return appeal


def require_open(view: View, appeal: Appeal) -> None:
    """Refuse an appeal that is over, and one whose action ended though nobody recorded it yet.

    Raises:
        Conflict: it is; with what to do.
    """
    if appeal.state is not AppealState.OPEN:
        raise Conflict("This appeal is over: reload to see how it ended")
    record = view.enforcement.of_account(appeal.account)
    if standing_for(*record, appeal.action, view.now) is None:
        raise Conflict("The action has ended meanwhile: there is nothing left to decide")


def _evidence(tx: Transaction, decision: Action) -> Evidence:
    """Return what a decision is judged by, as it is now."""
    account = decision.account
    rules = {rule.id: rule.text for rule in tx.about.rules()}
    holding = in_force(*tx.enforcement.of_account(account), tx.now)
    return Evidence(
        type=decision.kind.label,
        ground=decision.ground,
        text=decision.text,
        taken_at=decision.taken_at,
        until=decision.until,
        in_force=tuple(f"{one.kind.label}: {one.ground}" for one in holding),
        followers=tx.gate.true_count(SetKey(account, SetKind.FOLLOWERS)),
        following=tx.gate.true_count(SetKey(account, SetKind.FOLLOWING)),
        statuses=tx.statuses.count_by_author(account),
        reports=tuple(
            as_told(report, rules)
            for report in tx.reports.page(target=account, limit=REPORTS_KEPT, max_id=decision.id)
        ),
    )
