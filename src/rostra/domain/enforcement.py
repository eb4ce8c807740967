"""Enforcement: an append-only list of actions, and the fold that says what is in force.

An action is never changed. What ends it is another record, its *lifting*, or its own ``until``.
What is in force for an account is the fold over the actions that are active: two that overlap
compose, and lifting one never clears the other.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct


class ActionKind(enum.IntEnum):
    """What an action does to an account (the names of Mastodon's admin API are in ``label``)."""

    NONE = 0
    SENSITIVE = 1
    FREEZE = 2
    LIMIT = 3
    SUSPEND = 4
    DELETE = 5

    @property
    def label(self) -> str:
        """The name of the type in Mastodon's ``POST /api/v1/admin/accounts/:id/action``."""
        return _LABELS[self]


_LABELS = {
    ActionKind.NONE: "none",
    ActionKind.SENSITIVE: "sensitive",
    ActionKind.FREEZE: "disable",
    ActionKind.LIMIT: "silence",
    ActionKind.SUSPEND: "suspend",
    ActionKind.DELETE: "delete",
}


class LiftReason(enum.StrEnum):
    """Why an action ended before its time, or that its time came."""

    OVERTURNED = "overturned"
    SERVED = "served"
    AMNESTY = "amnesty"
    EXPIRED = "expired"


class Action(Struct, frozen=True, kw_only=True):
    """One enforcement action with its statement of reasons.

    ``account`` and ``moderator`` are ordinals (``moderator`` None: the server itself); times are
    milliseconds since 1970; ``until`` None means until lifted. ``restores`` is the id of the lifted
    action that this one takes again, when a reinstatement is rolled back: it is no decision of its
    own and adds no strike.
    """

    id: int
    account: int
    kind: ActionKind
    ground: str
    moderator: int | None
    taken_at: int
    starts_at: int
    until: int | None = None
    text: str = ""
    restores: int | None = None


class Lifting(Struct, frozen=True, kw_only=True):
    """The end of an action, and why."""

    action: int
    account: int
    reason: LiftReason
    moderator: int | None
    lifted_at: int


Record = tuple[list[Action], list[Lifting]]
"""What was done to an account: every action and every lifting, in order of the actions."""


class State(Struct, frozen=True):
    """What is in force for one account: enforcement, and its own standing.

    ``unconfirmed`` (its e-mail address), ``pending`` (approval) and ``deactivated`` (by its owner)
    are no actions of anybody's: see ``domain.accounts.Standing``.
    """

    suspended: bool = False
    deleted: bool = False
    limited: bool = False
    frozen: bool = False
    sensitive: bool = False
    unconfirmed: bool = False
    pending: bool = False
    deactivated: bool = False

    @property
    def active(self) -> bool:
        """Whether the account exists for others: not suspended, and not absent."""
        return not (self.suspended or self.absent)

    @property
    def absent(self) -> bool:
        """Whether there is, for others, no such account: deleted, not there yet, or put away."""
        return self.deleted or self.unconfirmed or self.pending or self.deactivated


def in_force(
    actions: Iterable[Action], liftings: Iterable[Lifting], now: int
) -> tuple[Action, ...]:
    """Return the actions in force at ``now`` (ms), in the order they were taken.

    One that began when it was taken is in force from then on, even if the clock stepped back since.
    """
    lifted = {lifting.action for lifting in liftings}
    active = [
        action
        for action in actions
        if action.id not in lifted
        and action.starts_at <= max(now, action.taken_at)
        and (action.until is None or now < action.until)
    ]
    return tuple(sorted(active, key=lambda action: action.id))


def ends(
    actions: Iterable[Action], liftings: Iterable[Lifting]
) -> Iterator[tuple[Action, int | None]]:
    """Yield each action with the time (ms) it ends or ended at, by the clock or lifted before; None
    when it has no end.
    """
    lifted = {lifting.action: lifting.lifted_at for lifting in liftings}
    for action in actions:
        known = [end for end in (action.until, lifted.get(action.id)) if end is not None]
        yield action, min(known, default=None)


def suspended_since(actions: Iterable[Action], liftings: Iterable[Lifting], now: int) -> int | None:
    """Return since when (ms) an account is suspended without a break, or None when it is not at
    ``now``. A return that was taken back is no break.
    """
    actions = list(actions)
    known = {action.id: action for action in actions}
    spans = [
        (_began(action, known, now), now + 1 if end is None else end)
        for action, end in ends(actions, liftings)
        if action.kind == ActionKind.SUSPEND
    ]
    since = now + 1
    for start, end in sorted(spans, key=lambda span: span[1], reverse=True):
        if start < since <= end:
            since = start
    return since if since <= now else None


def _began(action: Action, known: Mapping[int, Action], now: int) -> int:
    """Return when (ms) an action began, or the one it restores if it was in force at ``now``."""
    if action.starts_at > now:
        return action.starts_at
    while action.restores is not None and action.restores in known:
        action = known[action.restores]
    return action.starts_at


class Strike(Struct, frozen=True):
    """A decision that counts against an account; ``flagged``: it stands, but grace was shown."""

    action: Action
    flagged: bool = False


def strikes(actions: Iterable[Action], liftings: Iterable[Lifting]) -> tuple[Strike, ...]:
    """Return the strikes of one account, oldest first: one for each decision, warnings included.

    An overturned one is void; served and expired ones stand; one lifted by an amnesty stands
    flagged. An action that takes a lifted one again adds none: the strike is the lifted one's, and
    what became of it is what became of the last that took it again. Deletion is no strike.
    """
    known = sorted(actions, key=lambda action: action.id)
    ended = {lifting.action: lifting.reason for lifting in liftings}
    again = {action.restores: action for action in known if action.restores is not None}
    found = []
    for action in known:
        if action.restores is None and action.kind != ActionKind.DELETE:
            last = action
            while last.id in again:
                last = again[last.id]
            reason = ended.get(last.id)
            if reason != LiftReason.OVERTURNED:
                found.append(Strike(action, reason == LiftReason.AMNESTY))
    return tuple(found)


def fold(actions: Iterable[Action]) -> State:
    """Return the state that actions in force add up to."""
    kinds = {action.kind for action in actions}
    return State(
        suspended=ActionKind.SUSPEND in kinds,
        deleted=ActionKind.DELETE in kinds,
        limited=ActionKind.LIMIT in kinds,
        frozen=ActionKind.FREEZE in kinds,
        sensitive=ActionKind.SENSITIVE in kinds,
    )


def state_at(actions: Iterable[Action], liftings: Iterable[Lifting], at: int) -> State:
    """Return what was in force at a time (ms), by what was on record then."""
    taken = [action for action in actions if action.taken_at <= at]
    lifted = [lifting for lifting in liftings if lifting.lifted_at <= at]
    return fold(in_force(taken, lifted, at))


def next_change(actions: Iterable[Action], liftings: Iterable[Lifting], now: int) -> int | None:
    """Return when, after ``now`` (ms), the clock alone changes the fold; None for never."""
    lifted = {lifting.action for lifting in liftings}
    times = [
        time
        for action in actions
        if action.id not in lifted
        for time in (action.starts_at, action.until)
        if time is not None and time > now
    ]
    return min(times, default=None)
