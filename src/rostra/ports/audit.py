"""A fresh look at a data folder, beside what its processes have in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from rostra.domain.events import AnyEvent
from rostra.ports.views import Snapshot

T = TypeVar("T")


class Flaw(Struct, frozen=True):
    """Something stored that is not as it should be: in which set, and what."""

    where: str
    what: str


class Mirrored(Struct, frozen=True):
    """What was found on the other side of an account's edges.

    Args:
        edges: how many edges the account has.
        checked: of how many of them the other side was looked at.
        scanned: the share (0 to 1) of all accounts whose sets were read for edges that the
            account's own side lacks.
        flaws: what is missing on a side; the first of many.
    """

    edges: int
    checked: int
    scanned: float
    flaws: tuple[Flaw, ...]

    @property
    def share(self) -> float:
        """The share of the edges that was looked at, 0 to 1."""
        return self.checked / self.edges if self.edges else 1.0


class Audit(Protocol):
    """Reads from a connection and a memory of its own, in a thread of its own.

    What it says owes nothing to what any process had in memory before it was opened.
    """

    async def read(self, read: Callable[[Snapshot], T]) -> T:
        """Return what ``read`` makes of the newest commit.

        Raises:
            Unavailable: the data folder cannot be read now.
            StoreCorrupt: what ``read`` asked for is damaged.
        """

    async def since(self, seq: int) -> list[Sequence[AnyEvent]] | None:
        """Return the events of each commit after a place in the feed, up to what was read last;
        None when the feed does not reach back that far.
        """

    async def sets(self, account: int) -> list[Flaw]:
        """Recount every set of an account from its journal, against its chunks and segments."""

    async def mirrors(self, account: int, *, seconds: float | None) -> Mirrored:
        """Look at both sides of an account's edges.

        All of them when ``seconds`` suffice or none are given, otherwise those to random ranges of
        accounts.
        """
