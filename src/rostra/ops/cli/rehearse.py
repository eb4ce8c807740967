"""``rostra rehearse``: a reinstatement tried out in a world apart, before the real one."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import App, Parameter, validators
from rich.console import Console

from rostra.domain.errors import Invalid
from rostra.domain.words import how_many
from rostra.ops.cli import INTERRUPTED
from rostra.ops.cli.common import HERE, Flag, Folder, print_json

if TYPE_CHECKING:
    from rostra.ops.rehearsal.record import Record
    from rostra.ops.rehearsal.verdict import Verdict
    from rostra.ops.rehearsal.world import Sizes

app = App(name="rehearse", help="Try out in a world apart what shall be done in the real one.")

FaultName = Literal[
    "worker-killed",
    "disk-slow",
    "stale-cache",
    "packer-behind",
    "stale-mask",
    "lost-chunk-member",
    "missing-mirror",
    "wrong-epoch-count",
    "follow-does-not-stick",
    "media-refused",
    "home-without-statuses",
]
DEFAULT_OUT: Final = Path("rehearsal.html")
MOST_VISITS: Final = 2_000_000


@app.command
def reinstatement(
    *,
    followers: int,
    fault: FaultName | None = None,
    out: Path = DEFAULT_OUT,
    world: Path | None = None,
    keep: Flag = False,
    workers: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 2,
    seconds: Annotated[float, Parameter(validator=validators.Number(gte=1, lte=7_200))] = 60,
    rate: Annotated[float, Parameter(validator=validators.Number(gte=1, lte=10_000))] = 300,
    shape: Path | None = None,
    seed: int = 1,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Suspend and reinstate a star in a world made for it, under the traffic of a real crowd.

    A world with so many followers is made beside the data folder, never in it; a server runs on it,
    on this machine alone; people visit; the account is suspended, and brought back. The report says
    first whether all was right. Exit code 0: it went as it should (with a fault: it was caught, or
    survived); 1: it did not.

    Args:
        followers: How many follow the account: 1,000 to 200,000,000.
        fault: What shall go wrong.
        out: The report, one file of HTML.
        world: A folder for the world: made there and kept, or used again when it has one.
        keep: Leave the world that is made for this alone, and say where it is.
        workers: How many processes of the server answer.
        seconds: For how long people visit; the tool's own time comes on top.
        rate: Requests a second at the busiest.
        shape: A log of activity whose crowd returns instead of the usual one.
        seed: Other chance for another number.
        json: Print the figures as JSON.
    """
    from rostra.ops.rehearsal import report  # slow to import
    from rostra.ops.rehearsal import shape as shapes
    from rostra.ops.rehearsal.record import Asked
    from rostra.ops.rehearsal.rehearsing import rehearse
    from rostra.ops.rehearsal.world import sizes

    wanted = sizes(followers, seed)
    if seconds * rate > MOST_VISITS:
        raise Invalid(
            f"That is {seconds * rate:,.0f} visits, and {MOST_VISITS:,} are kept in mind at most: "
            "name fewer --seconds, or a lower --rate"
        )
    report.require_place(out)
    crowd = shapes.usual() if shape is None else shapes.derive(shape)
    asked = Asked(
        followers=followers,
        fault=fault,
        workers=workers,
        seconds=seconds,
        rate=rate,
        seed=seed,
        shape=crowd.source,
        command=_repeating(followers, fault, world, workers, seconds, rate, shape, seed),
    )
    teller = Teller()
    live = folder.settings().data
    _say_needs(teller, wanted, world, live)
    with _both_signals():
        record = rehearse(
            asked,
            folder=world,
            live=live,
            keep=keep,
            shape=crowd,
            tell=teller.say,
            progress=teller.progress,
        )
    return _conclude(record, out, json)


def _conclude(record: Record, out: Path, json: bool) -> int:
    from rostra.ops.rehearsal import report
    from rostra.ops.rehearsal.figures import figures
    from rostra.ops.rehearsal.verdict import judge

    verdict = judge(record)
    report.write(out, report.render(record, verdict))
    if json:
        told = {"verdict": verdict, **figures(record)}
        print_json(told)
    else:
        _print(verdict, out)
    if record.interrupted:
        return INTERRUPTED
    return 0 if verdict.as_it_should else 1


def _print(verdict: Verdict, out: Path) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(verdict.sentence)
    for one in (*verdict.wrong[1:], *verdict.remarks):
        console.print(f"  {one}")
    console.print(f"The report is in {out}")


def _say_needs(teller: Teller, wanted: Sizes, world: Path | None, live: Path) -> None:
    from rostra.ops.rehearsal import world as worlds

    if world is not None and worlds.read(world) is not None:
        return
    needs = worlds.needs(wanted)
    teller.say(
        f"A world of {how_many(wanted.followers, 'follower')} takes {needs.told()} to build; "
        f"{worlds.memory_available() / worlds.GIB:.1f} and "
        f"{worlds.disk_free(world or live) / worlds.GIB:.1f} GiB are to be had"
    )


def _repeating(
    followers: int,
    fault: str | None,
    world: Path | None,
    workers: int,
    seconds: float,
    rate: float,
    shape: Path | None,
    seed: int,
) -> str:
    """Return the command that does the same again."""
    words = ["rostra", "rehearse", "reinstatement", "--followers", str(followers)]
    given: tuple[tuple[str, object, object], ...] = (
        ("--fault", fault, None),
        ("--world", world, None),
        ("--workers", workers, 2),
        ("--seconds", f"{seconds:g}", "60"),
        ("--rate", f"{rate:g}", "300"),
        ("--shape", shape, None),
        ("--seed", seed, 1),
    )
    for option, value, usual in given:
        if value != usual:
            words += [option, str(value)]
    return shlex.join(words)


class Teller:
    """Says on standard error what a rehearsal does: a line each, and how far a building is."""

    EVERY_S: Final = 2.0

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._began = time.monotonic()
        self._last = 0.0

    def say(self, text: str) -> None:
        """Print a line, with the seconds since the beginning."""
        self._console.print(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def progress(self, what: str, done: int, total: int) -> None:
        """Print how far something is: at its beginning, at its end, and every two seconds."""
        now = time.monotonic()
        if 0 < done < total and now - self._last < self.EVERY_S:
            return
        self._last = now
        part = f"{done:,} of {total:,}" if total > 1 else ("made" if done else "being made")
        self.say(f"The world: {what}, {part}")


@contextmanager
def _both_signals() -> Iterator[None]:
    """Let SIGTERM end a rehearsal as Ctrl-C does: processes stopped, the report written."""

    def interrupted(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
