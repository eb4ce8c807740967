"""What is outside the database: the clock, and other servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> int:
        """Return milliseconds since 1970."""


class Fetched(Struct, frozen=True):
    """What another server answered; header names are in lower case, ``url`` where it was found."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Fetcher(Protocol):
    """Asks other servers over HTTP; only those of the public internet, whatever address is given.

    Answers of any status are returned. Nobody must hold a snapshot or transaction meanwhile.
    """

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = 1_048_576,
        seconds: float = 10.0,
        types: Sequence[str] = (),
        cut: bool = False,
    ) -> Fetched:
        """Return what is at an address, following at most five redirects.

        Args:
            url: the address.
            headers: beside those every request has.
            limit: how many bytes an answer may have.
            seconds: how long all of it may take.
            types: which media types are wanted; empty for any.
            cut: return the beginning of an answer over the limit instead of refusing it.

        Raises:
            Unreachable: it may not be asked, is away, too slow, too large or of another type.
        """

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        limit: int = 65_536,
        seconds: float = 10.0,
    ) -> Fetched:
        """Send ``content`` to an address and return what it answers; redirects are not followed.

        Raises:
            Unreachable: as ``get``.
        """
