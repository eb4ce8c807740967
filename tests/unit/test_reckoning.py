"""Reckoning what lifting brings, where the random worlds of plans are too small to get."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from pyroaring import BitMap

from rostra.domain import reckoning as module
from rostra.domain.amnesty import Expected, Moved
from rostra.domain.reckoning import Reckoning


def test_more_may_return_than_two_bytes_count() -> None:
    many, fan, idol = 70_000, 75_000, 75_001
    returning = BitMap(range(1, many + 1))
    reckoning = Reckoning(
        highest=80_000,
        waves=dict.fromkeys(returning, 1),
        returning=returning,
        hidden=returning,
        locked=BitMap(),
        dormant=BitMap(),
    )
    for account in returning:
        reckoning.add_followers(account, np.array([fan], dtype=np.uint32))
        reckoning.add_following(account, np.array([idol], dtype=np.uint32))
    assert reckoning.edges == 2 * many
    assert reckoning.others(5) == (2, (Moved(fan, 0, many), Moved(idol, many, 0)))
    assert reckoning.expected(7) == (Expected(1, 1), Expected(1, 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_are_found_over_all_blocks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 16)
    chance = Random(seed)
    returning = BitMap(range(1, 11))
    reckoning = Reckoning(
        highest=200,
        waves=dict.fromkeys(returning, 1),
        returning=returning,
        hidden=returning,
        locked=BitMap(),
        dormant=BitMap(),
    )
    moved = dict.fromkeys(range(1, 201), 0)
    for account in returning:
        members = chance.sample(range(1, 201), 60)
        for member in members:
            moved[member] += member not in returning
        for part in (members[:10], members[10:]):  # a set may come in several blocks
            reckoning.add_followers(account, np.array(part, dtype=np.uint32))
    count, largest = reckoning.others(20)
    assert count == sum(value > 0 for value in moved.values())
    order = sorted(moved, key=lambda account: (-moved[account], account))
    assert [one.account for one in largest] == order[:20]
    assert all(one.following >= other.following for one, other in pairwise(largest))
