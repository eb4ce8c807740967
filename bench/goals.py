"""The goals of DESIGN.md ("What it must reach"), one for each figure that has one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from msgspec import Struct

_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "≤": operator.le,
    "≥": operator.ge,
    "=": operator.eq,
}


class Goal(Struct, frozen=True):
    """What a figure must reach: ``value`` in the figure's own unit, compared by ``sign``."""

    sign: str
    value: float

    def met_by(self, figure: float) -> bool:
        """Return whether a figure reaches the goal."""
        return _SIGNS[self.sign](figure, self.value)

    def text(self, unit: str) -> str:
        """Return the goal as people read it."""
        return f"{self.sign} {self.value:,g} {unit}".strip()


GOALS: Final[dict[str, Goal]] = {
    # account with 88M followers, reinstated
    "reinstate.right_everywhere": Goal("<", 1000),
    "reinstate.ratio": Goal("≥", 1000),
    "reinstate.rows_growth": Goal("=", 0),
    # the same by the tool, in front of visitors
    "rehearsal.right_everywhere": Goal("<", 1000),
    "rehearsal.staging": Goal("<", 30),
    "rehearsal.plan": Goal("<", 10),
    "rehearsal.unrelated_ratio": Goal("<", 2),
    "rehearsal.ratio": Goal("≥", 1000),
    # an amnesty of 62,000 accounts with 0.7 billion edges in all
    "amnesty.dry_run": Goal("<", 60),
    "amnesty.waves": Goal("<", 600),
    "amnesty.rollback": Goal("<", 600),
    "amnesty.drift": Goal("=", 0),
    "amnesty.edges": Goal("=", 0),
    # an 88M set against 1M suspended
    "sets.count_cold": Goal("<", 10),
    "sets.count_cached": Goal("<", 10),
    "sets.open": Goal("<", 1000),
    "sets.bytes_zipf": Goal("≤", 16),
    # durable writes
    "writes.members_batched": Goal("≥", 100_000),
    "writes.http_post": Goal("≥", 2_000),
    "writes.http_like": Goal("≥", 4_000),
    "writes.http_follow": Goal("≥", 4_000),
    "writes.http_vote": Goal("≥", 4_000),
    # reads over HTTP
    "timeline.home": Goal("≥", 6_000),
    "timeline.home_p99": Goal("<", 20),
    "timeline.status": Goal("≥", 16_000),
    "timeline.lookup": Goal("≥", 20_000),
    "timeline.public": Goal("≥", 6_000),
    "timeline.import": Goal("≥", 10_000),
    "timeline.pages": Goal("≥", 1_000),
    "storm.p99_ratio": Goal("<", 2),
    # the author of a status a million people like, and of 10,000 that are liked
    "notifications.p99": Goal("<", 20),
    # a status by an account that 10,000 open streams on one worker follow
    "streams.all": Goal("<", 1000),
    # correctness under load
    "oracle.drift": Goal("=", 0),
    "kills.lost": Goal("=", 0),
    "kills.halves": Goal("=", 0),
    "kills.restart_p99": Goal("<", 1000),
}
