"""Account sets within a transaction: changes held back until they go to the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, Changes, Entry, SetKey
from rostra.domain.events import AnyEvent, SetChanged
from rostra.domain.ids import ticks
from rostra.domain.packing import ADD, REMOVE, Members, Positions, pack_change
from rostra.storage.database.sqlite import Database
from rostra.storage.loaded_sets import SmallSet
from rostra.storage.sets import SetCache, SetReader


class PendingSet:
    """The changes a transaction has made to one set and not committed yet.

    ``added`` and ``left`` say what they add up to (``left`` of what stands on disk); ``journal``
    is their bytes.
    """

    __slots__ = ("added", "journal", "last", "left")

    def __init__(self, last: int) -> None:
        self.added: dict[int, int] = {}
        self.left: set[int] = set()
        self.last = last
        self.journal = bytearray()


class SetWriter(SetReader):
    """Account sets within a transaction; fulfils ``domain.account_set.MemberSetsWriter``.

    Changes are held back until ``flush``; ``mark`` and ``undo`` take back those of one savepoint.
    """

    def __init__(self, cache: SetCache, database: Database, now: Callable[[], int]) -> None:
        super().__init__(cache, database)
        self._now = now
        self._pending: dict[SetKey, PendingSet] = {}
        self._undo: list[Callable[[], None]] = []

    # -- reading with the transaction's own changes ------------------------------------------------

    def contains(self, key: SetKey, member: int) -> bool:
        pending = self._pending.get(key)
        if pending is not None:
            if member in pending.added:
                return True
            if member in pending.left:
                return False
        return super().contains(key, member)

    def size(self, key: SetKey) -> int:
        pending = self._pending.get(key)
        size = super().size(key)
        return size if pending is None else size + len(pending.added) - len(pending.left)

    def version(self, key: SetKey) -> int:
        pending = self._pending.get(key)
        return super().version(key) if pending is None else -len(pending.journal)

    def bitmap(self, key: SetKey) -> BitMap:
        whole = super().bitmap(key)
        pending = self._pending.get(key)
        if pending is None:
            return whole
        return (whole - BitMap(pending.left)) | BitMap(pending.added)

    def hidden_count(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> int:
        if key in self._pending:
            return len(self.bitmap(key) & mask)
        return super().hidden_count(key, epoch, mask, changed)

    def between(self, key: SetKey, *, above: int, below: int) -> BitMap:
        found = super().between(key, above=above, below=below)
        pending = self._pending.get(key)
        if pending is None:
            return found
        fresh = [one for one, position in pending.added.items() if above < position < below]
        return (found - BitMap(pending.left) - BitMap(pending.added)) | BitMap(fresh)

    def position(self, key: SetKey, member: int) -> int | None:
        pending = self._pending.get(key)
        if pending is not None and member in pending.added:
            return pending.added[member]
        return super().position(key, member) if self.contains(key, member) else None

    def _descending(self, key: SetKey, below: int | None) -> Iterator[Entry]:
        pending = self._pending.get(key)
        if pending is None:
            yield from super()._descending(key, below)
            return
        for member, position in reversed(pending.added.items()):
            if below is None or position < below:
                yield Entry(position, member)
        for entry in super()._descending(key, below):
            if entry.member not in pending.left and entry.member not in pending.added:
                yield entry

    def _ascending(self, key: SetKey, above: int | None) -> Iterator[Entry]:
        pending = self._pending.get(key)
        for entry in super()._ascending(key, above):
            if pending is None or entry.member not in pending.left:
                yield entry
        if pending is not None:
            for member, position in pending.added.items():
                if above is None or position > above:
                    yield Entry(position, member)

    def entries(self, key: SetKey) -> Iterator[tuple[Positions, Members]]:
        if key in self._pending:
            held = list(self._ascending(key, None))
            small = SmallSet([e.position for e in held], [e.member for e in held])
            return small.blocks(self._database)
        return super().entries(key)

    def sizes(self, kind: int, owners: Sequence[int]) -> dict[int, int]:
        return {owner: self.size(SetKey(owner, kind)) for owner in owners}

    def stream(self, kind: int, owners: Sequence[int]) -> Iterator[tuple[int, Members]]:
        for owner in owners:
            for _, block in self.entries(SetKey(owner, kind)):
                yield owner, block

    def _chunks(self, key: SetKey) -> Iterator[BitMap]:
        return iter([self.bitmap(key)]) if key in self._pending else super()._chunks(key)

    # -- changing ----------------------------------------------------------------------------------

    def add(self, key: SetKey, member: int, *, at: int | None = None) -> bool:
        return self.add_many(key, (member,), at=at) == 1

    def remove(self, key: SetKey, member: int) -> bool:
        return self.remove_many(key, (member,)) == 1

    def add_many(self, key: SetKey, members: Sequence[int], *, at: int | None = None) -> int:
        start = ticks(self._now()) if at is None else at
        mirrored = key.kind in MIRRORS
        added = 0
        for member in members:
            if self.contains(key, member):
                continue
            pending = self._open(key)
            if mirrored:
                other = self._open(key.mirror(member))
                position = max(start, pending.last + 1, other.last + 1)
                self._record_add(other, key.owner, position)
            else:
                position = max(start, pending.last + 1)
            self._record_add(pending, member, position)
            added += 1
        return added

    def remove_many(self, key: SetKey, members: Sequence[int]) -> int:
        mirrored = key.kind in MIRRORS
        removed = 0
        for member in members:
            if not self.contains(key, member):
                continue
            if mirrored:
                self._record_remove(self._open(key.mirror(member)), key.owner)
            self._record_remove(self._open(key), member)
            removed += 1
        return removed

    def _open(self, key: SetKey) -> PendingSet:
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = PendingSet(self._get(key).last)
        return pending

    def _record_add(self, pending: PendingSet, member: int, position: int) -> None:
        last = pending.last
        pending.added[member] = position
        pending.last = position
        pending.journal += pack_change(ADD, member, position)

        def undo() -> None:
            del pending.added[member]
            pending.last = last
            del pending.journal[-13:]

        self._undo.append(undo)

    def _record_remove(self, pending: PendingSet, member: int) -> None:
        was_added = pending.added.pop(member, None)
        on_disk = was_added is None
        if on_disk:
            pending.left.add(member)
        pending.journal += pack_change(REMOVE, member, pending.last)

        def undo() -> None:
            del pending.journal[-13:]
            if was_added is not None:
                pending.added[member] = was_added
                pending.added = dict(sorted(pending.added.items(), key=lambda item: item[1]))
            else:
                pending.left.discard(member)

        self._undo.append(undo)

    # -- the transaction ---------------------------------------------------------------------------

    def mark(self) -> int:
        """Return a mark to ``undo`` to."""
        return len(self._undo)

    def undo(self, mark: int) -> None:
        """Take back every change made after a mark."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def flush(self, seq: int, announce: Callable[[AnyEvent], None]) -> None:
        """Write what is pending to the journal under a commit number and announce it."""
        rows = []
        for key, pending in self._pending.items():
            if pending.journal:
                entries = bytes(pending.journal)
                rows.append((key.owner, key.kind, seq, entries))
                announce(SetChanged(key.owner, key.kind, entries))
        self._database.run_many(
            "INSERT INTO journal (owner, kind, seq, entries) VALUES (?, ?, ?, ?)", rows
        )
        self.forget()

    def forget(self) -> None:
        """Drop what is pending: it was flushed, or the transaction is undone."""
        self._pending.clear()
        self._undo.clear()
