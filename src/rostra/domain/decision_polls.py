"""Polls that decide: a public poll that a reinstatement or an amnesty is bound to, and its result.

Votes are sets of accounts: one account has one vote, and who is not active when the poll closes has
none. At that instant the result is frozen with its evidence; nothing that happens later changes it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Final

import numpy as np
from msgspec import Struct, structs
from pyroaring import BitMap

from rostra.domain.errors import Invalid
from rostra.domain.times import timestamp

WHOLE: Final = 10_000
"""Shares are in hundredths of a percent."""

MAX_QUORUM: Final = 1_000_000_000
HASHED_AT_ONCE: Final = 1 << 20

DAY_MS: Final = 86_400_000
AGES: Final[tuple[tuple[str, int], ...]] = (
    ("day", DAY_MS),
    ("week", 7 * DAY_MS),
    ("month", 30 * DAY_MS),
    ("year", 365 * DAY_MS),
)
"""Up to which age (ms) when the poll closed an account is counted under which name."""

OLDER: Final = "older"


def hundredths(text: str) -> int:
    """Return a share in percent, such as 66.67, in hundredths of a percent.

    Raises:
        Invalid: it is none.
    """
    try:
        share = Decimal(text) * 100
    except InvalidOperation:
        share = Decimal(0)
    if not share.is_finite() or share != share.to_integral_value() or not 1 <= share <= WHOLE:
        raise Invalid("Validation failed: Share must be a percentage up to 100, such as 66.67")
    return int(share)


class DecisionState(enum.StrEnum):
    """Where a decision by poll stands."""

    OPEN = "open"
    REACHED = "reached"
    MISSED = "missed"
    VOID = "void"
    UNBOUND = "unbound"


_State = DecisionState
WAYS: Final[Mapping[DecisionState, frozenset[DecisionState]]] = {
    _State.OPEN: frozenset({_State.REACHED, _State.MISSED, _State.VOID, _State.UNBOUND}),
    _State.REACHED: frozenset({_State.UNBOUND}),
    _State.MISSED: frozenset({_State.UNBOUND}),
    _State.VOID: frozenset({_State.UNBOUND}),
    _State.UNBOUND: frozenset(),
}
"""From each state, those it may become."""

assert WAYS.keys() == set(DecisionState)
assert all(_State.OPEN not in ways for ways in WAYS.values())


class Void(enum.StrEnum):
    """Why a poll cannot decide."""

    DELETED = "deleted"
    EDITED = "edited"
    AUTHOR = "author"

    @property
    def says(self) -> str:
        """What happened, for people."""
        return _VOID[self]


_VOID: Final[Mapping[Void, str]] = {
    Void.DELETED: "the poll was deleted before it closed",
    Void.EDITED: "the poll was edited before it closed",
    Void.AUTHOR: "who asked it was suspended or left before it closed",
}


class Tally(Struct, frozen=True, kw_only=True):
    """One option: ``counted`` as shown when the poll closed, ``stored`` with those left out."""

    option: str
    counted: int
    stored: int


class AgeShare(Struct, frozen=True, kw_only=True):
    """The votes that counted of accounts up to an age, ``yes`` of them for it."""

    age: str
    votes: int
    yes: int


class Result(Struct, frozen=True, kw_only=True):
    """What a poll came to when it closed, with its evidence; ``share`` in hundredths of a percent.

    ``suspended`` and ``gone`` (deleted, put away) voters were left out; ``new`` are accounts made
    after the poll was opened, among those that counted. ``counted_sha256`` and ``stored_sha256``
    are over who voted for what (``votes_digest``).
    """

    votes: int
    yes: int
    share: int
    tallies: tuple[Tally, ...]
    suspended: int
    gone: int
    new: int
    new_yes: int
    ages: tuple[AgeShare, ...]
    counted_sha256: str
    stored_sha256: str


class Decision(Struct, frozen=True, kw_only=True):
    """A reinstatement (of ``account``, an ordinal) or an ``amnesty`` left to a poll.

    ``yes`` is the option (from 0) that has to reach ``share`` (hundredths of a percent) of the
    votes, of which there must be ``quorum`` at least. What the poll said when it was bound is in
    ``text``, ``options``, ``round`` and ``closes_at``: any change of it before it closes makes the
    decision void. ``about`` are the decisions (actions) that hold the account. Times in ms.
    """

    id: int
    poll: int
    author: int
    account: int | None
    amnesty: int | None
    about: tuple[int, ...] = ()
    text: str
    options: tuple[str, ...]
    round: int
    yes: int
    share: int
    quorum: int
    opened_at: int
    closes_at: int
    bound_at: int
    bound_by: int
    state: DecisionState = DecisionState.OPEN
    closed_at: int | None = None
    result: Result | None = None
    void: Void | None = None
    unbound_at: int | None = None
    unbound_by: int | None = None
    why: str = ""


def reaches(decision: Decision, *, yes: int, votes: int) -> bool:
    """Return whether so many votes for it, of so many, decide for it."""
    return votes >= decision.quorum and votes > 0 and yes * WHOLE >= decision.share * votes


def result_of(
    decision: Decision,
    voters: Sequence[BitMap],
    *,
    suspended: BitMap,
    inactive: BitMap,
    first_new: int,
    first_of: Mapping[str, int],
) -> Result:
    """Return what a poll came to.

    Args:
        decision: what was asked.
        voters: who chose each option, as stored.
        suspended: those of them who were suspended when it closed.
        inactive: those of them who were not active then, the suspended among them.
        first_new: the first ordinal made after the poll was opened.
        first_of: for the name of each age, the first ordinal that was no older when it closed.
    """
    counted = [each - inactive for each in voters]
    everybody = BitMap.union(*counted) if counted else BitMap()
    stored = BitMap.union(*voters) if voters else BitMap()
    yes = counted[decision.yes]
    votes = len(everybody)
    return Result(
        votes=votes,
        yes=len(yes),
        share=len(yes) * WHOLE // votes if votes else 0,
        tallies=tuple(
            Tally(option=option, counted=len(one), stored=len(all_))
            for option, one, all_ in zip(decision.options, counted, voters, strict=True)
        ),
        suspended=len(stored & suspended),
        gone=len(stored & inactive) - len(stored & suspended),
        new=_from(everybody, first_new),
        new_yes=_from(yes, first_new),
        ages=tuple(_ages(everybody, yes, first_of)),
        counted_sha256=votes_digest(counted),
        stored_sha256=votes_digest(voters),
    )


def _from(members: BitMap, first: int) -> int:
    """Return how many members are ``first`` or above it."""
    return len(members) - (members.rank(first - 1) if first > 0 else 0)


def _ages(everybody: BitMap, yes: BitMap, first_of: Mapping[str, int]) -> Iterator[AgeShare]:
    votes_before = yes_before = 0
    for age, _ in AGES:
        votes, for_it = _from(everybody, first_of[age]), _from(yes, first_of[age])
        yield AgeShare(age=age, votes=votes - votes_before, yes=for_it - yes_before)
        votes_before, yes_before = votes, for_it
    yield AgeShare(age=OLDER, votes=len(everybody) - votes_before, yes=len(yes) - yes_before)


def votes_digest(voters: Sequence[BitMap]) -> str:
    """Return the SHA-256 of who chose what: for each option its number of members (8 bytes), and
    their ordinals in ascending order (4 bytes each), all little-endian.
    """
    found = sha256()
    for members in voters:
        size = len(members)
        found.update(size.to_bytes(8, "little"))
        for start in range(0, size, HASHED_AT_ONCE):
            lot = members[start : start + HASHED_AT_ONCE].to_array()
            found.update(np.asarray(lot, dtype="<u4").tobytes())
    return found.hexdigest()


def recorded(decision: Decision) -> dict[str, object]:
    """Return what the ledger says of a decision: what was asked, and the result with its evidence.

    Shares are in hundredths of a percent.
    """
    told: dict[str, object] = {
        "decision": str(decision.id),
        "poll": str(decision.poll),
        "amnesty": None if decision.amnesty is None else str(decision.amnesty),
        "actions": [str(action) for action in decision.about],
        "options": list(decision.options),
        "yes": decision.yes,
        "share": decision.share,
        "quorum": decision.quorum,
        "opened_at": timestamp(decision.opened_at),
        "closes_at": timestamp(decision.closes_at),
    }
    if decision.void is not None:
        told["void"] = str(decision.void)
    if decision.result is not None:
        told["outcome"] = str(decision.state)
        told["result"] = structs.asdict(decision.result) | {
            "tallies": [structs.asdict(one) for one in decision.result.tallies],
            "ages": [structs.asdict(one) for one in decision.result.ages],
        }
    return told


def percent(share: int) -> str:
    """Return a share as people write it, such as 66.67 %."""
    whole, rest = divmod(share, 100)
    return f"{whole}.{rest:02d} %" if rest else f"{whole} %"
