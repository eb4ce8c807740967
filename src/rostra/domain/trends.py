"""Trends: how much more something is used than before, and how that fades."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SPAN_MS: Final = 2 * DAY_MS
"""How far a count looks back: the last day, and the day before it to compare with."""


class TrendKind(enum.IntEnum):
    """What can trend."""

    TAG = 0
    STATUS = 1
    LINK = 2


class Rules(Struct, frozen=True):
    """How a kind of thing comes to trend.

    ``threshold`` is how many accounts it needs, ``half_life`` (ms) how fast its score fades.
    """

    threshold: int
    half_life: int


RULES: Final = {
    TrendKind.TAG: Rules(threshold=3, half_life=4 * HOUR_MS),
    TrendKind.STATUS: Rules(threshold=3, half_life=2 * HOUR_MS),
    TrendKind.LINK: Rules(threshold=3, half_life=8 * HOUR_MS),
}
LEAST: Final = 0.05
"""The score below which a thing does not trend any more."""


class Trend(Struct, frozen=True, kw_only=True):
    """Something that trends, as last counted.

    ``subject`` is a hashtag, the id of a status, or an address. ``accounts`` are those it was
    counted from (none for a status, whose sets are asked anew). ``peak`` is its highest score and
    ``peak_at`` when that was; ``days`` is how many statuses and accounts used it on the last day
    and the day before. Times are in ms.
    """

    kind: TrendKind
    subject: str
    score: float
    peak: float
    peak_at: int
    counted_at: int
    accounts: BitMap
    days: tuple[tuple[int, int], ...] = ()


class Use(Struct, frozen=True):
    """A public status that carries something that can trend."""

    status: int
    author: int
    tags: tuple[str, ...]
    links: tuple[str, ...]


def surprise(observed: int, expected: int) -> float:
    """Return how far a number of accounts is above the expected one, which counts as 1 at least.

    One term of Pearson's chi-squared statistic, (O - E)² / E, which is how Mastodon scores trends
    (https://github.com/mastodon/mastodon, ``Trends::Tags``): twenty where two were expected say
    more than a hundred and twenty where a hundred were.
    """
    expected = max(expected, 1)
    return (observed - expected) ** 2 / expected if observed > expected else 0.0


def faded(score: float, age: int, half_life: int) -> float:
    """Return what is left of a score after ``age`` ms: exponential decay, half in ``half_life``."""
    return float(score * 0.5 ** (max(age, 0) / half_life))


def scored(
    before: tuple[float, int] | None, fresh: float, *, now: int, half_life: int
) -> tuple[float, float, int]:
    """Return (score, peak, time of the peak) after a new count.

    The peak moves only when the new score is above it, or above what is left of it after it has
    faded to less than a tenth; until then a trend fades from its height, however long it is used.

    Args:
        before: the peak until now, and when (ms) it was.
        fresh: the score of the new count.
        now: the time of the count, ms.
        half_life: in how many ms half of a score fades.
    """
    if before is not None:
        peak, peak_at = before
        left = faded(peak, now - peak_at, half_life)
        if fresh <= peak and left >= peak / 10:
            return left, peak, peak_at
        if left > fresh:
            return left, peak, peak_at
    return fresh, fresh, now
