"""What probes reckon with: counts that move meanwhile, and plans that the world moved away from."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.events import ActionTaken, AnyEvent, SetChanged
from rostra.domain.packing import ADD, REMOVE, pack_change
from rostra.domain.probes import PROBES, course, members_in
from rostra.services.probing_plan import Past, back_to

ROOT = Path(__file__).parents[2]
KEY = SetKey(7, SetKind.FOLLOWERS)


def changed(op: int, member: int, key: SetKey = KEY) -> list[AnyEvent]:
    return [SetChanged(key.owner, key.kind, pack_change(op, member, 1))]


def test_a_count_may_have_been_any_of_those_it_went_through() -> None:
    commits = [changed(ADD, 1), changed(ADD, 2), changed(REMOVE, 1), changed(ADD, 3)]
    assert course(10, 12, commits, KEY, lambda member: True) == {10, 11, 12}
    assert course(10, 11, commits[:1], KEY, lambda member: True) == {10, 11}
    hidden = {2}
    assert course(10, 11, commits, KEY, lambda member: member not in hidden) == {10, 11}


def test_other_sets_move_no_count_and_a_decision_may_move_it_by_one() -> None:
    other = SetKey(8, SetKind.FOLLOWERS)
    assert course(10, 10, [changed(ADD, 1, other)], KEY, lambda member: True) == {10}
    assert course(10, 10, [[ActionTaken(5)]], KEY, lambda member: True) == {9, 10, 11}
    assert members_in([changed(ADD, 1, other), [ActionTaken(5)]]) == {1}


def test_a_difference_to_the_plan_is_told_edge_by_edge() -> None:
    commits = [changed(ADD, 1), changed(REMOVE, 2), changed(ADD, 3)]
    pasts = {1: Past(True, (True,)), 2: Past(False, (True,)), 3: Past(True, (True,))}
    moved = back_to(10, 11, commits, KEY, pasts)
    assert moved is not None
    assert (moved.joined, moved.left) == ((3,), ())
    moved = back_to(12, 11, commits, KEY, pasts)
    assert moved is None  # it never had that many


def test_a_follower_that_was_suspended_since_the_plan_explains_a_difference() -> None:
    pasts = {4: Past(True, (False, True))}
    moved = back_to(10, 9, [[ActionTaken(4)]], KEY, pasts)
    assert moved is not None
    assert (moved.joined, moved.left) == ((), (4,))
    # A warning, which hides nobody, explains nothing.
    assert back_to(10, 9, [[ActionTaken(4)]], KEY, {4: Past(True, (True, True))}) is None


@pytest.mark.parametrize("seed", range(20))
def test_walking_back_finds_every_number_there_was(seed: int) -> None:
    random = Random(seed)
    members = set(range(20))
    commits: list[list[AnyEvent]] = []
    numbers = [len(members)]
    for _ in range(30):
        who = random.randrange(40)
        op = REMOVE if who in members else ADD
        members ^= {who}
        commits.append(changed(op, who))
        numbers.append(len(members))
    pasts = {who: Past(who in members, (True,)) for who in range(40)}
    for back, number in enumerate(numbers):
        moved = back_to(number, len(members), commits, KEY, pasts)
        assert moved is not None, back
        assert len(moved.joined) - len(moved.left) == len(members) - number
    assert back_to(1_000, len(members), commits, KEY, pasts) is None


def test_every_probe_has_its_row_for_operators() -> None:
    text = (ROOT / "docs" / "operate.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert named.issuperset(PROBES)
    sources = (ROOT / "src" / "rostra" / "services").glob("probing*.py")
    asked = {
        name
        for path in sources
        for name in re.findall(r'(?:(?<!_)name=|Probe\(|NAME: Final = )"([^"]+)"', path.read_text())
    }
    assert asked <= set(PROBES)
    assert set(PROBES) - asked <= {"relationships", "strangers"}  # named where they are called
