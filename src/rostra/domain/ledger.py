"""The ledger: every decision about accounts, append-only, each entry sealed with the one before.

An entry's *content* is canonical JSON: keys sorted, no spaces, UTF-8, whole numbers up to 2⁵³,
larger ones (ids) as strings. Its hash is ``SHA-256(hash of the entry before ‖ SHA-256(content))``,
and that before the first is 32 zero bytes. So nothing can be changed, left out or put in between
without every later hash telling, and who gets some entries alone can still check the whole chain
from the digests of the others (``sealed``).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from rostra.domain.enforcement import Action, Lifting
from rostra.domain.reports import Evidence
from rostra.domain.times import timestamp

START: Final = bytes(32)
"""The hash "before" the first entry."""

EXACT: Final = 2**53
"""Up to here whole numbers are exact wherever JSON is read (RFC 8259, section 6)."""


UNREADABLE: Final = "unreadable"


class LedgerKind(enum.StrEnum):
    """What an entry tells of."""

    ACTION = "action"
    LIFTING = "lifting"
    RUN_STARTED = "run_started"
    RUN_STAGED = "run_staged"
    RUN_CUT_OVER = "run_cut_over"
    RUN_CONFIRMED = "run_confirmed"
    RUN_ROLLED_BACK = "run_rolled_back"
    RUN_FAILED = "run_failed"
    AMNESTY_PLANNED = "amnesty_planned"
    AMNESTY_APPROVED = "amnesty_approved"
    AMNESTY_REJECTED = "amnesty_rejected"
    AMNESTY_STARTED = "amnesty_started"
    AMNESTY_WAVE = "amnesty_wave"
    AMNESTY_PAUSED = "amnesty_paused"
    AMNESTY_RESUMED = "amnesty_resumed"
    AMNESTY_HALTED = "amnesty_halted"
    AMNESTY_STOPPED = "amnesty_stopped"
    AMNESTY_FINISHED = "amnesty_finished"
    AMNESTY_ROLLED_BACK = "amnesty_rolled_back"
    APPEAL_MADE = "appeal_made"
    APPEAL_ASSIGNED = "appeal_assigned"
    APPEAL_WITHDRAWN = "appeal_withdrawn"
    APPEAL_ACCEPTED = "appeal_accepted"
    APPEAL_REJECTED = "appeal_rejected"
    APPEAL_EDITED = "appeal_edited"
    APPEAL_OVERDUE = "appeal_overdue"
    APPEAL_MOOT = "appeal_moot"
    APPEAL_ALLOWED = "appeal_allowed"
    APPEAL_PLANNED = "appeal_planned"
    POLL_BOUND = "poll_bound"
    POLL_DECIDED = "poll_decided"
    POLL_VOID = "poll_void"
    POLL_UNBOUND = "poll_unbound"
    LABEL_GIVEN = "label_given"
    LABEL_TAKEN = "label_taken"
    ROLE_CHANGED = "role_changed"
    REMARK = "remark"


class Entry(Struct, frozen=True, kw_only=True):
    """One entry. ``account`` and ``moderator`` are ordinals, ``at`` is in ms since 1970.

    ``content`` is the canonical JSON that ``hash`` seals together with ``previous``, the hash of
    the entry before; ``kind``, ``at`` and ``about`` are read from it. ``kind`` is ``UNREADABLE``
    when the content is damaged.
    """

    number: int
    account: int | None
    moderator: int | None
    kind: str
    at: int
    about: dict[str, Any]
    content: str
    previous: bytes
    hash: bytes


class Content(Struct, frozen=True, kw_only=True):
    """What is in ``Entry.content``: accounts by their public ids, the time as ISO 8601 (UTC)."""

    number: int
    at: str
    kind: str
    account: str | None
    moderator: str | None
    about: dict[str, Any]


_content = msgspec.json.Decoder(Content)


def canonical(value: object) -> str:
    """Return a value as canonical JSON.

    Raises:
        TypeError: there is something in it that is not written in one way everywhere: a fraction, a
            key that is no ASCII, or what JSON cannot say.
    """
    return _encoder.encode(_plain(value))


_encoder: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def _plain(value: object) -> object:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if isinstance(value, dict):  # before all else that is rarer, as asking takes its time
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    raise TypeError(f"a ledger holds no {type(value).__name__}: give whole numbers and text")


def _key(key: object) -> str:
    if not isinstance(key, str) or not key.isascii():
        raise TypeError(f"a key of the ledger is ASCII text, not {key!r}")
    return str(key)


def write(
    *,
    number: int,
    at: int,
    kind: LedgerKind,
    account: str | None,
    moderator: str | None,
    about: Mapping[str, object],
) -> str:
    """Return the content of an entry.

    Args:
        number: its place in the chain, from 1.
        at: when it was written, ms since 1970.
        kind: what it tells of.
        account: the public id of the account it is about.
        moderator: the public id of who decided.
        about: what is told.

    Raises:
        TypeError: ``about`` holds what canonical JSON cannot (see ``canonical``).
    """
    return canonical(
        {
            "number": number,
            "at": timestamp(at),
            "kind": kind,
            "account": account,
            "moderator": moderator,
            "about": about,
        }
    )


def read(content: str) -> Content:
    """Return what a content says.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _content.decode(content)


def digest(content: str) -> bytes:
    """Return what stands for a content in the chain where it is not told: its SHA-256."""
    return sha256(content.encode()).digest()


def sealed(previous: bytes, content_digest: bytes) -> bytes:
    """Return the hash of an entry.

    Args:
        previous: the hash of the entry before.
        content_digest: the ``digest`` of its content.
    """
    return sha256(previous + content_digest).digest()


# -- what enforcement writes -----------------------------------------------------------------------

_TIMES: Final = ("taken_at", "starts_at", "until", "lifted_at")


def of_action(action: Action) -> dict[str, Any]:
    """Return what the entry of an action tells: all of its statement of reasons."""
    told = _timed(msgspec.to_builtins(action))
    told["action"] = str(told.pop("id"))
    if action.restores is not None:
        told["restores"] = str(action.restores)
    told["type"] = action.kind.label
    for column in ("account", "moderator", "kind"):
        del told[column]
    return told


def of_lifting(lifting: Lifting, action: Action) -> dict[str, Any]:
    """Return what the entry of a lifting tells: why, and which action it ended."""
    told = _timed(msgspec.to_builtins(lifting))
    for column in ("account", "moderator"):
        del told[column]
    lifted = of_action(action)
    named = ("type", "ground", "taken_at", "until")
    return {**told, "action": str(action.id), "lifted": {name: lifted[name] for name in named}}


def of_evidence(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Return what an entry keeps of evidence: which statuses, of when, and the SHA-256 of what they
    said.

    The digest is of the canonical JSON of the ``Evidence``, which stays with its report.
    """
    return [
        {
            "status": str(one.id),
            "created_at": timestamp(one.created_at),
            "sha256": digest(canonical(msgspec.to_builtins(one))).hex(),
        }
        for one in evidence
    ]


def _timed(told: dict[str, Any]) -> dict[str, Any]:
    for name in _TIMES:
        if told.get(name) is not None:
            told[name] = timestamp(told[name])
    return told
