"""What each fault does in a process, and how it is taken away again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from rostra.api import files
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.events import ActionTaken, AnyEvent
from rostra.domain.reinstatement import Run, RunState
from rostra.ops import housekeeping
from rostra.ports import Context
from rostra.services.reading import freshness
from rostra.services.reinstatement import running
from rostra.storage.large_set import LargeSet
from rostra.storage.loaded_sets import SmallSet
from rostra.storage.store import SqliteStore
from rostra.testing.lost_edges import damage_chunk, lose

SPENT: Final = "run/fault-spent"


class Fault(Struct, frozen=True, kw_only=True):
    """A fault.

    Args:
        kind: its name in ``ACTS``.
        process: where ("worker-0", "jobs"); empty for everywhere.
        account: the account it is about (its ordinal).
        member: a follower of that account (its ordinal).
        ms: how long something is held up.
        decided: begin only when something is decided about the account: at the cut-over.
    """

    kind: str
    process: str = ""
    account: int = 0
    member: int = 0
    ms: float = 0
    decided: bool = False


class Process(Struct, frozen=True):
    """A process that faults are planted in."""

    name: str
    store: SqliteStore


Undo = Callable[[], None]


class _Undone(Exception):
    """Takes back what a change did, though it is answered as if it had been done."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def stale_mask(process: Process, fault: Fault) -> Undo:
    """Let the masks of a worker move no more."""
    keeper: Any = process.store.shared.masks
    keeper.apply = keeper.advance = lambda *_: None

    def undo() -> None:
        del keeper.apply, keeper.advance
        process.store.shared.torn = True  # read everything anew

    return undo


def lost_in_memory(process: Process, fault: Fault) -> Undo:
    """Let a worker's memory of an account's followers lose one."""
    key, store = SetKey(fault.account, SetKind.FOLLOWERS), process.store
    with store.read() as view:
        view.sets.bitmap(key)
        loaded = store.shared.sets.get(key, store._read_database)
        if isinstance(loaded, SmallSet):
            loaded.entries.pop(fault.member, None)
        loaded.bitmap(store._read_database).discard(fault.member)
        assert isinstance(loaded, SmallSet | LargeSet)

    def undo() -> None:
        store.shared.sets._sets.pop(key, None)

    return undo


def old_count(process: Process, fault: Fault) -> Undo:
    """Let a worker count one hidden follower more than there is, as of an earlier epoch."""
    reader: Any = process.store._read_view.sets
    honest = reader.hidden_count
    wrong = SetKey(fault.account, SetKind.FOLLOWERS)

    def hidden_count(key: SetKey, *args: Any) -> int:
        count: int = honest(key, *args)
        return count + 1 if key == wrong else count

    reader.hidden_count = hidden_count

    def undo() -> None:
        del reader.hidden_count
        process.store.shared.torn = True

    return undo


def follow_lost(process: Process, fault: Fault) -> Undo:
    """Answer follows as if they were done, and write nothing of them."""
    store: Any = process.store
    honest = store.write

    async def write(change: Callable[[Any], Any]) -> Any:
        if not change.__qualname__.startswith("follow."):
            return await honest(change)

        def lost(tx: Any) -> Any:
            raise _Undone(change(tx))

        try:
            return await honest(lost)
        except _Undone as undone:
            return undone.result

    store.write = write

    def undo() -> None:
        del store.write

    return undo


def media_refused(process: Process, fault: Fault) -> Undo:
    """Go on refusing the files of an account."""
    served: Any = files.StoredFiles
    honest = served._tag

    def tag(self: Any, key: str) -> str | None:
        with process.store.read() as view:
            _, owner = view.media.files_owner(key)
        return None if owner == fault.account else honest(self, key)

    served._tag = tag

    def undo() -> None:
        served._tag = honest

    return undo


def home_without(process: Process, fault: Fault) -> Undo:
    """Leave the statuses of an account out of all homes."""
    view = process.store._read_view
    recent: Any = view.recent
    honest = recent.home

    def home(*args: Any, **page: Any) -> list[int]:
        found = view.statuses.many(honest(*args, **page))
        return [status.id for status in found.values() if status.author != fault.account]

    recent.home = home

    def undo() -> None:
        del recent.home

    return undo


def worker_killed(process: Process, fault: Fault) -> Undo:
    """Kill a process when something is decided about an account: once."""
    spent = process.store.folder / SPENT

    def kill(event: AnyEvent) -> None:
        decided = isinstance(event, ActionTaken) and event.account == fault.account
        if decided and not spent.exists():
            spent.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    process.store.subscribe(kill)

    def undo() -> None:
        process.store.shared.handlers.remove(kill)

    return undo


def disk_slow(process: Process, fault: Fault) -> Undo:
    """Let every commit take longer."""
    store: Any = process.store
    honest = store._commit

    def commit() -> None:
        time.sleep(fault.ms / 1000)
        honest()

    store._commit = commit

    def undo() -> None:
        del store._commit

    return undo


def cut_over_late(process: Process, fault: Fault) -> Undo:
    """Let the job process rest before it cuts over, so that a run is there for as long as that."""
    steps: Any = running._STEPS

    async def late(ctx: Context, run: Run) -> Run:
        await asyncio.sleep(fault.ms / 1000)
        cut_over: Run = await steps[RunState.CUTTING_OVER](ctx, run)
        return cut_over

    made: Any = running
    made._STEPS = {**steps, RunState.CUTTING_OVER: late}

    def undo() -> None:
        made._STEPS = steps

    return undo


def stale_cache(process: Process, fault: Fault) -> Undo:
    """Take every kept answer for good, whatever happened since."""
    news: Any = freshness.News
    honest = news.leaves
    news.leaves = lambda *_: True

    def undo() -> None:
        news.leaves = honest

    return undo


def packer_behind(process: Process, fault: Fault) -> Undo:
    """Pack nothing, so that the journal grows."""
    packing: Any = housekeeping.Packing
    honest = packing.do

    async def do(self: Any) -> bool:
        return False

    packing.do = do

    def undo() -> None:
        packing.do = honest

    return undo


def mirror_lost(process: Process, fault: Fault) -> Undo:
    """Let a follower's own side of its follow be gone from the disk, for good."""
    lose(process.store.folder, SetKey(fault.member, SetKind.FOLLOWING), fault.account)
    return _for_good


def follower_lost(process: Process, fault: Fault) -> Undo:
    """Let the account's own side of a follow be gone from the disk (of a large set from its chunk
    alone), for good.
    """
    lose(process.store.folder, SetKey(fault.account, SetKind.FOLLOWERS), fault.member)
    return _for_good


def chunk_damaged(process: Process, fault: Fault) -> Undo:
    """Let the chunk of a large account's followers that has one of them be unreadable, for good."""
    damage_chunk(process.store.folder, SetKey(fault.account, SetKind.FOLLOWERS), fault.member)
    return _for_good


def _for_good() -> None:
    """Take nothing away."""


def begin(process: Process, fault: Fault) -> Undo:
    """Plant a fault now, or when something is decided about its account."""
    if not fault.decided:
        return ACTS[fault.kind](process, fault)
    planted: list[Undo] = []

    def decided(event: AnyEvent) -> None:
        if isinstance(event, ActionTaken) and event.account == fault.account and not planted:
            planted.append(ACTS[fault.kind](process, fault))

    process.store.subscribe(decided)

    def undo() -> None:
        process.store.shared.handlers.remove(decided)
        for one in planted:
            one()

    return undo


ACTS: Final[Mapping[str, Callable[[Process, Fault], Undo]]] = {
    "stale-mask": stale_mask,
    "lost-in-memory": lost_in_memory,
    "old-count": old_count,
    "follow-lost": follow_lost,
    "media-refused": media_refused,
    "home-without": home_without,
    "worker-killed": worker_killed,
    "disk-slow": disk_slow,
    "cut-over-late": cut_over_late,
    "stale-cache": stale_cache,
    "packer-behind": packer_behind,
    "mirror-lost": mirror_lost,
    "follower-lost": follower_lost,
    "chunk-damaged": chunk_damaged,
}
"""What plants each fault in a process; each returns what takes it away."""
