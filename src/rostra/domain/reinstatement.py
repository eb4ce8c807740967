"""Reinstating one account: the plan, the run that carries it out, and what its states may become.

A *plan* is made by reads alone and frozen under the SHA-256 of its bytes. A *run* names that hash
and goes through the states below; each is committed together with what was done in it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from rostra.domain.enforcement import LiftReason
from rostra.domain.errors import Conflict, Invalid
from rostra.domain.probes import Probe

SHORTEST_PREFIX: Final = 8
NAMES_TOLD: Final = 20
"""How many of those that joined or left since a plan are told by name."""


# -- the plan --------------------------------------------------------------------------------------


class Held(Struct, frozen=True, kw_only=True):
    """An action in force as a plan tells of it; ``id`` as text, ``type`` as in the admin API.

    ``by`` is the handle of who took it, None for the server itself; times are ms since 1970.
    """

    id: str
    type: str
    ground: str
    by: str | None
    taken_at: int
    until: int | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """What a plan counts; two plans of the same world have the same figures.

    ``followers`` and ``following`` are the counts anybody will see. ``followers_stored`` are all
    edges there are; of these the ``_suspended`` stay hidden because they are suspended themselves,
    the ``_deleted`` because they are gone, the ``_absent`` because they are not confirmed, not
    approved or put away by their owners. ``following_*`` likewise. ``dormant`` follows of locked
    accounts will become requests, ``blocks_since`` is how many blocks, either way, came since the
    suspension began and took their edges along. ``requests_in`` wait for the account's answer,
    ``requests_out`` for others', as they will show. ``drafts`` are scheduled statuses that were
    due meanwhile, ``scheduled`` those that will still go out. ``mailbox_freed`` is whether its
    address may sign up again.
    """

    followers: int
    followers_stored: int
    followers_suspended: int
    followers_deleted: int
    followers_absent: int
    following: int
    following_stored: int
    following_hidden: int
    dormant: int
    blocks_since: int
    requests_in: int
    requests_out: int
    statuses: int
    media: int
    drafts: int
    scheduled: int
    mailbox_freed: bool
    appeals: int = 0
    labels: tuple[str, ...] = ()


class Cost(Struct, frozen=True):
    """What must be read to bring the account back: sets, and the bytes they take on the disk."""

    sets: int
    bytes: int


class Plan(Struct, frozen=True, kw_only=True):
    """What reinstating an account would do, as found at ``made_at`` (ms) and ``seq`` in the feed.

    ``lifts`` are the actions that would be lifted, ``stays`` the others in force. ``hidden_after``
    says why the account stays hidden even so, empty when it does not. ``headroom`` is what the
    server said it can bear then; it is no figure that a plan goes stale by.
    """

    account: int
    account_id: str
    handle: str
    made_at: int
    made_by: str | None
    seq: int
    suspended_since: int
    lifts: tuple[Held, ...]
    stays: tuple[Held, ...]
    hidden_after: str
    figures: Figures
    cost: Cost
    headroom: dict[str, Any] | None = None

    @property
    def actions(self) -> tuple[int, ...]:
        """The ids of the actions that would be lifted."""
        return tuple(int(held.id) for held in self.lifts)


_plan = msgspec.json.Decoder(Plan)


def canonical(plan: Plan) -> bytes:
    """Return a plan as canonical JSON: its fields in order, keys of mappings sorted, no spaces."""
    return msgspec.json.encode(plan, order="deterministic")


def plan_hash(plan: Plan) -> str:
    """Return the SHA-256 of a plan's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(plan)).hexdigest()


def read_plan(data: bytes) -> Plan:
    """Return the plan that bytes hold.

    Raises:
        msgspec.DecodeError: they hold none.
    """
    return _plan.decode(data)


def require_prefix(text: str) -> str:
    """Return the beginning of a hash as it is looked up.

    Raises:
        Invalid: it is no such thing, or too short.
    """
    wanted = text.strip().lower()
    if len(wanted) > 64 or set(wanted) - set("0123456789abcdef"):
        raise Invalid(
            '"%(words)s" is no hash of a plan: copy it from where the plan is shown',
            words=text[:80],
        )
    if len(wanted) < SHORTEST_PREFIX:
        raise Invalid("Name at least %(num)s digits of the plan's hash", num=SHORTEST_PREFIX)
    return wanted


# -- a plan gone stale -----------------------------------------------------------------------------


class Changed(Struct, frozen=True):
    """A figure that is another than in the plan."""

    name: str
    before: Any
    after: Any


class Moved(Struct, frozen=True, kw_only=True):
    """Who joined or left the followers since, or was hidden or shown: some by handle, and how many.

    ``unnamed`` is by how much the count moved besides, because the feed does not reach back.
    """

    joined: int = 0
    left: int = 0
    shown: int = 0
    hidden: int = 0
    unnamed: int = 0
    who_joined: tuple[str, ...] = ()
    who_left: tuple[str, ...] = ()
    who_shown: tuple[str, ...] = ()
    who_hidden: tuple[str, ...] = ()

    @property
    def net(self) -> int:
        """By how much the visible count of followers moved."""
        return self.joined - self.left + self.shown - self.hidden + self.unnamed


class Difference(Struct, frozen=True, kw_only=True):
    """What is another than a plan says."""

    figures: tuple[Changed, ...]
    moved: Moved = Moved()

    def __bool__(self) -> bool:
        return bool(self.figures)


def difference(old: Plan, new: Plan, moved: Moved | None = None) -> Difference:
    """Return what is another in a newer plan for the same account; falsy when nothing is."""
    pairs: list[tuple[str, Any, Any]] = [
        (name, getattr(old.figures, name), getattr(new.figures, name))
        for name in Figures.__struct_fields__
    ]
    pairs += [
        ("lifts", [held.id for held in old.lifts], [held.id for held in new.lifts]),
        ("stays", [held.id for held in old.stays], [held.id for held in new.stays]),
        ("hidden_after", old.hidden_after, new.hidden_after),
    ]
    changed = tuple(Changed(*pair) for pair in pairs if pair[1] != pair[2])
    return Difference(figures=changed, moved=moved or Moved())


# -- the run ---------------------------------------------------------------------------------------


class RunState(enum.StrEnum):
    """Where a run is; ``TRANSITIONS`` says what may follow."""

    STAGING = "staging"
    STAGED = "staged"
    CUTTING_OVER = "cutting_over"
    CONFIRMING = "confirming"
    DONE = "done"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    OVERTAKEN = "overtaken"
    FAILED = "failed"
    REFUSED = "refused"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done by itself."""
        return self in OVER

    @property
    def cut_over(self) -> bool:
        """Whether the actions were lifted by the run and it did not take them again."""
        return self in (_State.CONFIRMING, _State.DONE)


_State = RunState
TRANSITIONS: Final[Mapping[RunState, frozenset[RunState]]] = {
    _State.STAGING: frozenset({_State.STAGED, _State.FAILED}),
    _State.STAGED: frozenset({_State.CUTTING_OVER, _State.REFUSED, _State.FAILED}),
    _State.CUTTING_OVER: frozenset({_State.CONFIRMING, _State.FAILED}),
    _State.CONFIRMING: frozenset({_State.DONE, _State.ROLLING_BACK, _State.OVERTAKEN}),
    _State.DONE: frozenset({_State.ROLLING_BACK}),
    _State.ROLLING_BACK: frozenset({_State.ROLLED_BACK, _State.OVERTAKEN}),
    _State.ROLLED_BACK: frozenset(),
    _State.OVERTAKEN: frozenset(),
    _State.FAILED: frozenset(),
    _State.REFUSED: frozenset(),
}
"""What a run may become from each state."""

OVER: Final = frozenset(
    {_State.DONE, _State.ROLLED_BACK, _State.OVERTAKEN, _State.FAILED, _State.REFUSED}
)

assert TRANSITIONS.keys() == set(RunState)
assert not any(state in after for state, after in TRANSITIONS.items())
assert all(TRANSITIONS[state] <= {_State.ROLLING_BACK} for state in OVER)

MEANING: Final[Mapping[RunState, str]] = {
    _State.STAGING: "the account's sets are recounted and every worker is made ready",
    _State.STAGED: "all is ready; nothing public has changed",
    _State.CUTTING_OVER: "the actions are about to be lifted, in one transaction",
    _State.CONFIRMING: "the account is back, and is looked at as visitors do",
    _State.DONE: "the account is back and was found right everywhere",
    _State.ROLLING_BACK: "the account is suspended again; every worker is asked whether it is so",
    _State.ROLLED_BACK: "the account is suspended as before",
    _State.OVERTAKEN: "somebody decided about the account meanwhile, and that decision stands",
    _State.FAILED: "it ended before anything public changed",
    _State.REFUSED: "this server has not the headroom for the returning audience; nothing changed",
}
"""What each state means, for people."""

assert MEANING.keys() == set(RunState)


class Step(Struct, frozen=True, kw_only=True):
    """What was done in one state of a run: from when to when (ms), what came of it, figures."""

    name: str
    began_at: int
    ended_at: int | None = None
    passed: bool | None = None
    said: str = ""
    figures: dict[str, Any] = {}


class Seen(Struct, frozen=True, kw_only=True):
    """A probe of a run, numbered in order: in which step and attempt, and when (ms)."""

    number: int
    step: str
    attempt: int
    at: int
    probe: Probe


class Options(Struct, frozen=True, kw_only=True):
    """What a run was asked for beside its plan.

    ``sample``: how many followers, and how many others, are asked for their relationship.
    ``require_headroom``: refuse before the cut-over when the server has not enough.
    """

    sample: int = 50
    require_headroom: bool = False


class Run(Struct, frozen=True, kw_only=True):
    """A reinstatement that was begun. Accounts are ordinals, times ms since 1970.

    ``by`` is who decided, None for the server itself. ``attempts`` counts how often the job process
    took it up. ``lifted`` are the ids of the actions the cut-over lifted, ``restored`` of those a
    rollback took again; ids above ``cut_over_id`` were given later than the cut-over,
    ``ended_then`` are the actions that were lifted by then, its own among them.
    ``confirm_by`` is until when it must be confirmed. ``counts`` are those anybody saw ``before``
    and ``after``, and what explains that they are others than planned. ``said`` is how it ended.
    """

    id: int
    account: int
    state: RunState
    plan_hash: str
    plan: Plan
    by: int | None
    reason: LiftReason
    ground: str
    begun_at: int
    options: Options = Options()
    attempts: int = 0
    steps: tuple[Step, ...] = ()
    lifted: tuple[int, ...] = ()
    restored: tuple[int, ...] = ()
    cut_over_at: int | None = None
    cut_over_id: int | None = None
    ended_then: tuple[int, ...] = ()
    confirm_by: int | None = None
    rolled_back_by: int | None = None
    finished_at: int | None = None
    counts: dict[str, dict[str, Any]] = {}
    said: str = ""

    @property
    def last_said(self) -> str:
        """What was said last, of the whole or of its latest step that said anything."""
        return self.said or next((step.said for step in self.steps[::-1] if step.said), "")


def moved_to(run: Run, state: RunState, *, at: int, said: str = "", **changes: Any) -> Run:
    """Return a run in its next state, the step it was in ended at ``at`` (ms).

    Args:
        run: the run.
        state: what it becomes.
        at: when, ms since 1970.
        said: how the step ended, for people.
        changes: other fields.

    Raises:
        Conflict: it may not go there from where it is.
    """
    if state not in TRANSITIONS[run.state]:
        raise Conflict(
            "This run is %(state)s, so it cannot become %(next)s: look at it again before you "
            "go on",
            state=shown(run.state),
            next=shown(state),
        )
    bad = state in (_State.ROLLING_BACK, _State.FAILED, _State.REFUSED, _State.OVERTAKEN)
    steps = _ended(run.steps, at=at, passed=not bad, said=said)
    if state not in OVER:
        steps = (*steps, Step(name=state.value, began_at=at))
    fields: dict[str, Any] = {"state": state, "steps": steps}
    if state in OVER:
        fields["finished_at"] = at
        fields["said"] = said or run.said
    else:
        fields["finished_at"] = None
    if state == _State.ROLLING_BACK:
        fields["said"] = said
    if state == _State.ROLLED_BACK:
        fields["said"] = _sentences(run.said, said)
    return structs.replace(run, **(fields | changes))


def _sentences(*told: str) -> str:
    """Return what was told, each a sentence of its own whatever words of a person it ends in."""
    *before, last = [one for one in told if one] or [""]
    ended = (one if one.endswith((".", "!", "?")) else f"{one}." for one in before)
    return " ".join([*ended, last])


def with_figures(run: Run, **figures: Any) -> Run:
    """Return a run whose present step has these figures as well."""
    *before, last = run.steps
    last = structs.replace(last, figures={**last.figures, **figures})
    return structs.replace(run, steps=(*before, last))


def saying(run: Run, said: str) -> Run:
    """Return a run whose present step says this while it goes on; what came of it replaces it."""
    *before, last = run.steps
    return structs.replace(run, steps=(*before, structs.replace(last, said=said)))


def _ended(steps: Sequence[Step], *, at: int, passed: bool, said: str) -> tuple[Step, ...]:
    if not steps or steps[-1].ended_at is not None:
        return tuple(steps)
    *before, last = steps
    return (*before, structs.replace(last, ended_at=at, passed=passed, said=said or last.said))


def shown(state: RunState) -> str:
    """Return the name of a state as people read it."""
    return state.value.replace("_", " ")
