"""Asking other servers over HTTP, without being made to ask what is not public.

A name is resolved here, every address it has is checked, and the connection is made to the one that
was checked: a name that resolves otherwise a moment later (DNS rebinding) changes nothing. Each
redirect is checked anew. Nothing is kept between two requests: no cookies, no connections.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final, NoReturn

import httpx2

from rostra import __version__
from rostra.domain.errors import Unreachable
from rostra.outside.addresses import Address, Allowed
from rostra.ports import Fetched

MAX_REDIRECTS: Final = 5
MAX_URL: Final = 2048
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(name, port) → the addresses it has."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name as this machine resolves it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedFetcher:
    """Asks other servers; fulfils ``ports.Fetcher``.

    Args:
        allowed: which addresses and ports may be asked.
        agent: how this server calls itself.
        resolver: finds the addresses of a name.
        concurrency: how many requests at once.
    """

    def __init__(
        self,
        allowed: Allowed | None = None,
        *,
        agent: str = "",
        resolver: Resolver = resolve,
        concurrency: int = 8,
    ) -> None:
        self._allowed = allowed or Allowed()
        self._agent = f"Rostra/{__version__}" + (f" (+{agent})" if agent else "")
        self._resolver = resolver
        self._concurrency = concurrency
        self._tls: ssl.SSLContext | None = None
        self._turns: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

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
        """Ask for what is at an address, following redirects; see ``ports.Fetcher``."""

        async def ask() -> Fetched:
            at = httpx2.URL(_bounded(url))
            for _ in range(MAX_REDIRECTS + 1):
                fetched = await self._ask("GET", at, b"", dict(headers or {}), limit, types, cut)
                target = fetched.headers.get("location")
                if fetched.status not in _REDIRECTS or not target:
                    return fetched
                at = at.join(_bounded(target))
            _refuse(url, f"it redirects more than {MAX_REDIRECTS} times")

        return await self._within(url, seconds, ask)

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        limit: int = 65_536,
        seconds: float = 10.0,
    ) -> Fetched:
        """Send something to an address; see ``ports.Fetcher``."""

        async def ask() -> Fetched:
            at = httpx2.URL(_bounded(url))
            return await self._ask("POST", at, content, dict(headers or {}), limit, ())

        return await self._within(url, seconds, ask)

    async def _within(
        self, url: str, seconds: float, ask: Callable[[], Awaitable[Fetched]]
    ) -> Fetched:
        """Ask when it is this one's turn, all in all within a time."""
        try:
            async with self._turn():
                async with asyncio.timeout(seconds):
                    return await ask()
        except TimeoutError:
            _refuse(url, f"it took longer than {seconds:g} s")
        except (httpx2.InvalidURL, ValueError) as error:
            _refuse(url, f"it is no address: {type(error).__name__}")
        except (httpx2.HTTPError, ssl.SSLError, OSError) as error:
            _refuse(url, f"{type(error).__name__}: {error}")

    def _turn(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._turns is None or self._turns[0] is not loop:
            self._turns = (loop, asyncio.Semaphore(self._concurrency))
        return self._turns[1]

    async def _ask(
        self,
        method: str,
        url: httpx2.URL,
        content: bytes,
        headers: dict[str, str],
        limit: int,
        types: Sequence[str],
        cut: bool = False,
    ) -> Fetched:
        pinned, host = await self._pinned(url)
        named = {name.lower(): value for name, value in headers.items()}
        request = httpx2.Request(
            method,
            pinned,
            headers={
                "user-agent": self._agent,
                "accept": "*/*",
                **named,
                "host": url.netloc.decode("ascii"),
                "accept-encoding": "identity",
                "connection": "close",
            },
            content=content if method == "POST" else None,
            extensions={
                "sni_hostname": host,
                "timeout": {"connect": 10.0, "read": 10.0, "write": 10.0, "pool": 10.0},
            },
        )
        async with httpx2.AsyncHTTPTransport(
            verify=self._context(),
            trust_env=False,
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=0),
        ) as transport:
            response = await transport.handle_async_request(request)
            try:
                return await _read(response, str(url), limit, types, cut)
            finally:
                await response.aclose()

    async def _pinned(self, url: httpx2.URL) -> tuple[httpx2.URL, str]:
        """Return the address to connect to, and the name it goes by, when both may be asked."""
        host = url.raw_host.decode("ascii").strip("[]").rstrip(".")
        port = url.port or _PORTS.get(url.scheme, 0)
        if url.scheme not in _PORTS or not host or url.userinfo:
            _refuse(str(url), "only http and https addresses without a name and password are asked")
        if not self._allowed.port(port):
            _refuse(str(url), f"port {port} is not asked")
        try:
            literal: Address | None = ip_address(host)
        except ValueError:
            literal = None
        found = [str(literal)] if literal else await self._resolver(host, port)
        addresses = [ip_address(text.partition("%")[0]) for text in found]
        if not addresses or not all(self._allowed.address(one, port) for one in addresses):
            _refuse(str(url), "it is not an address of the public internet")
        return url.copy_with(host=str(addresses[0]), port=port), host

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


async def _read(
    response: httpx2.Response, url: str, limit: int, types: Sequence[str], cut: bool
) -> Fetched:
    """Return a response whole, when it is of a type asked for and not over the limit."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = bytearray()
    if response.status_code not in _REDIRECTS:
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if types and response.status_code == 200 and media_type not in types:
            _refuse(url, f"it is {media_type[:60] or 'of no type'}")
        if headers.get("content-encoding", "identity") != "identity":
            _refuse(url, "it is compressed though that was not asked for")
        async for part in response.aiter_raw():
            body += part
            if len(body) > limit and cut:
                del body[limit:]
                break
            if len(body) > limit:
                _refuse(url, f"it is larger than {limit} bytes")
    return Fetched(response.status_code, url, headers, bytes(body))


def _bounded(url: str) -> str:
    if len(url) > MAX_URL:
        _refuse(url, "the address is too long")
    return url


def _refuse(url: str, why: str) -> NoReturn:
    """Raise; the log gets the server's name, not the address, which may be somebody's secret."""
    try:
        host = httpx2.URL(url[:MAX_URL]).host
    except (httpx2.InvalidURL, ValueError):
        host = "?"
    raise Unreachable("The other server could not be asked: %(why)s", why=why, log=f"{host}: {why}")
