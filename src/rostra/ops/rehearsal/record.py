"""What a rehearsal writes down while it goes on; the report and its figures are made of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import apsw
import msgspec
from msgspec import Struct

from rostra import __version__
from rostra.ops.rehearsal.crowd import Act
from rostra.ops.rehearsal.looks import Sight
from rostra.ops.rehearsal.watching import Sample
from rostra.ops.rehearsal.world import GIB


class Asked(Struct, frozen=True, kw_only=True):
    """What was to be rehearsed; ``seconds`` of traffic at ``rate`` requests a second at most."""

    followers: int
    fault: str | None
    workers: int
    seconds: float
    rate: float
    seed: int
    shape: str
    command: str


class Mark(Struct, frozen=True):
    """An instant to be shown in the plots (s since 1970) and told in the story."""

    at: float
    name: str
    said: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """A step of the tool: from when to when (s since 1970), and what came of it."""

    name: str
    began: float
    ended: float | None
    passed: bool | None
    said: str = ""


class Probe(Struct, frozen=True, kw_only=True):
    """A probe of the tool, and when it was told (s since 1970)."""

    step: str
    name: str
    worker: str
    passed: bool
    said: str
    at: float


class Course(Struct, kw_only=True):
    """What the tool did: its plan, its run, and how that ended (``state``)."""

    run: str = ""
    plan: str = ""
    plan_seconds: float | None = None
    expected: int | None = None
    state: str = "not begun"
    said: str = ""
    cut_over_at: float | None = None
    rolled_back_at: float | None = None
    steps: list[Step] = []
    probes: list[Probe] = []

    @property
    def done(self) -> bool:
        """Whether the account is back, and was found right."""
        return self.state == "done"

    @property
    def held_back(self) -> bool:
        """Whether the tool itself kept or took the account out of sight."""
        return self.state in ("rolled back", "failed", "refused")

    @property
    def failed_probes(self) -> list[Probe]:
        """The probes that found something wrong."""
        return [probe for probe in self.probes if not probe.passed]


class Worker(Struct, frozen=True, kw_only=True):
    """What one worker shows at the end; ``views``: True as of an active account, None: neither."""

    name: str
    views: dict[str, bool | None]
    followers: int


class Record(Struct, kw_only=True):
    """Everything of one rehearsal, as far as it came.

    ``quiet`` is from when to when nothing happened but visits. ``expected`` are the least and the
    most followers that are right at the end. Times are seconds since 1970.
    """

    asked: Asked
    machine: dict[str, Any]
    began: float
    ended: float = 0.0
    built_seconds: float = 0.0
    built_peak_mb: float = 0.0
    built_bytes: int = 0
    reused: bool = False
    visible: int = 0
    quiet: tuple[float, float] | None = None
    suspended_at: float | None = None
    hidden: list[Sight] = []
    not_hidden: list[str] = []
    shown: list[Sight] = []
    not_shown: list[str] = []
    course: Course = msgspec.field(default_factory=Course)
    marks: list[Mark] = []
    acts: list[Act] = []
    dropped: int = 0
    samples: list[Sample] = []
    final: list[Worker] = []
    expected: tuple[int, int] | None = None
    planted: str = ""
    log: list[str] = []
    interrupted: bool = False
    error: str = ""

    def mark(self, at: float, name: str, said: str = "") -> None:
        """Write down an instant."""
        self.marks.append(Mark(at, name, said))
        self.marks.sort(key=lambda mark: mark.at)


def machine() -> dict[str, Any]:
    """Return what a report says of the machine: nothing of its owner, its name or its paths."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "rostra": __version__,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
