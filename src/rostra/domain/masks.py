"""Masks: who is hidden, as bitmaps of ordinals, and the epoch that moves when they change.

Only ``domain.visibility`` (the gate) and the code that folds enforcement may read a mask: everybody
else asks the gate, so that one place answers what hides a thing.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from pyroaring import BitMap

from rostra.domain.enforcement import State

HISTORY: Final = 4096


class Masks:
    """The masks of one process at one place in the change feed.

    ``inactive`` (not ``State.active``) is what visible counts subtract. ``epoch`` grows with each
    change; ``changed_since`` tells which accounts turned active or inactive after an earlier epoch,
    so that what was computed under it can be corrected instead of computed again.
    """

    __slots__ = (
        "_complete_from",
        "_toggles",
        "deactivated",
        "deleted",
        "epoch",
        "frozen",
        "inactive",
        "limited",
        "pending",
        "sensitive",
        "suspended",
        "unconfirmed",
    )

    def __init__(self) -> None:
        self.suspended = BitMap()
        self.deleted = BitMap()
        self.limited = BitMap()
        self.frozen = BitMap()
        self.sensitive = BitMap()
        self.unconfirmed = BitMap()
        self.pending = BitMap()
        self.deactivated = BitMap()
        self.inactive = BitMap()
        self.epoch = 0
        self._toggles: deque[tuple[int, int]] = deque()
        self._complete_from = 0

    def load(
        self,
        *,
        suspended: BitMap,
        deleted: BitMap,
        limited: BitMap,
        frozen: BitMap,
        sensitive: BitMap,
        unconfirmed: BitMap | None = None,
        pending: BitMap | None = None,
        deactivated: BitMap | None = None,
    ) -> None:
        """Replace all masks; what was computed under an earlier epoch is of no use any more."""
        self.suspended = suspended
        self.deleted = deleted
        self.limited = limited
        self.frozen = frozen
        self.sensitive = sensitive
        self.unconfirmed = unconfirmed or BitMap()
        self.pending = pending or BitMap()
        self.deactivated = deactivated or BitMap()
        self.inactive = suspended | deleted
        self.inactive |= self.unconfirmed | self.pending | self.deactivated
        self.epoch += 1
        self._toggles.clear()
        self._complete_from = self.epoch

    def state(self, ordinal: int) -> State:
        """Return what is in force for an account."""
        return State(
            suspended=ordinal in self.suspended,
            deleted=ordinal in self.deleted,
            limited=ordinal in self.limited,
            frozen=ordinal in self.frozen,
            sensitive=ordinal in self.sensitive,
            unconfirmed=ordinal in self.unconfirmed,
            pending=ordinal in self.pending,
            deactivated=ordinal in self.deactivated,
        )

    def apply(self, ordinal: int, state: State) -> bool:
        """Set what is in force for an account; return whether anything, so the epoch, changed."""
        if state == self.state(ordinal):
            return False
        was_active = ordinal not in self.inactive
        for mask, value in (
            (self.suspended, state.suspended),
            (self.deleted, state.deleted),
            (self.limited, state.limited),
            (self.frozen, state.frozen),
            (self.sensitive, state.sensitive),
            (self.unconfirmed, state.unconfirmed),
            (self.pending, state.pending),
            (self.deactivated, state.deactivated),
            (self.inactive, not state.active),
        ):
            if value:
                mask.add(ordinal)
            else:
                mask.discard(ordinal)
        self.epoch += 1
        if was_active != state.active:
            self._toggles.append((self.epoch, ordinal))
            if len(self._toggles) > HISTORY:
                self._complete_from = self._toggles.popleft()[0]
        return True

    def changed_since(self, epoch: int) -> set[int] | None:
        """Return who turned active or inactive after ``epoch``; None when that is forgotten."""
        if epoch < self._complete_from:
            return None
        changed: set[int] = set()
        for moved, ordinal in reversed(self._toggles):  # the newest of thousands, while waves run
            if moved <= epoch:
                break
            changed.add(ordinal)
        return changed
