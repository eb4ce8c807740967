"""Machines that are as a test says, and are looked at without waiting."""

from __future__ import annotations

from typing import Final

import msgspec

from rostra.domain.capacity import Machine

GIB: Final = 1 << 30

ROOMY: Final = Machine(
    cores=4.0, idle=3.0, busy=1.0, workers=4, memory=16 * GIB, available=8 * GIB, own=GIB
)


class GivenMachine:
    """A machine to look at; ``seen`` is what it looks like, to be changed at will."""

    def __init__(self, seen: Machine = ROOMY) -> None:
        self.seen = seen

    async def look(self, *, seconds: float) -> Machine:
        """Return what the machine looks like."""
        return self.seen


def like(**figures: float) -> Machine:
    """Return a roomy machine with some figures of its own."""
    return msgspec.structs.replace(ROOMY, **figures)
