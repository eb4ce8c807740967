"""Visitors of this server's own workers, who share a port by ``SO_REUSEPORT``.

The kernel gives each connection to one of the workers. So connections are opened until every worker
has one, and each of them is kept and used for that worker alone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx2

from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.domain.probes import PASS_HEADER
from rostra.ports import ANSWERING_SECONDS, Missed, Party, Visit

WORKER_HEADER: Final = "x-rostra-worker"
WHO: Final = "/health/live"
SECONDS: Final = 10.0
"""How long one answer may take; a worker that takes longer is taken for stuck."""

CONNECT_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.02
MISSED_SECONDS: Final = 1.0
"""After how long it is told who is looked for, and that is done with less haste: a worker that is
just starting needs the processor more."""

MISSED_PAUSE_SECONDS: Final = 0.1


class HttpVisitors:
    """Connects to the workers of the server that has these settings; fulfils ``ports.Visitors``.

    Args:
        settings: of the server, with the port that it really has.
        pass_: returns the value of the header by which the server knows its own probes.
    """

    def __init__(self, settings: Settings, pass_: Callable[[], str]) -> None:
        self._workers = tuple(str(n) for n in range(settings.workers or os.cpu_count() or 1))
        self._settings = settings
        self._pass = pass_

    @asynccontextmanager
    async def meet(
        self, *, patience: float = ANSWERING_SECONDS, missed: Missed | None = None
    ) -> AsyncIterator[Party]:
        """Open a connection to every worker; see ``ports.Visitors.meet``."""
        pass_ = self._pass()
        async with AsyncExitStack() as opened:
            doors = Doors(self._settings, opened)
            found = await doors.of(self._workers, patience, missed)
            visitors = {
                worker: HttpVisitor(worker, found[worker], doors, pass_)
                for worker in self._workers
                if worker in found
            }
            missing = tuple(worker for worker in self._workers if worker not in found)
            yield Party(visitors, missing)


class Doors:
    """Opens connections to a server until those that are wanted are among them.

    Args:
        settings: of the server.
        opened: closes what was opened.
    """

    def __init__(self, settings: Settings, opened: AsyncExitStack) -> None:
        self._url = address_of(settings.host, settings.port)
        self._headers = {
            "host": urlsplit(settings.url).netloc,
            "user-agent": f"Rostra ({settings.url}; looking at itself)",
        }
        self._opened = opened
        # Nothing is encrypted on the way to oneself, and reading the system's certificates is slow.
        self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def of(
        self, workers: Collection[str], patience: float, missed: Missed | None = None
    ) -> dict[str, httpx2.AsyncClient]:
        """Return a connection to each of ``workers`` that was met within ``patience`` seconds, and
        tell ``missed`` of those that it takes long to meet.
        """
        wanted, found = set(workers), dict[str, httpx2.AsyncClient]()
        told: tuple[str, ...] = ()
        began = time.monotonic()
        while True:
            clients = [self._client() for _ in range(2 * len(wanted))]
            names = await asyncio.gather(*map(_who, clients))
            for name, client in zip(names, clients, strict=True):
                if name in wanted:
                    wanted.discard(name)
                    found[name] = client
                    self._opened.push_async_callback(client.aclose)
                else:
                    await client.aclose()
            waited = time.monotonic() - began
            left = tuple(worker for worker in workers if worker in wanted)
            if missed is not None and left != told and (not left or waited >= MISSED_SECONDS):
                await missed(left)
                told = left
            if not wanted or waited >= patience:
                return found
            if waited >= MISSED_SECONDS:
                await asyncio.sleep(MISSED_PAUSE_SECONDS)
            elif not any(names):
                await asyncio.sleep(PAUSE_SECONDS)

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            limits=httpx2.Limits(
                max_connections=1, max_keepalive_connections=1, keepalive_expiry=None
            ),
            timeout=httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
            verify=self._no_tls,
        )


def headers_of(pass_: str, token: str | None) -> dict[str, str]:
    """Return the headers of a visit: the pass by which a server knows it, and who asks."""
    headers = {PASS_HEADER: pass_}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return headers


def visit_of(answer: httpx2.Response, took_ms: float) -> Visit:
    """Return what a visit found, the names of the headers in lower case."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Visit(answer.status_code, headers, answer.content, took_ms)


class HttpVisitor:
    """A kept connection to one worker; fulfils ``ports.Visitor``."""

    def __init__(self, worker: str, client: httpx2.AsyncClient, doors: Doors, pass_: str) -> None:
        self._worker = worker
        self._client = client
        self._doors = doors
        self._pass = pass_
        self._finding = asyncio.Lock()

    @property
    def worker(self) -> str:
        return self._worker

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Visit:
        """Ask this very worker; see ``ports.Visitor.ask``."""
        headers = headers_of(self._pass, token)
        ends = time.monotonic() + SECONDS
        while True:
            client = self._client
            began = time.perf_counter()
            try:
                answer = await client.request(method, path, params=params, headers=headers)
            except httpx2.TimeoutException as error:
                raise Unavailable(
                    "Worker %(worker)s gave no answer in %(num)s s",
                    worker=self._worker,
                    num=f"{SECONDS:g}",
                ) from error
            except httpx2.TransportError:
                await self._find_again(client, ends)
                continue
            took = (time.perf_counter() - began) * 1e3
            if answer.headers.get(WORKER_HEADER) == self._worker:
                return visit_of(answer, took)
            await self._find_again(client, ends)

    async def _find_again(self, lost: httpx2.AsyncClient, ends: float) -> None:
        """Connect anew, unless somebody who asks at the same time did that already.

        Raises:
            Unavailable: the worker was not met in time.
        """
        async with self._finding:
            if self._client is not lost:
                return
            found = await self._doors.of([self._worker], max(0.0, ends - time.monotonic()))
            if self._worker not in found:
                raise Unavailable(
                    "Worker %(worker)s went away and did not come back", worker=self._worker
                )
            self._client = found[self._worker]


async def _who(client: httpx2.AsyncClient) -> str:
    """Return the number of the worker that a new connection leads to, empty when to none."""
    try:
        answer = await client.get(WHO)
    except httpx2.TransportError:
        return ""
    return answer.headers.get(WORKER_HEADER, "") if answer.status_code == 200 else ""


def address_of(host: str, port: int) -> str:
    """Return where a server that listens on ``host`` is reached from its own machine.

    Raises:
        Unavailable: the host is no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Unavailable("The host %(words)s is no address of this machine", words=host) from error
    address = ip_address(str(found[0][4][0]))
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
