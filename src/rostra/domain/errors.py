"""Errors with two texts: ``str(error)`` for the log, ``error.message`` for the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct


class Told(Struct, frozen=True):
    """A sentence for a person: its English, with holes such as ``%(num)s``, and what fills them.

    ``str()`` is the sentence in English. Who reads another language is told the same by looking up
    the text and filling in the values (``language/said.py``); a value may be such a sentence too,
    or several in a tuple.
    """

    text: str
    values: Mapping[str, Any] = {}

    def __str__(self) -> str:
        if not self.values:
            return self.text
        return self.text % {name: _spelt(value) for name, value in self.values.items()}


def _spelt(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def told(text: str, **values: Any) -> Told:
    """Return a sentence for a person, or a part of one, with values in it."""
    return Told(text, values)


class RostraError(Exception):
    """Something was refused; nothing was changed.

    Args:
        message: for the person: what is wrong and what to do next.
        log: for the operator; the message when not given.
        values: what fills the holes in the message.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str | Told, *, log: str | None = None, **values: Any) -> None:
        self.told = message if isinstance(message, Told) else Told(message, values)
        self.message = str(self.told)
        super().__init__(log or self.message)


class Invalid(RostraError):
    """The input breaks a rule (HTTP 422)."""

    status = 422


class Malformed(RostraError):
    """The input cannot be read at all (HTTP 400)."""

    status = 400


class Unauthenticated(RostraError):
    """Nobody is signed in, or the token is not valid (HTTP 401)."""

    status = 401

    def __init__(
        self,
        message: str | Told = "The access token is invalid",
        *,
        log: str | None = None,
        **values: Any,
    ) -> None:
        super().__init__(message, log=log, **values)


class Forbidden(RostraError):
    """The one who asks may not do this (HTTP 403)."""

    status = 403

    def __init__(
        self,
        message: str | Told = "This action is not allowed",
        *,
        log: str | None = None,
        **values: Any,
    ) -> None:
        super().__init__(message, log=log, **values)


class NotFound(RostraError):
    """There is no such thing, or the one who asks may not know of it (HTTP 404)."""

    status = 404

    def __init__(
        self, message: str | Told = "Record not found", *, log: str | None = None, **values: Any
    ) -> None:
        super().__init__(message, log=log, **values)


class Gone(RostraError):
    """It was here and will not come back (HTTP 410)."""

    status = 410


class Conflict(RostraError):
    """Somebody else was first (HTTP 409)."""

    status = 409


class TooLarge(RostraError):
    """The body is over the limit (HTTP 413)."""

    status = 413


class TooMany(RostraError):
    """Asked for too often; the message says when to try again (HTTP 429).

    ``retry_after`` says it in seconds.
    """

    status = 429

    def __init__(
        self,
        message: str | Told,
        *,
        retry_after: int = 60,
        log: str | None = None,
        **values: Any,
    ) -> None:
        super().__init__(message, log=log, **values)
        self.retry_after = retry_after


class Unavailable(RostraError):
    """The server cannot do this now: the disk is full, read-only or too slow (HTTP 503)."""

    status = 503


class NotOffered(RostraError):
    """The owner of this server set up nothing that could do this; trying again is no use (503)."""

    status = 503


class Unreachable(RostraError):
    """Another server must not be asked, is away, or does not answer as it should (HTTP 503)."""

    status = 503


class StoreCorrupt(RostraError):
    """Stored bytes do not match their checksum; the message names the row."""

    status = 500


class StoreTooNew(RostraError):
    """The data folder was written by a newer version of Rostra."""
