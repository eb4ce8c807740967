"""The job runner: takes jobs that are due from the queue, and does what the schedule says.

A job is done *at least once*: a runner that dies between a job and the note that it is finished
leaves it to be done again, so that handlers must not mind. One that fails is tried again later, and
later still. A try is counted before it is made, so that a job that takes its process down with it
waits longer each time as well, and lets the others be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from rostra.domain.errors import Unavailable
from rostra.jobs.schedule import Schedule
from rostra.ports import Context, Job, Snapshot, Transaction

Handler = Callable[..., Awaitable[object]]
"""What does a job: it is given the context, and the payload as keyword arguments."""

POLL_SECONDS: Final = 0.25
JOBS_A_TURN: Final = 100
FIRST_RETRY_MS: Final = 1_000
LONGEST_RETRY_MS: Final = 3_600_000
MAX_ERROR: Final = 500

_log = structlog.get_logger()


class UnknownJob(Exception):
    """Nobody here knows how to do a job of this name; a newer version may."""


def retry_delay(attempts: int) -> int:
    """Return how many ms to wait after a failure: doubled each time, from a second to an hour.

    Args:
        attempts: how often the job failed before.
    """
    return int(min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(attempts, 32)))


class Runner:
    """Does jobs and scheduled work, one at a time, and some jobs aside of them.

    Args:
        context: the ports.
        handlers: by the name of a job, what does it.
        schedule: what is done again and again.
        aside: names of jobs that take long, and how many of each are done beside the others.
        tries: names of jobs that are given up, and after how many tries.
        clean: hides what is secret in the words of an error, which are kept and shown.
    """

    def __init__(
        self,
        context: Context,
        handlers: Mapping[str, Handler],
        schedule: Schedule,
        aside: Mapping[str, int] | None = None,
        tries: Mapping[str, int] | None = None,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._context = context
        self._handlers = handlers
        self._schedule = schedule
        self._lanes = dict(aside or {})
        self._tries = dict(tries or {})
        self._clean = clean
        self._aside: dict[int, tuple[str, asyncio.Task[None]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; the piece of work at hand is finished first."""
        while not stop.is_set():
            try:
                busy = await self.turn()
            except Unavailable as error:  # what runs aside is not given up because of it
                _log.warning("jobs wait for the data folder", error=described(error))
                busy = False
            if not busy and not stop.is_set():
                pause = min(POLL_SECONDS, self._schedule.seconds_to_next())
                await _sleep_unless(stop, pause)
        await self._give_up_aside()

    async def turn(self) -> bool:
        """Do the jobs and scheduled work that are due; return whether there may be more at once."""
        more = await self._jobs()
        for work in self._schedule.due():
            again = False
            try:
                again = await work.do()
            except Exception as error:
                # Whatever it was, the other work goes on; this comes round again by itself.
                _log.error("scheduled work failed", work=work.name, error=described(error))
            self._schedule.done(work, more=again)
            more = more or again
        return more

    async def _jobs(self) -> bool:
        store, clock = self._context.store, self._context.clock
        with store.read() as snap:
            jobs = snap.jobs.due(clock.now(), limit=JOBS_A_TURN, without=self._lanes)
            beside = [job for name in self._lanes for job in self._free(snap, name)]
        for job in beside:
            self._aside[job.id] = job.name, asyncio.create_task(self._beside(job))
        done: tuple[int, ...] = ()
        for job in jobs:
            going = await self._begin(job, done)
            done = (job.id,) if going and await self._do(job) else ()
        await self._finish(done)
        return len(jobs) == JOBS_A_TURN

    def _free(self, snap: Snapshot, name: str) -> list[Job]:
        """Return the jobs of a name that are due and may begin beside those that run."""
        room = self._lanes[name] - sum(one == name for one, _ in self._aside.values())
        if room <= 0:
            return []
        due = snap.jobs.due(self._context.clock.now(), limit=self._lanes[name], only=(name,))
        return [job for job in due if job.id not in self._aside][:room]

    async def _beside(self, job: Job) -> None:
        try:
            if await self._begin(job) and await self._do(job):
                await self._finish((job.id,))
        except Unavailable as error:  # it is begun anew when its time comes
            _log.warning("job cannot be noted", job=job.name, id=job.id, error=described(error))
        finally:
            del self._aside[job.id]

    async def _give_up_aside(self) -> None:
        """End the jobs done aside; they are still in the queue, and begun anew another time."""
        store, clock, given_up = self._context.store, self._context.clock, [*self._aside]
        tasks = [task for _, task in self._aside.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

            def change(tx: Transaction) -> None:
                for id_ in given_up:
                    tx.jobs.give_back(id_, clock.now())

            await store.write(change)

    async def _begin(self, job: Job, done: Sequence[int] = ()) -> bool:
        """Count a try at a job before it is made; return whether it is to be made.

        Args:
            job: the job.
            done: jobs that are done since, which are taken out of the queue in the same commit.
        """
        store, clock = self._context.store, self._context.clock
        over = job.attempts >= self._tries.get(job.name, job.attempts + 1)
        if over:  # it was counted, and its process died before it could be given up
            _log.error("job given up", job=job.name, id=job.id, attempts=job.attempts)

        def change(tx: Transaction) -> None:
            for id_ in done:
                tx.jobs.finish(id_)
            if over:
                tx.jobs.finish(job.id)
            else:
                tx.jobs.begin(job.id, clock.now() + retry_delay(job.attempts))

        await store.write(change)
        return not over

    async def _finish(self, done: Sequence[int]) -> None:
        """Take jobs that are done out of the queue."""

        def change(tx: Transaction) -> None:
            for id_ in done:
                tx.jobs.finish(id_)

        if done:
            await self._context.store.write(change)

    async def _do(self, job: Job) -> bool:
        """Do a job; return whether it is done, and not put off."""
        try:
            handler = self._handlers.get(job.name)
            if handler is None:
                raise UnknownJob(f"no handler is called {job.name}")
            await handler(self._context, **job.payload)
        except Exception as error:
            await self._failed(job, self._clean(described(error)))
            return False
        return True

    async def _failed(self, job: Job, message: str) -> None:
        """Put a job off that failed, or give it up when it was tried often enough."""
        store, clock = self._context.store, self._context.clock
        attempts = job.attempts + 1
        if attempts >= self._tries.get(job.name, attempts + 1):
            _log.error("job given up", job=job.name, id=job.id, attempts=attempts, error=message)
            await store.write(lambda tx: tx.jobs.finish(job.id))
            return
        delay = retry_delay(job.attempts)
        _log.error(
            "job failed",
            job=job.name,
            id=job.id,
            attempts=attempts,
            error=message,
            retry_in_ms=delay,
        )
        await store.write(lambda tx: tx.jobs.retry(job.id, clock.now() + delay, message))


def described(error: Exception) -> str:
    """Return an exception as one bounded line."""
    return f"{type(error).__name__}: {error}"[:MAX_ERROR]


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
