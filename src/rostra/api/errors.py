"""Errors as replies: ``{"error": …}``, in the words of the Mastodon API."""

from __future__ import annotations

from typing import Final

import structlog

from rostra.api.messages import Header, Reply, json_reply
from rostra.domain.errors import NotOffered, RostraError, TooMany
from rostra.services.authentication.oauth import OAuthError

_log = structlog.get_logger("rostra.api")

INTERNAL: Final = json_reply(
    {"error": "Something went wrong on our end. Try again; if it stays, tell the server's owner"},
    status=500,
)
NOT_FOUND: Final = json_reply({"error": "Record not found"}, status=404)
NO_METHOD: Final = "This method is not allowed here"

RETRY_AFTER: Final = ((b"retry-after", b"5"),)
CHALLENGE: Final = ((b"www-authenticate", b'Bearer realm="Rostra", error="invalid_token"'),)


def error_reply(error: RostraError) -> Reply:
    """Return the reply for a refusal."""
    if isinstance(error, OAuthError):
        return json_reply(
            {"error": error.code, "error_description": error.message}, status=error.http_status
        )
    if isinstance(error, NotOffered):
        return json_reply({"error": error.message}, status=error.status)
    if error.status >= 500:
        _log.error("refused", status=error.status, reason=str(error))
    if error.status == 500:  # its text is for the log: it may name what is inside
        return INTERNAL
    headers: tuple[Header, ...] = ()
    if error.status == 503:
        headers = RETRY_AFTER
    elif error.status == 401:
        headers = CHALLENGE
    elif isinstance(error, TooMany):
        headers = ((b"retry-after", b"%d" % error.retry_after),)
    body = {"error": error.message} | (getattr(error, "details", None) or {})
    return json_reply(body, status=error.status, headers=headers)


def unexpected_reply(error: Exception, path: str) -> Reply:
    """Return the reply for a fault of ours; the log gets the whole of it, the person none."""
    _log.error("failed", path=path, exc_info=error)
    return INTERNAL
