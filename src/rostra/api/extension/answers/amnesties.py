"""What the operations of amnesties answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from rostra.api.extension.answers.common import (
    Answer,
    Handle,
    Hash,
    Id,
    Named,
    Stuck,
    Time,
    Words,
)
from rostra.domain.amnesty import AmnestyState, Limits, Outcome


class Progress(Answer, frozen=True):
    """How many are done, of how many."""

    done: int
    total: int


class Excluded(Answer, frozen=True):
    """How many accounts an exclusion left out."""

    by: Annotated[str, Meta(examples=["legal_hold"])]
    says: Words
    count: int


class Largest(Answer, frozen=True):
    """An account of those whose counts change most."""

    account: Named | None
    followers: int
    following: int


class Clash(Answer, frozen=True):
    """Something else that is on its way for an account."""

    account: Named | None
    kind: Annotated[str, Meta(examples=["appeal"])]
    detail: Words


class AmnestyFigures(Answer, frozen=True):
    """What a plan found."""

    listed: int
    found: int
    selected: int
    excluded: list[Excluded]
    edges: int
    others: int
    largest: list[Largest]
    conflicts: dict[str, int]
    clashes: list[Clash]


class Amnesty(Answer, frozen=True):
    """An amnesty, for moderators."""

    id: Id
    state: AmnestyState
    where: Annotated[str, Meta(examples=["ground = spam and followers < 1000"])] | None
    except_: str | None = field(name="except")
    listed: bool
    include: list[str]
    type: Annotated[str, Meta(examples=["suspend"])]
    reason: Annotated[str, Meta(examples=["amnesty"])]
    ground: Words
    hash: Hash | None
    accounts: int
    waves: list[Annotated[str, Meta(examples=["10"])]]
    wave_sizes: list[int]
    wave: int
    limits: Limits
    progress: Progress
    why: Words | None
    may_approve: bool
    why_not: Words | None
    planned_at: Time | None
    expires_at: Time | None
    approved_at: Time | None
    rejected_at: Time | None
    started_at: Time | None
    wave_at: Time | None
    finished_at: Time | None
    planned_by: Named | None
    approved_by: Named | None
    rejected_by: Named | None
    started_by: Named | None
    figures: AmnestyFigures


class ExpectedCounts(Answer, frozen=True):
    """The counts an account is expected to show."""

    followers: int
    following: int


class AmnestyEntry(Answer, frozen=True):
    """An account of an amnesty: what is expected of it, and what became of it."""

    n: int
    account: Named | None
    wave: int
    actions: list[Id]
    then: ExpectedCounts
    finally_: ExpectedCounts = field(name="finally")
    outcome: Outcome
    why: Words | None
    at: Time | None


class Act(Answer, frozen=True):
    """Who did something, and when."""

    by: Handle
    at: Time


class Of(Answer, frozen=True):
    """How many are done, of how many."""

    done: int
    of: int


class Edges(Answer, frozen=True):
    """How many edges were expected to come alive, and how many have."""

    expected: int
    alive: int | None


class Drift(Answer, frozen=True):
    """What was recounted when all waves were over; ``wrong`` is to be 0."""

    at: Time
    accounts: int
    with_other_counts: int
    recounted: int
    wrong: int


class WaveProbe(Answer, frozen=True):
    """A probe of a wave."""

    account: Handle
    name: str
    worker: str
    passed: bool
    said: Words
    took_ms: float


class Wave(Answer, frozen=True):
    """A wave of an amnesty."""

    number: int
    size: int
    outcomes: dict[str, int]
    began_at: Time | None
    lifted_at: Time | None
    over_at: Time | None
    passed_by: Handle | None
    probes: list[WaveProbe]


class Note(Answer, frozen=True):
    """A line of an amnesty's log."""

    at: Time
    what: str
    by: Handle | None
    text: Words


class Standing(Answer, frozen=True):
    """How an amnesty stands, and what is in its way while it does not get on."""

    id: Id
    state: AmnestyState
    stuck: Stuck | None
    why: Words | None
    where: str
    except_: str = field(name="except")
    listed: bool
    include: list[str]
    kind: Annotated[str, Meta(examples=["suspend"])]
    reason: Annotated[str, Meta(examples=["amnesty"])]
    ground: Words
    manifest: Hash
    limits: Limits
    planned: Act | None
    approved: Act | None
    started: Act | None
    rolled_back_by: Handle | None
    finished_at: Time | None
    total: int
    progress: Of
    resting_until: Time | None
    outcomes: dict[str, int]
    excluded: dict[str, int]
    edges: Edges
    drift: Drift | None
    waves: list[Wave]
    log: list[Note]


class ReportLine(Answer, frozen=True):
    """An account of an amnesty's report."""

    n: int
    id: Id
    username: Handle
    wave: int
    outcome: Outcome
    why: str
    at: Time | None
    followers_before: int
    followers_expected: int
    following_expected: int


class AmnestyReport(Standing, frozen=True):
    """The report of an amnesty, with all its accounts."""

    accounts: list[ReportLine]
