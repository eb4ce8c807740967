"""The course of an amnesty after its approval: what is lifted, what is left alone, when it halts.

A person's later decision always wins: the waves lift only what the manifest froze and nobody has
touched since, and a rollback takes again only what is still as the waves left it. Both are asked of
the record of enforcement by the functions here, inside the transaction that acts on the answer.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.accounts import Standing
from rostra.domain.amnesty import Amnesty, Entry, Limits
from rostra.domain.enforcement import Action, Lifting, LiftReason, State, in_force
from rostra.domain.labels import KNOWN
from rostra.domain.words import how_many

MINUTE_MS: Final = 60_000


class Happened(enum.StrEnum):
    """What is told of an amnesty's course, in order of time."""

    STARTED = "started"
    WAVE = "wave"
    PAUSED = "paused"
    RESUMED = "resumed"
    HALTED = "halted"
    STOPPED = "stopped"
    FINISHED = "finished"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


_LEADING: Final = (Happened.STARTED, Happened.RESUMED)


class Note(Struct, frozen=True):
    """One line of the course: what happened ``at`` (ms), by whom (None: the server), and more."""

    at: int
    what: Happened
    moderator: int | None
    text: str


class Probed(Struct, frozen=True):
    """What a probe (``domain.probes``) found of one account of a wave."""

    account: int
    name: str
    worker: str
    passed: bool
    said: str
    took_ms: float


class Wave(Struct, frozen=True, kw_only=True):
    """One wave: when (ms) it began, when its last account was tried, when its probes were over.

    ``passed_by`` is who let it go on although a probe had failed.
    """

    number: int
    began_at: int
    lifted_at: int | None = None
    over_at: int | None = None
    probes: tuple[Probed, ...] = ()
    passed_by: int | None = None


class Drift(Struct, frozen=True, kw_only=True):
    """What was found when all waves were over.

    ``alive``: edges that came alive, each counted once; ``changed`` of the reinstated accounts have
    other counts than the manifest expected, because people followed or left since, or somebody on
    the other side was suspended or returned. ``recounted`` accounts were counted anew, entry by
    entry; of ``wrong`` the count that visitors see is another.
    """

    at: int
    accounts: int
    alive: int
    changed: int
    recounted: int
    wrong: tuple[int, ...] = ()


class Course(Struct, frozen=True, kw_only=True):
    """How far an amnesty (``id``) has come since it was started.

    ``accepted`` failures were there when it was last started or resumed: the limit is on those
    that came since. ``rest_until`` (ms) is when the next wave may begin. ``tries`` is how often its
    job has begun where it is now (``mark``).
    """

    id: int
    waves: tuple[Wave, ...] = ()
    log: tuple[Note, ...] = ()
    accepted: int = 0
    rest_until: int = 0
    rolled_back_by: int | None = None
    drift: Drift | None = None
    mark: str = ""
    tries: int = 0

    def wave(self, number: int) -> Wave | None:
        """Return a wave that has begun."""
        return next((wave for wave in self.waves if wave.number == number), None)

    @property
    def leader(self) -> int | None:
        """Who answers for what the waves do from now on: who started it, or resumed it last."""
        led = [note.moderator for note in self.log if note.what in _LEADING]
        return led[-1] if led else None

    @property
    def resumed_at(self) -> int:
        """When (ms) it was last resumed; 0: never."""
        return max((note.at for note in self.log if note.what is Happened.RESUMED), default=0)


class Halt(Struct, frozen=True):
    """Why an amnesty halts by itself: the limit, the figure that passed it, and what to do."""

    limit: str
    figure: str
    todo: str

    @property
    def text(self) -> str:
        """All of it, for people."""
        return f"{self.limit}: {self.figure}. {self.todo}"


# -- limits ----------------------------------------------------------------------------------------


def too_many_failures(limits: Limits, failed: int) -> Halt | None:
    """Return why to halt after so many accounts failed since the waves went on; None: go on."""
    if failed <= limits.failures:
        return None
    return Halt(
        "failures",
        f"{failed} of its accounts could not be reinstated, {limits.failures} may fail",
        "Look at why in the report, mend it or leave them out, then resume, stop or roll back",
    )


def too_many_reports(limits: Limits, reports: int) -> Halt | None:
    """Return why to halt when so many new reports came in within a minute; None: go on."""
    if reports <= limits.reports:
        return None
    return Halt(
        "reports",
        f"more than {how_many(limits.reports, 'new report')} came in within a minute",
        "See whether they are about those who returned; then resume, stop or roll back",
    )


def too_late(limits: Limits, lag_ms: int) -> Halt | None:
    """Return why to halt when a job has been overdue for so long (ms); None: go on."""
    if lag_ms <= limits.lag_s * 1000:
        return None
    return Halt(
        "lag",
        f"a job has been due for {lag_ms // 1000} s, {limits.lag_s} s may pass",
        "Find out what keeps the job process (rostra_jobs_waiting, the log), then resume",
    )


def not_led(leader: str) -> Halt:
    """Return why to halt when who answers for it (a handle) may not act as a moderator any more."""
    return Halt(
        "moderator",
        f"@{leader} started or resumed it, and may not act as a moderator any more",
        "Another moderator resumes it, stops it or rolls it back",
    )


def probe_failed(failed: Probed, username: str) -> Halt:
    """Return why to halt when a probe of an account failed."""
    where = f" in worker {failed.worker}" if failed.worker else ""
    return Halt(
        "probes",
        f"the probe {failed.name} of @{username} failed{where}: {failed.said}",
        "Find out why; resume looks again, resume --past-probes goes on without looking, "
        "rollback takes back what was done",
    )


# -- what to do with an account --------------------------------------------------------------------


class Verdict(Struct, frozen=True):
    """Which actions of an account to lift (or to take again); none, and why not."""

    actions: tuple[Action, ...]
    why: str = ""


def to_lift(
    amnesty: Amnesty,
    entry: Entry,
    record: tuple[Sequence[Action], Sequence[Lifting]],
    *,
    state: State,
    labels: Collection[str],
    now: int,
) -> Verdict:
    """Return what a wave lifts of an account: what was frozen and is in force, unless somebody
    decided about the account since.

    Args:
        amnesty: the amnesty.
        entry: what its manifest says of the account.
        record: the actions and liftings of the account.
        state: what is in force for it now.
        labels: those it has now.
        now: ms since 1970.
    """
    actions, liftings = record
    if state.deleted:
        return Verdict((), "It was deleted since")
    for label in KNOWN:
        if label in labels and label not in amnesty.include:
            return Verdict((), f"It was labelled {label} since")
    ended = {lifting.action: lifting for lifting in liftings}
    by_hand = [ended[id_] for id_ in entry.actions if id_ in ended and _by_hand(ended[id_])]
    if by_hand:
        return Verdict((), f"Its action was lifted since ({by_hand[0].reason})")
    if _decided(amnesty, entry, actions):
        return Verdict((), "Another action was taken against it since")
    frozen = [one for one in in_force(actions, liftings, now) if one.id in entry.actions]
    return Verdict(tuple(frozen), "" if frozen else "Its time was over before its wave came")


def to_restore(
    amnesty: Amnesty,
    entry: Entry,
    record: tuple[Sequence[Action], Sequence[Lifting]],
    *,
    state: State,
    standing: Standing,
    now: int,
) -> Verdict:
    """Return what a rollback takes again of an account that a wave reinstated, unless it is not as
    the wave left it.

    Args:
        amnesty: the amnesty.
        entry: what its manifest says of the account, and when (``at``) its wave lifted.
        record: the actions and liftings of the account.
        state: what is in force for it now.
        standing: whether, and since when, its owner put it away.
        now: ms since 1970.
    """
    actions, liftings = record
    since = entry.at or 0
    if state.deleted:
        return Verdict((), "It was deleted since")
    if standing.put_away_since(since):
        return Verdict((), "It was put away by its owner since")
    if _decided(amnesty, entry, actions):
        return Verdict((), "Another action was taken against it since")
    others = [one for one in liftings if one.action not in entry.actions and _by_hand(one)]
    if any(one.lifted_at >= since for one in others):
        return Verdict((), "Another of its actions was lifted since")
    ours = {one.action for one in liftings if one.action in entry.actions and _by_hand(one)}
    lifted = [one for one in actions if one.id in ours and (one.until is None or one.until > now)]
    return Verdict(tuple(lifted), "" if lifted else "Its time would be over by now")


def _by_hand(lifting: Lifting) -> bool:
    """Return whether somebody lifted an action, rather than the clock."""
    return lifting.reason != LiftReason.EXPIRED


def _decided(amnesty: Amnesty, entry: Entry, actions: Sequence[Action]) -> bool:
    """Return whether an action was taken after the plan.

    That is asked of ids, which grow whatever the clock does; an amnesty has its own from before it
    read anything.
    """
    return any(one.id > amnesty.id and one.id not in entry.actions for one in actions)
