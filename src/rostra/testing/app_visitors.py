"""Visitors of workers that run in the process of a test."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
from starlette.types import ASGIApp

from rostra.outside.visitors import headers_of, visit_of
from rostra.ports import ANSWERING_SECONDS, Missed, Party, Visit


class AppVisitors:
    """Connects to applications; fulfils ``ports.Visitors``.

    Args:
        apps: by the number of the worker that each of them is.
        url: the server's address.
        pass_: the value of the header by which the server knows its own probes.
        missing: workers that are never met.
    """

    def __init__(
        self, apps: Mapping[str, ASGIApp], url: str, pass_: str, missing: tuple[str, ...] = ()
    ) -> None:
        self._apps = apps
        self._url = url
        self._pass = pass_
        self._missing = missing

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        """Make a client of each application; see ``ports.Visitors.meet``."""
        async with AsyncExitStack() as opened:
            visitors = {}
            for worker, app in self._apps.items():
                client = httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app=app), base_url=self._url
                )
                await opened.enter_async_context(client)
                visitors[worker] = AppVisitor(worker, client, self._pass)
            yield Party(visitors, self._missing)


class AppVisitor:
    """A client of one application; fulfils ``ports.Visitor``."""

    def __init__(self, worker: str, client: httpx2.AsyncClient, pass_: str) -> None:
        self.worker = worker
        self._client = client
        self._pass = pass_

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Visit:
        """Ask the application; see ``ports.Visitor.ask``."""
        headers = headers_of(self._pass, token)
        began = time.perf_counter()
        answer = await self._client.request(method, path, params=params, headers=headers)
        took = (time.perf_counter() - began) * 1e3
        return visit_of(answer, took)
