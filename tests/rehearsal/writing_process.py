"""A process that writes, packs and prunes without end, and tells of each write that was answered.

Started by ``test_kills_of_the_engine.py`` and killed at any instant.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

import pytest
from tests.contract.sets_worlds import make_limits_small

from rostra.domain.account_set import SetKey, SetKind
from rostra.storage.packer import Packer
from rostra.storage.store import SqliteStore

WRITERS = 6
MEMBERS = [number * 9_001 for number in range(1, 61)]
"""Each writer has those to itself that leave its number when divided by the number of writers."""

KEYS = [
    SetKey(1, SetKind.FOLLOWERS),
    SetKey(2, SetKind.FOLLOWERS),
    SetKey(7 << 40, SetKind.LIKES),
]


async def write(store: SqliteStore, number: int, random: Random) -> None:
    """Add and remove; a line before each try, and one when it was answered."""
    own = [member for member in MEMBERS if member % WRITERS == number]
    while True:
        key, member, joins = random.choice(KEYS), random.choice(own), random.random() < 0.6
        act = f"{key.owner} {key.kind} {member} {int(joins)}"
        print(f"try {act}", flush=True)
        await store.write(
            lambda tx, key=key, member=member, joins=joins: (
                tx.sets.add(key, member) if joins else tx.sets.remove(key, member)
            )
        )
        print(f"done {act}", flush=True)


async def pack(store: SqliteStore) -> None:
    """Pack a step at a time."""
    packing = Packer(eager=True)
    while True:
        await store.write(packing.step)
        await asyncio.sleep(0.001)


async def main(folder: Path, seed: int) -> None:
    """Write until killed."""
    make_limits_small(pytest.MonkeyPatch())
    store = SqliteStore.open(folder)
    random = Random(seed)
    await asyncio.gather(pack(store), *(write(store, n, random) for n in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
