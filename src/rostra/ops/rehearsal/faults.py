"""The faults a rehearsal can plant: what each does, and what has to come of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from msgspec import Struct

from rostra.ops.rehearsal.watching import Watching

KILLED: Final = "worker-1"


class Fault(Struct, frozen=True, kw_only=True):
    """A fault: what it is, what it does, and whether the account must not stay visible with it.

    One that need not be caught may be survived instead: everything right in spite of it.
    """

    title: str
    does: str
    must_be_caught: bool


FAULTS: Final[Mapping[str, Fault]] = {
    "worker-killed": Fault(
        title="a worker was killed",
        does="one worker is killed at the cut-over, as by a lack of memory, and started again",
        must_be_caught=False,
    ),
}
"""By the name that ``--fault`` takes."""


class Planted:
    """A fault in the server of a rehearsal, or none.

    Args:
        name: its name in ``FAULTS``; None for none.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.did = ""

    @property
    def settings(self) -> dict[str, object]:
        """What the server is started with."""
        return {}

    def before_return(self, eyes: Watching) -> None:
        """Do what is to be done before the account comes back."""

    def at_cut_over(self, eyes: Watching) -> None:
        """Do what is to be done the moment it is back."""
        if self.name == "worker-killed":
            pid = eyes.pid(KILLED) or eyes.pid("worker-0")
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.did = f"process {pid} was killed"

    def over(self) -> None:
        """Take the fault away again."""
