"""A log of public interactions, in order of time: ``actor target unix_seconds kind`` a line.

The format of the SNAP data set "higgs-twitter" (https://snap.stanford.edu/data/higgs-twitter.html).
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from rostra.domain.errors import Malformed
from rostra.domain.ids import snowflake

TICKS_PER_SECOND: Final = 10_000

_LINE: Final = re.compile(r"\s*(\d{1,19})\s+(\d{1,19})\s+(\d{1,11})\s+(RT|MT|RE)\s*\Z", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,19}\Z", re.ASCII)
_SHOWN: Final = 60


class Kind(enum.StrEnum):
    """What the actor did."""

    BOOST = "RT"
    MENTION = "MT"
    REPLY = "RE"


_KINDS: Final = {kind.value: kind for kind in Kind}


class Event(NamedTuple):
    """One interaction. ``actor`` and ``target`` are user names, ``seconds`` counts since 1970.

    ``turn`` is its place among the events of the same second: with the second it makes the ids of
    what the event leaves behind, so that the same line always makes the same ids.
    """

    actor: str
    target: str
    seconds: int
    kind: Kind
    turn: int

    @property
    def ms(self) -> int:
        """When it happened, in milliseconds since 1970."""
        return self.seconds * 1000

    @property
    def made_id(self) -> int:
        """The id of the status (or account) the target is given when it has none at that moment."""
        return snowflake(self.seconds * 1000) + 2 * self.turn

    @property
    def own_id(self) -> int:
        """The id of the boost, status or reply (or account) of the actor."""
        return snowflake(self.seconds * 1000) + 2 * self.turn + 1

    @property
    def tick(self) -> int:
        """The position, in ticks, at which a set is joined by this event."""
        return self.seconds * TICKS_PER_SECOND + min(self.turn, TICKS_PER_SECOND - 1)


class Reader:
    """Reads lines one after the other, and counts the turns within each second.

    Args:
        now: the time in seconds since 1970; an event later than this cannot have happened.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        self._turns: dict[int, int] = {}

    def read(self, line: str) -> Event:
        """Return the event a line tells of.

        Raises:
            Malformed: it tells of none; the message says why.
        """
        match = _LINE.match(line)
        if match is None:
            raise Malformed(_why(line))
        actor, target, written, kind = match.groups()
        seconds = int(written)
        if not 0 < seconds <= self._now:
            if not seconds:
                raise Malformed("its time is 0")
            raise Malformed("its time, %(id)s, is in the future", id=seconds)
        turn = self._turns.get(seconds, 0)
        self._turns[seconds] = turn + 1
        return Event(actor, target, seconds, _KINDS[kind], turn)


def _why(line: str) -> str:
    """Say what is wrong with a line that is not one of a log."""
    fields = line.split()
    if len(fields) != 4:
        return f"{len(fields)} fields instead of 4 (actor target unix_seconds kind): {_shown(line)}"
    for name, field in zip(("actor", "target", "time"), fields, strict=False):
        if not _NUMBER.match(field):
            return f"the {name} is not a number: {_shown(field)}"
    if fields[3] not in _KINDS:
        return f"the kind is not RT, MT or RE: {_shown(fields[3])}"
    return f"the time is too large: {_shown(fields[2])}"


def _shown(text: str) -> str:
    """Return the beginning of foreign text, safe to print on a terminal."""
    shown = ascii(text[:_SHOWN].strip())
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
