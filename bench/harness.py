"""What every benchmark shares: timed steps, a work folder that goes away, memory, disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench import results
from bench.results import Figures, Result

T = TypeVar("T")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Bench:
    """One run of one benchmark: where it works, what it prints, what it measured.

    Args:
        name: the benchmark, and the name of its file of results.
        sizes: the options of this run.
        full: whether they are the issue's own.
        work: the folder to work in; a new one is made below it, and removed at the end.
        out: the folder for the results.
        keep: leave the work folder behind.
        world: the folder of a world that stays; one in the work folder when None.
        console: where to print.
    """

    def __init__(
        self,
        name: str,
        sizes: dict[str, Any],
        *,
        full: bool,
        work: Path | None = None,
        out: Path = results.RESULTS,
        keep: bool = False,
        world: Path | None = None,
        console: Console | None = None,
    ) -> None:
        self.name = name
        self.sizes = sizes
        self.full = full
        self.out = out
        self.console = console or Console(stderr=True)
        self.figures = Figures(name)
        self.facts = results.machine()
        self._base = work
        self._keep = keep
        self._world = world
        self._started = 0.0

    def __enter__(self) -> Bench:
        if self._base is not None:
            self._base.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="rostra-bench-", dir=self._base))
        self.folder.chmod(0o711)  # PostgreSQL runs as another user below it
        self._started = time.monotonic()
        self.console.print(f"[bold]bench {self.name}[/bold] {self.sizes}")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._keep:
            self.console.print(f"kept {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None:
            self._finish()

    @property
    def world(self) -> Path:
        """Where the world of this run is kept, or is to be made."""
        return self._world.absolute() if self._world else self.folder / "world"

    def _finish(self) -> None:
        result = Result(
            bench=self.name,
            at=results.now(),
            full=self.full,
            sizes=self.sizes,
            machine=self.facts,
            figures=tuple(self.figures.all),
            seconds=round(time.monotonic() - self._started, 1),
        )
        results.show(result, self.console)
        path = results.write(result, self.out)
        self.console.print(f"written to {path.name} in {result.seconds} s")

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, with a spinner while it is, and how long it took."""
        started = time.monotonic()
        with self.console.status(what):
            yield
        self.console.print(f"  {what}: {time.monotonic() - started:.1f} s")

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar; the function it gives moves the bar on by a number of units."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda units: bar.advance(task, units)

    def say(self, text: str) -> None:
        """Print a line below the present step."""
        self.console.print(f"  {text}")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how long ``work`` took, in seconds, and what it returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def repeated(work: Callable[[], object], times: int) -> list[float]:
    """Run ``work`` that many times and return how long each took, in seconds."""
    return [timed(work)[0] for _ in range(times)]


def rate(work: Callable[[], object], *, seconds: float, units: int = 1) -> float:
    """Run ``work`` over and over for about ``seconds`` and return its units a second."""
    done = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        work()
        done += units
    return done / elapsed


def memory() -> tuple[float, float]:
    """Return the resident and the peak memory of this process in MB (10^6 bytes)."""
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"VmRSS", "VmHWM"}:
            found[name] = int(rest.split()[0]) * 1024 / 1e6
    return found["VmRSS"], found["VmHWM"]


def settled_bytes(folder: Path) -> int:
    """Return what a data folder holds once all of its write-ahead log is in its place."""
    for database in folder.glob("*.db"):
        connection = apsw.Connection(str(database))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def forget_cached(folder: Path) -> None:
    """Have the system drop what it caches of a folder, so that reads reach the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def in_new_process(module: str, arguments: Sequence[str]) -> Any:
    """Run ``python -m module`` and return the JSON it prints: a measurement without a warm process.

    Raises:
        RuntimeError: it failed; the message has what it printed.
    """
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=results.ROOT,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"python -m {module} failed:\n{run.stdout}{run.stderr}")
    return json.loads(run.stdout.splitlines()[-1])


def stop_on_signals() -> None:
    """Make SIGTERM end a run as Ctrl-C does: servers stopped, folders removed."""

    def interrupted(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
