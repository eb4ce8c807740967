"""The adapters that fulfil ``MemberSetsWriter``, each in the forms its sets can be in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from rostra.domain.account_set import MemberSets, MemberSetsWriter
from rostra.storage import packed, packer
from rostra.storage.packer import pack_everything
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock
from rostra.testing.memory_sets import MemorySets

T = TypeVar("T")

SMALL_LIMITS = {
    packed: {"SMALL_MAX": 6, "SEGMENT": 4, "PART_BYTES": 40},
    packer: {
        "SWEEP_FROM": 3,
        "CHUNKS_A_STEP": 2,
        "SEGMENTS_A_STEP": 2,
        "LARGE_WAITS_FOR": 5,
        "CHANGES_A_STEP": 30,
        "CHANGES_OF_LARGE": 30,
    },
}
"""Limits so small that a handful of members makes a large set of many segments and parts."""


def make_limits_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of members be a large set."""
    for module, limits in SMALL_LIMITS.items():
        for name, value in limits.items():
            monkeypatch.setattr(module, name, value)


class SetsWorld(Protocol):
    """Where a test writes and reads account sets."""

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        """Run a change and make it last."""
        ...

    def read(self) -> Any:
        """Open the sets for reading."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Memory:
    """Plain dictionaries."""

    def __init__(self) -> None:
        self._sets = MemorySets()

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        return change(self._sets)

    @contextmanager
    def read(self) -> Iterator[MemberSets]:
        yield self._sets

    def close(self) -> None:
        pass


class Stored:
    """Sets in the journal of a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.store = SqliteStore.open(folder, self.clock)

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        self.clock.advance(1)
        return self.store.write_now(lambda tx: change(tx.sets))

    @contextmanager
    def read(self) -> Iterator[MemberSets]:
        with self.store.read() as snapshot:
            yield snapshot.sets

    def close(self) -> None:
        self.store.close_now()


class Packed(Stored):
    """Sets that are packed after every write."""

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        result = super().write(change)
        pack_everything(self.store.write_now)
        return result


class HalfPacked(Stored):
    """Sets of which some changes are packed and later ones wait in the journal."""

    _writes = 0

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        result = super().write(change)
        self._writes += 1
        if self._writes % 3 == 1:
            pack_everything(self.store.write_now)
        return result


class Reopened(HalfPacked):
    """Sets read by a store that was just opened."""

    @contextmanager
    def read(self) -> Iterator[MemberSets]:
        store = SqliteStore.open(self.folder, self.clock)
        try:
            with store.read() as snapshot:
                yield snapshot.sets
        finally:
            store.close_now()


class OtherProcess(HalfPacked):
    """Sets read by a second store that is open all along, as another process has it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.other = SqliteStore.open(folder, self.clock)

    @contextmanager
    def read(self) -> Iterator[MemberSets]:
        with self.other.read() as snapshot:
            yield snapshot.sets

    def close(self) -> None:
        self.other.close_now()
        super().close()


class Undecided(Stored):
    """Sets read within the transaction that changes them, before it is committed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._open = self.store.exclusive()
        self._tx = self._open.__enter__()

    def write(self, change: Callable[[MemberSetsWriter], T]) -> T:
        return change(self._tx.sets)

    @contextmanager
    def read(self) -> Iterator[MemberSets]:
        yield self._tx.sets

    def close(self) -> None:
        self._open.__exit__(None, None, None)
        super().close()


WORLDS: dict[str, tuple[type[Stored] | None, bool]] = {
    "memory": (None, False),
    "journal": (Stored, False),
    "packed": (Packed, False),
    "half-packed": (HalfPacked, False),
    "other-process": (OtherProcess, False),
    "undecided": (Undecided, False),
    "large-packed": (Packed, True),
    "large-half-packed": (HalfPacked, True),
    "large-reopened": (Reopened, True),
    "large-other-process": (OtherProcess, True),
}
"""name → (the adapter, whether its limits are small)."""


def made(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SetsWorld:
    """Return an adapter with no sets in it."""
    adapter, small = WORLDS[name]
    if small:
        make_limits_small(monkeypatch)
    return Memory() if adapter is None else adapter(folder)
