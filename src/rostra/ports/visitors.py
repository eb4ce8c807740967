"""Asking this server's own workers over HTTP, as visitors do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

ANSWERING_SECONDS: Final = 10.0
"""How long a worker of a server that has been running is looked for: one that crashed is started
again within seconds, and one that is stuck is not to hold anything up."""

Missed = Callable[[tuple[str, ...]], Awaitable[None]]
"""Told which workers are still looked for; of none once all were met."""


class Visit(Struct, frozen=True):
    """What a worker answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_ms: float

    def json(self) -> Any:
        """Return the decoded body, None when it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


class Visitor(Protocol):
    """A connection to one worker."""

    @property
    def worker(self) -> str:
        """The number of the worker, as it tells it in ``X-Rostra-Worker``."""

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Visit:
        """Ask this very worker and return its answer, whatever its status is.

        The server is told that one of its own probes asks, so that no rate limit is in the way.

        A worker that was restarted meanwhile is found again, and asked again: what is sent must do
        no harm when it comes twice.

        Args:
            path: the path on the server, without a query.
            method: the HTTP method.
            token: an access token to send along.
            params: the query.

        Raises:
            Unavailable: no answer came in time, or the worker could not be found again.
        """


class Party(Struct, frozen=True):
    """Visitors of one server: one for each worker that was met, by its number, and who was not."""

    visitors: Mapping[str, Visitor]
    missing: tuple[str, ...]


class Visitors(Protocol):
    """Connects to the workers of this server."""

    def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AbstractAsyncContextManager[Party]:
        """Open a connection to every worker for as long as the context is open.

        Args:
            patience: for how many seconds to look for a worker before it counts as missing.
            missed: is told who is still looked for, as soon as that takes long and whenever it
                changes afterwards.
        """
