"""The masks of one process: loaded from sets and standings, moved by change feed and clock."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Standing
from rostra.domain.enforcement import Record, fold, in_force, next_change
from rostra.domain.events import ActionTaken, AnyEvent, EverythingReplaced
from rostra.domain.masks import Masks
from rostra.storage.database.sqlite import Database
from rostra.storage.enforcement import EnforcementStore
from rostra.storage.sets import SetCache
from rostra.storage.standings import StandingStore

_SETS = {
    "suspended": SetKind.SUSPENDED,
    "deleted": SetKind.DELETED,
    "limited": SetKind.LIMITED,
    "frozen": SetKind.FROZEN,
    "sensitive": SetKind.SENSITIVE,
}


class MaskKeeper:
    """Keeps ``masks`` equal to the fold over the actions and the standings, at each instant."""

    def __init__(self, cache: SetCache) -> None:
        self.masks = Masks()
        self._cache = cache
        self._due: list[tuple[int, int]] = []
        self._read: dict[int, tuple[Record, Standing]] = {}

    @property
    def next_due(self) -> int:
        """When (ms) the clock alone will next change a mask; far in the future when it will not."""
        return self._due[0][0] if self._due else 2**63

    def load(self, database: Database, now: int) -> None:
        """Take the masks from the stored sets, and fold again for accounts with timed actions."""
        bitmaps = {
            name: self._cache.get(SetKey(SERVER, kind), database).bitmap(database).copy()
            for name, kind in _SETS.items()
        }
        self.masks.load(**bitmaps, **StandingStore(database).all())
        self._due.clear()
        timed = EnforcementStore(database).timed()
        self.prepare(timed, database)
        for account in timed:
            self.refold(account, database, now)

    def prepare(self, accounts: Sequence[int], database: Database) -> None:
        """Read at once what folding accounts again takes, within the snapshot that it is done in;
        ``done`` forgets what of it was not asked for.
        """
        self._read.clear()
        if len(accounts) < 2:
            return
        records = EnforcementStore(database).of_accounts(accounts)
        standings = StandingStore(database).of_accounts(accounts)
        for account in accounts:
            record = records.get(account, ([], []))
            self._read[account] = record, standings.get(account) or Standing(account=account)

    def done(self) -> None:
        """Forget what was read for a snapshot that ends."""
        self._read.clear()

    def apply(self, event: AnyEvent, database: Database, now: int) -> None:
        """Follow an event of the change feed."""
        match event:
            case ActionTaken(account):
                self.refold(account, database, now)
            case EverythingReplaced():
                self.load(database, now)
            case _:
                pass

    def advance(self, database: Database, now: int) -> None:
        """Begin and end the actions whose time has come."""
        while self._due and self._due[0][0] <= now:
            _, account = heapq.heappop(self._due)
            self.refold(account, database, now)

    def refold(self, account: int, database: Database, now: int) -> None:
        """Fold the actions of one account again."""
        read = self._read.pop(account, None)
        if read is None:
            record = EnforcementStore(database).of_account(account)
            read = record, StandingStore(database).get(account)
        (actions, liftings), standing = read
        state = msgspec.structs.replace(
            fold(in_force(actions, liftings, now)),
            unconfirmed=standing.unconfirmed_at is not None,
            pending=standing.pending_at is not None,
            deactivated=standing.deactivated_at is not None,
        )
        self.masks.apply(account, state)
        due = next_change(actions, liftings, now)
        if due is not None:
            heapq.heappush(self._due, (due, account))
