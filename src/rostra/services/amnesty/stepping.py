"""Some accounts of an amnesty a transaction, with rests for others and limits between two.

A step lifts the actions of some accounts (or takes them again) and writes what became of each, so
that a kill at any instant loses nothing and does nothing twice: what is still pending is what is
still to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import structlog
from msgspec import structs

from rostra.domain.amnesty import Amnesty, AmnestyState, Entry, Outcome
from rostra.domain.amnesty_waves import (
    MINUTE_MS,
    Course,
    Halt,
    not_led,
    too_late,
    too_many_failures,
    too_many_reports,
)
from rostra.domain.errors import Forbidden, RostraError, Unavailable
from rostra.domain.ids import snowflake
from rostra.ports import Context, Transaction
from rostra.services.amnesty.steering import course_of, failed_so_far, halt_in
from rostra.services.roles import require_moderator

STEP_SECONDS: Final = 0.02
"""What one transaction should take: as long do others wait for the write lock; and every worker
applies its events between two answers, which takes a tenth of that."""

REST: Final = 10
REST_SECONDS: Final = 0.25
"""Between two steps others have so many times as long as one took, or at most so many seconds: each
step moves the masks, so that every worker makes its next answers anew, which is to be rare enough
that readers do not feel it. 62,000 accounts are some 600 steps."""

FIRST_STEP: Final = 25
MOST_A_STEP: Final = 250
GUARD_SECONDS: Final = 1.0
"""How often the limits are held against reports and jobs while a wave goes on."""

TELL_SECONDS: Final = 1.0
"""How often those who follow it are told of accounts that were done, or of probes that passed."""

COUNTED_QUICKLY: Final = 50_000
"""How many accounts are counted in few milliseconds; of more it is told more rarely."""

_log = structlog.get_logger()

Decide = Callable[[Transaction, Amnesty, Sequence[Entry]], list[Entry]]
"""(transaction, amnesty, some of its accounts) → the accounts with what became of each."""

Change = Callable[[Transaction, Amnesty, Course], bool | None]
"""(transaction, amnesty, how far it has come) → False when nothing is to be done after all."""


class Stepper:
    """Goes through the accounts of one amnesty.

    Args:
        ctx: the ports.
        id_: of the amnesty.
        aside: names of jobs that do not count as late.
    """

    def __init__(self, ctx: Context, id_: int, aside: Collection[str]) -> None:
        self._ctx = ctx
        self._id = id_
        self._aside = aside
        self._guarded_at = 0.0
        self._told_at = 0.0
        self._size = FIRST_STEP

    async def steps(
        self,
        state: AmnestyState,
        outcome: Outcome,
        decide: Decide,
        over: Callable[[Transaction, Amnesty], None],
        *,
        wave: int | None = None,
        guarded: bool = False,
    ) -> None:
        """Decide about the accounts of an outcome (of a wave), some a transaction, until none is
        left; then ``over`` is done. End early when the amnesty is in another state.
        """

        def step(tx: Transaction) -> int:
            amnesty = tx.amnesties.get(self._id)
            if amnesty is None or amnesty.state is not state:
                return 0
            if state is AmnestyState.RUNNING and not self._is_led(tx, amnesty):
                return 0
            entries = tx.amnesties.entries(self._id, limit=self._size, wave=wave, outcome=outcome)
            if not entries:
                over(tx, amnesty)
                return 0
            began = time.thread_time()
            decided = decide(tx, amnesty, entries)
            tx.amnesties.put_entries(self._id, decided)
            self._tell(tx, amnesty)
            self._mind_failures(tx, amnesty, decided)
            self._resize(len(decided), time.thread_time() - began)
            return len(decided)

        while True:
            if guarded and (halt := self._guard()):
                await self.halt(halt)
                return
            began, asked = time.monotonic(), self._size
            try:
                done = await self._ctx.store.write(step)
            except Unavailable:
                raise  # a full disk, say: tried again later
            except Exception as error:
                if self._size > 1:
                    self._size = 1  # find out which account it is
                    continue
                if not await self._ctx.store.write(self._failure(state, outcome, wave, error)):
                    raise  # it is no account's fault
                done = 1
            if not done:
                return
            if done == asked:  # there may be more
                await asyncio.sleep(min(REST * (time.monotonic() - began), REST_SECONDS))

    def _tell(self, tx: Transaction, amnesty: Amnesty) -> None:
        """Tell those who follow it how far it is, not at every step: they count its accounts."""
        pause = TELL_SECONDS * max(1, amnesty.total / COUNTED_QUICKLY)
        if time.monotonic() - self._told_at >= pause:
            self._told_at = time.monotonic()
            tx.amnesties.moved_on(self._id)

    def _resize(self, done: int, took: float) -> None:
        """Make the next step about as long as it may be, from the seconds of work of this one."""
        aim = max(1, round(done * STEP_SECONDS / max(took, 0.001)))
        self._size = min(MOST_A_STEP, max(aim, self._size // 2), self._size * 2)

    def _failure(
        self, state: AmnestyState, outcome: Outcome, wave: int | None, error: Exception
    ) -> Callable[[Transaction], bool]:
        """Return what puts down that the first account there is to do could not be done; it returns
        whether there was one.
        """
        why = error.message if isinstance(error, RostraError) else f"{type(error).__name__}"
        becomes = Outcome.FAILED if outcome is Outcome.PENDING else Outcome.KEPT

        def change(tx: Transaction) -> bool:
            amnesty = tx.amnesties.get(self._id)
            if amnesty is None or amnesty.state is not state:
                return True  # the next step finds out, and ends
            entries = tx.amnesties.entries(self._id, limit=1, wave=wave, outcome=outcome)
            for entry in entries:
                failed = structs.replace(entry, outcome=becomes, why=why, at=tx.now)
                tx.amnesties.put_entries(self._id, [failed])
                _log.error(
                    "amnesty_account_failed",
                    amnesty=self._id,
                    account=entry.account,
                    error=repr(error),
                )
                self._mind_failures(tx, amnesty, [failed])
            return bool(entries)

        return change

    def _is_led(self, tx: Transaction, amnesty: Amnesty) -> bool:
        """Return whether who started or resumed it may still decide; halt it otherwise."""
        course = course_of(tx, self._id)
        if course.leader is None:
            return True  # the server itself
        try:
            require_moderator(tx, course.leader)
        except Forbidden:
            account = tx.accounts.get(course.leader)
            halt_in(tx, amnesty, course, not_led(account.username if account else "?"))
            return False
        return True

    def _mind_failures(self, tx: Transaction, amnesty: Amnesty, decided: Sequence[Entry]) -> None:
        """Halt in this very transaction when too many accounts have failed."""
        if any(entry.outcome is Outcome.FAILED for entry in decided):
            course = course_of(tx, self._id)
            failed = failed_so_far(tx, self._id) - course.accepted
            if halt := too_many_failures(amnesty.limits, failed):
                halt_in(tx, amnesty, course, halt)

    def _guard(self) -> Halt | None:
        """Return why to halt: too many reports, or jobs that wait too long."""
        if time.monotonic() - self._guarded_at < GUARD_SECONDS:
            return None
        self._guarded_at = time.monotonic()
        with self._ctx.store.read() as snap:
            amnesty = snap.amnesties.get(self._id)
            if amnesty is None:
                return None
            limits, now = amnesty.limits, self._ctx.clock.now()
            # Those from before it was resumed are known to who resumed it.
            since = max(now - MINUTE_MS, course_of(snap, self._id).resumed_at)
            new = snap.reports.page(limit=limits.reports + 1, since_id=snowflake(since))
            due = snap.jobs.due(now, limit=1, without=self._aside)
            lag = now - due[0].run_at if due else 0
        return too_many_reports(limits, len(new)) or too_late(limits, lag)

    async def halt(self, halt: Halt) -> None:
        """Halt it, unless it does not run any more."""
        await self.while_running(lambda tx, now, course: halt_in(tx, now, course, halt))

    async def while_running(self, change: Change) -> bool:
        """Do something in a transaction, unless the amnesty does not run any more; return whether
        it was done.
        """

        def guarded(tx: Transaction) -> bool:
            amnesty = tx.amnesties.get(self._id)
            if amnesty is None or amnesty.state is not AmnestyState.RUNNING:
                return False
            return change(tx, amnesty, course_of(tx, self._id)) is not False

        return await self._ctx.store.write(guarded)
