"""The process that does jobs: one at a time over a data folder, whoever starts it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

import structlog
import uvloop

from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.jobs.runner import Runner
from rostra.jobs.schedule import Schedule
from rostra.ops import logging, rehearsed
from rostra.ops.housekeeping import periodic_work
from rostra.ops.locks import FolderLock, Taken
from rostra.ops.opening import JOBS_LOCK, context_of, open_store
from rostra.ops.pusher import Pusher
from rostra.ports import Context
from rostra.services.probing import lending
from rostra.services.work import ASIDE, HANDLERS, TRIES

PATIENCE_SECONDS: Final = 5.0

_log = structlog.get_logger()


def run(settings: Settings, ready: Callable[[], None]) -> int:
    """Do jobs until SIGTERM, finish the one at hand, and return the exit code.

    Raises:
        Unavailable: another process does the jobs of this data folder.
    """
    try:
        lock = FolderLock(settings.data / JOBS_LOCK, patience=PATIENCE_SECONDS, about={})
    except Taken as taken:
        raise Unavailable(
            f"Process {taken.holder.get('pid', 'unknown')} does the jobs of {settings.data} already"
        ) from taken
    try:
        uvloop.run(_run(settings, ready))
    finally:
        lock.release()
    return 0


async def _run(settings: Settings, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = open_store(settings)
    try:
        context = context_of(settings, store)
        pusher = Pusher(context)
        works = [*periodic_work(context, store), pusher.work()]
        runner = Runner(
            context, HANDLERS, Schedule(works), ASIDE, TRIES, clean=logging.redacted_text
        )
        await _tidy(context)
        ready()
        try:
            with rehearsed.faults(store, "jobs"):
                await runner.run(stop)
        finally:
            await pusher.close()
    finally:
        await store.close()


async def _tidy(context: Context) -> None:
    """Put right what this process left when it was killed; what cannot be now is swept later."""
    try:
        await lending.begin_anew(context)
    except Unavailable as error:
        _log.warning("jobs wait for the data folder", error=str(error))
