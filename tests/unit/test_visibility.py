"""The gate's rules, each over account sets in plain dictionaries."""

from __future__ import annotations

import pytest
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import State
from rostra.domain.errors import Forbidden, NotFound
from rostra.domain.masks import Masks
from rostra.domain.statuses import Status, Visibility
from rostra.domain.visibility import Gate
from rostra.testing.memory_sets import MemorySets

ANN, BOB, CAT, DAN = 1, 2, 3, 4


class House:
    """A gate over sets and masks that a test changes."""

    def __init__(self) -> None:
        self.sets = MemorySets()
        self.masks = Masks()
        self.veils: set[tuple[int, int]] = set()
        self.gate = Gate(self.masks, self.sets, lambda *who: (who[0], who[1]) in self.veils)

    def follow(self, actor: int, target: int) -> None:
        self.sets.add(SetKey(target, SetKind.FOLLOWERS), actor)

    def block(self, actor: int, target: int) -> None:
        self.sets.add(SetKey(actor, SetKind.BLOCKING), target)

    def mute(self, actor: int, target: int) -> None:
        self.sets.add(SetKey(actor, SetKind.MUTING), target)

    def put(self, account: int, **state: bool) -> None:
        self.masks.apply(account, State(**state))


@pytest.fixture
def house() -> House:
    return House()


def status(author: int, visibility: Visibility, *mentions: int) -> Status:
    return Status(
        id=99, author=author, created_at=5, visibility=visibility, mentions=tuple(mentions)
    )


# -- counts and lists ------------------------------------------------------------------------------


def test_a_count_leaves_out_inactive_members(house: House) -> None:
    for follower in (BOB, CAT, DAN):
        house.follow(follower, ANN)
    key = SetKey(ANN, SetKind.FOLLOWERS)
    assert house.gate.visible_count(key) == 3
    house.put(BOB, suspended=True)
    house.put(CAT, limited=True, frozen=True)
    assert house.gate.visible_count(key) == 2
    assert house.gate.true_count(key) == 3
    house.put(DAN, deleted=True)
    assert house.gate.visible_count(key) == 1
    house.put(BOB)
    assert house.gate.visible_count(key) == 2


def test_the_sets_of_an_inactive_account_show_nothing(house: House) -> None:
    house.follow(BOB, ANN)
    house.put(ANN, suspended=True)
    key = SetKey(ANN, SetKind.FOLLOWERS)
    assert house.gate.visible_count(key) == 0
    assert house.gate.visible_page(key, limit=10) == []
    assert house.gate.size_active(key) == 1
    assert house.gate.true_count(key) == 1


def test_the_followings_of_its_followers_are_one_less(house: House) -> None:
    house.follow(BOB, ANN)
    house.follow(BOB, CAT)
    house.put(ANN, suspended=True)
    assert house.gate.visible_count(SetKey(BOB, SetKind.FOLLOWING)) == 1


def test_likes_of_a_status_do_not_depend_on_an_ordinal_like_its_id(house: House) -> None:
    """The owner of such a set is a status: an inactive account of the same number is no reason."""
    house.sets.add(SetKey(ANN, SetKind.LIKES), BOB)
    house.put(ANN, suspended=True)
    assert house.gate.visible_count(SetKey(ANN, SetKind.LIKES)) == 1


def test_count_and_list_are_the_same_predicate(house: House) -> None:
    key = SetKey(ANN, SetKind.FOLLOWERS)
    for follower in range(10, 60):
        house.follow(follower, ANN)
        house.put(follower, suspended=follower % 3 == 0, deleted=follower % 7 == 0)
    page = house.gate.visible_page(key, limit=100)
    assert len(page) == house.gate.visible_count(key)


def test_pages_go_both_ways_between_positions(house: House) -> None:
    key = SetKey(ANN, SetKind.FOLLOWERS)
    for follower in range(10, 30):
        house.follow(follower, ANN)
    house.put(25, suspended=True)
    page = house.gate.visible_page(key, limit=5)
    assert [entry.member for entry in page] == [29, 28, 27, 26, 24]
    older = house.gate.visible_page(key, limit=3, max_id=page[-1].position)
    assert [entry.member for entry in older] == [23, 22, 21]
    back = house.gate.visible_page(key, limit=2, min_id=older[0].position)
    assert [entry.member for entry in back] == [26, 24]
    newest = house.gate.visible_page(key, limit=3, since_id=older[0].position)
    assert [entry.member for entry in newest] == [29, 28, 27]


def test_a_viewer_does_not_see_who_blocks_it_or_is_blocked(house: House) -> None:
    for follower in (BOB, CAT, DAN):
        house.follow(follower, ANN)
    house.block(BOB, 9)
    house.block(9, CAT)
    key = SetKey(ANN, SetKind.FOLLOWERS)
    assert [entry.member for entry in house.gate.visible_page(key, limit=9, viewer=9)] == [DAN]
    assert len(house.gate.visible_page(key, limit=9)) == 3


def test_active_accounts_are_counted_without_looking_at_each(house: House) -> None:
    house.put(3, suspended=True)
    house.put(70, suspended=True)
    assert house.gate.active_count(50) == 49
    assert house.gate.active_count(70) == 68  # the last of them has the ordinal 70
    assert house.gate.active_among([3, 4, 70]) == [4]


# -- relationships ---------------------------------------------------------------------------------


def test_a_follow_holds_while_both_are_active(house: House) -> None:
    house.follow(BOB, ANN)
    assert house.gate.follows(BOB, ANN)
    assert not house.gate.follows(ANN, BOB)
    for away in (ANN, BOB):
        house.put(away, suspended=True)
        assert not house.gate.follows(BOB, ANN)
        house.put(away)
    assert house.gate.follows(BOB, ANN)


def test_a_block_stands_whatever_the_state(house: House) -> None:
    house.block(ANN, BOB)
    house.put(ANN, suspended=True)
    assert house.gate.blocks(ANN, BOB)


def test_who_never_reaches_a_timeline(house: House) -> None:
    house.block(ANN, BOB)
    house.block(CAT, ANN)
    house.mute(ANN, DAN)
    house.put(7, suspended=True)
    house.put(8, limited=True)
    assert set(house.gate.wanted(ANN, BitMap([BOB, CAT, DAN, 7, 8, 9]))) == {8, 9}


def test_limited_accounts_are_listed_for_their_followers_alone(house: House) -> None:
    house.put(BOB, limited=True)
    house.follow(ANN, BOB)
    everybody = BitMap([ANN, BOB, CAT])
    assert BOB not in house.gate.listed(None, everybody)
    assert BOB not in house.gate.listed(CAT, everybody)
    assert BOB in house.gate.listed(ANN, everybody)
    assert BOB in house.gate.listed(BOB, everybody)


# -- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "anybody", "follower", "mentioned", "stranger"),
    [
        (Visibility.PUBLIC, True, True, True, True),
        (Visibility.UNLISTED, True, True, True, True),
        (Visibility.PRIVATE, False, True, True, False),
        (Visibility.DIRECT, False, False, True, False),
    ],
)
def test_who_sees_a_status(
    house: House,
    visibility: Visibility,
    anybody: bool,
    follower: bool,
    mentioned: bool,
    stranger: bool,
) -> None:
    house.follow(BOB, ANN)
    post = status(ANN, visibility, CAT)
    assert house.gate.may_see_status(None, post) is anybody
    assert house.gate.may_see_status(BOB, post) is follower
    assert house.gate.may_see_status(CAT, post) is mentioned
    assert house.gate.may_see_status(DAN, post) is stranger
    assert house.gate.may_see_status(ANN, post)


def test_nobody_sees_a_status_of_an_inactive_author(house: House) -> None:
    post = status(ANN, Visibility.PUBLIC, CAT)
    house.put(ANN, suspended=True)
    assert not any(house.gate.may_see_status(viewer, post) for viewer in (None, ANN, BOB, CAT))


def test_one_who_is_blocked_sees_no_status(house: House) -> None:
    house.block(ANN, BOB)
    assert not house.gate.may_see_status(BOB, status(ANN, Visibility.PUBLIC, BOB))


def test_a_returned_dormant_follower_does_not_see_what_was_written_meanwhile(
    house: House,
) -> None:
    house.follow(BOB, ANN)
    house.veils.add((BOB, ANN))
    assert not house.gate.may_see_status(BOB, status(ANN, Visibility.PRIVATE))
    assert house.gate.may_see_status(BOB, status(ANN, Visibility.PUBLIC))
    assert house.gate.may_see_status(BOB, status(ANN, Visibility.PRIVATE, BOB))


def test_a_status_one_may_not_see_is_not_there(house: House) -> None:
    post = status(ANN, Visibility.PUBLIC)
    assert house.gate.require_status(BOB, post) is post
    with pytest.raises(NotFound):
        house.gate.require_status(BOB, None)
    with pytest.raises(NotFound):
        house.gate.require_status(None, status(ANN, Visibility.PRIVATE))


# -- acting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["suspended", "deleted", "frozen"])
def test_some_may_not_act(house: House, state: str) -> None:
    house.gate.require_may_act(ANN)
    house.put(ANN, **{state: True})
    with pytest.raises(Forbidden, match="disabled"):
        house.gate.require_may_act(ANN)


@pytest.mark.parametrize("state", ["limited", "sensitive"])
def test_some_may_act_all_the_same(house: House, state: str) -> None:
    house.put(ANN, **{state: True})
    house.gate.require_may_act(ANN)


def test_nobody_approaches_one_who_is_away(house: House) -> None:
    house.put(BOB, suspended=True)
    with pytest.raises(NotFound):
        house.gate.require_may_approach(ANN, BOB)


def test_nobody_approaches_over_a_block_or_itself(house: House) -> None:
    house.gate.require_may_approach(ANN, BOB)
    house.block(BOB, ANN)
    for actor, target in ((ANN, BOB), (BOB, ANN), (ANN, ANN)):
        with pytest.raises(Forbidden):
            house.gate.require_may_approach(actor, target)


# -- those who listen ------------------------------------------------------------------------------


def test_members_among_some_are_those_of_the_set() -> None:
    house = House()
    key = SetKey(ANN, SetKind.FOLLOWERS)
    for follower in (BOB, CAT, *range(100, 200)):
        house.follow(follower, ANN)
    for among in (BitMap(), BitMap([BOB, DAN]), BitMap(range(300)), BitMap([150])):
        assert house.gate.members(key, among) == among & house.sets.bitmap(key)
    assert house.gate.members(SetKey(DAN, SetKind.FOLLOWERS), BitMap([BOB])) == BitMap()


def test_those_who_may_not_act_are_barred() -> None:
    house = House()
    house.put(BOB, suspended=True)
    house.put(CAT, frozen=True)
    house.put(DAN, limited=True)
    everybody = BitMap([ANN, BOB, CAT, DAN])
    barred = house.gate.barred(everybody)
    assert barred == BitMap([BOB, CAT])
    for account in everybody:
        if account in barred:
            with pytest.raises(Forbidden):
                house.gate.require_may_act(account)
        else:
            house.gate.require_may_act(account)
