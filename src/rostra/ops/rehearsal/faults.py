"""The faults a rehearsal can plant: what each does, and what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from rostra.ops.rehearsal.world import World
from rostra.testing import faults
from rostra.testing.fault_acts import SPENT

SLOW_MS: Final = 200.0
"""How much longer a commit takes on a slow disk: as on a worn or crowded one."""
SICK: Final = "worker-{}"
JOBS: Final = "jobs"


class Fault(Struct, frozen=True, kw_only=True):
    """A fault: what it is called, what it does, and whether the account must not stay visible.

    One that need not be caught may be survived instead: everything right in spite of it.
    ``kind`` is its name among ``testing/faults.py``, ``where`` the process it is planted in
    (empty: every one; ``worker-{}``: the last worker), ``ms`` how long something is held up;
    ``early``: from the first visit on. One ``for_good`` cannot be taken away again.
    """

    title: str
    does: str
    kind: str
    where: str = SICK
    ms: float = 0
    must_be_caught: bool = True
    early: bool = False
    for_good: bool = False


FAULTS: Final[Mapping[str, Fault]] = {
    "worker-killed": Fault(
        title="a worker was killed",
        does="a worker is killed at the cut-over, as by a lack of memory, and started again",
        kind="worker-killed",
        must_be_caught=False,
    ),
    "disk-slow": Fault(
        title="the disk was slow",
        does=f"every commit takes {SLOW_MS:.0f} ms longer, in every process",
        kind="disk-slow",
        where="",
        ms=SLOW_MS,
        must_be_caught=False,
    ),
    "stale-cache": Fault(
        title="a worker kept old answers",
        does="a worker gives the answers it has kept, whatever happened since",
        kind="stale-cache",
    ),
    "packer-behind": Fault(
        title="the packer was behind",
        does="nothing is packed from the first visit on, so that all changes stay in the journal",
        kind="packer-behind",
        where=JOBS,
        must_be_caught=False,
        early=True,
    ),
    "stale-mask": Fault(
        title="a worker had a stale mask",
        does="the masks of a worker do not move any more: it does not learn who is reinstated",
        kind="stale-mask",
    ),
    "lost-chunk-member": Fault(
        title="a chunk had lost a member",
        does="a follower is missing from the packed followers of the account on the disk",
        kind="follower-lost",
        where=JOBS,
        for_good=True,
    ),
    "missing-mirror": Fault(
        title="a mirror was missing",
        does="the side of a follow that is the follower's is missing on the disk",
        kind="mirror-lost",
        where=JOBS,
        for_good=True,
    ),
    "wrong-epoch-count": Fault(
        title="a count was kept of a wrong epoch",
        does="a worker counts the hidden followers as of an earlier state of the masks",
        kind="old-count",
    ),
    "follow-does-not-stick": Fault(
        title="follows did not stick",
        does="a worker answers follows with 200 and writes nothing of them",
        kind="follow-lost",
    ),
    "media-refused": Fault(
        title="media were still refused",
        does="a worker goes on refusing the files of the account",
        kind="media-refused",
    ),
    "home-without-statuses": Fault(
        title="homes lacked the statuses",
        does="a worker leaves the statuses of the account out of all homes",
        kind="home-without",
    ),
}
"""By the name that ``--fault`` takes."""


class Planted:
    """A fault in the server of a rehearsal, or none.

    Args:
        name: its name in ``FAULTS``; None for none.
        data: the data folder of the rehearsal.
        world: who is who in it.
        workers: how many workers its server has.
    """

    def __init__(self, name: str | None, data: Path, world: World, workers: int) -> None:
        self.fault = FAULTS[name] if name else None
        self.did = ""
        self._data = data
        self._world = world
        self._processes = [*(f"worker-{number}" for number in range(workers)), JOBS]

    @property
    def process(self) -> str:
        """The process it is in; empty for every one."""
        return self.fault.where.format(self._processes[-2][-1]) if self.fault else ""

    def begin(self) -> None:
        """Plant a fault that is there from the first visit on."""
        if self.fault is not None and self.fault.early:
            self._plant(self.fault)

    def before_return(self) -> None:
        """Plant any other, before the account comes back.

        Raises:
            Unavailable: a process did not take it.
        """
        if self.fault is not None and not self.fault.early:
            self._plant(self.fault)

    def _plant(self, fault: Fault) -> None:
        where = self.process
        faults.plant(
            self._data,
            [
                faults.Fault(
                    kind=fault.kind,
                    process=where,
                    account=self._world.star.ordinal,
                    member=self._world.fans[0].ordinal,
                    ms=fault.ms,
                )
            ],
            processes=self._processes,
        )
        self.did = f"planted in {where or 'every process'}"

    def clear(self) -> None:
        """Take away what was planted, so that who opens this world next finds it sound."""
        faults.take_away(self._data)
        (self._data / SPENT).unlink(missing_ok=True)
