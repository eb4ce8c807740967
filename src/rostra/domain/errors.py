"""Errors with two texts: ``str(error)`` for the log, ``error.message`` for the person."""

from __future__ import annotations

from typing import ClassVar


class RostraError(Exception):
    """Something was refused; nothing was changed.

    Args:
        message: for the person: what is wrong and what to do next.
        log: for the operator; the message when not given.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str, *, log: str | None = None) -> None:
        super().__init__(log or message)
        self.message = message


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
        self, message: str = "The access token is invalid", *, log: str | None = None
    ) -> None:
        super().__init__(message, log=log)


class Forbidden(RostraError):
    """The one who asks may not do this (HTTP 403)."""

    status = 403

    def __init__(
        self, message: str = "This action is not allowed", *, log: str | None = None
    ) -> None:
        super().__init__(message, log=log)


class NotFound(RostraError):
    """There is no such thing, or the one who asks may not know of it (HTTP 404)."""

    status = 404

    def __init__(self, message: str = "Record not found", *, log: str | None = None) -> None:
        super().__init__(message, log=log)


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

    def __init__(self, message: str, *, retry_after: int = 60, log: str | None = None) -> None:
        super().__init__(message, log=log)
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
