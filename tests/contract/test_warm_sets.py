"""A large set that is read in steps is right at each of them, whatever happens in between."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.packing import CHUNK_BITS
from rostra.storage.large_set import LargeSet
from rostra.storage.packer import Packer
from rostra.storage.store import SqliteStore

KEY = SetKey(1, SetKind.LIKES)
CHUNKS = 12


def packed(store: SqliteStore) -> None:
    while store.write_now(Packer().step):
        pass


@pytest.mark.parametrize("seed", range(6))
def test_a_set_read_in_steps_follows_changes_and_the_packer(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    store, other = SqliteStore.open(tmp_path), SqliteStore.open(tmp_path)
    every = range(CHUNKS << CHUNK_BITS)
    truth = set(random.sample(every, 6_000))
    store.write_now(lambda tx: tx.sets.add_many(KEY, sorted(truth)))
    packed(store)
    steps = 0
    done = False
    while not done:
        with other.read() as view:
            done = view.sets.warm(KEY, chunks=random.randint(1, 3))
            steps += 1
            loaded = other.shared.sets.get(KEY, other._read_database)
            assert isinstance(loaded, LargeSet)
            for one in random.sample(every, 50) + random.sample(sorted(truth), 50):
                assert view.sets.contains(KEY, one) == (one in truth)
        joined = set(random.sample(every, 200)) - truth
        left = set(random.sample(sorted(truth), 100))
        store.write_now(lambda tx, who=joined: tx.sets.add_many(KEY, sorted(who)))
        store.write_now(lambda tx, who=left: tx.sets.remove_many(KEY, sorted(who)))
        truth = (truth | joined) - left
        if random.random() < 0.5:
            packed(store)
    assert steps > CHUNKS // 3
    with other.read() as view:
        assert set(view.sets.bitmap(KEY)) == truth
        assert view.sets.size(KEY) == len(truth)
        assert view.sets.warm(KEY, chunks=1)
    store.close_now()
    other.close_now()
