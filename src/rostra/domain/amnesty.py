"""Amnesty: the actions of many accounts lifted in waves, from a plan that was approved.

A plan finds the accounts, says what lifting will bring, and is frozen as a *manifest*: the accounts
in their order, the actions to lift and the figures expected, under the SHA-256 of its bytes. A
second moderator approves that hash; then waves lift it, and may be rolled back.
"""

from __future__ import annotations

import enum
import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Invalid, Told, told

DEFAULT_WAVES: Final = ("10", "1%", "10%", "100%")
MAX_WAVES: Final = 100
_WAVE: Final = re.compile(r"(\d{1,9})|(\d{1,3}(?:\.\d{1,3})?)%")


class AmnestyState(enum.StrEnum):
    """Where an amnesty is; ``TRANSITIONS`` says what may follow."""

    PLANNING = "planning"
    FAILED = "failed"
    PLANNED = "planned"
    REJECTED = "rejected"
    EXPIRED = "expired"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    STOPPED = "stopped"
    DONE = "done"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"

    @property
    def holds(self) -> bool:
        """Whether its accounts are in its hands: no other amnesty or run may take them."""
        return self in HOLDING


_State = AmnestyState
TRANSITIONS: Final[Mapping[AmnestyState, frozenset[AmnestyState]]] = {
    _State.PLANNING: frozenset({_State.PLANNED, _State.FAILED, _State.REJECTED}),
    _State.FAILED: frozenset(),
    _State.PLANNED: frozenset({_State.APPROVED, _State.REJECTED, _State.EXPIRED}),
    _State.REJECTED: frozenset(),
    _State.EXPIRED: frozenset(),
    _State.APPROVED: frozenset({_State.RUNNING, _State.REJECTED, _State.EXPIRED}),
    _State.RUNNING: frozenset(
        {_State.PAUSED, _State.HALTED, _State.STOPPED, _State.DONE, _State.ROLLING_BACK}
    ),
    _State.PAUSED: frozenset({_State.RUNNING, _State.STOPPED, _State.ROLLING_BACK}),
    _State.HALTED: frozenset({_State.RUNNING, _State.STOPPED, _State.ROLLING_BACK}),
    _State.STOPPED: frozenset({_State.ROLLING_BACK}),
    _State.DONE: frozenset({_State.ROLLING_BACK}),
    _State.ROLLING_BACK: frozenset({_State.ROLLED_BACK}),
    _State.ROLLED_BACK: frozenset(),
}
"""What an amnesty may become from each state."""

_WAYS: Final[Mapping[AmnestyState, Told]] = {
    _State.APPROVED: told("approved"),
    _State.REJECTED: told("rejected"),
    _State.RUNNING: told("run"),
    _State.PAUSED: told("paused"),
    _State.STOPPED: told("stopped"),
    _State.ROLLING_BACK: told("rolled back"),
}
"""The states that somebody brings an amnesty to, and what that is called."""

_RESTING: Final = frozenset({_State.PAUSED, _State.HALTED})
"""States in which its waves have begun and rest."""

assert TRANSITIONS.keys() == set(AmnestyState)
assert not any(state in after for state, after in TRANSITIONS.items())

HOLDING: Final = frozenset(
    {_State.APPROVED, _State.RUNNING, _State.PAUSED, _State.HALTED, _State.ROLLING_BACK}
)
"""States in which the accounts of an amnesty are in its hands."""


class Exclusion(enum.StrEnum):
    """Why an account that a selector means is left out all the same."""

    EXCEPT = "except"
    LEGAL_HOLD = "legal_hold"
    DELETED = "deleted"
    STAFF = "staff"
    HELD = "held"
    CHILD_SAFETY = "child_safety"
    SPAM = "spam"
    STILL_HIDDEN = "still_hidden"
    SECOND_STRIKE = "second_strike"

    @property
    def says(self) -> str:
        """What it is, for people."""
        return _EXCLUSIONS[self]


_EXCLUSIONS: Final[Mapping[Exclusion, str]] = {
    Exclusion.EXCEPT: "left out by the amnesty's own exception",
    Exclusion.LEGAL_HOLD: "labelled legal_hold",
    Exclusion.DELETED: "deleted",
    Exclusion.STAFF: "moderators and owners: reinstate them one by one",
    Exclusion.HELD: "in the hands of another amnesty or reinstatement",
    Exclusion.CHILD_SAFETY: "labelled child_safety",
    Exclusion.SPAM: "labelled spam",
    Exclusion.STILL_HIDDEN: "would stay hidden by something else that is in force",
    Exclusion.SECOND_STRIKE: "with another strike that stands",
}
OVERRIDABLE: Final = (
    Exclusion.CHILD_SAFETY,
    Exclusion.SPAM,
    Exclusion.STILL_HIDDEN,
    Exclusion.SECOND_STRIKE,
)
"""Exclusions that can be set aside, by naming them; the others always hold."""


class Outcome(enum.StrEnum):
    """What became of one account of an amnesty."""

    PENDING = "pending"
    LIFTED = "lifted"
    SKIPPED = "skipped"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    KEPT = "kept"
    """It was to be rolled back, and was left: somebody decided about it since."""


class Expected(Struct, frozen=True):
    """How many followers, and how many it follows, an account is shown with."""

    followers: int
    following: int


class Entry(Struct, frozen=True, kw_only=True):
    """One account of an amnesty, the ``n``-th (from 1) of its manifest.

    ``actions`` are the ids of those to lift. What is expected of its counts is given for when its
    own wave is over (``then``) and for when the last one is (``finally_``). ``why`` says, for
    people, what ``outcome`` came of; ``at`` (ms) is when.
    """

    n: int
    account: int
    wave: int
    actions: tuple[int, ...]
    then: Expected
    finally_: Expected = msgspec.field(name="finally")
    outcome: Outcome = Outcome.PENDING
    why: str = ""
    at: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """When the waves of an amnesty halt by themselves, and how long they rest between two.

    ``failures``: so many accounts may fail. ``reports``: so many new reports a minute may come in.
    ``lag_s``: so many seconds may a job be overdue. ``pause_s``: seconds between two waves.
    """

    failures: int = 0
    reports: int = 60
    lag_s: int = 30
    pause_s: int = 60


class Moved(Struct, frozen=True):
    """By how much the counts of one account that is not of an amnesty are to change."""

    account: int
    followers: int
    following: int


class Clash(Struct, frozen=True):
    """Something else that is on its way for an account of a plan: ``kind`` names
    what, ``detail`` says which.
    """

    account: int
    kind: str
    detail: str = ""


class Figures(Struct, frozen=True, kw_only=True):
    """What a plan found.

    ``listed``: accounts a list names. ``found``: those of them, or of all, that the selector means
    and that have such an action in force; ``excluded``: how many of those each exclusion left out
    (the first that holds counts); ``selected``: the rest. ``edges`` come alive, each counted once;
    ``others`` accounts outside the amnesty change their counts, most of all those in ``largest``.
    ``conflicts`` counts by kind what else is on its way for them, of which some are in ``clashes``.
    """

    listed: int = 0
    found: int = 0
    selected: int = 0
    excluded: Mapping[str, int] = {}
    edges: int = 0
    others: int = 0
    largest: tuple[Moved, ...] = ()
    conflicts: Mapping[str, int] = {}
    clashes: tuple[Clash, ...] = ()


class Amnesty(Struct, frozen=True, kw_only=True):
    """An amnesty. Accounts and moderators are ordinals, times milliseconds since 1970.

    ``where`` and ``except_`` are selectors as typed (``domain.selectors``), ``listed`` is whether a
    list of accounts was given instead; ``include`` names the exclusions that were set aside.
    ``waves`` are as asked for, ``sizes`` how many accounts each has. ``hash`` is of the manifest.
    ``wave`` is the one that runs or ran last (0: none yet); ``why`` is what it halted or failed on.
    ``progress`` is, while it is planned, how many accounts of how many are looked at.
    ``seq`` is where in the change feed it was planned; None of those planned by an older version.
    """

    id: int
    state: AmnestyState
    planned_by: int | None
    planned_at: int
    where: str = ""
    except_: str = msgspec.field(default="", name="except")
    listed: bool = False
    include: tuple[str, ...] = ()
    kind: ActionKind = ActionKind.SUSPEND
    reason: LiftReason = LiftReason.AMNESTY
    ground: str = ""
    waves: tuple[str, ...] = DEFAULT_WAVES
    sizes: tuple[int, ...] = ()
    limits: Limits = Limits()
    figures: Figures = Figures()
    hash: str = ""
    expires_at: int | None = None
    approved_by: int | None = None
    approved_at: int | None = None
    rejected_by: int | None = None
    rejected_at: int | None = None
    started_by: int | None = None
    started_at: int | None = None
    wave: int = 0
    wave_at: int | None = None
    finished_at: int | None = None
    why: str = ""
    progress: tuple[int, int] = (0, 0)
    seq: int | None = None

    @property
    def total(self) -> int:
        """How many accounts it has."""
        return sum(self.sizes)


def moved_to(amnesty: Amnesty, state: AmnestyState, **changes: Any) -> Amnesty:
    """Return an amnesty in another state.

    Raises:
        Conflict: it may not go there from where it is.
    """
    if state is amnesty.state:
        raise Conflict(
            "This amnesty is %(state)s already: %(hint)s",
            state=shown(state),
            hint=_ways_on(state),
        )
    if state not in TRANSITIONS[amnesty.state]:
        raise Conflict(
            "This amnesty is %(state)s, so it cannot become %(next)s: %(hint)s",
            state=shown(amnesty.state),
            next=shown(state),
            hint=_ways_on(amnesty.state),
        )
    return structs.replace(amnesty, state=state, **changes)


def _ways_on(state: AmnestyState) -> Told:
    """Return what can be done instead, in words."""
    names = {**_WAYS, AmnestyState.RUNNING: told("resumed")} if state in _RESTING else _WAYS
    ways = [names[one] for one in AmnestyState if one in TRANSITIONS[state] & names.keys()]
    if not ways and TRANSITIONS[state]:
        return told("it goes on by itself, so wait until that is over")
    if not ways:
        return told("it is over, and another can be planned")
    if len(ways) == 1:
        return told("it can be %(one)s", one=ways[0])
    return told("it can be %(one)s or %(other)s", one=tuple(ways[:-1]), other=ways[-1])


def shown(state: AmnestyState) -> str:
    """Return the name of a state as people read it."""
    return state.value.replace("_", " ")


# -- waves -----------------------------------------------------------------------------------------


def wave_sizes(waves: Sequence[str], total: int) -> tuple[int, ...]:
    """Return how many accounts each wave has.

    A wave says how far the amnesty has come when it is over: so many accounts, or so much of them
    all (rounded up), counted from the first. One that adds none is left out.

    Raises:
        Invalid: one is neither a number nor a percentage, or the last leaves accounts out.
    """
    if not 0 < len(waves) <= MAX_WAVES:
        raise Invalid(
            "Name from one to %(num)s waves, as in %(among)s",
            num=MAX_WAVES,
            among=",".join(DEFAULT_WAVES),
        )
    reached, sizes = 0, []
    for wave in waves:
        end = min(total, _reach(wave, total))
        if end > reached:
            sizes.append(end - reached)
            reached = end
    if reached < total or not _all_of_them(waves[-1]):
        raise Invalid(
            'The last wave is "%(words)s": end with 100%%, or accounts are left out',
            words=waves[-1],
        )
    return tuple(sizes)


def _reach(wave: str, total: int) -> int:
    found = _WAVE.fullmatch(wave)
    number = float(found[2]) if found and found[2] else 0.0
    if found is None or number > 100 or (not number and not int(found[1] or 0)):
        raise Invalid(
            '"%(words)s" is no wave: write a number of accounts, or up to 100%% of them, as in '
            "10,1%%",
            words=wave,
        )
    if found[1]:
        return int(found[1])
    return math.ceil(round(number * total / 100, 6))


def _all_of_them(wave: str) -> bool:
    return wave.endswith("%") and float(wave[:-1]) == 100


# -- the manifest ----------------------------------------------------------------------------------

_AS_IT_WAS: Final = (
    *("id", "where", "except", "listed", "include", "kind", "reason", "ground"),
    *("waves", "sizes", "limits", "figures", "planned_by", "planned_at"),
)
_OF_ENTRY: Final = ("n", "account", "wave", "actions", "then", "finally")


def manifest(amnesty: Amnesty, entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the lines of a manifest: what the amnesty is, and each account in its order.

    They are JSON with sorted keys and without spaces, each ended by a line feed, and hold nothing
    that running changes.
    """
    yield _line(amnesty, _AS_IT_WAS)
    for entry in entries:
        yield _line(entry, _OF_ENTRY)


def _line(value: Struct, names: Sequence[str]) -> bytes:
    whole = msgspec.to_builtins(value)
    return msgspec.json.encode({name: whole[name] for name in names}, order="sorted") + b"\n"


def manifest_hash(amnesty: Amnesty, entries: Iterable[Entry]) -> str:
    """Return the SHA-256 of a manifest's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for line in manifest(amnesty, entries):
        digest.update(line)
    return digest.hexdigest()
