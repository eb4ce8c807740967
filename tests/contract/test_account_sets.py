"""What every adapter of account sets does, whatever form its sets are in."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from pyroaring import BitMap
from tests.contract.sets_worlds import SetsWorld

from rostra.domain.account_set import Entry, MemberSets, MemberSetsWriter, SetKey, SetKind
from rostra.storage import set_streams
from rostra.testing.memory_sets import MemorySets

FOLLOWERS = SetKey(1, SetKind.FOLLOWERS)
LIKES = SetKey(7 << 40, SetKind.LIKES)
OTHER_LIKES = SetKey(8 << 40, SetKind.LIKES)
CROWD = [number * 21_001 for number in range(1, 25)]
"""Members in several chunks; more than a small set has where limits are small."""


def members(sets: MemberSets, key: SetKey) -> list[int]:
    """Return the members oldest first, read in every way there is, which must agree."""
    ascending = [entry.member for entry in sets.oldest(key, limit=10_000)]
    descending = [entry.member for entry in sets.newest(key, limit=10_000)]
    exported = [int(member) for _, block in sets.entries(key) for member in block]
    assert ascending == descending[::-1] == exported
    assert sets.size(key) == len(ascending)
    assert set(sets.bitmap(key)) == set(ascending)
    assert sets.contains_many(key, ascending) == [True] * len(ascending)
    return ascending


# -- adding and removing -----------------------------------------------------------------------


def test_a_set_nobody_wrote_is_empty(world: SetsWorld) -> None:
    with world.read() as sets:
        assert members(sets, FOLLOWERS) == []
        assert not sets.contains(FOLLOWERS, 5)
        assert sets.position(FOLLOWERS, 5) is None


def test_members_are_in_the_order_they_joined(world: SetsWorld) -> None:
    for member in (30, 10, 20):
        assert world.write(lambda sets, m=member: sets.add(LIKES, m))
    with world.read() as sets:
        assert members(sets, LIKES) == [30, 10, 20]


def test_adding_twice_changes_nothing(world: SetsWorld) -> None:
    assert world.write(lambda sets: sets.add(LIKES, 5))
    world.write(lambda sets: sets.add(LIKES, 6))
    assert not world.write(lambda sets: sets.add(LIKES, 5))
    with world.read() as sets:
        assert members(sets, LIKES) == [5, 6]


def test_removing_what_is_not_there_changes_nothing(world: SetsWorld) -> None:
    assert not world.write(lambda sets: sets.remove(LIKES, 5))
    world.write(lambda sets: sets.add(LIKES, 6))
    assert not world.write(lambda sets: sets.remove(LIKES, 5))
    with world.read() as sets:
        assert members(sets, LIKES) == [6]


def test_one_who_comes_back_is_there_once_at_its_new_place(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    assert world.write(lambda sets: sets.remove(LIKES, CROWD[3]))
    assert world.write(lambda sets: sets.add(LIKES, CROWD[3]))
    with world.read() as sets:
        assert members(sets, LIKES) == [*CROWD[:3], *CROWD[4:], CROWD[3]]


def test_coming_and_going_within_one_transaction(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))

    def flap(sets: MemorySets) -> list[bool]:
        return [
            sets.remove(LIKES, CROWD[0]),
            sets.add(LIKES, CROWD[0]),
            sets.remove(LIKES, CROWD[0]),
            sets.remove(LIKES, CROWD[0]),
            sets.add(LIKES, CROWD[0]),
            sets.add(LIKES, CROWD[0]),
            sets.add(LIKES, 9),
            sets.remove(LIKES, 9),
        ]

    assert world.write(flap) == [True, True, True, False, True, False, True, True]
    with world.read() as sets:
        assert members(sets, LIKES) == [*CROWD[1:], CROWD[0]]


def test_many_are_added_and_removed_at_once(world: SetsWorld) -> None:
    assert world.write(lambda sets: sets.add_many(LIKES, CROWD)) == len(CROWD)
    assert world.write(lambda sets: sets.add_many(LIKES, [*CROWD[:5], 3, 4, 3])) == 2
    assert world.write(lambda sets: sets.remove_many(LIKES, [*CROWD[::2], 99])) == 12
    with world.read() as sets:
        assert members(sets, LIKES) == [*CROWD[1::2], 3, 4]


def test_a_set_emptied_and_filled_again(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    world.write(lambda sets: sets.remove_many(LIKES, CROWD))
    with world.read() as sets:
        assert members(sets, LIKES) == []
    world.write(lambda sets: sets.add_many(LIKES, CROWD[::-1]))
    with world.read() as sets:
        assert members(sets, LIKES) == CROWD[::-1]


def test_the_largest_ordinals_are_members_like_others(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, [2**32 - 1, 0, 2**31]))
    with world.read() as sets:
        assert members(sets, LIKES) == [2**32 - 1, 0, 2**31]


# -- mirrors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mirror"),
    [
        (SetKind.FOLLOWERS, SetKind.FOLLOWING),
        (SetKind.FOLLOW_REQUESTS, SetKind.FOLLOW_REQUESTED),
        (SetKind.BLOCKING, SetKind.BLOCKED_BY),
        (SetKind.MUTING, SetKind.MUTED_BY),
    ],
)
def test_a_mirrored_edge_is_on_both_sides_or_neither(
    world: SetsWorld,
    kind: SetKind,
    mirror: SetKind,
) -> None:
    world.write(lambda sets: sets.add_many(SetKey(1, kind), CROWD))
    world.write(lambda sets: sets.add(SetKey(CROWD[2], mirror), 2))
    with world.read() as sets:
        assert members(sets, SetKey(CROWD[2], mirror)) == [1, 2]
        position = sets.position(SetKey(1, kind), CROWD[2])
        assert sets.position(SetKey(CROWD[2], mirror), 1) == position
    assert world.write(lambda sets: sets.remove(SetKey(CROWD[2], mirror), 1))
    with world.read() as sets:
        assert not sets.contains(SetKey(1, kind), CROWD[2])
        assert members(sets, SetKey(1, kind)) == [*CROWD[:2], *CROWD[3:]]
        assert members(sets, SetKey(CROWD[2], mirror)) == [2]


def test_kinds_and_owners_do_not_mix(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add(SetKey(1, SetKind.MUTING), 2))
    with world.read() as sets:
        keys = [SetKey(1, kind) for kind in (SetKind.MUTING, SetKind.BLOCKING, SetKind.MUTED_BY)]
        assert sets.contained_in([*keys, SetKey(2, SetKind.MUTED_BY)], 2) == [
            True,
            False,
            False,
            False,
        ]
        assert sets.contains(SetKey(2, SetKind.MUTED_BY), 1)


# -- positions and pages -----------------------------------------------------------------------


def test_positions_grow_and_never_repeat(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    world.write(lambda sets: sets.remove(LIKES, CROWD[-1]))
    world.write(lambda sets: sets.add(LIKES, 5))
    with world.read() as sets:
        positions = [entry.position for entry in sets.oldest(LIKES, limit=100)]
    assert all(before < after for before, after in itertools.pairwise(positions))


def test_a_position_given_is_taken_when_it_is_free(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add(LIKES, 5, at=1000))
    world.write(lambda sets: sets.add(LIKES, 6, at=3000))
    world.write(lambda sets: sets.add(LIKES, 7, at=2000))
    with world.read() as sets:
        assert sets.oldest(LIKES, limit=5) == [Entry(1000, 5), Entry(3000, 6), Entry(3001, 7)]


def test_pages_cover_the_set_from_either_end(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    world.write(lambda sets: sets.remove_many(LIKES, CROWD[4:9]))
    world.write(lambda sets: sets.add_many(LIKES, [4, 5, 6]))
    with world.read() as sets:
        whole = sets.newest(LIKES, limit=100)
        for limit in (1, 2, 3, 5, 50):
            down: list[Entry] = []
            while page := sets.newest(
                LIKES, limit=limit, below=down[-1].position if down else None
            ):
                down += page
            assert down == whole
            up: list[Entry] = []
            while page := sets.oldest(LIKES, limit=limit, above=up[-1].position if up else None):
                up += page
            assert up == whole[::-1]


def test_pages_between_two_positions(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    with world.read() as sets:
        whole = sets.oldest(LIKES, limit=100)
        low, high = whole[3].position, whole[15].position
        inside = whole[4:15]
        assert sets.oldest(LIKES, limit=100, above=low, below=high) == inside
        assert sets.newest(LIKES, limit=100, above=low, below=high) == inside[::-1]
        assert sets.newest(LIKES, limit=4, above=low, below=high) == inside[:-5:-1]
        assert sets.oldest(LIKES, limit=0) == sets.newest(LIKES, limit=0) == []


def test_pages_pass_over_who_is_left_out(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    without = BitMap(CROWD[::2])
    with world.read() as sets:
        page = sets.newest(LIKES, limit=3, without=without)
        assert [entry.member for entry in page] == [CROWD[23], CROWD[21], CROWD[19]]
        page = sets.oldest(LIKES, limit=3, without=without)
        assert [entry.member for entry in page] == [CROWD[1], CROWD[3], CROWD[5]]


def test_a_cursor_holds_while_others_come_and_go(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    with world.read() as sets:
        cursor = sets.newest(LIKES, limit=5)[-1]
    world.write(lambda sets: sets.remove(LIKES, cursor.member))
    world.write(lambda sets: sets.add_many(LIKES, [1, 2, 3]))
    with world.read() as sets:
        page = sets.newest(LIKES, limit=3, below=cursor.position)
    assert [entry.member for entry in page] == CROWD[18:15:-1]


# -- several sets ------------------------------------------------------------------------------


def test_intersection_and_difference_come_ascending(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    world.write(lambda sets: sets.add_many(OTHER_LIKES, [*CROWD[5:9], 3, *CROWD[20:]]))
    world.write(lambda sets: sets.remove(LIKES, CROWD[6]))
    with world.read() as sets:
        common = [member for part in sets.intersection(LIKES, OTHER_LIKES) for member in part]
        assert common == sorted([CROWD[5], *CROWD[7:9], *CROWD[20:]])
        rest = [member for part in sets.difference(LIKES, OTHER_LIKES) for member in part]
        assert rest == sorted([*CROWD[:5], *CROWD[9:20]])
        assert list(sets.intersection(LIKES, SetKey(9, SetKind.LIKES))) == []


def test_many_sets_are_fetched_ahead(world: SetsWorld) -> None:
    keys = [SetKey(number, SetKind.LIKES) for number in range(1, 40)]

    def fill(sets: MemorySets) -> None:
        for number, key in enumerate(keys):
            sets.add_many(key, CROWD[: number % 20])

    world.write(fill)
    with world.read() as sets:
        sets.prefetch([*keys, SetKey(999, SetKind.LIKES)])
        assert [sets.size(key) for key in keys] == [number % 20 for number in range(39)]
        assert sets.contained_in(keys, CROWD[10]) == [n % 20 > 10 for n in range(39)]


def test_many_sets_are_streamed_and_counted(
    world: SetsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {owner: set(CROWD[owner - 2 :]) for owner in range(2, len(CROWD) + 2)}
    gone = {2: CROWD[4], 9: CROWD[20]}

    def change(sets: MemberSetsWriter) -> None:
        for owner, crowd in whole.items():
            sets.add_many(SetKey(owner, SetKind.LIKES), sorted(crowd))
        for owner, member in gone.items():
            sets.remove(SetKey(owner, SetKind.LIKES), member)

    def check(sets: MemberSets) -> None:
        owners = [*sorted(whole, reverse=True), 999]
        assert sets.sizes(SetKind.LIKES, owners) == {
            owner: len(whole.get(owner, ())) - (owner in gone) for owner in owners
        }
        found: dict[int, list[int]] = {}
        for owner, block in sets.stream(SetKind.LIKES, owners):
            found.setdefault(owner, []).extend(block.tolist())
        assert list(found) == owners[:-1]
        for owner, crowd in found.items():
            assert sorted(crowd) == sorted(whole[owner] - {gone.get(owner)})

    world.write(change)
    world.write(check)
    for chunk in (1000, 0):  # from segments, from chunks
        monkeypatch.setattr(set_streams, "A_CHUNK", chunk)
        with world.read() as sets:
            check(sets)


def test_a_version_changes_with_the_members(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add(LIKES, 5))
    with world.read() as sets:
        first = sets.version(LIKES)
        assert sets.version(LIKES) == first
    world.write(lambda sets: sets.add(LIKES, 6))
    with world.read() as sets:
        assert sets.version(LIKES) != first


# -- hidden members ----------------------------------------------------------------------------


def test_hidden_members_follow_the_set_and_the_mask(world: SetsWorld) -> None:
    mask, toggled = BitMap(CROWD[:3]), set[int]()
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    with world.read() as sets:
        assert sets.hidden_count(LIKES, 1, mask, lambda since: None) == 3
    world.write(lambda sets: sets.remove(LIKES, CROWD[0]))
    world.write(lambda sets: sets.remove(LIKES, CROWD[1]))
    world.write(lambda sets: sets.add(LIKES, CROWD[1]))
    with world.read() as sets:
        assert sets.hidden_count(LIKES, 1, mask, lambda since: None) == 2
    mask |= BitMap(CROWD[8:11])
    mask.discard(CROWD[2])
    toggled |= {*CROWD[8:11], CROWD[2]}
    with world.read() as sets:
        assert sets.hidden_count(LIKES, 2, mask, lambda since: toggled) == 4
    world.write(lambda sets: sets.remove(LIKES, CROWD[8]))
    mask.discard(CROWD[9])
    toggled = {CROWD[9]}
    with world.read() as sets:
        assert sets.hidden_count(LIKES, 3, mask, lambda since: toggled) == 2


# -- chance ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_give_what_dictionaries_give(world: SetsWorld, seed: int) -> None:
    random, plain = Random(seed), MemorySets()
    keys = [FOLLOWERS, SetKey(CROWD[0], SetKind.FOLLOWING), LIKES]

    def change(sets: MemorySets, acts: list[tuple[str, SetKey, int]]) -> list[bool]:
        return [getattr(sets, act)(key, member) for act, key, member in acts]

    for _ in range(40):
        acts = [
            (
                "add" if random.random() < 0.6 else "remove",
                random.choice(keys),
                random.choice([1, *CROWD[:14]]),
            )
            for _ in range(random.randrange(1, 9))
        ]
        given = world.write(lambda sets, acts=acts: change(sets, acts))
        assert given == change(plain, acts)
        with world.read() as sets:
            key = random.choice(keys)
            assert members(sets, key) == list(plain.members(key))
            edge = SetKey(random.choice(CROWD[:14]), SetKind.FOLLOWING)
            assert members(sets, edge) == list(plain.members(edge))
            ties = [sets.position(key, member) is not None for member in CROWD]
            assert ties == plain.contains_many(key, CROWD)


# -- between two positions -------------------------------------------------------------------------


def test_members_between_positions_follow_what_happens(world: SetsWorld) -> None:
    world.write(lambda sets: sets.add_many(LIKES, CROWD))
    with world.read() as sets:
        entries = sets.oldest(LIKES, limit=100)
    above, below = entries[3].position, entries[-4].position
    inner = {entry.member for entry in entries[4:-4]}

    def between(sets: MemberSets) -> set[int]:
        return set(sets.between(LIKES, above=above, below=below))

    with world.read() as sets:
        assert between(sets) == inner
        assert set(sets.between(LIKES, above=-1, below=2**62)) == set(CROWD)
        assert set(sets.between(OTHER_LIKES, above=-1, below=2**62)) == set()
    gone, back = entries[5].member, entries[6].member

    def leave(sets: MemorySets) -> set[int]:
        sets.remove(LIKES, gone)
        sets.remove(LIKES, back)
        sets.add(LIKES, back)  # at a place after all others
        return between(sets)

    assert world.write(leave) == inner - {gone, back}
    with world.read() as sets:
        assert between(sets) == inner - {gone, back}
        assert back in sets.between(LIKES, above=entries[-1].position, below=2**62)
