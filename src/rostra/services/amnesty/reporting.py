"""How an amnesty stands and what became of it, for moderators: read in one view, for any form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, structs

from rostra.domain.amnesty import Amnesty, AmnestyState, Entry, Outcome, shown
from rostra.domain.amnesty_waves import Drift, Note, Probed, Wave
from rostra.domain.words import how_many
from rostra.ports import Snapshot, View
from rostra.services.amnesty.amnesties import PLAN_JOB, require_amnesty
from rostra.services.amnesty.steering import JOB, JOB_BACK, course_of
from rostra.services.server.stuck import Stuck, stuck

READ_AT_ONCE: Final = 2_000
_JOBS: Final = {
    AmnestyState.PLANNING: PLAN_JOB,
    AmnestyState.RUNNING: JOB,
    AmnestyState.ROLLING_BACK: JOB_BACK,
}
UNNAMED: Final = "the server"


class WaveTold(Struct, frozen=True, kw_only=True):
    """A wave: how many accounts it has, what became of them, its times (ms) and its probes.

    One that has not begun has no times.
    """

    number: int
    size: int
    outcomes: Mapping[str, int]
    began_at: int | None = None
    lifted_at: int | None = None
    over_at: int | None = None
    probes: tuple[Probed, ...] = ()
    passed_by: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """How an amnesty stands.

    ``names`` are the handles of all accounts that are named by ordinals in it. ``done`` accounts of
    ``total`` have come to an outcome; while it is rolled back, that many are decided about.
    ``resting_until`` (ms) is when the next wave may begin, ``stuck`` what is in the way of its job.
    """

    amnesty: Amnesty
    names: Mapping[int, str]
    waves: tuple[WaveTold, ...]
    outcomes: Mapping[str, int]
    log: tuple[Note, ...]
    done: int
    total: int
    resting_until: int | None
    drift: Drift | None
    rolled_back_by: int | None
    stuck: Stuck | None = None

    def name(self, ordinal: int | None) -> str:
        """Return the handle of who did something."""
        return UNNAMED if ordinal is None else self.names.get(ordinal, f"#{ordinal}")


class Line(Struct, frozen=True, kw_only=True):
    """One account of a report; times are ms since 1970."""

    n: int
    id: str
    username: str
    wave: int
    outcome: str
    why: str
    at: int | None
    followers_before: int
    followers_expected: int
    following_expected: int


def standing(view: View, amnesty_id: int) -> Standing:
    """Return how an amnesty stands now.

    Raises:
        NotFound: there is no such amnesty.
    """
    amnesty, course = require_amnesty(view, amnesty_id), course_of(view, amnesty_id)
    tally = view.amnesties.tally(amnesty_id)
    outcomes: dict[str, int] = {}
    for found in tally.values():
        for outcome, count in found.items():
            outcomes[outcome.value] = outcomes.get(outcome.value, 0) + count
    people = {
        *(amnesty.planned_by, amnesty.approved_by, amnesty.rejected_by, amnesty.started_by),
        *(one.moderator for one in course.log),
        *(wave.passed_by for wave in course.waves),
        *(probed.account for wave in course.waves for probed in wave.probes),
        course.rolled_back_by,
    }
    accounts = view.accounts.many({one for one in people if one is not None})
    names = {ordinal: account.username for ordinal, account in accounts.items()}
    waves = [
        _wave(number, size, course.wave(number), tally.get(number, {}), names)
        for number, size in enumerate(amnesty.sizes, 1)
    ]
    back = amnesty.state in (AmnestyState.ROLLING_BACK, AmnestyState.ROLLED_BACK)
    rest, total = (Outcome.LIFTED, amnesty.total) if back else (Outcome.PENDING, amnesty.total)
    if back:
        total -= outcomes.get("pending", 0) + outcomes.get("skipped", 0) + outcomes.get("failed", 0)
    resting = amnesty.state is AmnestyState.RUNNING and course.rest_until > view.now
    return Standing(
        amnesty=amnesty,
        names=names,
        waves=tuple(waves),
        outcomes=outcomes,
        log=course.log,
        done=total - outcomes.get(rest.value, 0),
        total=total,
        resting_until=course.rest_until if resting else None,
        drift=course.drift,
        rolled_back_by=course.rolled_back_by,
        stuck=stuck_at(view, amnesty),
    )


def stuck_at(view: View, amnesty: Amnesty) -> Stuck | None:
    """Return what is in the way of the job that plans an amnesty, or does its waves."""
    job = _JOBS.get(amnesty.state)
    return None if job is None else stuck(view, job=job, about="amnesty", id_=amnesty.id)


def _wave(
    number: int,
    size: int,
    wave: Wave | None,
    outcomes: Mapping[Outcome, int],
    names: Mapping[int, str],
) -> WaveTold:
    told = WaveTold(
        number=number,
        size=size,
        outcomes={outcome.value: count for outcome, count in outcomes.items()},
    )
    if wave is None:
        return told
    by = wave.passed_by
    return structs.replace(
        told,
        began_at=wave.began_at,
        lifted_at=wave.lifted_at,
        over_at=wave.over_at,
        probes=wave.probes,
        passed_by=None if by is None else names.get(by, f"#{by}"),
    )


def lines(snap: Snapshot, amnesty_id: int) -> Iterator[Line]:
    """Yield each account of an amnesty with what became of it, in the order of the manifest."""
    after = 0
    while lot := snap.amnesties.entries(amnesty_id, after=after, limit=READ_AT_ONCE):
        accounts = snap.accounts.many({entry.account for entry in lot})
        for entry in lot:
            account = accounts.get(entry.account)
            id_, name = ("", "") if account is None else (str(account.id), account.username)
            yield _line(entry, id_, name)
        after = lot[-1].n


def _line(entry: Entry, id_: str, username: str) -> Line:
    return Line(
        n=entry.n,
        id=id_,
        username=username,
        wave=entry.wave,
        outcome=entry.outcome.value,
        why=entry.why,
        at=entry.at,
        followers_before=0,  # of a suspended account anybody sees none
        followers_expected=entry.finally_.followers,
        following_expected=entry.finally_.following,
    )


# -- in words --------------------------------------------------------------------------------------


def verdict(found: Standing) -> str:
    """Return in a sentence how an amnesty stands."""
    amnesty = found.amnesty
    why = f": {amnesty.why}" if amnesty.why else "."
    outcomes = counted(found.outcomes)
    total = how_many(amnesty.total, "account")
    return f"{shown(amnesty.state).capitalize()}{why} {total}: {outcomes}."


def has_gone_wrong(found: Standing) -> bool:
    """Return whether somebody should look: it halted or failed, or some account or count did."""
    drifted = found.drift is not None and bool(found.drift.wrong)
    halted = found.amnesty.state in (AmnestyState.HALTED, AmnestyState.FAILED)
    return halted or drifted or found.outcomes.get("failed", 0) > 0


def counted(outcomes: Mapping[str, int]) -> str:
    """Return how many accounts came to which outcome, as people read it."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in outcomes.items())
