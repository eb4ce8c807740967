"""Rate limits of the API, with Mastodon's figures and headers.

A request with a token counts for that token, one without for the address it came from; so does one
whose token was refused, for else whoever makes tokens up would never be stopped. Some requests
count against a narrower limit as well, and the headers tell of whichever is nearer
(https://docs.joinmastodon.org/api/rate-limits/).
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rostra.domain.addresses import site
from rostra.domain.probes import PASS_HEADER
from rostra.edge.counters import Counters

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

API: Final = "/api/"
STREAMING: Final = "/api/v1/streaming"
MINUTES: Final = 60

_UNAUTHORIZED: Final = 401
_PASS: Final = PASS_HEADER.encode()


class Limit(NamedTuple):
    """How many requests are answered in each window of time (s)."""

    name: bytes
    requests: int
    window: int


class Standing(NamedTuple):
    """Where one who asks stands with a limit, this request counted."""

    limit: Limit
    used: int
    window: int

    @property
    def left(self) -> int:
        """How many requests are left; below 0 when this one is too many."""
        return self.limit.requests - self.used

    @property
    def ends(self) -> int:
        """When the window is over, in seconds since 1970."""
        return (self.window + 1) * self.limit.window


MEDIA: Final = Limit(b"media ", 30, 30 * MINUTES)
DELETION: Final = Limit(b"delete ", 30, 30 * MINUTES)
SIGN_UP: Final = Limit(b"sign-up ", 5, 30 * MINUTES)


def narrower(method: str, path: str) -> Limit | None:
    """Return the limit of its own that a request has beside the general one."""
    if method == "POST":
        if path in ("/api/v1/media", "/api/v2/media"):
            return MEDIA
        if path == "/api/v1/accounts":
            return SIGN_UP
        if path.startswith("/api/v1/statuses/") and path.endswith("/unreblog"):
            return DELETION
    elif method == "DELETE" and path.startswith("/api/v1/statuses/"):
        return DELETION
    return None


class RateLimits:
    """Answers 429 to who asks too often, and tells everybody how much is left.

    Args:
        app: answers what is within the limits.
        counters: shared by all workers.
        requests: how many requests to the API a token or address has in five minutes.
        address: tells the address a request came from.
        clock: tells the time in seconds since 1970.
        own: the value of the header that the server's own probes send; they are never refused.
    """

    def __init__(
        self,
        app: App,
        counters: Counters,
        *,
        requests: int,
        address: Callable[[Scope], str],
        clock: Callable[[], float] = time.time,
        own: bytes = b"",
    ) -> None:
        self._app = app
        self._own = own
        self._counters = counters
        self._general = Limit(b"api ", requests, 5 * MINUTES)
        self._address = address
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if scope["type"] != "http" or not path.startswith(API) or path.startswith(STREAMING):
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        if method == "OPTIONS":
            await self._app(scope, receive, send)
            return
        token = _token(scope)
        if not token and self._is_own(scope):  # others at this address are not to pay for it
            await self._app(scope, receive, send)
            return
        asker = token or self._site(scope)
        standing = self._count(self._general, asker)
        if token and standing.used == 1 and standing.left >= 0:
            standing = self._stranger(scope, standing)
        if standing.left >= 0 and (limit := narrower(method, path)):
            standing = min(standing, self._count(limit, asker), key=lambda each: each.left)
        if standing.left < 0 and not self._is_own(scope):
            await _refuse(send, standing, self._clock())
            return

        def told(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                if token and message["status"] == _UNAUTHORIZED:
                    self._count(self._general, self._site(scope))
                # A copy: the message may be one that is kept and sent again.
                message = {**message, "headers": [*message["headers"], *_headers(standing)]}
            return send(message)

        await self._app(scope, receive, told)

    def _is_own(self, scope: Scope) -> bool:
        """Return whether the server itself asks, to see what visitors see."""
        return bool(self._own) and any(
            name == _PASS and hmac.compare_digest(value, self._own)
            for name, value in scope["headers"]
        )

    def _site(self, scope: Scope) -> bytes:
        return site(self._address(scope)).encode()

    def _count(self, limit: Limit, asker: bytes, amount: int = 1) -> Standing:
        window = int(self._clock()) // limit.window
        return Standing(limit, self._counters.add(limit.name + asker, window, amount), window)

    def _stranger(self, scope: Scope, standing: Standing) -> Standing:
        """Return the standing of the address when that is used up, for a token not seen lately."""
        address = self._count(self._general, self._site(scope), 0)
        return address._replace(used=address.used + 1) if address.left < 1 else standing


def _token(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bytes(value).rpartition(b" ")[2]
    query: bytes = scope["query_string"]
    if b"access_token=" in query:
        return query.partition(b"access_token=")[2].partition(b"&")[0]
    return b""


_told_ends: dict[int, bytes] = {}


def _when(seconds: int) -> bytes:
    """Return a time as the API writes it; there are few, and each is asked for often."""
    text = _told_ends.get(seconds)
    if text is None:
        if len(_told_ends) > 16:
            _told_ends.clear()
        moment = datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]
        text = _told_ends[seconds] = f"{moment}.000Z".encode()
    return text


def _headers(standing: Standing) -> tuple[Header, ...]:
    return (
        (b"x-ratelimit-limit", b"%d" % standing.limit.requests),
        (b"x-ratelimit-remaining", b"%d" % max(standing.left, 0)),
        (b"x-ratelimit-reset", _when(standing.ends)),
    )


async def _refuse(send: Send, standing: Standing, now: float) -> None:
    wait = max(1, standing.ends - int(now))
    text = f"Too many requests: this may be asked again in {_duration(wait)}"
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % wait),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", _EXPOSED),
        *_headers(standing),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_EXPOSED: Final = b"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"


def _duration(seconds: int) -> str:
    if seconds < 2 * MINUTES:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // MINUTES)} minutes"
