"""What the engine's tests ask of a data folder."""

from __future__ import annotations

from pathlib import Path
from random import Random

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import Difference, verify
from rostra.testing.memory_sets import MemorySets

KEYS = [SetKey(owner, kind) for owner in (1, 2, 3) for kind in (SetKind.FOLLOWERS, SetKind.LIKES)]
CROWD = [number * 13_007 for number in range(1, 40)]
NOW = 1_900_000_000_000


def differences(folder: Path, *, sample: float = 1.0, seed: int = 1) -> list[Difference]:
    """Return all that the verifier finds."""
    database = Database(folder / DATABASE_FILE, writable=False)
    try:
        return list(verify(database, random=Random(seed), sample=sample, now=NOW))
    finally:
        database.close()


def change(store: SqliteStore, sql: str, *params: object) -> None:
    """Change rows behind the engine's back."""
    store.write_now(lambda tx: tx.database.run(sql, params))


class Changes:
    """Random changes of a few sets, made on a store and on dictionaries alike."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.plain = MemorySets()

    def make(self, store: SqliteStore, most: int = 12, adding: float = 0.7) -> None:
        """Make some changes in one transaction."""
        acts = [
            (self.random.random() < adding, self.random.choice(KEYS), self.random.choice(CROWD))
            for _ in range(self.random.randrange(1, most))
        ]
        store.write_now(
            lambda tx: [
                tx.sets.add(key, member) if joins else tx.sets.remove(key, member)
                for joins, key, member in acts
            ]
        )
        for joins, key, member in acts:
            if joins:
                self.plain.add(key, member)
            else:
                self.plain.remove(key, member)

    def check(self, store: SqliteStore) -> None:
        """Compare every set, its order and its pages with the dictionaries."""
        keys = [*KEYS, *(SetKey(member, MIRRORS[SetKind.FOLLOWERS]) for member in CROWD)]
        with store.read() as snapshot:
            sets = snapshot.sets
            for key in keys:
                expected = list(self.plain.members(key))
                assert sets.size(key) == len(expected)
                assert [entry.member for entry in sets.oldest(key, limit=999)] == expected
                assert [entry.member for entry in sets.newest(key, limit=999)] == expected[::-1]
                assert set(sets.bitmap(key)) == set(expected)
                assert sets.contains_many(key, CROWD) == self.plain.contains_many(key, CROWD)
