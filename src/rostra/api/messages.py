"""What comes in and what goes out: a call to the API and the reply to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.types import Message, Receive, Scope, Send

from rostra.domain.errors import Malformed, NotFound, TooLarge, Unauthenticated
from rostra.domain.ids import parse_id
from rostra.services.reading.freshness import Basis

if TYPE_CHECKING:
    from rostra.api.state import Api
    from rostra.ports import Token

Header = tuple[bytes, bytes]
JSON: Final = (b"content-type", b"application/json; charset=utf-8")
CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
    (
        b"access-control-expose-headers",
        b"Link, Deprecation, ETag, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
        b"X-Request-Id",
    ),
)
PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST, PUT, DELETE, GET, PATCH, OPTIONS"),
    (b"access-control-max-age", b"7200"),
)
PRIVATE: Final = ((b"cache-control", b"private, no-store"), (b"vary", b"Authorization"))
SHARED: Final = ((b"cache-control", b"public, no-cache"), (b"vary", b"Authorization"))
"""An answer for anybody: caches may keep it, and ask each time whether its ETag still holds."""

MAX_FIELDS: Final = 1000

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class ClientGone(Exception):
    """The one who asked hung up before the whole question was heard."""


class Reply(Struct, frozen=True):
    """An answer.

    ``until`` (ms) is when the clock alone makes it outdated, None for never; ``tag`` is the ETag of
    one that is the same for anybody; ``basis`` is what it was made from, None when any commit may
    outdate it.
    """

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = (JSON,)
    until: int | None = None
    tag: bytes = b""
    basis: Basis | None = None


def json_reply(value: Any, *, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    """Return a reply with the JSON of ``value``."""
    return Reply(encode(value), status, (JSON, *headers))


class Call:
    """One request to the API.

    ``token``, ``found`` (the ordinal of the account that the path names) and ``files`` (which came
    in the body) are set by the operation that answers it.
    """

    __slots__ = (
        "api",
        "files",
        "found",
        "headers",
        "method",
        "path_params",
        "query",
        "receive",
        "scope",
        "token",
    )

    def __init__(self, api: Api, scope: Scope, receive: Receive) -> None:
        self.api = api
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.headers: list[Header] = scope["headers"]
        self.path_params: Mapping[str, str] = scope.get("path_params") or {}
        self.token: Token | None = None
        self.found = 0
        self.files: list[Path] = []

    def header(self, name: bytes) -> bytes:
        """Return the value of a header (its name in lower case), empty when it is not there."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    @property
    def viewer(self) -> int | None:
        """Who asks: an account's ordinal, or None for anybody."""
        return self.token.account if self.token is not None else None

    @property
    def actor(self) -> int:
        """Who acts.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.token is None or self.token.account is None:
            raise Unauthenticated
        return self.token.account

    def id(self, name: str = "id") -> int:
        """Return an id from the path.

        Raises:
            NotFound: what stands there is no id, so there is nothing of that id.
        """
        value = parse_id(self.path_params[name])
        if value is None:
            raise NotFound
        return value

    def query_pairs(self) -> list[tuple[str, str]]:
        """Return the parameters in the address.

        Raises:
            Malformed: they are not UTF-8, or too many.
        """
        return pairs(self.query) if self.query else []

    def has_body(self) -> bool:
        """Return whether a body was announced (RFC 9112 §6.3); most have none to wait for."""
        length = self.header(b"content-length")
        return length != b"0" and (bool(length) or bool(self.header(b"transfer-encoding")))

    async def body(self) -> bytes:
        """Return the whole body.

        Raises:
            TooLarge: it is over the server's limit.
            ClientGone: the connection ended first.
        """
        limit = self.api.ctx.settings.max_body_bytes
        parts: list[bytes] = []
        size = 0
        async for part in self.chunks():
            size += len(part)
            if size > limit:
                raise TooLarge("The request is too large: send at most %(num)s bytes", num=limit)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, whatever its size.

        Raises:
            ClientGone: the connection ended first.
        """
        more = self.has_body()
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            yield message.get("body", b"")
            more = message.get("more_body", False)


def pairs(text: bytes) -> list[tuple[str, str]]:
    """Return the fields of a query or form.

    Raises:
        Malformed: it is not UTF-8, or has too many fields.
    """
    try:
        return parse_qsl(
            text.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError:
        raise Malformed("The parameters are not valid UTF-8") from None
    except ValueError:
        raise Malformed("There are too many parameters") from None


def start_of(reply: Reply, extra: tuple[Header, ...]) -> Message:
    """Return the ASGI message that begins a reply, with ``extra`` headers beside its own."""
    headers = [*reply.headers, *extra]
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(reply.body)))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


def conditional(call: Call, reply: Reply) -> Reply:
    """Return the reply, or none of its body for one who has it already (RFC 9110 §13)."""
    if reply.tag and reply.tag in call.header(b"if-none-match"):
        return Reply(b"", 304, reply.headers)
    return reply


async def send_reply(
    send: Send, reply: Reply, extra: tuple[Header, ...], *, head: bool = False
) -> None:
    """Send a reply with its own headers and ``extra`` ones.

    Args:
        send: of the ASGI server.
        reply: what to send.
        extra: headers of every reply.
        head: leave out the body (the answer to HEAD).
    """
    await send(start_of(reply, extra))
    await send({"type": "http.response.body", "body": b"" if head else reply.body})
