"""Faults planted in the processes of a rehearsal, to see that the probes catch them.

They are planted in a data folder that is marked as a rehearsal, and in no other: its processes look
at a file there, do what it says, and write down that they did.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.errors import Forbidden, Unavailable
from rostra.ops.rehearsal import marker
from rostra.testing.fault_acts import ACTS, Fault, Process, begin

__all__ = ["Fault", "Process", "follow", "plant", "take_away"]

FILE: Final = "faults.json"
SEEN: Final = "run/faults-{process}"
POLL_SECONDS: Final = 0.02
PATIENCE_SECONDS: Final = 30.0


class Orders(Struct, frozen=True):
    """What the file says: which faults, under a number that grows with each change."""

    number: int
    faults: tuple[Fault, ...]


def plant(data: Path, faults: Sequence[Fault], *, processes: Iterable[str] = ()) -> None:
    """Plant faults in the processes of a rehearsal, in place of those that were.

    Args:
        data: the data folder.
        faults: which; none to take all away.
        processes: wait until these ("worker-0", "jobs") have done it; those that are not running
            do it when they start.

    Raises:
        Forbidden: the folder is no rehearsal.
        Unavailable: a process did not do it in time.
        KeyError: there is no such fault.
    """
    if not marker.is_marked(data):
        raise Forbidden(f"{data} is no rehearsal: faults are planted in no other folder")
    for fault in faults:
        ACTS[fault.kind]
    orders = Orders(time.time_ns(), tuple(faults))
    made = data / f"{FILE}.new"
    made.write_bytes(msgspec.json.encode(orders))
    made.replace(data / FILE)
    ends = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        while _seen(data, process) != orders.number:
            if time.monotonic() > ends:
                raise Unavailable(f"The process {process} of {data} did not plant a fault")
            time.sleep(POLL_SECONDS)


def take_away(data: Path, *, processes: Iterable[str] = ()) -> None:
    """Take all faults away; what was wrong in memory is read anew."""
    plant(data, (), processes=processes)


def _seen(data: Path, process: str) -> int:
    try:
        return int((data / SEEN.format(process=process)).read_text())
    except (OSError, ValueError):
        return 0


# -- in a process ----------------------------------------------------------------------------------


class Planted:
    """The faults in one process.

    Args:
        process: the process.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._number = 0
        self._undo: list[Callable[[], None]] = []

    def look(self) -> None:
        """Do what the file says, if it says something new."""
        data = self._process.store.folder
        try:
            orders = msgspec.json.decode((data / FILE).read_bytes(), type=Orders)
        except (OSError, msgspec.DecodeError):
            return
        if orders.number == self._number:
            return
        while self._undo:
            self._undo.pop()()
        for fault in orders.faults:
            if fault.process in ("", self._process.name):
                self._undo.append(begin(self._process, fault))
        self._number = orders.number
        seen = data / SEEN.format(process=self._process.name)
        made = seen.with_suffix(f".{os.getpid()}")
        made.write_text(str(orders.number))
        made.replace(seen)


async def follow(process: Process) -> None:
    """Plant and take away faults in this process as the file says, for as long as it runs."""
    planted = Planted(process)
    while True:
        planted.look()
        await asyncio.sleep(POLL_SECONDS)
