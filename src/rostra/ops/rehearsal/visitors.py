"""The processes of the crowd, from outside: begun, told what happens, stopped, and read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from rostra.domain.errors import Unavailable
from rostra.ops.rehearsal.crowd import Act, Ending, Orders
from rostra.ops.rehearsal.shape import Shape
from rostra.ops.rehearsal.world import World
from rostra.testing.server import SOURCES

LAST_ANSWERS_S: Final = 70.0
A_PROCESS: Final = 500.0
"""Requests a second that one process plays."""
CONNECTIONS: Final = 64
"""How many requests of a process may be under way: reads shall not wait here for slow writes."""
QUIET_PART: Final = 1 / 3
"""Part of the rate that has nothing to do with the star."""


class Visits(Struct, frozen=True, kw_only=True):
    """What a crowd did: its acts in order of time, and how it ended in all of its processes."""

    acts: list[Act]
    following: list[int]
    unsure: list[int]
    dropped: int


class Visitors:
    """A crowd at work; made by ``visiting``."""

    def __init__(self, processes: list[subprocess.Popen[bytes]], files: list[Path]) -> None:
        self._processes = processes
        self._files = files

    def returned(self, seconds: float) -> None:
        """Tell it that the star is back: its audience comes for so long."""
        self._tell(f"returned {seconds}")

    def left(self) -> None:
        """Tell it that the star is not to be seen."""
        self._tell("left")

    def stop(self) -> Visits:
        """End its visits and return what it did; what is under way is answered first."""
        self._tell("stop")
        deadline = time.monotonic() + LAST_ANSWERS_S
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        self.kill()
        return self.read()

    def read(self) -> Visits:
        """Return what has been written down so far."""
        acts: list[Act] = []
        following: list[int] = []
        unsure: list[int] = []
        dropped = 0
        for file in self._files:
            for line in file.read_bytes().splitlines() if file.exists() else ():
                with suppress(msgspec.DecodeError):  # cut short by a kill
                    if line.startswith(b"["):
                        acts.append(msgspec.json.decode(line, type=Act))
                        continue
                    ending = msgspec.json.decode(line, type=Ending)
                    following += ending.following
                    unsure += ending.unsure
                    dropped += ending.dropped
        acts.sort(key=lambda act: act.at)
        return Visits(acts=acts, following=following, unsure=unsure, dropped=dropped)

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        return [process.pid for process in self._processes]

    def alive(self) -> bool:
        """Return whether all of its processes run."""
        return all(process.poll() is None for process in self._processes)

    def kill(self) -> None:
        """End those that still run, whatever they are at."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()

    def _tell(self, line: str) -> None:
        for process in self._processes:
            assert process.stdin is not None
            with suppress(OSError):  # it ended; what it wrote is read all the same
                process.stdin.write(f"{line}\n".encode())
                process.stdin.flush()


@contextmanager
def visiting(
    port: int, world: World, shape: Shape, *, rate: float, seconds_at_most: float, seed: int
) -> Iterator[Visitors]:
    """Let a crowd visit a server for as long as the context is open.

    Args:
        port: the server's port.
        world: who is who.
        shape: how the audience comes back.
        rate: requests a second at the busiest.
        seconds_at_most: after which it ends by itself, should nobody end it.
        seed: chance.

    Raises:
        Unavailable: a process of it ended at once.
    """
    of = max(1, min(os.cpu_count() or 1, round(rate / A_PROCESS)))
    with tempfile.TemporaryDirectory(prefix="rostra-crowd-") as folder:
        files = [Path(folder) / f"{number}.jsonl" for number in range(of)]
        errors = (Path(folder) / "errors").open("w+b")
        processes = [_begin(errors) for _ in range(of)]
        crowd = Visitors(processes, files)
        try:
            for number, (process, file) in enumerate(zip(processes, files, strict=True)):
                orders = Orders(
                    port=port,
                    world=world,
                    shape=shape,
                    quiet=rate * QUIET_PART / of,
                    audience=rate * (1 - QUIET_PART) / of,
                    number=number,
                    of=of,
                    connections=CONNECTIONS,
                    seconds_at_most=seconds_at_most,
                    seed=seed,
                    out=str(file),
                )
                _order(process, orders)
            while not all(file.exists() for file in files):
                if not crowd.alive():
                    errors.seek(0)
                    said = errors.read().decode(errors="replace").strip().splitlines()
                    raise Unavailable(f"The crowd could not begin: {said[-1] if said else ''}")
                time.sleep(0.01)
            yield crowd
        finally:
            crowd.kill()
            errors.close()


def _begin(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if "ROSTRA_" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "rostra.ops.rehearsal.crowd"],
        env=environment | {"PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=errors,
        stderr=errors,
        start_new_session=True,  # Ctrl-C is for the rehearsal to hear
    )


def _order(process: subprocess.Popen[bytes], orders: Orders) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(msgspec.json.encode(orders) + b"\n")
        process.stdin.flush()
