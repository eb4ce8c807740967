"""What this machine has, and what was asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rostra.domain.capacity import Machine, Traffic


class Machines(Protocol):
    """Looks at the machine, and at this server's processes on it."""

    async def look(self, *, seconds: float) -> Machine:
        """Return what the machine has left, its CPUs watched for ``seconds``.

        Raises:
            NotOffered: this system does not tell.
        """


class TrafficSeen(Protocol):
    """What was asked of this server, by minutes and hours."""

    def hours(self, *, since: int) -> Sequence[Traffic]:
        """Return the hours since a time (ms), oldest first; those without requests are left out."""

    def minutes(self, *, since: int) -> Sequence[Traffic]:
        """Return the minutes since a time (ms), oldest first; they are kept for two hours."""


class TrafficSeenWriter(TrafficSeen, Protocol):
    """Changes to what was asked."""

    def add(self, minute: Traffic) -> None:
        """Add a minute, to its hour as well, and let go of what is too old."""
