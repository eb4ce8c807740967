"""What probes reckon with: counts that move meanwhile, and plans that the world moved away from."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import json

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.events import ActionTaken, AnyEvent, SetChanged, StatusCreated, StatusDeleted
from rostra.domain.packing import ADD, REMOVE, pack_change
from rostra.domain.probes import PROBES, course, members_in
from rostra.ports import Visit
from rostra.services.probing.asking import Window
from rostra.services.probing.explaining import Past, back_to
from rostra.services.probing.questioning import PAGE, first_page
from rostra.services.probing.readying import Seen as Ready
from rostra.services.probing.readying import previewed
from rostra.services.probing.sampling import homes, relationships
from rostra.services.probing.tying import Tie
from rostra.services.probing.tying import _related as tie_of

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
    assert members_in([changed(ADD, 1, other), [ActionTaken(5)]]) == {1, 5}


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
    sources = (ROOT / "src" / "rostra" / "services" / "probing").glob("*.py")
    asked = {
        name
        for path in sources
        for name in re.findall(r'(?:(?<!_)name=|Probe\(|NAME: Final = )"([^"]+)"', path.read_text())
    }
    assert asked <= set(PROBES)
    assert set(PROBES) - asked <= {"relationships", "strangers"}  # named where they are called


# -- what came and went between asking and answering -----------------------------------------------

STAR = Account(ordinal=KEY.owner, id=70, username="star", created_at=0)


def visit(data: object) -> Visit:
    return Visit(200, {}, json.encode(data), 1.0)


def window(truth: object, commits: list[list[AnyEvent]]) -> Window[Any]:
    ids = {one: str(one * 10) for one in members_in(commits)}
    return Window(truth, truth, commits, lambda member: True, ids)


THERE_AND_BACK = [changed(ADD, 3), changed(REMOVE, 3)]


@pytest.mark.parametrize("said", [False, True])
def test_who_followed_and_unfollowed_meanwhile_may_be_told_either(said: bool) -> None:
    person = Account(ordinal=3, id=30, username="stranger", created_at=0)
    asked = relationships(STAR, {3: person}, {3: "token"}, name="strangers")
    answers = {3: visit([{"id": "70", "following": said}])}
    assert asked.judge(window({3: False}, THERE_AND_BACK), answers).right
    assert asked.judge(window({3: False}, [changed(ADD, 4)]), answers).right == (not said)
    assert asked.judge(window({3: False}, []), answers).right == (not said)


@pytest.mark.parametrize("said", [False, True])
def test_a_tie_that_was_made_and_cut_meanwhile_may_be_told_either(said: bool) -> None:
    asked = tie_of(STAR, 3, "token", "unfollow")
    answer = visit([{"id": "70", "following": said}])
    stored = Tie(tied=False, barred=False, gone=False)
    assert asked.judge(window(stored, THERE_AND_BACK), answer).right
    assert asked.judge(window(stored, [changed(ADD, 4)]), answer).right == (not said)


def test_a_list_of_followers_may_be_that_of_any_time_meanwhile() -> None:
    judge = first_page(STAR).judge
    stored = [str(n) for n in range(1001, 1001 + PAGE)]

    def right(shown: list[str], commits: list[list[AnyEvent]]) -> bool:
        return judge(window(stored, commits), visit([{"id": id_} for id_ in shown])).right

    joined = ["30", *stored[:-1]]
    assert right(stored, [])
    assert right(joined, THERE_AND_BACK)
    assert not right(joined, [])
    assert not right(joined, [changed(ADD, 4)])
    # One nobody touched is missing, in another place, or there twice.
    assert not right(stored[1:], THERE_AND_BACK)
    assert not right(["30", *stored[1:]], THERE_AND_BACK)
    assert not right([stored[1], stored[0], *stored[2:]], THERE_AND_BACK)
    assert not right([stored[0], *stored[:-1]], THERE_AND_BACK)
    assert not right([], THERE_AND_BACK)


def test_a_short_list_of_followers_lacks_nobody_but_who_came_and_went() -> None:
    judge = first_page(STAR).judge
    stored = ["1001", "1002"]
    for shown, is_right in ((["30", "1001", "1002"], True), (["30", "1001"], False)):
        answer = visit([{"id": id_} for id_ in shown])
        assert judge(window(stored, THERE_AND_BACK), answer).right == is_right


def test_a_home_of_who_unfollowed_and_followed_again_meanwhile_is_not_judged() -> None:
    person = Account(ordinal=3, id=30, username="fan", created_at=0)
    asked = homes(STAR, {3: person}, {3: "token"})
    answers = {(3, 99): visit([])}
    assert asked.judge(window({3: [99]}, THERE_AND_BACK), answers).right
    assert not asked.judge(window({3: [99]}, [changed(REMOVE, 4), changed(ADD, 4)]), answers).right


def test_statuses_may_have_any_counts_they_had_meanwhile() -> None:
    likes = SetKey(99, SetKind.LIKES)
    truth = Ready(followers=2, following=0, statuses=1, newest=(("99", 0, 0, 5),), sources=(99,))
    liked: list[list[AnyEvent]] = [changed(ADD, 3, likes), changed(REMOVE, 3, likes)]
    answered: list[list[AnyEvent]] = [
        [StatusCreated(5, 3, 0, in_reply_to=99)],
        [StatusDeleted(5, 3, in_reply_to=99)],
    ]

    def right(replies: int, likes: int, commits: list[list[AnyEvent]]) -> bool:
        newest = [{"id": "99", "replies": replies, "boosts": 0, "likes": likes}]
        shown = {"followers": 2, "following": 0, "statuses": 1, "newest": newest}
        answer = visit({"preview": shown, "uneven": []})
        return previewed(STAR).judge(window(truth, commits), answer).right

    assert right(0, 5, [])
    assert right(0, 6, liked)
    assert right(1, 5, answered)
    assert not right(0, 6, [])
    assert not right(0, 7, liked)
    assert not right(0, 4, liked)
    assert not right(1, 5, liked)
    assert not right(0, 6, answered)
