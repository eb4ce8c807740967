"""The waves of an amnesty, and its rollback: a job, in steps (``stepping``), each one transaction.

Between steps others have their turn; between waves stand the probes and the rest that was asked
for.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

import structlog
from msgspec import structs
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.amnesty import Amnesty, AmnestyState, Entry, Outcome, manifest_hash, moved_to
from rostra.domain.amnesty_waves import Course, Halt, Happened, Probed, Wave, probe_failed
from rostra.domain.errors import RostraError, StoreCorrupt
from rostra.domain.probes import Probe
from rostra.domain.words import how_many
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import probing
from rostra.services.amnesty import recounting, settling
from rostra.services.amnesty.amnesties import every_entry
from rostra.services.amnesty.steering import JOB, counted, course_of, halt_in, note, save
from rostra.services.amnesty.stepping import TELL_SECONDS, Change, Stepper
from rostra.services.amnesty.telling import take_up
from rostra.services.probing.waiting import patient

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
    found = await ctx.store.write(lambda tx: take_up(tx, amnesty))
    if found is not None and found.state is AmnestyState.ROLLING_BACK:
        await driver.roll_back()
    elif found is not None and found.state is AmnestyState.RUNNING:
        await driver.waves()


class _Overtaken(Exception):
    """Somebody decided otherwise about a wave while its probes were made."""


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
        self._stepper = Stepper(ctx, id_, {*aside, JOB})
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
        if not done and not await self._as_frozen(amnesty):
            await self._stepper.halt(
                Halt(
                    "manifest",
                    "the accounts of the amnesty are not those that were approved",
                    "Do not go on: plan it again, and find out who changed the database",
                )
            )
            return True
        if unready := await probing.unready(self._ctx):
            await self._stepper.halt(Halt("probes", unready, "Nothing was begun; resume it then"))
            return True

        def begin(tx: Transaction, amnesty: Amnesty, course: Course) -> None:
            wave = Wave(number=done + 1, began_at=tx.now)
            save(tx, structs.replace(course, waves=(*course.waves, wave)))
            tx.amnesties.put(structs.replace(amnesty, wave=wave.number, wave_at=tx.now))

        await self._stepper.while_running(begin)
        self._begun = done + 1
        return True

    async def _as_frozen(self, amnesty: Amnesty) -> bool:
        """Return whether the accounts are still those whose hash was approved; read in a thread,
        for the loop has other jobs.
        """

        def read(snap: Snapshot) -> bool:
            return manifest_hash(amnesty, every_entry(snap, self._id)) == amnesty.hash

        async with self._ctx.store.audit(gently=True) as audit:
            return await audit.read(read)

    async def _lift(self, number: int) -> None:
        """Lift for the accounts of a wave that are pending, until none is left."""

        def over(tx: Transaction, amnesty: Amnesty) -> None:
            course = course_of(tx, self._id)
            wave = structs.replace(course.waves[-1], lifted_at=tx.now)
            save(tx, structs.replace(course, waves=(*course.waves[:-1], wave)))

        def decide(tx: Transaction, amnesty: Amnesty, entries: Sequence[Entry]) -> list[Entry]:
            leader = course_of(tx, self._id).leader
            return settling.lifted(tx, self._ctx, amnesty, entries, leader)

        await self._stepper.steps(
            AmnestyState.RUNNING, Outcome.PENDING, decide, over, wave=number, guarded=True
        )

    async def _confirm(self, wave: Wave) -> None:
        """Look at some accounts of a wave as visitors do; end the wave, or halt.

        Raises:
            _Overtaken: somebody decided otherwise meanwhile, which the probes do not hold up.
        """
        sample = await self._sampled(wave.number)
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

    async def _while_probed(self, wave: Wave, change: Change) -> None:
        """Do something in a transaction about a wave whose probes are being made.

        Raises:
            _Overtaken: the amnesty does not run any more, or the wave was taken as it is.
        """

        def guarded(tx: Transaction, amnesty: Amnesty, course: Course) -> bool | None:
            latest = course.waves[-1]
            if latest.number != wave.number or latest.over_at is not None:
                return False
            return change(tx, amnesty, course)

        if not await self._stepper.while_running(guarded):
            raise _Overtaken

    async def _missed(self, workers: tuple[str, ...]) -> None:
        if workers:
            _log.info("amnesty waits for workers", amnesty=self._id, workers=workers)

    def _shown(self, entry: Entry) -> bool:
        """Return whether visitors are to be shown an account."""
        with self._ctx.store.read() as snap:
            return snap.gate.active(entry.account)

    async def _sampled(self, number: int) -> list[tuple[Entry, int | None]]:
        """Return accounts of a wave to look at, and the followers each should be shown with; found
        in a thread, for the loop has other jobs.
        """

        def read(snap: Snapshot) -> list[tuple[Entry, int | None]]:
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

        async with self._ctx.store.audit(gently=True) as audit:
            return await audit.read(read)

    async def _finish(self, amnesty: Amnesty) -> None:
        try:
            drift = await recounting.measure(self._ctx, amnesty)
        except StoreCorrupt as error:
            await self._stepper.halt(Halt("drift", str(error), "Run rostra doctor, then resume"))
            return

        def finish(tx: Transaction, amnesty: Amnesty, course: Course) -> None:
            over = moved_to(amnesty, AmnestyState.DONE, finished_at=tx.now)
            tx.amnesties.put(over)
            course = structs.replace(course, drift=drift)
            text = recounting.told(drift, counted(tx, self._id))
            grave = bool(drift.wrong)
            what = Happened.FINISHED
            save(tx, note(tx, over, course, what=what, moderator=None, text=text, grave=grave))

        await self._stepper.while_running(finish)

    # -- rolling back ------------------------------------------------------------------------------

    async def roll_back(self) -> None:
        """Take again what the waves lifted, as far as it is as they left it."""
        with self._ctx.store.read() as snap:
            moderator = course_of(snap, self._id).rolled_back_by

        def decide(tx: Transaction, amnesty: Amnesty, entries: Sequence[Entry]) -> list[Entry]:
            return settling.restored(tx, self._ctx, amnesty, entries, moderator)

        def over(tx: Transaction, amnesty: Amnesty) -> None:
            back = moved_to(amnesty, AmnestyState.ROLLED_BACK, finished_at=tx.now)
            tx.amnesties.put(back)
            found = counted(tx, self._id)
            kept = found.get(Outcome.KEPT, 0)
            back_now = found.get(Outcome.ROLLED_BACK, 0)
            text = f"{how_many(back_now, 'account is', 'accounts are')} as before"
            if kept:
                left = how_many(kept, "was left as it is", "were left as they are")
                text += f"; {left}: the report says why of each"
            course = course_of(tx, self._id)
            what = Happened.ROLLED_BACK
            save(tx, note(tx, back, course, what=what, moderator=moderator, text=text))

        await self._stepper.steps(AmnestyState.ROLLING_BACK, Outcome.LIFTED, decide, over)


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
