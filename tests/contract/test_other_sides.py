"""Both sides of an account's edges, held to plain dicts in random worlds with losses."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from pyroaring import BitMap

from rostra.domain.account_set import MIRRORS, SetKey, SetKind
from rostra.ops.rehearsal import marker
from rostra.storage.database.sqlite import Database
from rostra.storage.integrity import other_sides
from rostra.storage.integrity.other_sides import OtherSides
from rostra.storage.packer import Packer
from rostra.storage.sets import load
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.testing.lost_edges import lose

STAR = 5
PEOPLE = 200
KINDS = (SetKind.FOLLOWERS, SetKind.FOLLOWING, SetKind.BLOCKING, SetKind.MUTING)


def build(folder: Path, random: Random) -> dict[int, set[int]]:
    """Make a random world; return the star's edges by kind."""
    store = SqliteStore.open(folder)
    edges: dict[int, set[int]] = {kind: set() for kind in MIRRORS}

    def tie(kind: SetKind, owner: int, member: int) -> None:
        store.write_now(lambda tx: tx.sets.add(SetKey(owner, kind), member))

    for number in range(PEOPLE):
        kind, other = random.choice(KINDS), random.randrange(6, 300)
        tie(kind, STAR, other)
        edges[kind].add(other)
        tie(random.choice(KINDS), random.randrange(6, 300), random.randrange(300, 600))
        if number == PEOPLE // 2:
            while store.write_now(Packer().step):
                pass
    store.close_now()
    return edges


@pytest.mark.parametrize("few", [0, 20_000])
@pytest.mark.parametrize("seed", range(2))
def test_each_edge_that_a_side_lost_is_named_and_no_other(
    tmp_path: Path, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_sides, "FEW", few)
    monkeypatch.setattr(other_sides, "RANGE", 32)
    random = Random(seed)
    edges = build(tmp_path, random)
    marker.mark(tmp_path)
    wanted = set()
    for kind in KINDS:
        own, theirs = random.sample(sorted(edges[kind]), 2)
        lose(tmp_path, SetKey(STAR, kind), own)
        wanted.add((str(SetKey(STAR, kind)), f"member {own} is missing"))
        lose(tmp_path, SetKey(theirs, MIRRORS[kind]), STAR)
        wanted.add((str(SetKey(theirs, MIRRORS[kind])), f"member {STAR} is missing"))
    database = Database(tmp_path / DATABASE_FILE, writable=False)

    def own(key: SetKey) -> BitMap:
        return load(key, database).bitmap(database)

    sides = OtherSides(database, own, STAR, random, lambda: False)
    sides.look()
    assert {(flaw.where, flaw.what.partition(",")[0]) for flaw in sides.flaws} == wanted
    assert sides.edges == sides.checked == sum(map(len, edges.values())) - len(KINDS)
    assert sides.scanned == 1
    late = OtherSides(database, own, STAR, random, lambda: True)
    late.look()
    assert 0 < late.scanned < 1  # one range is read, and few edges are looked up all the same
    assert late.checked == sides.edges if few else late.checked < sides.edges
    database.close()
