"""Bodies with files: read as they come, each file to the disk, with its limit enforced on the way.

The other fields of such a body, and bodies without files, are bound as everywhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rostra.api.binding import Binder, convert, tree
from rostra.api.messages import MAX_FIELDS, Call, Reply
from rostra.api.operation import Needs, Write
from rostra.config import Settings
from rostra.domain.errors import Invalid, Malformed, TooLarge, Unavailable
from rostra.domain.media_types import HEAD_BYTES, PICTURES, type_of

P = TypeVar("P", bound=Struct)

MAX_FILES: Final = 4
BUFFERED: Final = 262_144

Limit = Callable[[Settings, bytes], int]
"""(settings, first bytes of a file) → how many bytes it may have."""


class Sent(Struct, frozen=True):
    """A file that came in a body, until the call is answered."""

    name: str
    path: Path
    size: int


def sent(value: Any) -> Path | None:
    """Return where the file of a parameter is, None when none was sent.

    Raises:
        Invalid: it is something else than a file.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, Sent):
        raise Invalid("Validation failed: A file must be sent as multipart/form-data")
    return value.path


def media_limit(settings: Settings, head: bytes) -> int:
    """Return how large a file may be, by what it begins with."""
    if type_of(head) in PICTURES:
        return settings.max_image_bytes
    return settings.max_film_bytes


def image_limit(settings: Settings, head: bytes) -> int:
    """Return how large a picture may be."""
    return settings.max_image_bytes


class _Part:
    """One part of a multipart body while it is read."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.name = ""
        self.file_name: str | None = None
        self.data = bytearray()
        self.head = b""
        self.size = 0
        self.path: Path | None = None
        self.file: BinaryIO | None = None


class _Reader:
    """Takes a multipart body apart as it comes (RFC 7578)."""

    def __init__(self, call: Call, boundary: bytes, limit: Limit) -> None:
        self._call = call
        self._ctx = call.api.ctx
        self._limit = limit
        self._part = _Part()
        self._field = b""
        self._value = b""
        self._held = 0
        self._text = 0
        self.fields: list[tuple[str, Any]] = []
        self.files: list[Path] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    async def read(self) -> list[tuple[str, Any]]:
        """Return the fields of the whole body.

        Raises:
            Malformed: it cannot be read.
            TooLarge: its fields are over the limit of all bodies.
            Invalid: a file is over its limit.
            Unavailable: the disk is full.
            ClientGone: the connection ended first.
        """
        try:
            async for chunk in self._call.chunks():
                self._parser.write(chunk)
                if self._held >= BUFFERED:
                    await self._flush()
            self._parser.finalize()
            await self._flush()
        except FormParserError:
            raise Malformed("The multipart body cannot be read") from None
        except OSError as error:
            raise Unavailable(
                "The server cannot keep files now; nothing was changed. Try again later",
                log=f"an upload cannot be written: {error.strerror}",
            ) from error
        finally:
            if self._part.file is not None:
                self._part.file.close()
        return self.fields

    async def _flush(self) -> None:
        """Write what has gathered of the file at hand, off the event loop."""
        part, self._held = self._part, 0
        if part.file is not None and part.data:
            data, part.data = bytes(part.data), bytearray()
            await asyncio.to_thread(part.file.write, data)

    # -- called by the parser ----------------------------------------------------------------------

    def _begin(self) -> None:
        self._part = _Part()
        if len(self.fields) >= MAX_FIELDS:
            raise Malformed("There are too many parameters")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        if len(self._value) > 4096:
            raise Malformed("A header of the multipart body is too long")

    def _header_end(self) -> None:
        self._part.headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if name is None:
            raise Malformed("A part of the multipart body has no name")
        part.name = name.decode("utf-8", "replace")
        if b"filename" in options:
            if len(self.files) >= MAX_FILES:
                raise Malformed("There are too many files: send at most %(num)s", num=MAX_FILES)
            part.file_name = options[b"filename"].decode("utf-8", "replace")
            part.path = self._ctx.files.temporary()
            self.files.append(part.path)
            part.file = part.path.open("xb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        part, size = self._part, end - start
        part.data += data[start:end]
        part.size += size
        if part.file is None:
            self._text += size
            limit = self._ctx.settings.max_body_bytes
            if self._text > limit:
                raise TooLarge("The request is too large: send at most %(num)s bytes", num=limit)
            return
        self._held += size
        if len(part.head) < HEAD_BYTES:
            part.head += data[start : start + HEAD_BYTES - len(part.head)]
        limit = self._limit(self._ctx.settings, part.head)
        if part.size > limit:
            raise Invalid(
                "Validation failed: File file size must be less than %(num)s MB",
                num=f"{limit / 1048576:g}",
            )

    def _end(self) -> None:
        part = self._part
        if part.file is None:
            try:
                self.fields.append((part.name, part.data.decode()))
            except UnicodeDecodeError:
                raise Malformed("The parameters are not valid UTF-8") from None
            return
        part.file.write(part.data)
        part.file.close()
        part.file = None
        assert part.path is not None
        if part.size or part.file_name:  # a form with no file chosen sends an empty one
            self.fields.append((part.name, Sent(part.file_name or "", part.path, part.size)))


class FileBinder(Binder[P]):
    """Reads the parameters of an operation that takes files.

    Args:
        kind: the Struct of its parameters.
        limit: how large each file may be.
    """

    __slots__ = ("_limit",)

    def __init__(self, kind: type[P], limit: Limit) -> None:
        super().__init__(kind)
        self._limit = limit

    async def whole(self, call: Call) -> P:
        media_type, options = parse_options_header(call.header(b"content-type"))
        if media_type.lower() != b"multipart/form-data":
            return await super().whole(call)
        boundary = options.get(b"boundary", b"")
        if not boundary or len(boundary) > 200:
            raise Malformed("The multipart body cannot be read")
        reader = _Reader(call, boundary, self._limit)
        call.files = reader.files
        fields = await reader.read()
        given = tree(list(call.query_pairs())) if call.query else {}
        return convert(given | tree(fields), self._kind)


class Upload(Write[P]):
    """An operation that takes files; what is left of them is removed when it is answered."""

    def __init__(
        self,
        run: Callable[[Call, P], Awaitable[Reply]],
        parameters: type[P],
        scope: str,
        limit: Limit,
    ) -> None:
        super().__init__(run, parameters, Needs.ACCOUNT, scope, None)
        self.binder = FileBinder(parameters, limit)

    async def answer(self, call: Call) -> Reply:
        try:
            return await super().answer(call)
        finally:
            for path in call.files:
                await call.api.ctx.files.discard(path)


def uploads(
    parameters: type[P], *, scope: str, limit: Limit = media_limit
) -> Callable[[Callable[[Call, P], Awaitable[Reply]]], Upload[P]]:
    """Make a coroutine function of (call, parameters) an operation that takes files."""
    return lambda run: Upload(run, parameters, scope, limit)
