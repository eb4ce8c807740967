"""What the operations of reinstatements and of capacity answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from rostra.api.extension.answers.common import (
    Answer,
    Handle,
    Hash,
    Id,
    Named,
    Refusal,
    Stuck,
    Time,
    Words,
)
from rostra.domain.reinstatement import Cost, Figures, Options, RunState


class HeldAction(Answer, frozen=True):
    """An action in force; ``by`` nobody is the server itself."""

    id: Id
    type: Annotated[str, Meta(examples=["suspend"])]
    ground: Annotated[str, Meta(examples=["Spam"])]
    by: Handle | None
    taken_at: Time
    until: Time | None


class BusiestHour(Answer, frozen=True):
    """What was asked in the busiest hour of the last 90 days."""

    at: Time | int
    requests: int
    busiest_minute: int
    readers: int


class Capacity(Answer, frozen=True):
    """What a returning audience will ask, and what is left for it: bytes, cores and seconds."""

    verdict: Literal["ok", "tight", "short"]
    enough: bool
    said: Annotated[str, Meta(examples=["ok: memory: 439 KiB wanted, 22.7 GiB left"])]
    reasons: list[str]
    assumed: list[str]
    followers: int
    returning: int
    requests_a_second: float
    memory: int
    memory_left: int
    memory_wanted: int
    own_memory: int
    cores: float
    cores_left: float
    cores_wanted: float
    p99_now: float | None
    p99_then: float | None
    busiest_hour: BusiestHour | None


class PlanAlone(Answer, frozen=True):
    """What reinstating an account would do; ``lifts`` would be lifted, ``stays`` stay in force."""

    account: Named
    made_at: Time
    made_by: Handle | None
    suspended_since: Time
    lifts: list[HeldAction]
    stays: list[HeldAction]
    stays_hidden: Words | None
    figures: Figures
    cost: Cost
    headroom: Capacity | None


class Plan(PlanAlone, frozen=True):
    """A plan, and the hash that a run names."""

    hash: Hash


class PlanNow(Plan, frozen=True):
    """A plan, and why it may not be run now: it is left to a poll that has not decided for it."""

    held_up: Words | None


class Some(Answer, frozen=True):
    """How many, and some of them by handle."""

    count: int
    some: list[Handle]


class Moved(Answer, frozen=True):
    """Who joined or left the followers anybody sees."""

    net: int
    joined: Some
    left: Some
    shown: Some
    hidden: Some
    unnamed: int


class ChangedFigure(Answer, frozen=True):
    """A figure that is another than in a plan: what it was, and what it is."""

    name: Annotated[str, Meta(examples=["followers"])]
    before: Any
    after: Any


class Difference(Answer, frozen=True):
    """What is another than in a plan, and who of the followers joined or left since."""

    figures: list[ChangedFigure]
    followers: Moved


class StalePlan(Refusal, frozen=True):
    """What changed since a plan was made, and the plan to name instead.

    Neither is there when it is refused because somebody else reinstates the account already.
    """

    difference: Difference | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET


class RunStep(Answer, frozen=True):
    """A step of a run, with its figures."""

    name: Annotated[str, Meta(examples=["staging"])]
    began_at: Time
    ended_at: Time | None
    took_ms: int | None
    passed: bool | None
    said: Words
    figures: dict[str, Any]


class RunProbe(Answer, frozen=True):
    """A probe of a run: what was looked at, in which worker, and what was found."""

    number: int
    step: Annotated[str, Meta(examples=["confirming"])]
    attempt: int
    at: Time
    name: Annotated[str, Meta(examples=["followers"])]
    worker: str
    passed: bool
    said: Words
    took_ms: float


class RunHead(Answer, frozen=True):
    """A run, in a list."""

    id: Id
    state: RunState
    meaning: Words
    over: bool
    account: Named
    plan: Hash
    reason: Annotated[str, Meta(examples=["overturned"])]
    ground: Words
    by: Handle | None
    begun_at: Time
    cut_over_at: Time | None
    finished_at: Time | None
    rolled_back_by: Handle | None
    said: Words


class Run(RunHead, frozen=True):
    """A run, with its steps and probes, and what is in its way while it does not get on."""

    stuck: Stuck | None
    options: Options
    attempts: int
    steps: list[RunStep]
    probes: list[RunProbe]
    lifted: list[Id]
    restored: list[Id]
    followers_planned: int


class Counts(Answer, frozen=True):
    """What anybody saw before and after, and what explains the difference to the plan."""

    before: dict[str, int] | None
    planned: dict[str, int]
    after: dict[str, int] | None
    explained: Moved | None
    unexplained: int | None


class RunReport(Run, frozen=True):
    """All there is to tell of a run."""

    plan: Plan  # type: ignore[assignment]
    counts: Counts


class PreviewedStatus(Answer, frozen=True):
    """A status as it will be seen."""

    id: Id
    created_at: Time
    visibility: Annotated[str, Meta(examples=["public"])]
    spoiler_text: str
    text: str
    reblog_of: Id | None
    replies_count: int
    reblogs_count: int
    favourites_count: int


class Preview(Answer, frozen=True):
    """The profile as it will be; ``account`` is Mastodon's entity."""

    run: Id
    stays_hidden: Words | None
    account: dict[str, Any]
    statuses: list[PreviewedStatus]


class SeenStatus(Answer, frozen=True):
    """What a worker will show of a status."""

    id: Id
    replies: int
    boosts: int
    likes: int


class StagedPreview(Answer, frozen=True):
    """What a worker will show of an account."""

    followers: int
    following: int
    statuses: int
    newest: list[SeenStatus]


class Staged(Answer, frozen=True):
    """How far a worker is; the preview is there once all is read.

    ``uneven`` are sets that have not as many members in memory as they say.
    """

    took_ms: float
    preview: StagedPreview | None
    uneven: list[str]
