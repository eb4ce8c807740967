"""How numbers and times are written for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_ABBREVIATED_FROM: Final = 1_000_000
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


def exact(count: int) -> str:
    """Return a count in full: ``23,143``."""
    return f"{count:,}"


def short(count: int) -> str:
    """Return a count as it is shown: in full below a million, then ``1.2M``, ``88M``, ``1.1B``.

    Abbreviated counts are cut, not rounded, so that none is shown before it is reached.
    """
    if count < _ABBREVIATED_FROM:
        return exact(count)
    unit, sign = (1_000_000, "M") if count < 1_000_000_000 else (1_000_000_000, "B")
    if count >= 100 * unit or count // (unit // 10) % 10 == 0:
        return f"{count // unit}{sign}"
    return f"{count // unit}.{count // (unit // 10) % 10}{sign}"


def plural(count: int, one: str, many: str) -> str:
    """Return the noun that fits a count."""
    return one if count == 1 else many


def moment(ms: int) -> datetime:
    """Return a time in ms since 1970 as a UTC datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(ms: int) -> str:
    """Return a time in ms since 1970 for the ``datetime`` attribute: ``2012-07-04T12:00:00Z``."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def full_time(ms: int) -> str:
    """Return a time in ms since 1970 in words: ``4 Jul 2012, 12:00 UTC``."""
    at = moment(ms)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def day(ms: int) -> str:
    """Return the day of a time in ms since 1970: ``4 Jul 2012``."""
    at = moment(ms)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def ago(ms: int, now: int) -> str:
    """Return how long ago a time was, briefly: ``now``, ``3m``, ``5h``, ``2d``, ``4 Jul``."""
    age = max(0, now - ms)
    if age < _MINUTE:
        return "now"
    if age < _HOUR:
        return f"{age // _MINUTE}m"
    if age < _DAY:
        return f"{age // _HOUR}h"
    if age < 7 * _DAY:
        return f"{age // _DAY}d"
    at = moment(ms)
    date = f"{at.day} {_MONTHS[at.month - 1]}"
    return date if at.year == moment(now).year else f"{date} {at.year}"


def left(ms: int, now: int) -> str:
    """Return how long it is until a time, in words: ``3 hours left``."""
    remaining = ms - now
    for unit, one, many in ((_DAY, "day", "days"), (_HOUR, "hour", "hours")):
        if remaining >= unit:
            count = remaining // unit
            return f"{count} {plural(count, one, many)} left"
    count = max(1, remaining // _MINUTE)
    return f"{count} {plural(count, 'minute', 'minutes')} left"


def parse_utc(text: str) -> int | None:
    """Return the ms since 1970 of what a ``datetime-local`` field holds, in UTC; None if empty.

    Raises:
        ValueError: it is not such a time.
    """
    if not text.strip():
        return None
    return int(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp() * 1000)
