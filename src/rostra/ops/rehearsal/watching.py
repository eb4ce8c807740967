"""Memory and processor time of a server's processes, looked at while a rehearsal goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from rostra.testing.server import Server, processes_below

EVERY_S: Final = 0.25
VISITORS: Final = "visitors"
OWN: Final = "rehearsal"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Sample(Struct, frozen=True, array_like=True):
    """One look: when (s since 1970), bytes of memory and seconds of processor by process.

    ``busy`` is the share of the machine's processors that was in use since the look before,
    whoever used them.
    """

    at: float
    memory: dict[str, int]
    cpu: dict[str, float]
    busy: float


class Watching:
    """Looks at processes four times a second, for as long as the context is open.

    Processes are named as the server names them: forked in the order supervisor, worker-0 …,
    jobs. One that was started again takes the name of the one that is gone; what they start
    themselves counts as theirs. The processes of the crowd (``visitors``) and this one are looked
    at as well, so that it is known what the machine did besides.
    """

    def __init__(self, server: Server) -> None:
        self.samples: list[Sample] = []
        self.visitors: Sequence[int] = ()
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._names: dict[int, str] = {}
        self._before = _machine()

    def __enter__(self) -> Watching:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self._look()

    def _rename(self) -> None:
        own = self._server.process.pid
        children = sorted(_children(own))
        names = [*(f"worker-{n}" for n in range(self._server.workers)), "jobs"]
        kept = {pid: name for pid, name in self._names.items() if pid in children}
        free = [name for name in names if name not in kept.values()]
        fresh = [pid for pid in children if pid not in kept]
        self._names = kept | dict(zip(fresh, free, strict=False))

    def _look(self) -> None:
        self._rename()
        memory = {"supervisor": _resident(self._server.process.pid)}
        cpu = {"supervisor": _cpu(self._server.process.pid)}
        for pid, name in self._names.items():
            below = processes_below(pid)
            memory[name] = sum(map(_resident, below))
            cpu[name] = sum(map(_cpu, below))
        for name, pids in ((VISITORS, self.visitors), (OWN, (os.getpid(),))):
            memory[name] = sum(map(_resident, pids))
            cpu[name] = sum(map(_cpu, pids))
        now = _machine()
        spent = [after - before for after, before in zip(now, self._before, strict=True)]
        self._before = now
        busy = spent[0] / spent[1] if spent[1] else 0.0
        self.samples.append(Sample(time.time(), memory, cpu, busy))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, children.read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except (OSError, IndexError):
        return 0.0


def _machine() -> tuple[float, float]:
    """Return the processor time in use and in all, of the whole machine."""
    numbers = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    idle = numbers[3] + numbers[4]
    return (sum(numbers) - idle) / _TICKS, sum(numbers) / _TICKS
