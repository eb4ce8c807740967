"""``rostra import activity`` and ``rostra replay``: recorded activity, at once or live."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter, validators
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rostra.domain.words import how_many
from rostra.ops.cli import INTERRUPTED
from rostra.ops.cli.common import HERE, Folder, opened

if TYPE_CHECKING:
    from rostra.ops.replay import Figures
    from rostra.ops.replay_tokens import FolderTokens
    from rostra.services.portability.activity import Tally

PLAIN_EVERY_S: Final = 5.0

import_app = App(name="import", help="Bring in recorded activity.")


@import_app.command(name="activity")
def import_activity(
    file: Path,
    /,
    *,
    follow_implied: bool = False,
    batch: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1_000_000))] = 10_000,
    folder: Folder = HERE,
) -> int:
    """Bring in a log of public interactions: accounts, statuses, boosts, at their times.

    Each line is "actor target unix_seconds kind": RT, the actor boosts the target's latest status
    (made when there is none); MT, a status of the actor mentions the target; RE, the actor replies
    to it. An import that was stopped or killed goes on where it was when it is run again, and what
    is in already is not brought in twice. Lines that are malformed are passed over and listed.

    Args:
        file: The log, plain or packed by gzip.
        follow_implied: Make the actor follow the target from the first line of the two on.
        batch: How many lines to put on disk at once.
    """
    return asyncio.run(_import(file, follow_implied, batch, folder))


def replay(
    file: Path,
    /,
    *,
    speed: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=1e6))],
    url: str = "http://127.0.0.1:8000",
    concurrency: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1024))] = 32,
    skip: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    limit: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    folder: Folder = HERE,
) -> int:
    """Play a log of public interactions against a running server: a live flash crowd.

    The people of the log need access tokens. With --data, the folder the server runs on, they are
    made there (and accounts for those who have none), and ended when the replay is over. Without,
    everybody is registered through the API, which is slow by design and leaves out names that are
    taken. Events are never left out for lack of time: the replay falls behind and says how far.
    Ctrl-C ends it after the answers that are under way.

    Args:
        file: The log, plain or packed by gzip.
        speed: How many times faster than it happened.
        url: The address of the server; nothing is sent anywhere else.
        concurrency: How many events may be under way at once.
        skip: How many lines to leave out at the beginning.
        limit: How many lines to play at most.
    """
    return asyncio.run(_replay(file, speed, url, concurrency, skip, limit, folder))


async def _replay(
    file: Path,
    speed: float,
    url: str,
    concurrency: int,
    skip: int,
    limit: int | None,
    folder: Folder,
) -> int:
    from rostra.ops import replay as player  # slow to import
    from rostra.ops.activity_log import survey
    from rostra.ops.replay_tokens import RegisteredTokens

    now = int(time.time())
    log = survey(file, now)
    total = max(0, min(log.lines - skip, log.lines if limit is None else limit))
    figures = player.Figures()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(player.connected(url, concurrency))
        tokens: player.Tokens = RegisteredTokens(client)
        if folder.data is not None:
            tokens = await stack.enter_async_context(_folder_tokens(folder))
        show = stack.enter_context(_bar("Replaying", total, 0))
        await player.replay(
            log.events(now, skip=skip, limit=limit),
            client=client,
            tokens=tokens,
            speed=speed,
            concurrency=concurrency,
            figures=figures,
            stop=stop,
            on_event=lambda: show(figures.events),
        )
    _summary(figures)
    return INTERRUPTED if stop.is_set() else 0


@asynccontextmanager
async def _folder_tokens(folder: Folder) -> AsyncIterator[FolderTokens]:
    """Yield tokens from the data folder, and end them afterwards."""
    from rostra.ops.replay_tokens import FolderTokens

    async with opened(folder) as ctx:
        tokens = FolderTokens(ctx)
        try:
            yield tokens
        finally:
            await tokens.close()


def _summary(figures: Figures) -> None:
    """Print the rate a replay reached, how long requests took, and what went wrong."""
    seconds = max(figures.seconds, 1e-9)
    requests = len(figures.latencies)
    print(
        f"{how_many(figures.events, 'event')} in {seconds:.1f} s "
        f"({figures.events / seconds:,.1f} a second), "
        f"{how_many(requests, 'request')} ({requests / seconds:,.1f} a second), "
        f"{figures.behind:.1f} s behind at the end"
    )
    named = zip(("half", "90 %", "99 %", "all"), figures.percentiles(), strict=False)
    for name, milliseconds in named:
        print(f"{milliseconds:>12,.1f} ms  or less took {name} of the requests")
    print(f"{figures.failed:>12,}  events failed")
    for reason, count in figures.errors.most_common(10):
        print(f"{count:>12,}  {reason}")


async def _import(file: Path, follow_implied: bool, batch: int, folder: Folder) -> int:
    from rostra.ops.activity_log import survey  # slow to import
    from rostra.services.portability.activity import ActivityImport

    log = survey(file, int(time.time()))
    async with opened(folder, create=True) as ctx:
        work = ActivityImport(
            ctx, fingerprint=log.fingerprint, follow_implied=follow_implied, batch=batch
        )
        done = min(work.lines_done, log.lines)
        if done == log.lines:
            print(
                f"{file} is in already, all of it ({how_many(log.lines, 'line')}); "
                "nothing was changed."
            )
            return 0
        if done:
            print(f"Going on after line {done:,}, where an earlier import ended.")
        started = time.monotonic()
        with _gc_paused(), _stoppable() as stopped, _bar("Importing", log.lines, done) as show:
            tally = work.run(log.text(), on_batch=lambda _: show(work.lines_done), stopped=stopped)
        seconds = time.monotonic() - started
    _report(tally, work.lines_done - done, seconds)
    if work.lines_done < log.lines:
        print(
            f"Stopped after line {work.lines_done:,} of {log.lines:,}; "
            "the same command goes on from there.",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def _report(tally: Tally, lines: int, seconds: float) -> None:
    """Print what an import has done and which lines it passed over."""
    rate = lines / seconds if seconds else 0
    print(
        f"{how_many(lines, 'line')} in {seconds:.1f} s ({rate:,.0f} a second). "
        "In all from this log:"
    )
    figures = (
        ("accounts", tally.accounts),
        ("statuses made to be boosted or answered", tally.made),
        ("boosts", tally.boosts),
        ("boosts pressed again, which changed nothing", tally.repeated),
        ("statuses that mention", tally.mentions),
        ("replies", tally.replies),
        ("follows", tally.follows),
        ("follow requests to locked accounts", tally.requests),
        ("already there from another import", tally.present),
        ("refused: a block stands between the two, or one is deleted", tally.refused),
    )
    for name, count in figures:
        if count:
            print(f"{count:>12,}  {name}")
    if tally.malformed:
        print(f"{tally.malformed:>12,}  malformed lines, passed over:")
        for number, reason in tally.examples:
            print(f"{'':>14}line {number:,}: {reason}")
        if tally.malformed > len(tally.examples):
            print(f"{'':>14}and {tally.malformed - len(tally.examples):,} more")


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Hold the search for cycles back: an import makes none, and what it remembers is large."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C or SIGTERM asked for an end; a second Ctrl-C ends at once."""
    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("Stopping after this batch …", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(what: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
    """Yield what shows how far one is: a bar on a terminal, a line every few seconds elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(what, total, done)
        return
    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(what, total=total, completed=done, rate="")
        started = time.monotonic()

        def show(now: int) -> None:
            rate = (now - done) / max(time.monotonic() - started, 1e-9)
            progress.update(task, completed=now, rate=f"{rate:,.0f}/s")

        yield show


def _plain(what: str, total: int, done: int) -> Callable[[int], None]:
    started = last = time.monotonic()

    def show(now: int) -> None:
        nonlocal last
        moment = time.monotonic()
        if moment - last < PLAIN_EVERY_S and now < total:
            return
        last = moment
        rate = (now - done) / max(moment - started, 1e-9)
        left = (total - now) / rate if rate else 0
        print(
            f"{what}: {now:,} of {total:,} ({rate:,.0f} a second, {left:.0f} s left)",
            file=sys.stderr,
            flush=True,
        )

    return show
