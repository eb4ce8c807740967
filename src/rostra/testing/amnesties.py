"""Amnesties frozen and approved by hand, and stores that die, or are meddled with, at commits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import structs
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.amnesty import (
    Amnesty,
    AmnestyState,
    Entry,
    Expected,
    Limits,
    manifest_hash,
    wave_sizes,
)
from rostra.domain.enforcement import ActionKind, in_force
from rostra.ports import Transaction


def frozen(
    tx: Transaction,
    *,
    accounts: Sequence[int],
    planner: int,
    approver: int,
    waves: Sequence[str] = ("100%",),
    limits: Limits | None = None,
    include: Sequence[str] = (),
) -> Amnesty:
    """Write an approved amnesty of suspended accounts, in the order given, and return it."""
    sizes = wave_sizes(waves, len(accounts))
    amnesty = Amnesty(
        id=tx.next_id(),
        state=AmnestyState.APPROVED,
        planned_by=planner,
        planned_at=tx.now,
        listed=True,
        include=tuple(include),
        waves=tuple(waves),
        sizes=sizes,
        limits=limits or Limits(pause_s=0),
        approved_by=approver,
        approved_at=tx.now,
    )
    wave_of = [number for number, size in enumerate(sizes, 1) for _ in range(size)]
    entries = [
        Entry(
            n=n,
            account=account,
            wave=wave,
            actions=_suspensions(tx, account),
            then=_expected(tx, account, accounts[: sum(sizes[:wave])]),
            finally_=_expected(tx, account, accounts),
        )
        for n, (account, wave) in enumerate(zip(accounts, wave_of, strict=True), 1)
    ]
    amnesty = structs.replace(amnesty, hash=manifest_hash(amnesty, entries))
    tx.amnesties.put(amnesty)
    tx.amnesties.put_entries(amnesty.id, entries)
    return amnesty


def _suspensions(tx: Transaction, account: int) -> tuple[int, ...]:
    actions = in_force(*tx.enforcement.of_account(account), tx.now)
    return tuple(one.id for one in actions if one.kind == ActionKind.SUSPEND)


def _expected(tx: Transaction, account: int, back: Sequence[int]) -> Expected:
    def seen(kind: SetKind) -> int:
        members = tx.sets.bitmap(SetKey(account, kind))
        return len(tx.gate.present(members) | (members & BitMap(back)))

    return Expected(seen(SetKind.FOLLOWERS), seen(SetKind.FOLLOWING))


class Killed(BaseException):
    """The process is gone."""


class DyingStore:
    """A store whose process is killed once, at a commit.

    Args:
        store: the store that lives on.
        at: the commit, counted from 1.
        done: whether the commit is on the disk when it dies.
    """

    def __init__(self, store: Any, *, at: int, done: bool) -> None:
        self._store = store
        self._at = at
        self._done = done
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, change: Callable[[Any], Any]) -> Any:
        """Commit, unless it is time to die."""
        self.writes += 1
        if self.writes == self._at and not self._done:
            raise Killed
        result = await self._store.write(change)
        if self.writes == self._at:
            raise Killed
        return result


class MeddledStore:
    """A store in which somebody does something before and after each commit of a job.

    Args:
        store: the store.
        before: awaited before each write.
        after: awaited after each write.
    """

    def __init__(
        self,
        store: Any,
        before: Callable[[], Awaitable[None]],
        after: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, change: Callable[[Any], Any]) -> Any:
        """Write, between the two."""
        await self._before()
        result = await self._store.write(change)
        await self._after()
        return result
