"""What the verifier can find wrong with a data folder."""

from __future__ import annotations

import enum
from collections.abc import Callable

from msgspec import Struct

from rostra.domain.account_set import MIRRORS, SetKey, SetKind


class Problem(enum.StrEnum):
    """The kinds of difference between what is stored and what should be."""

    DAMAGED_FILE = "damaged-file"
    DAMAGED_ROW = "damaged-row"
    DAMAGED_HEADER = "damaged-header"
    DAMAGED_SEGMENT = "damaged-segment"
    DAMAGED_CHUNK = "damaged-chunk"
    DAMAGED_JOURNAL = "damaged-journal"
    ORDER = "order"
    DOUBLED = "doubled"
    LEFTOVERS = "leftovers"
    SIZE = "size"
    NEWEST = "newest"
    MEMBERSHIP = "membership"
    JOURNAL = "journal"
    MIRROR = "mirror"
    BOOST = "boost"
    MASK = "mask"
    LOCKED = "locked"
    COLLECTED = "collected"
    WORDS = "words"
    INDEX = "index"
    FOLLOWED_TAG = "followed-tag"
    LEDGER_BROKEN = "ledger-broken"
    LEDGER_MISSING = "ledger-missing"
    LEDGER_ORDER = "ledger-order"
    LEDGER_LACKS = "ledger-lacks"
    LEDGER_UNTRUE = "ledger-untrue"


DAMAGE = frozenset(
    {
        Problem.DAMAGED_ROW,
        Problem.DAMAGED_HEADER,
        Problem.DAMAGED_SEGMENT,
        Problem.DAMAGED_CHUNK,
        Problem.DAMAGED_JOURNAL,
    }
)
"""Problems after which the members of a set are not known, and nothing follows from them."""


SEALED = frozenset(
    {
        Problem.LEDGER_BROKEN,
        Problem.LEDGER_MISSING,
        Problem.LEDGER_ORDER,
        Problem.LEDGER_UNTRUE,
    }
)
"""Problems of the ledger that no repair may write over."""


MASK_KINDS = frozenset(
    {
        SetKind.SUSPENDED,
        SetKind.LIMITED,
        SetKind.FROZEN,
        SetKind.SENSITIVE,
        SetKind.DELETED,
    }
)
"""Sets of the server that are the fold over enforcement actions."""


def told_elsewhere(kind: int) -> bool:
    """Return whether the members of a set of a kind are also to be had from elsewhere."""
    others = (SetKind.LOCKED, SetKind.BOOSTS, SetKind.TAG_FOLLOWERS)
    return kind in MIRRORS or kind in MASK_KINDS or kind in others


class Difference(Struct, frozen=True, kw_only=True):
    """One thing the verifier found wrong.

    Args:
        set: the set it is about; None when it is about the file as a whole.
        problem: what kind of difference it is.
        detail: for the operator: what was found, and where.
        repairable: whether ``storage.repair`` can put it right.
        place: where in the set: the ``first`` of a segment, the number of a chunk, the commit of a
            journal row, or the member, as the problem has it.
    """

    set: SetKey | None
    problem: Problem
    detail: str
    repairable: bool
    place: int | None = None


Report = Callable[[Difference], None]
