"""Running an amnesty: started, paused, resumed, stopped and rolled back by moderators.

Each of these changes the state in one transaction that looks at it first, so that of two operators
one wins and the other is told. The waves themselves are driven by a job (``driving``), which looks
at the state in every one of its transactions.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import structs

from rostra.domain.amnesty import Amnesty, AmnestyState, Outcome, moved_to, shown
from rostra.domain.amnesty_waves import Course, Halt, Happened, Note
from rostra.domain.errors import Conflict, Forbidden, told
from rostra.domain.ledger import LedgerKind
from rostra.domain.words import how_many
from rostra.ports import Context, Transaction, View
from rostra.services import alerts
from rostra.services.amnesty.amnesties import require_amnesty
from rostra.services.moderation import decision_polls, ledger
from rostra.services.roles import require_moderator

JOB: Final = "run_amnesty"
JOB_BACK: Final = "roll_back_amnesty"
"""The same, done beside it: what is to be rolled back waits for no waves."""

_course = msgspec.json.Decoder(Course)

_KINDS: Final = {
    Happened.STARTED: LedgerKind.AMNESTY_STARTED,
    Happened.WAVE: LedgerKind.AMNESTY_WAVE,
    Happened.PAUSED: LedgerKind.AMNESTY_PAUSED,
    Happened.RESUMED: LedgerKind.AMNESTY_RESUMED,
    Happened.HALTED: LedgerKind.AMNESTY_HALTED,
    Happened.STOPPED: LedgerKind.AMNESTY_STOPPED,
    Happened.FINISHED: LedgerKind.AMNESTY_FINISHED,
    Happened.ROLLING_BACK: LedgerKind.AMNESTY_ROLLED_BACK,
    Happened.ROLLED_BACK: LedgerKind.AMNESTY_ROLLED_BACK,
}


# -- the course ------------------------------------------------------------------------------------


def course_of(view: View, amnesty_id: int) -> Course:
    """Return how far an amnesty has come; one that was never started has no waves yet."""
    stored = view.progress.get(_work(amnesty_id))
    return Course(id=amnesty_id) if stored is None else _course.decode(stored)


def save(tx: Transaction, course: Course) -> None:
    """Put down how far an amnesty has come, and tell those who follow it."""
    tx.progress.put(_work(course.id), msgspec.json.encode(course).decode())
    tx.amnesties.moved_on(course.id)


def _work(amnesty_id: int) -> str:
    return f"amnesty {amnesty_id}"


def note(
    tx: Transaction,
    amnesty: Amnesty,
    course: Course,
    *,
    what: Happened,
    moderator: int | None,
    text: str,
    grave: bool = False,
) -> Course:
    """Write into the course, the ledger and an alert what happened; return the course, not saved.

    Args:
        tx: the transaction that does it.
        amnesty: the amnesty, as it is now.
        course: how far it has come.
        what: what happened.
        moderator: who decided; None: the server itself.
        text: the figures, and what to do.
        grave: whether somebody should look now.
    """
    about = {"amnesty": str(amnesty.id), "manifest": amnesty.hash, "what": what, "text": text}
    ledger.record(tx, kind=_KINDS[what], account=None, moderator=moderator, about=about)
    alerts.tell(
        tx,
        subject=f"Amnesty {amnesty.id}: {what.replace('_', ' ')}",
        text=text,
        link=f"/admin/amnesties/{amnesty.id}",
        grave=grave,
    )
    return structs.replace(course, log=(*course.log, Note(tx.now, what, moderator, text)))


def halt_in(tx: Transaction, amnesty: Amnesty, course: Course, halt: Halt) -> None:
    """Halt an amnesty that runs: nothing more of it happens until somebody decides."""
    tx.amnesties.put(moved_to(amnesty, AmnestyState.HALTED, why=halt.text))
    save(
        tx,
        note(
            tx,
            amnesty,
            course,
            what=Happened.HALTED,
            moderator=None,
            text=halt.text,
            grave=True,
        ),
    )


def failed_so_far(view: View, amnesty_id: int) -> int:
    """Return how many accounts of an amnesty could not be reinstated."""
    return counted(view, amnesty_id).get(Outcome.FAILED, 0)


def counted(view: View, amnesty_id: int) -> dict[Outcome, int]:
    """Return how many accounts of an amnesty came to which outcome."""
    total: dict[Outcome, int] = {}
    for outcomes in view.amnesties.tally(amnesty_id).values():
        for outcome, count in outcomes.items():
            total[outcome] = total.get(outcome, 0) + count
    return total


# -- what moderators decide ------------------------------------------------------------------------


async def run(ctx: Context, *, moderator: int | None, amnesty_id: int) -> Amnesty:
    """Start the waves of an approved amnesty.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it is not approved, its approval ran out, who approved it is no moderator any
            more, a poll is to decide about it, or somebody started it before.
        Forbidden: the one who starts it is no moderator.
    """

    def change(tx: Transaction) -> Amnesty:
        amnesty = _taken(tx, moderator, amnesty_id)
        if amnesty.state is AmnestyState.PLANNED:
            raise Conflict(
                "This amnesty waits for a second moderator: rostra amnesty approve, then run it"
            )
        if amnesty.started_by is not None or amnesty.started_at is not None:
            raise _started(tx, amnesty)
        if amnesty.expires_at is not None and amnesty.expires_at <= tx.now:
            raise Conflict("The approval of this amnesty ran out: plan it again")
        _require_approver(tx, amnesty)
        decision_polls.require_decided(tx, amnesty=amnesty_id)
        running = moved_to(
            amnesty, AmnestyState.RUNNING, started_by=moderator, started_at=tx.now, why=""
        )
        text = f"{how_many(running.total, 'account')} in {how_many(len(running.sizes), 'wave')}"
        return _set_to_work(tx, running, Happened.STARTED, moderator, text)

    return await ctx.store.write(change)


async def pause(ctx: Context, *, moderator: int | None, amnesty_id: int) -> Amnesty:
    """Let the waves rest where they are until they are resumed.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it does not run.
        Forbidden: the one who decides is no moderator.
    """

    def change(tx: Transaction) -> Amnesty:
        paused = moved_to(_taken(tx, moderator, amnesty_id), AmnestyState.PAUSED)
        text = f"Paused in wave {paused.wave}. {_so_far(tx, paused)}"
        _decide(tx, paused, Happened.PAUSED, moderator, text)
        return paused

    return await ctx.store.write(change)


async def resume(
    ctx: Context, *, moderator: int | None, amnesty_id: int, past_probes: bool = False
) -> Amnesty:
    """Let the waves go on after a pause or a halt; limits are counted anew from here.

    Args:
        ctx: the ports.
        moderator: who decides, and answers for what the waves do from here.
        amnesty_id: the amnesty.
        past_probes: take the present wave as it is, without looking at it again.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it is neither paused nor halted.
        Forbidden: the one who decides is no moderator.
    """

    def change(tx: Transaction) -> Amnesty:
        amnesty = _taken(tx, moderator, amnesty_id)
        if amnesty.state not in (AmnestyState.PAUSED, AmnestyState.HALTED):
            raise Conflict(
                "This amnesty is %(state)s: only one that is paused or has halted can be resumed",
                state=shown(amnesty.state),
            )
        running = moved_to(amnesty, AmnestyState.RUNNING, why="")
        course = structs.replace(
            course_of(tx, amnesty_id), accepted=failed_so_far(tx, amnesty_id), rest_until=0
        )
        passed = past_probes and _is_probed(course)
        if passed:
            last = structs.replace(course.waves[-1], over_at=tx.now, passed_by=moderator)
            course = structs.replace(course, waves=(*course.waves[:-1], last))
        save(tx, course)
        text = _so_far(tx, running)
        if passed:
            text += " The probes of its last wave are passed over."
        return _set_to_work(tx, running, Happened.RESUMED, moderator, text)

    return await ctx.store.write(change)


def _is_probed(course: Course) -> bool:
    """Return whether there is a wave whose accounts are done, and which is not over yet."""
    last = course.waves[-1] if course.waves else None
    return last is not None and last.lifted_at is not None and last.over_at is None


async def stop(ctx: Context, *, moderator: int | None, amnesty_id: int) -> Amnesty:
    """End an amnesty where it is: what is done stays, the rest is not done.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it is not under way.
        Forbidden: the one who decides is no moderator.
    """

    def change(tx: Transaction) -> Amnesty:
        stopped = moved_to(
            _taken(tx, moderator, amnesty_id), AmnestyState.STOPPED, finished_at=tx.now
        )
        _decide(tx, stopped, Happened.STOPPED, moderator, _so_far(tx, stopped))
        return stopped

    return await ctx.store.write(change)


async def roll_back(ctx: Context, *, moderator: int | None, amnesty_id: int) -> Amnesty:
    """Begin to suspend again whom the waves reinstated, as far as nobody decided about them since.

    Raises:
        NotFound: there is no such amnesty.
        Conflict: it was never started, or is rolled back already.
        Forbidden: the one who decides is no moderator.
    """

    def change(tx: Transaction) -> Amnesty:
        rolling = moved_to(_taken(tx, moderator, amnesty_id), AmnestyState.ROLLING_BACK, why="")
        save(tx, structs.replace(course_of(tx, amnesty_id), rolled_back_by=moderator))
        text = f"Being rolled back. {_so_far(tx, rolling)}"
        return _set_to_work(tx, rolling, Happened.ROLLING_BACK, moderator, text, job=JOB_BACK)

    return await ctx.store.write(change)


def _set_to_work(
    tx: Transaction,
    amnesty: Amnesty,
    what: Happened,
    moderator: int | None,
    text: str,
    *,
    job: str = JOB,
) -> Amnesty:
    """Decide that a job goes on with an amnesty, which is returned as it is from here on."""
    _decide(tx, amnesty, what, moderator, text)
    tx.jobs.enqueue(job, {"amnesty": amnesty.id}, tx.now)
    return amnesty


def _taken(tx: Transaction, moderator: int | None, amnesty_id: int) -> Amnesty:
    if moderator is not None:
        require_moderator(tx, moderator)
    return require_amnesty(tx, amnesty_id)


def _require_approver(tx: Transaction, amnesty: Amnesty) -> None:
    if amnesty.approved_by is None:
        return
    try:
        require_moderator(tx, amnesty.approved_by)
    except Forbidden:
        raise Conflict(
            "Who approved this amnesty may not act as a moderator any more: reject it, and plan "
            "it anew"
        ) from None


def _decide(
    tx: Transaction, amnesty: Amnesty, what: Happened, moderator: int | None, text: str
) -> None:
    tx.amnesties.put(amnesty)
    course = course_of(tx, amnesty.id)
    save(tx, note(tx, amnesty, course, what=what, moderator=moderator, text=text))


def _started(view: View, amnesty: Amnesty) -> Conflict:
    account = None if amnesty.started_by is None else view.accounts.get(amnesty.started_by)
    return Conflict(
        "%(who)s started this amnesty before you, and it is %(state)s now: follow it with rostra "
        "amnesty status",
        who=told("the server") if account is None else f"@{account.username}",
        state=shown(amnesty.state),
    )


def _so_far(view: View, amnesty: Amnesty) -> str:
    found = counted(view, amnesty.id)
    told = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in found.items())
    return f"{told} of {how_many(amnesty.total, 'account')}."
