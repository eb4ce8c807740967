"""The cache of account sets keeps to its limit, and what it let go of is read again, rightly."""

from __future__ import annotations

from pathlib import Path

from rostra.domain.account_set import SetKey, SetKind
from rostra.storage.sets import SetCache, SetReader
from rostra.storage.store import SqliteStore

MEMBERS = range(100, 120)
SETS = 300


def test_a_full_cache_lets_go_of_sets_and_reads_them_again(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path)
    keys = [SetKey(owner, SetKind.LIKES) for owner in range(1, SETS)]
    for key in keys:
        store.write_now(lambda tx, key=key: tx.sets.add_many(key, MEMBERS))
    cache = SetCache(max_bytes=50_000)
    with store.read():
        sets = SetReader(cache, store._read_database)
        for _ in range(2):
            assert [sets.size(key) for key in keys] == [len(MEMBERS)] * len(keys)
            assert cache.bytes <= 50_000
        sets.prefetch(keys)
        assert cache.bytes <= 50_000
        assert all(sets.contains_many(keys[0], MEMBERS))
    store.close_now()
