"""Account sets on disk: the journal they are written to, and the cache they are read through.

A change goes to the journal, one row a set and commit, and to the change feed, from which every
process brings the sets it has in memory up to date. The packer (``storage/packer.py``) moves
journal rows into the packed form.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import Changes, Entry, SetKey
from rostra.domain.errors import StoreCorrupt
from rostra.domain.events import AnyEvent, EverythingReplaced, SetChanged, SetPacked, SetReplaced
from rostra.domain.packing import (
    Change,
    Members,
    Positions,
    decode_entries,
    decode_header,
    is_header,
    unpack_changes,
)
from rostra.storage import set_streams
from rostra.storage.database.sqlite import Database
from rostra.storage.large_set import LargeSet
from rostra.storage.loaded_sets import LoadedSet, SmallSet
from rostra.storage.packed import packed_record
from rostra.storage.rows import chunked, marks

CACHE_BYTES: Final = 768 * 1024 * 1024
KEPT_OF_FULL: Final = 0.9


class SetCache:
    """The sets in memory, at this process's place in the change feed, least recently read first."""

    def __init__(self, *, max_bytes: int = CACHE_BYTES) -> None:
        self._sets: OrderedDict[SetKey, LoadedSet] = OrderedDict()
        self._repacked: set[SetKey] = set()
        self._max_bytes = max_bytes
        self.bytes = 0  # about: what sets cost when they were read, recounted when that is full

    def get(self, key: SetKey, database: Database) -> LoadedSet:
        """Return a set, reading its head from disk when it is not in memory."""
        loaded = self._sets.get(key)
        if loaded is None:
            loaded = self._put(key, load(key, database))
        elif key in self._repacked:
            self._rebase(key, loaded, database)
        else:
            self._sets.move_to_end(key)
        return loaded

    def fetch(self, keys: Iterable[SetKey], database: Database) -> None:
        """Read the heads of many sets that are not in memory with a few queries."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._sets]
        for where, params, lot in _lots(missing):
            packed: dict[SetKey, bytes] = {}
            for owner, kind, part in database.rows(
                f"SELECT owner, kind, data FROM packed {where} ORDER BY owner, kind, part", params
            ):
                key = SetKey(owner, kind)
                packed[key] = packed.get(key, b"") + part
            journal: dict[SetKey, list[bytes]] = {}
            for owner, kind, entries in database.rows(
                f"SELECT owner, kind, entries FROM journal {where} ORDER BY owner, kind, seq",
                params,
            ):
                journal.setdefault(SetKey(owner, kind), []).append(entries)
            for key in lot:
                changes = chain.from_iterable(map(unpack_changes, journal.get(key, ())))
                self._put(key, assemble(key, packed.get(key), changes))

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

    def _put(self, key: SetKey, loaded: LoadedSet) -> LoadedSet:
        self._sets[key] = loaded
        self.bytes += loaded.cost()
        if self.bytes > self._max_bytes:
            self.trim()
        return loaded

    def clear(self) -> None:
        """Forget all sets."""
        self._sets.clear()
        self._repacked.clear()
        self.bytes = 0

    def trim(self) -> None:
        """Count what the sets in memory cost; drop those read longest ago when it is too much.

        Some room is made at once, since counting looks at every set.
        """
        self.bytes = sum(loaded.cost() for loaded in self._sets.values())
        if self.bytes <= self._max_bytes:
            return
        while self.bytes > self._max_bytes * KEPT_OF_FULL and len(self._sets) > 1:
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


def _lots(keys: Sequence[SetKey]) -> Iterator[tuple[str, tuple[int, ...], list[SetKey]]]:
    """Yield (condition, its parameters, the keys it is for) that read all of ``keys``.

    One query takes the sets of one owner or those of one kind, whichever needs fewer.
    """
    owners, kinds = {key.owner for key in keys}, {key.kind for key in keys}
    if len(owners) < len(kinds):
        for owner in owners:
            lot = [key for key in keys if key.owner == owner]
            holes = marks(lot)
            condition = f"WHERE owner = ? AND kind IN ({holes})"
            yield condition, (owner, *(key.kind for key in lot)), lot
        return
    for kind in kinds:
        for holes, some in chunked(key.owner for key in keys if key.kind == kind):
            condition = f"WHERE owner IN ({holes}) AND kind = ?"
            yield condition, (*some, kind), [SetKey(owner, kind) for owner in some]


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

    def warm(self, key: SetKey, *, chunks: int) -> bool:
        loaded = self._get(key)
        return not isinstance(loaded, LargeSet) or loaded.warm(self._database, chunks)

    def hidden_count(self, key: SetKey, epoch: int, mask: BitMap, changed: Changes) -> int:
        return self._get(key).hidden_count(epoch, mask, changed, self._database)

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

    def between(self, key: SetKey, *, above: int, below: int) -> BitMap:
        return self._get(key).between(above, below, self._database)

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

    def sizes(self, kind: int, owners: Sequence[int]) -> dict[int, int]:
        return set_streams.sizes(kind, owners, self._database, load)

    def stream(self, kind: int, owners: Sequence[int]) -> Iterator[tuple[int, Members]]:
        return set_streams.members(kind, owners, self._database, load)

    def _descending(self, key: SetKey, below: int | None) -> Iterator[Entry]:
        return self._get(key).descending(below, self._database)

    def _ascending(self, key: SetKey, above: int | None) -> Iterator[Entry]:
        return self._get(key).ascending(above, self._database)

    def _chunks(self, key: SetKey) -> Iterator[BitMap]:
        loaded = self._get(key)
        if isinstance(loaded, LargeSet):
            return loaded.chunks(self._database)
        return iter([loaded.bitmap(self._database)])
