"""Handing out stored files: ``/media/<key>/<name>``.

The address cannot be guessed and opens the file to whoever has it, as Mastodon's do; what is hidden
is hidden by the state of its owner, asked at each request. Answers carry the owner as a tag by
which a cache in front can forget all of them at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rostra.api.errors import NO_METHOD, NOT_FOUND, error_reply
from rostra.api.messages import Header, Reply, json_reply, send_reply
from rostra.domain.errors import RostraError
from rostra.domain.media_types import SERVED
from rostra.ports import Context, OpenFile
from rostra.services.attachments.media import account_tag, files_tag

CHUNK: Final = 131_072
HEADERS: Final = (
    (b"accept-ranges", b"bytes"),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"public, max-age=86400, s-maxage=31536000, immutable"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
)
_NEVER: Final = ((b"cache-control", b"no-store"), (b"access-control-allow-origin", b"*"))


def span_of(header: bytes, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that a Range header asks for (RFC 9110 §14.1).

    Several ranges, other units and what cannot be read are passed over, as the RFC allows.

    Returns:
        None when all of the file is wanted.

    Raises:
        ValueError: there is nothing of the file in the range.
    """
    unit, _, spec = header.partition(b"=")
    first, dash, last = spec.strip().partition(b"-")
    known = all(part.strip().isdigit() or not part.strip() for part in (first, last))
    if unit.strip().lower() != b"bytes" or not dash or not known or not (first or last):
        return None
    if len(first) > 18 or len(last) > 18:
        raise ValueError("out of range")
    if not first:
        length = int(last)
        start, end = max(0, size - length), size - 1
        if not length:
            raise ValueError("out of range")
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise ValueError("out of range")
    return start, end


class StoredFiles:
    """The ASGI app that hands files out.

    Args:
        ctx: the services' context.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        if scope["method"] not in ("GET", "HEAD"):
            allow = ((b"allow", b"GET, HEAD"),)
            await send_reply(send, json_reply({"error": NO_METHOD}, status=405, headers=allow), ())
            return
        key, name = scope["path_params"]["key"], scope["path_params"]["name"]
        try:
            tag = self._tag(key)
            file = await self._ctx.files.open(key, name) if tag and _type(name) else None
        except RostraError as error:
            await send_reply(send, error_reply(error), (), head=head)
            return
        if tag is None or file is None:
            await send_reply(send, Reply(NOT_FOUND.body, 404), _NEVER, head=head)
            return
        try:
            await self._send(scope, send, file, name, tag)
        finally:
            file.close()

    def _tag(self, key: str) -> str | None:
        """Return the tag of the files under a key, None when they may not be handed out."""
        with self._ctx.store.read() as snap:
            known, owner = snap.media.files_owner(key)
            if not known:
                return None
            if owner is None:
                return "server"
            account = snap.accounts.get(owner)
            shown = account is not None and snap.gate.active(owner)
            return account_tag(account) if account is not None and shown else None

    async def _send(self, scope: Scope, send: Send, file: OpenFile, name: str, tag: str) -> None:
        asked = dict(scope["headers"])
        key: str = scope["path_params"]["key"]
        etag = b'"' + key.encode() + b"-" + name.encode() + b'"'
        headers: list[Header] = [
            *HEADERS,
            (b"content-type", _type(name)),
            (b"etag", etag),
            (b"cache-tag", f"{tag},{files_tag(key)}".encode()),
            (b"surrogate-key", f"{tag} {files_tag(key)}".encode()),
        ]
        if etag in asked.get(b"if-none-match", b""):
            await _begin(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        status, start, end = 200, 0, file.size - 1
        wanted = asked.get(b"range")
        if wanted and asked.get(b"if-range", etag) == etag:
            try:
                span = span_of(wanted, file.size)
            except ValueError:
                headers.append((b"content-range", b"bytes */%d" % file.size))
                await _begin(send, 416, [*headers, (b"content-length", b"0")])
                await send({"type": "http.response.body", "body": b""})
                return
            if span is not None:
                status, (start, end) = 206, span
                headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end, file.size)))
        await _begin(send, status, [*headers, (b"content-length", b"%d" % (end - start + 1))])
        if scope["method"] != "HEAD":
            async for chunk in _chunks(file, start, end):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send, status: int, headers: list[Header]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _chunks(file: OpenFile, start: int, end: int) -> AsyncIterator[bytes]:
    while start <= end:
        chunk = await file.read(start, min(CHUNK, end - start + 1))
        if not chunk:
            return
        yield chunk
        start += len(chunk)


def _type(name: str) -> bytes:
    return SERVED.get(name.rpartition(".")[2], "").encode()


def route(ctx: Context) -> Route:
    """Return the route of stored files."""
    return Route("/media/{key}/{name}", StoredFiles(ctx))
