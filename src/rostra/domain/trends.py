"""Trends: how much more something is used than before, and how that fades."""

from __future__ import annotations

import enum
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


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

    ``subject`` is a hashtag, the id of a status, or an address; ``accounts`` those it was counted
    from; ``peak`` its highest score ever and ``peak_at`` when that was; ``statuses`` how often it
    was used by them. Times are in ms.
    """

    kind: TrendKind
    subject: str
    score: float
    peak: float
    peak_at: int
    counted_at: int
    accounts: BitMap
    statuses: int = 0
    sample: int = 0
    language: str | None = None


def surprise(observed: int, expected: int) -> float:
    """Return how far a number of accounts is above the expected one, which counts as 1 at least.

    One term of Pearson's chi-squared statistic, (O - E)² / E, as Mastodon scores trends
    (https://github.com/mastodon/mastodon, ``Trends::Tags``): twenty where two were expected say
    more than a hundred and twenty where a hundred were.
    """
    expected = max(expected, 1)
    return (observed - expected) ** 2 / expected if observed > expected else 0.0


def faded(peak: float, age: int, half_life: int) -> float:
    """Return what is left of a score after ``age`` ms: exponential decay, half in ``half_life``."""
    return float(peak * 0.5 ** (max(age, 0) / half_life))


def scored(
    before: tuple[float, int] | None, fresh: float, *, now: int, half_life: int
) -> tuple[float, float, int]:
    """Return (score, peak, time of the peak) after a new count.

    The peak moves only when the new score is above what is left of the old one, so that a trend
    fades from its height however long it is still used.

    Args:
        before: the peak until now, and when (ms) it was.
        fresh: the score of the new count.
        now: the time of the count, ms.
        half_life: in how many ms half of a score fades.
    """
    if before is not None:
        left = faded(before[0], now - before[1], half_life)
        if left > fresh or fresh <= before[0]:
            return left, before[0], before[1]
    return fresh, fresh, now
