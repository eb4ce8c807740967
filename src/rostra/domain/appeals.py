"""Appeals: what a person says against an action, and what another moderator decides about it.

An appeal is about one *decision*: an action, or the action that one stands in for after a
reinstatement was rolled back (``Action.restores``). The states and the ways between them are data.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, ends
from rostra.domain.reports import Report

MAX_TEXT: Final = 4000
MAX_REPLY: Final = 4000
MAX_EDITS: Final = 20
"""How often an open appeal may be edited: each wording stays with it."""

MAX_WITHDRAWN: Final = 3
"""How many appeals about one decision may be taken back before a moderator has to allow another."""

DAY_MS: Final = 86_400_000


class AppealState(enum.StrEnum):
    """Where an appeal stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    MOOT = "moot"

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return not WAYS[self]

    @property
    def entity(self) -> str | None:
        """The state as Mastodon names it, None for one it does not know of.

        https://docs.joinmastodon.org/entities/Appeal/#state
        """
        return _ENTITY.get(self)


_ENTITY: Final[Mapping[AppealState, str]] = {
    AppealState.OPEN: "pending",
    AppealState.ACCEPTED: "approved",
    AppealState.REJECTED: "rejected",
}

WAYS: Final[Mapping[AppealState, frozenset[AppealState]]] = {
    AppealState.OPEN: frozenset(AppealState) - {AppealState.OPEN},
    AppealState.ACCEPTED: frozenset(),
    AppealState.REJECTED: frozenset(),
    AppealState.WITHDRAWN: frozenset(),
    AppealState.MOOT: frozenset(),
}
"""From each state, those it may become. What is over stays as it was: another appeal is another."""

if set(WAYS) != set(AppealState) or any(AppealState.OPEN in ways for ways in WAYS.values()):
    raise AssertionError("every state of an appeal has its ways, and none of them opens it again")


class Did(enum.StrEnum):
    """What happened to an appeal."""

    OPENED = "opened"
    EDITED = "edited"
    WITHDRAWN = "withdrawn"
    OVERDUE = "overdue"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MOOT = "moot"
    ALLOWED = "allowed"
    PLANNED = "planned"


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happened to an appeal at a time (ms).

    ``by`` is an ordinal, None for the server; ``text`` what it said before an edit, or a word more.
    """

    did: Did
    at: int
    by: int | None = None
    text: str = ""


class Told(Struct, frozen=True, kw_only=True):
    """A report as it was when the appeal was opened; who made it is not part of the evidence."""

    id: int
    category: str
    comment: str
    created_at: int
    rules: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


class Evidence(Struct, frozen=True, kw_only=True):
    """What an appeal is decided on, frozen when it was opened; times in ms since 1970."""

    type: str
    ground: str
    text: str
    taken_at: int
    until: int | None = None
    in_force: tuple[str, ...] = ()
    followers: int = 0
    following: int = 0
    statuses: int = 0
    reports: tuple[Told, ...] = ()


class Appeal(Struct, frozen=True, kw_only=True):
    """An appeal of ``account`` (an ordinal) against an action; times in ms since 1970.

    ``due_at`` is the promised time. ``reply`` is what the person is told, ``plan`` the hash of the
    reinstatement planned when it was accepted. ``again`` is whether a moderator allowed another
    appeal about the same decision.
    """

    id: int
    account: int
    action: int
    text: str
    opened_at: int
    due_at: int
    state: AppealState = AppealState.OPEN
    decided_at: int | None = None
    decided_by: int | None = None
    reply: str = ""
    plan: str = ""
    again: bool = False
    evidence: Evidence
    history: tuple[Step, ...] = ()

    def overdue(self, now: int) -> bool:
        """Return whether it is open past its promised time at ``now`` (ms)."""
        return self.state is AppealState.OPEN and now >= self.due_at

    @property
    def edits(self) -> int:
        """How often it was edited."""
        return sum(step.did is Did.EDITED for step in self.history)


def decision_of(actions: Iterable[Action], action: Action) -> Action:
    """Return the decision an action stands for: itself, or what it restores at the root."""
    by_id = {one.id: one for one in actions}
    while action.restores is not None and action.restores in by_id:
        action = by_id[action.restores]
    return action


def standing_for(
    actions: Iterable[Action], liftings: Iterable[Lifting], decision: int, now: int
) -> Action | None:
    """Return the action that carries out a decision and has not ended at ``now`` (ms)."""
    actions = list(actions)
    for action, end in ends(actions, liftings):
        over = end is not None and end <= now
        if not over and decision_of(actions, action).id == decision:
            return action
    return None


def how_it_ended(
    actions: Iterable[Action], liftings: Iterable[Lifting], decision: int
) -> LiftReason:
    """Return why the last action that carried out a decision ended; by its time when unknown."""
    actions = list(actions)
    chain = {one.id for one in actions if decision_of(actions, one).id == decision}
    last = max((one for one in liftings if one.action in chain), default=None, key=_lifted_at)
    return LiftReason.EXPIRED if last is None else last.reason


def _lifted_at(lifting: Lifting) -> int:
    return lifting.lifted_at


def may_be_appealed(action: Action) -> bool:
    """Return whether an action is one to appeal against: a deletion is final."""
    return action.kind != ActionKind.DELETE


def as_told(report: Report, rules: Mapping[int, str]) -> Told:
    """Return a report as evidence, with the texts of its rules by their ids."""
    return Told(
        id=report.id,
        category=str(report.category),
        comment=report.comment,
        created_at=report.created_at,
        rules=tuple(rules[rule] for rule in report.rules if rule in rules),
        statuses=tuple(one.text for one in report.evidence),
    )
