"""Logs: one JSON object a line on standard error, without anything secret in it.

On a terminal the same entries are written for people to read.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"

_SECRET_KEYS: Final = re.compile(
    r"passw|secret|token|authorization|cookie|credential|api_?key|session(_?id)?$|^(code|auth|bearer)$"
    r"|code_(verifier|challenge)",
    re.IGNORECASE,
)
_SECRETS_IN_TEXT: Final = (
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The password (or token) of an address: scheme://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#@]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # E-mail addresses, and no handles (@name@server).
    (
        re.compile(
            r"(?<![\w.!#$%&'*+/=?^`{|}~@-])[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
        ),
        HIDDEN,
    ),
    # Fields of a query, of a form and of JSON that carry a secret.
    (
        re.compile(
            r"(?<![\w-])((?:\w+[_-])?(?:password|passwd|secret|token|api_?key)|code|code_verifier"
            r"|authorization|cookie)(\"?\s*[=:]\s*\"?)(?!\[hidden\])[^\s&\",;}]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
)
_MAX_DEPTH: Final = 8
_LEAST_SECRET: Final = 8
_PIECE: Final = re.compile(r"[^\s/:@?&=+]+")
_HOST: Final = re.compile(r"([\w-]+\.)+([A-Za-z]{2,10}|\d{1,3})|localhost")

_known_secrets: re.Pattern[str] | None = None

_encoder = msgspec.json.Encoder(enc_hook=str)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what is secret in a log entry: values of telling names, and secrets within texts.

    Covers passwords, tokens, OAuth codes and secrets, cookies, authorization headers, e-mail
    addresses, and passwords in addresses, at any depth (of eight).
    """
    return {key: _redacted(key, value, 0) for key, value in event.items()}


def _redacted(key: object, value: Any, depth: int) -> Any:
    name = key.decode("latin-1") if isinstance(key, bytes) else key
    if isinstance(name, str) and _SECRET_KEYS.search(name) and not isinstance(value, bool | int):
        return None if value is None else HIDDEN
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return redacted_text(value)
    if depth >= _MAX_DEPTH:
        return HIDDEN if isinstance(value, Mapping | list | tuple | set | frozenset) else value
    if isinstance(value, Mapping):
        return {str(k): _redacted(k, v, depth + 1) for k, v in value.items()}
    if _is_pair(value):  # a header, as ASGI has them
        return [value[0], _redacted(value[0], value[1], depth + 1)]
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(None, item, depth + 1) for item in value]
    if value is None or isinstance(value, int | float):
        return value
    return redacted_text(str(value))


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], str | bytes)
        and isinstance(value[1], str | bytes)
    )


def hide(secrets: Iterable[str]) -> None:
    """Have what is secret in the settings hidden in every entry of this process from now on.

    Args:
        secrets: passwords and addresses; of an address also each piece that may be a token.
    """
    global _known_secrets
    words = {word for secret in secrets for word in (secret, *_PIECE.findall(secret))}
    longest = sorted((word for word in words if _tells(word)), key=len, reverse=True)
    _known_secrets = re.compile("|".join(map(re.escape, longest))) if longest else None


def _tells(word: str) -> bool:
    return len(word) >= _LEAST_SECRET and not _HOST.fullmatch(word)


def redacted_text(text: str) -> str:
    """Return ``text`` with the secrets in it hidden."""
    if _known_secrets is not None:
        text = _known_secrets.sub(HIDDEN, text)
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _identify(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["pid"] = os.getpid()
    return event


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return _encoder.encode({**first, **event}).decode()


def _to_standard_error(*_: object) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.stderr)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the time: whoever replaced it may have closed the old."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure(level: str, **bound: Any) -> None:
    """Send the logs of this process, of libraries too, to standard error.

    Args:
        level: the lowest level to log: debug, info, warning or error.
        bound: what every entry of this process carries, such as ``process="worker-0"``.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    people = sys.stderr.isatty()
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _identify,
    ]
    # Whatever makes a text of an exception comes before what looks for secrets in texts.
    last: list[Processor] = (
        [redact, structlog.dev.ConsoleRenderer()]
        if people
        else [structlog.processors.format_exc_info, redact, _as_json]
    )
    structlog.reset_defaults()
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)
    _adopt_libraries(number, common, last)


def _adopt_libraries(number: int, common: list[Processor], last: list[Processor]) -> None:
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries say at length what only their own people need.
    root.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the log."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log
