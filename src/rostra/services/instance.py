"""What this server tells about itself: how many are here, and how busy it is."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.domain.ids import snowflake
from rostra.ports import Snapshot

DAY_MS: Final = 24 * 60 * 60 * 1000
WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 30 * DAY_MS
WEEKS: Final = 12
_MONDAY_MS: Final = 4 * DAY_MS  # 1970 began on a Thursday


class Figures(Struct, frozen=True):
    """How many accounts that are active, and statuses, there are."""

    accounts: int
    statuses: int


class Week(Struct, frozen=True):
    """One week from its Monday on (ms, UTC): statuses, accounts that posted, and new accounts."""

    start: int
    statuses: int
    active: int
    registrations: int


def figures(snap: Snapshot) -> Figures:
    """Return how many accounts and statuses there are now."""
    return Figures(snap.gate.active_count(snap.accounts.count()), snap.statuses.count())


def active_month(snap: Snapshot) -> int:
    """Return how many accounts posted or boosted in the last thirty days."""
    return snap.recent.activity(
        above=snowflake(snap.now - MONTH_MS), below=snowflake(snap.now + 1)
    )[1]


def activity(snap: Snapshot) -> list[Week]:
    """Return the last twelve weeks, the current one first.

    Posting is the only sign of life that is recorded, so ``active`` counts accounts that did.
    """
    this_week = (snap.now - _MONDAY_MS) // WEEK_MS * WEEK_MS + _MONDAY_MS
    return [_week(snap, this_week - n * WEEK_MS) for n in range(WEEKS)]


def _week(snap: Snapshot, start: int) -> Week:
    first, end = snowflake(start), snowflake(start + WEEK_MS)
    statuses, active = snap.recent.activity(above=first - 1, below=end)
    return Week(start, statuses, active, snap.accounts.created_between(first, end))
