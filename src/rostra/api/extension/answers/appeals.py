"""What the operations of appeals answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from rostra.api.extension.answers.common import (
    Answer,
    Hash,
    Id,
    Named,
    Time,
    Words,
)
from rostra.domain.appeals import AppealState, Did


class Decision(Answer, frozen=True):
    """What was decided about an account."""

    id: Id
    type: Annotated[str, Meta(examples=["suspend"])]
    ground: Annotated[str, Meta(examples=["Spam"])]
    text: Words
    taken_at: Time
    until: Time | None


class DecisionBy(Decision, frozen=True):
    """What was decided about an account, and by whom; nobody is the server itself."""

    by: Named | None


class OwnStep(Answer, frozen=True):
    """Something that happened to one's appeal."""

    did: Did
    at: Time


class AppealStep(OwnStep, frozen=True):
    """Something that happened to an appeal."""

    by: Named | None
    text: Words | None


class AppealHead(Answer, frozen=True):
    """What both sides are told of an appeal."""

    id: Id
    action_id: Id
    state: AppealState
    overdue: bool
    text: Words
    opened_at: Time
    due_at: Time
    decided_at: Time | None
    reply: Words | None
    plan: Hash | None


class OwnAppeal(AppealHead, frozen=True):
    """An appeal, for who made it."""

    history: list[OwnStep]


class Case(Answer, frozen=True):
    """A decision about oneself, and the appeals against it."""

    action: Decision
    ended: Annotated[str, Meta(examples=["served"])] | None
    may_appeal: bool
    why_not: Words | None
    appeal_until: Time
    appeals: list[OwnAppeal]


class ReportTold(Answer, frozen=True):
    """A report as it was when the appeal was opened."""

    id: Id
    category: Annotated[str, Meta(examples=["spam"])]
    comment: Words
    created_at: Time
    rules: list[str]
    statuses: list[str]


class Evidence(Answer, frozen=True):
    """What an appeal is decided on, frozen when it was opened."""

    type: Annotated[str, Meta(examples=["suspend"])]
    ground: Annotated[str, Meta(examples=["Spam"])]
    text: Words
    taken_at: Time
    until: Time | None
    in_force: list[str]
    followers: int
    following: int
    statuses: int
    reports: list[ReportTold]


class Lifted(Answer, frozen=True):
    """Why and when a decision was lifted."""

    reason: Annotated[str, Meta(examples=["overturned"])]
    at: Time


class Appeal(AppealHead, frozen=True):
    """An appeal, for moderators."""

    account: Named | None
    decision: DecisionBy
    in_force: bool
    lifted: Lifted | None
    decided_by: Named | None
    may_decide: bool
    why_not: Words | None
    deciders: list[Named]
    again: bool
    evidence: Evidence
    history: list[AppealStep]
