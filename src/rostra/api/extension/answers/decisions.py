"""What the operations of decisions left to polls answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from rostra.api.extension.answers.common import Answer, Hash, Id, Named, Time, Words
from rostra.domain.decision_polls import DecisionState

Percent = Annotated[float, Meta(ge=0, le=100, examples=[66.67])]
Count = Annotated[int, Meta(ge=0, examples=[1200])]


class Tally(Answer, frozen=True):
    """An option of the poll: votes that counted, and votes as stored."""

    option: Annotated[str, Meta(examples=["Yes"])]
    counted: Count
    stored: Count


class AgeShare(Answer, frozen=True):
    """The votes of accounts up to an age when the poll closed."""

    age: Annotated[str, Meta(examples=["week"])]
    votes: Count
    yes: Count


class Result(Answer, frozen=True):
    """What a poll came to at the instant it closed, with its evidence."""

    votes: Count
    yes: Count
    share: Percent
    tallies: list[Tally]
    suspended: Count
    gone: Count
    new: Count
    new_yes: Count
    ages: list[AgeShare]
    counted_sha256: Hash
    stored_sha256: Hash


class Standing(Answer, frozen=True):
    """How the poll stands now, as anybody sees it."""

    votes: Count
    yes: Count


class Decision(Answer, frozen=True):
    """The return of an account, or an amnesty, that is left to a poll."""

    id: Id
    state: DecisionState
    account: Named | None
    amnesty_id: Id | None
    poll_id: Id
    asked_by: Named | None
    bound_by: Named | None
    text: Annotated[str, Meta(examples=["Should @star return?"])]
    options: list[str]
    yes: Annotated[int, Meta(ge=0, description="which option is for it, from 0")]
    share: Percent
    quorum: Count
    opened_at: Time
    bound_at: Time
    closes_at: Time
    closed_at: Time | None
    now: Standing
    may_run: bool
    why_not: Words | None
    void: Words | None
    unbound_at: Time | None
    why: Words | None
    result: Result | None
