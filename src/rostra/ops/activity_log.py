"""Files with an activity log: looked over once, then read line by line."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from msgspec import Struct

from rostra.domain.activity import Event, Reader
from rostra.domain.errors import Invalid, Malformed

BLOCK: Final = 1 << 20
GZIP: Final = b"\x1f\x8b"
SAMPLE: Final = 1000


class Log(Struct, frozen=True, kw_only=True):
    """A file that was looked over; ``fingerprint`` is of its text, packed by gzip or not."""

    path: Path
    fingerprint: str
    lines: int

    def text(self) -> Iterator[str]:
        """Yield the lines as text; bytes that are no UTF-8 come as replacement characters.

        Raises:
            Invalid: the file cannot be read any more.
        """
        with _reading(self.path), _open(self.path) as file:
            for line in file:
                yield line.decode("utf-8", "replace")

    def events(self, now: int, *, skip: int = 0, limit: int | None = None) -> Iterator[Event]:
        """Yield the events, passing over lines that tell of none.

        Args:
            now: the time in seconds since 1970.
            skip: how many lines to leave out at the beginning.
            limit: how many lines to read at most; None: all.
        """
        reader = Reader(now)
        for number, line in enumerate(self.text()):
            if limit is not None and number >= skip + limit:
                return
            try:
                event = reader.read(line)
            except Malformed:
                continue
            if number >= skip:
                yield event


def survey(path: Path, now: int) -> Log:
    """Read a file once and return what it is.

    Args:
        path: the file, plain or packed by gzip.
        now: the time in seconds since 1970.

    Raises:
        Invalid: it cannot be read, or most of its first 1,000 lines are not those of a log.
    """
    digest = hashlib.sha256()
    lines = 0
    last = b"\n"
    with _reading(path), _open(path) as file:
        head = file.read(BLOCK)
        _require_log(path, head, now)
        block = head
        while block:
            digest.update(block)
            newlines = block.count(b"\n")
            if not newlines and len(block) == BLOCK:
                raise Invalid(f"{path} is not an activity log: line {lines + 1} is over 1 MiB long")
            lines += newlines
            last = block[-1:]
            block = file.read(BLOCK)
    return Log(path=path, fingerprint=digest.hexdigest()[:32], lines=lines + (last != b"\n"))


def _require_log(path: Path, head: bytes, now: int) -> None:
    """Refuse a file whose beginning is not that of a log."""
    lines = [line for line in head[:BLOCK].split(b"\n")[:SAMPLE] if line.strip()]
    if not lines:
        raise Invalid(f"{path} is empty: there is nothing to read")
    reader = Reader(now)
    wrong = 0
    first = ""
    for number, line in enumerate(lines, 1):
        try:
            reader.read(line.decode("utf-8", "replace"))
        except Malformed as error:
            wrong += 1
            first = first or f"line {number}: {error.message}"
    if 2 * wrong > len(lines):
        raise Invalid(
            f"{path} is not an activity log ({first}). Each line must be "
            "'actor target unix_seconds kind' with the kind RT, MT or RE"
        )


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong with a file into errors that say what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise Invalid(f"There is no file {path}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Invalid(f"{path} is damaged or cut short ({error}); fetch it again") from error
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror or error}") from error
