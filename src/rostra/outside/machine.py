"""What this machine has left: Linux's ``/proc`` and the limits of the control group (v2 and v1).

Sources: proc(5), and https://docs.kernel.org/admin-guide/cgroup-v2.html.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from rostra.domain.capacity import Machine
from rostra.domain.errors import NotOffered

NO_LIMIT: Final = 1 << 60
"""Version 1 has a number near 2^63 where there is no limit."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_IDLE: Final = slice(3, 5)  # idle, and waiting for the disk
_GUEST: Final = 8  # from here on, times that are in those before already


class _Moment(Struct, frozen=True):
    """What the CPUs have done up to a moment, in seconds."""

    at: float
    total: float
    idle: float
    group: float | None
    workers: float


class LinuxMachine:
    """This machine, and the server that runs on a data folder.

    Args:
        serving: the lock file of the server; ``jobs`` that of its job runner.
        jobs: see there.
        workers: how many workers there are when none are found.
        root: where ``proc`` and ``sys`` are.
    """

    def __init__(
        self, serving: Path, jobs: Path, *, workers: int = 0, root: Path = Path("/")
    ) -> None:
        self._serving = serving
        self._jobs = jobs
        self._workers = workers
        self._proc = root / "proc"
        self._groups = root / "sys/fs/cgroup"

    async def look(self, *, seconds: float) -> Machine:
        """Return what the machine has left; see ``ports.Machines.look``."""
        first = await asyncio.to_thread(self._moment)
        await asyncio.sleep(seconds)
        return await asyncio.to_thread(self._since, first)

    def cpu_seconds(self) -> float:
        """Return what the workers that run have taken of the CPUs since they began."""
        return self._cpu_of(self._worker_pids())

    # -- CPU -------------------------------------------------------------------------------------

    def _moment(self) -> _Moment:
        try:
            first = (self._proc / "stat").read_text().partition("\n")[0]
            figures = [int(each) / _TICKS for each in first.split()[1:]][:_GUEST]
        except (OSError, ValueError) as error:
            raise NotOffered(
                "This system does not tell how busy its CPUs are (there is no /proc/stat): look at "
                "its own monitor before you go on"
            ) from error
        return _Moment(
            at=time.monotonic(),
            total=sum(figures),
            idle=sum(figures[_IDLE]),
            group=self._group_seconds(),
            workers=self._cpu_of(self._worker_pids()),
        )

    def _since(self, first: _Moment) -> Machine:
        then = self._moment()
        passed = max(then.at - first.at, 1e-3)
        cores = float(self._cores())
        total = then.total - first.total
        # What the kernel counts as waiting for the disk may step back (proc(5), "iowait").
        idle = cores * max(0.0, then.idle - first.idle) / total if total > 0 else 0.0
        allowed = self._quota()
        if allowed is not None and allowed < cores:
            # What others do in the machine does not count against the group, but may be in its way.
            taken = then.group - first.group if then.group is not None and first.group else 0.0
            cores, idle = allowed, min(idle, max(0.0, allowed - taken / passed))
        memory, available = self._memory()
        workers = self._worker_pids()
        return Machine(
            cores=cores,
            idle=min(idle, cores),
            busy=max(0.0, then.workers - first.workers) / passed,
            workers=len(workers) or self._workers or int(self._cores()),
            memory=memory,
            available=available,
            own=sum(map(self._held_by, self._server_pids())),
        )

    def _cores(self) -> int:
        lines = (self._proc / "stat").read_text().splitlines()
        return sum(line[:3] == "cpu" and line[3:4].isdigit() for line in lines) or 1

    def _quota(self) -> float | None:
        """Return how many cores the control group may use; None for as many as there are."""
        found = []
        for folder in self._folders("cpu"):
            both = _words(folder / "cpu.max")
            if not both:
                both = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
            if len(both) == 2 and both[0] != "max" and int(both[0]) > 0:
                found.append(int(both[0]) / int(both[1]))
        return min(found, default=None)

    def _group_seconds(self) -> float | None:
        for folder in self._folders("cpu"):
            words = _words(folder / "cpu.stat")
            if "usage_usec" in words:
                return int(words[words.index("usage_usec") + 1]) / 1e6
        for folder in self._folders("cpuacct"):
            if words := _words(folder / "cpuacct.usage"):
                return int(words[0]) / 1e9
        return None

    # -- memory ----------------------------------------------------------------------------------

    def _memory(self) -> tuple[int, int]:
        """Return (memory, what is left of it) in bytes, within the limits of the group."""
        told = dict(
            line.split(":", 1) for line in _lines(self._proc / "meminfo") if line.count(":") == 1
        )
        try:
            memory, available = (
                int(told[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable")
            )
        except (KeyError, ValueError, IndexError) as error:
            raise NotOffered(
                "This system does not tell how much memory is left (there is no /proc/meminfo): "
                "look at its own monitor before you go on"
            ) from error
        for folder in self._folders("memory"):
            limit, used = _limit(folder)
            if limit is not None:
                memory = min(memory, limit)
                available = min(available, max(0, limit - used))
        return memory, available

    def _folders(self, controller: str) -> list[Path]:
        """Return the folders of the control groups this process is in, the innermost first."""
        found = []
        for line in _lines(self._proc / "self/cgroup"):
            _, controllers, path = (*line.split(":", 2), "", "")[:3]
            if controllers and controller not in controllers.split(","):
                continue
            base = self._groups / controllers if controllers else self._groups
            if controllers and not base.is_dir():
                base = self._groups / controller
            parts = [part for part in path.split("/") if part not in ("", "..")]
            inside = [base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
            found += [folder for folder in inside if folder.is_dir()]
        return found

    # -- this server's processes -----------------------------------------------------------------

    def _server_pids(self) -> list[int]:
        """Return the supervisor, if one runs, and its children."""
        supervisor = _holder(self._serving)
        if supervisor is None or not (self._proc / str(supervisor)).is_dir():
            return []
        return [supervisor, *self._children(supervisor)]

    def _worker_pids(self) -> list[int]:
        jobs = _holder(self._jobs)
        return [pid for pid in self._server_pids()[1:] if pid != jobs]

    def _children(self, parent: int) -> list[int]:
        pids = [int(path.name) for path in self._proc.iterdir() if path.name.isdigit()]
        return [pid for pid in pids if (self._stat(pid) or ["", "0"])[1] == str(parent)]

    def _stat(self, pid: int) -> list[str] | None:
        """Return what follows the name of a process in its ``stat``; None when it is gone."""
        try:
            return (self._proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None

    def _cpu_of(self, pids: Sequence[int]) -> float:
        found = (self._stat(pid) for pid in pids)
        return sum((int(each[11]) + int(each[12])) / _TICKS for each in found if each)

    def _held_by(self, pid: int) -> int:
        """Return the bytes a process holds, what it shares with others divided among them."""
        for name, label in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
            for line in _lines(self._proc / str(pid) / name):
                if line.startswith(label):
                    return int(line.split()[1]) * 1024
        return 0


def _limit(folder: Path) -> tuple[int | None, int]:
    """Return (limit, what is used of it and cannot be let go at once) of a control group."""
    for limit_name, used_name, idle_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _words(folder / limit_name), _words(folder / used_name)
        if limit and used and limit[0] != "max" and int(limit[0]) < NO_LIMIT:
            words = _words(folder / "memory.stat")
            idle = int(words[words.index(idle_name) + 1]) if idle_name in words else 0
            return int(limit[0]), max(0, int(used[0]) - idle)
    return None, 0


def _holder(lock: Path) -> int | None:
    try:
        pid = json.loads(lock.read_text())["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if isinstance(pid, int) else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()
