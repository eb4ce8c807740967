"""Account sets on disk: the journal they are written to, and the cache they are read through.

A change goes to the journal, one row a set and commit, and to the change feed, from which every
process brings the sets it has in memory up to date. The packer (``storage/packer.py``) moves
journal rows into the packed form.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, Changes, Entry, SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.events import AnyEvent, EverythingReplaced, SetChanged, SetPacked, SetReplaced
from rostra.domain.ids import ticks
from rostra.domain.packing import (
    ADD,
    REMOVE,
    Change,
    Members,
    Positions,
    decode_entries,
    decode_header,
    is_header,
    pack_change,
    unpack_changes,
)
from rostra.storage.database.sqlite import Database
from rostra.storage.loaded_sets import LargeSet, LoadedSet, SmallSet
from rostra.storage.rows import chunked

CACHE_BYTES: Final = 768 * 1024 * 1024
RECOUNT_EVERY: Final = 4096


class SetCache:
    """The sets in memory, at this process's place in the change feed, least recently read first."""

    def __init__(self, *, max_bytes: int = CACHE_BYTES) -> None:
        self._sets: OrderedDict[SetKey, LoadedSet] = OrderedDict()
        self._repacked: set[SetKey] = set()
        self._max_bytes = max_bytes
        self._loads = 0
        self.bytes = 0

    def get(self, key: SetKey, database: Database) -> LoadedSet:
        """Return a set, reading its head from disk when it is not in memory."""
        loaded = self._sets.get(key)
        if loaded is None:
            loaded = self._sets[key] = load(key, database)
            self._count_load()
        elif key in self._repacked:
            self._rebase(key, loaded, database)
        else:
            self._sets.move_to_end(key)
        return loaded

    def fetch(self, keys: Iterable[SetKey], database: Database) -> None:
        """Read the heads of many sets that are not in memory with a few queries."""
        missing: dict[int, list[int]] = {}
        for key in dict.fromkeys(keys):
            if key not in self._sets:
                missing.setdefault(key.kind, []).append(key.owner)
        for kind, owners in missing.items():
            for holes, lot in chunked(owners):
                where = f"WHERE owner IN ({holes}) AND kind = ?"
                packed: dict[int, bytes] = {}
                for owner, part in database.rows(
                    f"SELECT owner, data FROM packed {where} ORDER BY owner, part", (*lot, kind)
                ):
                    packed[owner] = packed.get(owner, b"") + part
                journal: dict[int, list[bytes]] = {}
                for owner, entries in database.rows(
                    f"SELECT owner, entries FROM journal {where} ORDER BY owner, seq", (*lot, kind)
                ):
                    journal.setdefault(owner, []).append(entries)
                for owner in lot:
                    key = SetKey(owner, kind)
                    changes = chain.from_iterable(map(unpack_changes, journal.get(owner, ())))
                    self._sets[key] = assemble(key, packed.get(owner), changes)
                    self._count_load()

    def apply(self, event: AnyEvent) -> None:
        """Bring the sets in memory past an event of the change feed."""
        match event:
            case SetChanged(owner, kind, entries):
                loaded = self._sets.get(SetKey(owner, kind))
                if loaded is not None:
                    for change in unpack_changes(entries):
                        loaded.apply(change)
            case SetPacked(owner, kind):
                if isinstance(self._sets.get(SetKey(owner, kind)), LargeSet):
                    self._repacked.add(SetKey(owner, kind))
            case SetReplaced(owner, kind):
                self._sets.pop(SetKey(owner, kind), None)
                self._repacked.discard(SetKey(owner, kind))
            case EverythingReplaced():
                self.clear()
            case _:
                pass

    def _count_load(self) -> None:
        self._loads += 1
        if self._loads % RECOUNT_EVERY == 0:
            self.trim()

    def clear(self) -> None:
        """Forget all sets."""
        self._sets.clear()
        self._repacked.clear()
        self.bytes = 0

    def trim(self) -> None:
        """Drop the sets read longest ago while those in memory cost more than their limit."""
        self.bytes = sum(loaded.cost() for loaded in self._sets.values())
        while self.bytes > self._max_bytes and len(self._sets) > 1:
            key, loaded = self._sets.popitem(last=False)
            self._repacked.discard(key)
            self.bytes -= loaded.cost()

    def _rebase(self, key: SetKey, loaded: LoadedSet, database: Database) -> None:
        record = packed_record(key, database)
        if isinstance(loaded, LargeSet) and record is not None and is_header(record):
            loaded.rebase(decode_header(record))
            for change in journal_changes(key, database):
                loaded.replay(change)
        self._repacked.discard(key)


def load(key: SetKey, database: Database) -> LoadedSet:
    """Read a set from its packed form and the journal after it.

    Raises:
        StoreCorrupt: a checksum does not match; the log text names the set.
    """
    return assemble(key, packed_record(key, database), journal_changes(key, database))


def assemble(key: SetKey, record: bytes | None, changes: Iterable[Change]) -> LoadedSet:
    """Return a set from its packed row and the changes of the journal after it."""
    try:
        if record is None:
            small = SmallSet([], [])
        elif is_header(record):
            large = LargeSet(key, decode_header(record))
            for change in changes:
                large.replay(change)
            return large
        else:
            positions, members = decode_entries(record)
            small = SmallSet(positions.tolist(), members.tolist())
    except StoreCorrupt as error:
        raise StoreCorrupt(
            error.message, log=f"packed row of {key}: {error}; run rostra doctor --repair"
        ) from error
    small.begin(changes)
    return small


def packed_record(key: SetKey, database: Database) -> bytes | None:
    """Return the packed record of a set, its parts joined, or None when it has none."""
    parts = database.rows(
        "SELECT data FROM packed WHERE owner = ? AND kind = ? ORDER BY part", tuple(key)
    )
    return b"".join(part for (part,) in parts) if parts else None


def packed_records(database: Database) -> Iterator[tuple[SetKey, bytes]]:
    """Yield (key, packed record) of all sets, in the order of their keys, one by one."""
    rows = database.iterate("SELECT owner, kind, data FROM packed ORDER BY owner, kind, part")
    for key, parts in groupby(rows, key=lambda row: SetKey(row[0], row[1])):
        yield key, b"".join(part[2] for part in parts)


def journal_changes(key: SetKey, database: Database) -> Iterator[Change]:
    """Yield the changes of a set that are not packed yet, in order."""
    for (entries,) in database.rows(
        "SELECT entries FROM journal WHERE owner = ? AND kind = ? ORDER BY seq", tuple(key)
    ):
        yield from unpack_changes(entries)


class SetReader:
    """Account sets as one connection sees them; fulfils ``domain.account_set.MemberSets``."""

    def __init__(self, cache: SetCache, database: Database) -> None:
        self._cache = cache
        self._database = database

    def _get(self, key: SetKey) -> LoadedSet:
        return self._cache.get(key, self._database)

    def prefetch(self, keys: Iterable[SetKey]) -> None:
        self._cache.fetch(keys, self._database)

    def contains(self, key: SetKey, member: int) -> bool:
        return self._get(key).contains(member, self._database)

    def contains_many(self, key: SetKey, members: Sequence[int]) -> list[bool]:
        return [self.contains(key, member) for member in members]

    def contained_in(self, keys: Sequence[SetKey], member: int) -> list[bool]:
        return [self.contains(key, member) for key in keys]

    def size(self, key: SetKey) -> int:
        return len(self._get(key))

    def version(self, key: SetKey) -> int:
        return self._get(key).version

    def bitmap(self, key: SetKey) -> BitMap:
        return self._get(key).bitmap(self._database)

    def hidden(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> BitMap:
        return self._get(key).hidden(epoch, mask, changed, self._database)

    def newest(
        self,
        key: SetKey,
        *,
        limit: int,
        below: int | None = None,
        above: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        floor = -1 if above is None else above
        page: list[Entry] = []
        if limit <= 0:
            return page
        for entry in self._descending(key, below):
            if entry.position <= floor:
                break
            if without is None or entry.member not in without:
                page.append(entry)
                if len(page) == limit:
                    break
        return page

    def oldest(
        self,
        key: SetKey,
        *,
        limit: int,
        above: int | None = None,
        below: int | None = None,
        without: BitMap | None = None,
    ) -> list[Entry]:
        page: list[Entry] = []
        if limit <= 0:
            return page
        for entry in self._ascending(key, above):
            if below is not None and entry.position >= below:
                break
            if without is None or entry.member not in without:
                page.append(entry)
                if len(page) == limit:
                    break
        return page

    def position(self, key: SetKey, member: int) -> int | None:
        return self._get(key).position(member, self._database)

    def intersection(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        other = self.bitmap(second)
        for chunk in self._chunks(first):
            common = chunk & other
            if common:
                yield common

    def difference(self, first: SetKey, second: SetKey) -> Iterator[BitMap]:
        other = self.bitmap(second)
        for chunk in self._chunks(first):
            rest = chunk - other
            if rest:
                yield rest

    def entries(self, key: SetKey) -> Iterator[tuple[Positions, Members]]:
        return self._get(key).blocks(self._database)

    def _descending(self, key: SetKey, below: int | None) -> Iterator[Entry]:
        return self._get(key).descending(below, self._database)

    def _ascending(self, key: SetKey, above: int | None) -> Iterator[Entry]:
        return self._get(key).ascending(above, self._database)

    def _chunks(self, key: SetKey) -> Iterator[BitMap]:
        loaded = self._get(key)
        if isinstance(loaded, LargeSet):
            return loaded.chunks(self._database)
        return iter([loaded.bitmap(self._database)])


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

    def hidden(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> BitMap:
        if key in self._pending:
            return self.bitmap(key) & mask
        return super().hidden(key, epoch, mask, changed)

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
