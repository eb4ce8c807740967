"""Probes: what was looked at before and after an account comes back, and whether it was right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import SetKey
from rostra.domain.events import ActionTaken, AnyEvent, SetChanged, StatusCreated, StatusDeleted
from rostra.domain.packing import ADD, unpack_changes

PASS_HEADER: Final = "x-rostra-probe"
"""The header by which a server knows its own probes; its value is a secret of the data folder."""

PASS_PURPOSE: Final = "probes"
"""What the secret of the data folder is for, whose hexadecimal digits are the header's value."""

SERVICE_HANDLE: Final = "rostra_probe"
"""The handle of the account that follows and unfollows to see whether that works."""


PROBES: Final = (
    "workers",
    "sets",
    "mirrors",
    "hidden",
    "memory",
    "preview",
    "lookup",
    "profile",
    "page",
    "followers",
    "statuses",
    "status",
    "search",
    "plan",
    "media",
    "relationships",
    "strangers",
    "following",
    "home",
    "follow",
)
"""The names of the probes; each has a row in docs/operate.md."""


class Probe(Struct, frozen=True):
    """One thing that was looked at.

    Args:
        name: what was looked at; its heading in docs/operate.md says what to do when it failed.
        worker: the worker that was asked; empty for what is on the disk, or of no single worker.
        passed: whether it was right.
        said: what was found, for a person to read; of a failure also what was expected.
        took_ms: how long it took.
    """

    name: str
    worker: str
    passed: bool
    said: str
    took_ms: float


class Staged(Struct, frozen=True, kw_only=True):
    """What staging an account found.

    Args:
        passed: whether every check was right.
        followers: the followers anybody will see once it is back, recounted from the disk.
        stored: the followers as stored, hidden ones included.
        following: whom it will be seen to follow.
        checked: the share (0 to 1) of the edges whose other side was looked at.
        missed: the chance (0 to 1) that one missing mirror was among those not looked at.
        took_ms: how long all of it took.
    """

    passed: bool
    followers: int
    stored: int
    following: int
    checked: float
    missed: float
    took_ms: float


def course(
    first: int,
    last: int,
    commits: Iterable[Sequence[AnyEvent]],
    key: SetKey,
    active: Callable[[int], bool],
) -> set[int]:
    """Return every number of visible members that a set may have had at any of several commits.

    Args:
        first: the number before the first commit.
        last: the number after the last one.
        commits: the events of each commit.
        key: the set.
        active: whether an account is active, after the last commit.
    """
    numbers, now, doubt = {first, last}, first, 0
    for events in commits:
        for event in events:
            match event:
                case SetChanged(key.owner, key.kind, entries):
                    for op, member, _ in unpack_changes(entries):
                        if active(member):
                            now += 1 if op == ADD else -1
                case ActionTaken():
                    doubt += 1  # of a member, or of somebody else
                case _:
                    pass
        numbers.update(range(now - doubt, now + doubt + 1))
    return numbers


def members_in(commits: Iterable[Sequence[AnyEvent]]) -> set[int]:
    """Return everybody who joined or left any set in several commits, or was decided about."""
    found: set[int] = set()
    for events in commits:
        for event in events:
            if isinstance(event, ActionTaken):
                found.add(event.account)
            elif isinstance(event, SetChanged):
                found.update(change.member for change in unpack_changes(event.entries))
    return found


def toggled(commits: Iterable[Sequence[AnyEvent]], key: SetKey) -> set[int]:
    """Return who joined or left a set in several commits, and about whom something was decided."""
    found: set[int] = set()
    for events in commits:
        for event in events:
            if isinstance(event, ActionTaken):
                found.add(event.account)
            elif isinstance(event, SetChanged) and (event.owner, event.kind) == key:
                found.update(change.member for change in unpack_changes(event.entries))
    return found


def stirred(commits: Iterable[Sequence[AnyEvent]], about: Collection[int]) -> int:
    """Return how many statuses came or went in several commits that are by, or answer, one of
    ``about``, and how many accounts may have come or gone with theirs.
    """
    found = 0
    for events in commits:
        for event in events:
            if isinstance(event, StatusCreated | StatusDeleted):
                found += event.author in about or event.in_reply_to in about
            elif isinstance(event, ActionTaken):
                found += 1
    return found
