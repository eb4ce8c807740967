"""The waves of an amnesty, and its rollback: a job, in steps that are each one transaction.

A step lifts the actions of some accounts and writes what became of each, so that a kill at any
instant loses nothing and does nothing twice: what is still pending is what is still to do. Between
steps others have their turn; between waves stand the probes and the rest that was asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

import structlog
from msgspec import structs
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.amnesty import Amnesty, AmnestyState, Entry, Outcome, manifest_hash, moved_to
from rostra.domain.amnesty_waves import (
    MINUTE_MS,
    Course,
    Halt,
    Happened,
    Probed,
    Wave,
    probe_failed,
    too_late,
    too_many_failures,
    too_many_reports,
)
from rostra.domain.errors import RostraError, StoreCorrupt, Unavailable
from rostra.domain.ids import snowflake
from rostra.domain.probes import Probe
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import amnesty_drift, amnesty_outcomes, probing
from rostra.services.amnesties import every_entry
from rostra.services.amnesty_course import (
    JOB,
    counted,
    course_of,
    failed_so_far,
    halt_in,
    note,
    save,
)
from rostra.services.probing_waiting import patient

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
"""How often those who follow it are told of probes that passed."""

PROBED: Final = 3
"""Accounts of a wave that are looked at: the one with most followers, and others by chance."""

PROBED_FOLLOWERS: Final = 5

_log = structlog.get_logger()


async def work(ctx: Context, *, amnesty: int, aside: Collection[str] = ()) -> None:
    """Go on with an amnesty wherever it is; a job.

    Args:
        ctx: the ports.
        amnesty: its id.
        aside: the names of jobs that are done beside the others, which may take long.
    """
    driver = _Driver(ctx, amnesty, aside)
    with ctx.store.read() as snap:
        found = snap.amnesties.get(amnesty)
    if found is not None and found.state is AmnestyState.ROLLING_BACK:
        await driver.roll_back()
    elif found is not None and found.state is AmnestyState.RUNNING:
        await driver.waves()


class _Overtaken(Exception):
    """Somebody decided otherwise about a wave while its probes were made."""


Decide = Callable[[Transaction, Amnesty, Sequence[Entry]], list[Entry]]
"""(transaction, amnesty, some of its accounts) → the accounts with what became of each."""

Change = Callable[[Transaction, Amnesty, Course], bool | None]
"""(transaction, amnesty, how far it has come) → False when nothing is to be done after all."""


class _Driver:
    """One amnesty on its way.

    Args:
        ctx: the ports.
        id_: of the amnesty.
        aside: names of jobs that do not count as late.
    """

    def __init__(self, ctx: Context, id_: int, aside: Collection[str]) -> None:
        self._ctx = ctx
        self._id = id_
        self._aside = {*aside, JOB}
        self._guarded_at = 0.0
        self._size = FIRST_STEP
        self._begun: int | None = None  # the last wave that this very driver began

    # -- waves -------------------------------------------------------------------------------------

    async def waves(self) -> None:
        """Do wave after wave, until they are over, have to rest, or somebody or something halts."""
        while True:
            with self._ctx.store.read() as snap:
                amnesty = snap.amnesties.get(self._id)
                course = course_of(snap, self._id)
            if amnesty is None or amnesty.state is not AmnestyState.RUNNING:
                return
            wave = course.waves[-1] if course.waves else None
            if wave is None or wave.over_at is not None:
                done = 0 if wave is None else wave.number
                if not await self._next(amnesty, course, done):
                    return
            elif wave.lifted_at is None:
                await self._lift(wave.number)
            else:
                with suppress(_Overtaken):
                    await self._confirm(wave)

    async def _next(self, amnesty: Amnesty, course: Course, done: int) -> bool:
        """Begin the wave after ``done``, or end the amnesty; return whether to go on now."""
        if done == len(amnesty.sizes):
            await self._finish(amnesty)
            return False
        if course.rest_until > self._ctx.clock.now():
            at = course.rest_until
            await self._ctx.store.write(lambda tx: tx.jobs.enqueue(JOB, {"amnesty": self._id}, at))
            return False  # another amnesty may have the lane meanwhile
        if not done and not self._as_frozen(amnesty):
            await self._halt(
                Halt(
                    "manifest",
                    "the accounts of the amnesty are not those that were approved",
                    "Do not go on: plan it again, and find out who changed the database",
                )
            )
            return True

        def begin(tx: Transaction, amnesty: Amnesty, course: Course) -> None:
            wave = Wave(number=done + 1, began_at=tx.now)
            save(tx, structs.replace(course, waves=(*course.waves, wave)))
            tx.amnesties.put(structs.replace(amnesty, wave=wave.number, wave_at=tx.now))

        await self._while_running(begin)
        self._begun = done + 1
        return True

    def _as_frozen(self, amnesty: Amnesty) -> bool:
        """Return whether the accounts are still those whose hash was approved."""
        with self._ctx.store.read() as snap:
            return manifest_hash(amnesty, every_entry(snap, self._id)) == amnesty.hash

    async def _lift(self, number: int) -> None:
        """Lift for the accounts of a wave that are pending, until none is left."""

        def over(tx: Transaction, amnesty: Amnesty) -> None:
            course = course_of(tx, self._id)
            wave = structs.replace(course.waves[-1], lifted_at=tx.now)
            save(tx, structs.replace(course, waves=(*course.waves[:-1], wave)))

        def decide(tx: Transaction, amnesty: Amnesty, entries: Sequence[Entry]) -> list[Entry]:
            return amnesty_outcomes.lifted(tx, self._ctx, amnesty, entries)

        await self._steps(
            AmnestyState.RUNNING, Outcome.PENDING, decide, over, wave=number, guarded=True
        )

    async def _confirm(self, wave: Wave) -> None:
        """Look at some accounts of a wave as visitors do; end the wave, or halt.

        Raises:
            _Overtaken: somebody decided otherwise meanwhile, which the probes do not hold up.
        """
        sample = self._sampled(wave.number)
        with self._ctx.store.read() as snap:
            amnesty = snap.amnesties.get(self._id)
        planned_seq = None if amnesty is None else amnesty.seq
        found: list[Probed] = []
        saved_at = time.monotonic()

        def told(account: int) -> Callable[[Probe], Awaitable[None]]:
            async def tell(probe: Probe) -> None:
                nonlocal saved_at
                found.append(Probed(account, *structs.astuple(probe)))
                if time.monotonic() - saved_at > TELL_SECONDS:
                    saved_at = time.monotonic()
                    await self._while_probed(
                        wave, lambda tx, _, course: save(tx, _with_probes(course, found))
                    )

            return tell

        passed, said = True, ""
        ctx = self._ctx if wave.number == self._begun else patient(self._ctx, self._missed)
        for entry, expected in sample:
            right = False
            try:
                right = await probing.confirm(
                    ctx,
                    account=entry.account,
                    plan_followers=expected,
                    sample=PROBED_FOLLOWERS,
                    tell=told(entry.account),
                    planned_seq=planned_seq,
                )
            except RostraError as error:
                said = error.message
            ctx = self._ctx  # whoever was waited for once is there by now, or is not coming
            if right or self._shown(entry):
                passed &= right
            else:  # a person decided about it meanwhile
                found[:] = [one for one in found if one.account != entry.account]
        wrong = next((one for one in found if not one.passed), None)
        if passed and wrong is None:
            await self._while_probed(
                wave, lambda tx, now, course: _end_wave(tx, now, _with_probes(course, found))
            )
            return
        if wrong is None:
            text = said or "they did not all pass"
            halt = Halt("probes", text, "See that the server answers, then resume")
        else:
            with self._ctx.store.read() as snap:
                account = snap.accounts.get(wrong.account)
            halt = probe_failed(wrong, "" if account is None else account.username)
        await self._while_probed(
            wave, lambda tx, now, course: halt_in(tx, now, _with_probes(course, found), halt)
        )

    async def _missed(self, workers: tuple[str, ...]) -> None:
        if workers:
            _log.info("amnesty waits for workers", amnesty=self._id, workers=workers)

    def _shown(self, entry: Entry) -> bool:
        """Return whether visitors are to be shown an account."""
        with self._ctx.store.read() as snap:
            return snap.gate.active(entry.account)

    def _sampled(self, number: int) -> list[tuple[Entry, int | None]]:
        """Return accounts of a wave to look at, and the followers each should be shown with."""
        with self._ctx.store.read() as snap:
            done = every_entry(snap, self._id, wave=number, outcome=Outcome.LIFTED)
            lifted = [entry for entry in done if snap.gate.active(entry.account)]
            if not lifted:
                return []
            most = max(lifted, key=lambda entry: entry.then.followers)
            rest = [entry for entry in lifted if entry is not most]
            chosen = [most, *self._ctx.random.sample(rest, min(PROBED - 1, len(rest)))]
            absent = BitMap(
                [
                    entry.account
                    for outcome in (Outcome.SKIPPED, Outcome.FAILED)
                    for entry in every_entry(snap, self._id, outcome=outcome)
                    if entry.wave <= number and not snap.gate.active(entry.account)
                ]
            )
            return [(entry, _expected(snap, entry, absent)) for entry in chosen]

    async def _finish(self, amnesty: Amnesty) -> None:
        try:
            drift = await amnesty_drift.measure(self._ctx, amnesty)
        except StoreCorrupt as error:
            await self._halt(Halt("drift", str(error), "Run rostra doctor, then resume"))
            return

        def finish(tx: Transaction, amnesty: Amnesty, course: Course) -> None:
            over = moved_to(amnesty, AmnestyState.DONE, finished_at=tx.now)
            tx.amnesties.put(over)
            course = structs.replace(course, drift=drift)
            text = amnesty_drift.told(drift, counted(tx, self._id))
            grave = bool(drift.wrong)
            what = Happened.FINISHED
            save(tx, note(tx, over, course, what=what, moderator=None, text=text, grave=grave))

        await self._while_running(finish)

    # -- rolling back ------------------------------------------------------------------------------

    async def roll_back(self) -> None:
        """Take again what the waves lifted, as far as it is as they left it."""
        with self._ctx.store.read() as snap:
            moderator = course_of(snap, self._id).rolled_back_by

        def decide(tx: Transaction, amnesty: Amnesty, entries: Sequence[Entry]) -> list[Entry]:
            return amnesty_outcomes.restored(tx, self._ctx, amnesty, entries, moderator)

        def over(tx: Transaction, amnesty: Amnesty) -> None:
            back = moved_to(amnesty, AmnestyState.ROLLED_BACK, finished_at=tx.now)
            tx.amnesties.put(back)
            found = counted(tx, self._id)
            kept = found.get(Outcome.KEPT, 0)
            text = f"{found.get(Outcome.ROLLED_BACK, 0)} accounts are as before"
            if kept:
                text += f"; {kept} were left as they are: the report says why of each"
            course = course_of(tx, self._id)
            what = Happened.ROLLED_BACK
            save(tx, note(tx, back, course, what=what, moderator=moderator, text=text))

        await self._steps(AmnestyState.ROLLING_BACK, Outcome.LIFTED, decide, over)

    # -- steps -------------------------------------------------------------------------------------

    async def _steps(
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
            entries = tx.amnesties.entries(self._id, limit=self._size, wave=wave, outcome=outcome)
            if not entries:
                over(tx, amnesty)
                return 0
            began = time.thread_time()
            decided = decide(tx, amnesty, entries)
            tx.amnesties.put_entries(self._id, decided)
            self._mind_failures(tx, amnesty, decided)
            self._resize(len(decided), time.thread_time() - began)
            return len(decided)

        while True:
            if guarded and (halt := self._guard()):
                await self._halt(halt)
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
            minute = snowflake(now - MINUTE_MS)
            new = snap.reports.page(limit=limits.reports + 1, since_id=minute)
            due = snap.jobs.due(now, limit=1, without=self._aside)
            lag = now - due[0].run_at if due else 0
        return too_many_reports(limits, len(new)) or too_late(limits, lag)

    async def _halt(self, halt: Halt) -> None:
        await self._while_running(lambda tx, now, course: halt_in(tx, now, course, halt))

    async def _while_running(self, change: Change) -> bool:
        """Do something in a transaction, unless the amnesty does not run any more; return whether
        it was done.
        """

        def guarded(tx: Transaction) -> bool:
            amnesty = tx.amnesties.get(self._id)
            if amnesty is None or amnesty.state is not AmnestyState.RUNNING:
                return False
            return change(tx, amnesty, course_of(tx, self._id)) is not False

        return await self._ctx.store.write(guarded)

    async def _while_probed(self, wave: Wave, change: Change) -> None:
        """Do the same about a wave whose probes are being made.

        Raises:
            _Overtaken: the amnesty does not run any more, or the wave was taken as it is.
        """

        def guarded(tx: Transaction, amnesty: Amnesty, course: Course) -> bool | None:
            latest = course.waves[-1]
            if latest.number != wave.number or latest.over_at is not None:
                return False
            return change(tx, amnesty, course)

        if not await self._while_running(guarded):
            raise _Overtaken


# -- waves -----------------------------------------------------------------------------------------


def _end_wave(tx: Transaction, amnesty: Amnesty, course: Course) -> None:
    wave = structs.replace(course.waves[-1], over_at=tx.now)
    last = wave.number == len(amnesty.sizes)
    rest = 0 if last else tx.now + amnesty.limits.pause_s * 1000
    course = structs.replace(course, waves=(*course.waves[:-1], wave), rest_until=rest)
    found = tx.amnesties.tally(amnesty.id).get(wave.number, {})
    told = ", ".join(f"{count} {outcome}" for outcome, count in found.items())
    text = f"Wave {wave.number} of {len(amnesty.sizes)} is over: {told}, all probes passed."
    save(tx, note(tx, amnesty, course, what=Happened.WAVE, moderator=None, text=text))


def _expected(snap: Snapshot, entry: Entry, absent: BitMap) -> int:
    """Return the followers an account should have: as planned, less those that did not return."""
    followers = SetKey(entry.account, SetKind.FOLLOWERS)
    return entry.then.followers - len(snap.gate.members(followers, absent))


def _with_probes(course: Course, probes: Sequence[Probed]) -> Course:
    wave = structs.replace(course.waves[-1], probes=tuple(probes))
    return structs.replace(course, waves=(*course.waves[:-1], wave))
