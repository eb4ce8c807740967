"""What the filters of viewers find in statuses, as bytes that are joined to what is fixed."""

from __future__ import annotations

from typing import Final

from rostra.api.entities import filter_result
from rostra.api.kept import Kept
from rostra.api.messages import encode
from rostra.api.pieces import NEVER
from rostra.domain.events import AnyEvent, EverythingReplaced, FiltersChanged, StatusChanged
from rostra.ports import Snapshot
from rostra.services.reading import filters

VIEWERS_KEPT: Final = 50_000
STATUSES_KEPT: Final = 2_000
NOTHING: Final = b"[]"


class Filtered:
    """What the filters of one viewer find, kept as long as they stay as they are.

    Args:
        snap: the view.
        viewer: an ordinal.
        edition: how many changes of statuses there have been.
    """

    __slots__ = ("_edition", "_finder", "_found", "until")

    def __init__(self, snap: Snapshot, viewer: int, edition: int) -> None:
        self._edition = edition
        self._finder = filters.finder(snap, viewer)
        self._found: dict[int, bytes] = {}
        self.until = NEVER if self._finder.until is None else self._finder.until

    def __bool__(self) -> bool:
        """Whether the viewer filters anything."""
        return bool(self._finder)

    def follow(self, edition: int) -> None:
        """Look at statuses anew when some have changed since the last time."""
        if edition != self._edition:
            self._edition = edition
            self._found.clear()

    def end(self, ending: bytes, snap: Snapshot, status_id: int) -> bytes:
        """Return the end of a status with what is found in it.

        Args:
            ending: the same with nothing found, ``filtered`` being its last field.
            snap: the view.
            status_id: the status; of a boost, the boost, as its original is then shown within it.
        """
        found = self._found.get(status_id)
        if found is None:
            results = filters.find(snap, self._finder, status_id)
            found = encode([filter_result(each) for each in results]) if results else NOTHING
            if len(self._found) >= STATUSES_KEPT:
                self._found.clear()
            self._found[status_id] = found
        return ending if found is NOTHING else ending[: -len(NOTHING) - 1] + found + b"}"


class Filtering:
    """The filters of those who read, made ready once; one for each process."""

    def __init__(self) -> None:
        self._viewers: Kept[int, Filtered] = Kept(VIEWERS_KEPT)
        self._edition = 0

    def clear(self) -> None:
        """Forget everything."""
        self._viewers.clear()

    def apply(self, event: AnyEvent) -> None:
        """Forget what an event of the change feed outdates."""
        if isinstance(event, FiltersChanged):
            self._viewers.drop(event.account)
        elif isinstance(event, StatusChanged):
            self._edition += 1
        elif isinstance(event, EverythingReplaced):
            self.clear()

    def of(self, snap: Snapshot, viewer: int) -> Filtered | None:
        """Return what the filters of a viewer find; None for one that filters nothing."""
        found = self._viewers.get(viewer)
        if found is None or snap.now >= found.until:
            found = Filtered(snap, viewer, self._edition)
            self._viewers.keep(viewer, found)
        if not found:
            return None
        found.follow(self._edition)
        return found
