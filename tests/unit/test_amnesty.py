"""The rules of amnesties: states, waves, and the bytes a plan is frozen as."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from rostra.domain.amnesty import (
    TRANSITIONS,
    Amnesty,
    AmnestyState,
    Entry,
    Expected,
    Outcome,
    manifest,
    manifest_hash,
    moved_to,
    wave_sizes,
)
from rostra.domain.errors import Conflict, Invalid

PLAN = Amnesty(id=2**60, state=AmnestyState.PLANNED, planned_by=1, planned_at=5, sizes=(1, 1))
ENTRIES = [
    Entry(n=1, account=4, wave=1, actions=(8,), then=Expected(1, 2), finally_=Expected(2, 2)),
    Entry(n=2, account=9, wave=2, actions=(9, 10), then=Expected(0, 2), finally_=Expected(0, 2)),
]


@pytest.mark.parametrize(
    ("waves", "total", "sizes"),
    [
        (("10", "1%", "10%", "100%"), 62_000, (10, 610, 5580, 55_800)),
        (("10", "1%", "10%", "100%"), 50, (10, 40)),  # 1 % and 10 % add none
        (("10", "1%", "10%", "100%"), 3, (3,)),
        (("10", "1%", "10%", "100%"), 0, ()),
        (("0.5%", "100%"), 100, (1, 99)),  # rounded up
        (("10", "20", "100.0%"), 100, (10, 10, 80)),
        (("100%",), 7, (7,)),
    ],
)
def test_a_wave_says_how_far_the_amnesty_has_come(
    waves: tuple[str, ...], total: int, sizes: tuple[int, ...]
) -> None:
    assert wave_sizes(waves, total) == sizes


@pytest.mark.parametrize(
    ("waves", "said"),
    [
        ((), "from one to"),
        (("ten", "100%"), '"ten" is no wave'),
        (("101%",), '"101%" is no wave'),
        (("0", "100%"), '"0" is no wave'),
        (("0%", "100%"), '"0%" is no wave'),
        (("-1", "100%"), '"-1" is no wave'),
        (("10", "50%"), "end with 100%"),
        (("100",), "end with 100%"),
    ],
)
def test_waves_that_make_no_sense_are_refused(waves: tuple[str, ...], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        wave_sizes(waves, 80)


@given(
    st.lists(
        st.one_of(st.integers(1, 10**6).map(str), st.integers(1, 100).map(lambda n: f"{n}%")),
        max_size=8,
    ),
    st.integers(0, 10**5),
)
def test_waves_have_each_account_once(waves: list[str], total: int) -> None:
    sizes = wave_sizes((*waves, "100%"), total)
    assert sum(sizes) == total
    assert all(size > 0 for size in sizes)


def test_each_state_can_be_left_only_as_declared() -> None:
    for state in AmnestyState:
        for other in AmnestyState:
            amnesty = structs.replace(PLAN, state=state)
            if other in TRANSITIONS[state]:
                assert moved_to(amnesty, other, why="so").state is other
            else:
                with pytest.raises(Conflict, match=state.value.replace("_", " ")):
                    moved_to(amnesty, other)


def test_what_cannot_be_done_says_what_can() -> None:
    for state, ways in (
        (AmnestyState.ROLLING_BACK, "it goes on by itself, so wait until that is over"),
        (AmnestyState.ROLLED_BACK, "it is over, and another can be planned"),
        (AmnestyState.STOPPED, "it can be rolled back"),
    ):
        with pytest.raises(Conflict, match=ways):
            moved_to(structs.replace(PLAN, state=state), AmnestyState.PAUSED)


def test_the_hash_is_of_the_bytes_that_are_exported() -> None:
    lines = b"".join(manifest(PLAN, ENTRIES))
    assert lines.count(b"\n") == 3
    assert manifest_hash(PLAN, ENTRIES) == hashlib.sha256(lines).hexdigest()
    assert lines.splitlines()[1] == (
        b'{"account":4,"actions":[8],"finally":{"followers":2,"following":2},"n":1,'
        b'"then":{"followers":1,"following":2},"wave":1}'
    )


def test_running_does_not_change_the_manifest_and_everything_else_does() -> None:
    before = manifest_hash(PLAN, ENTRIES)
    run = moved_to(PLAN, AmnestyState.APPROVED, approved_by=3, approved_at=6, hash=before)
    done = [structs.replace(one, outcome=Outcome.LIFTED, at=4, why="x") for one in ENTRIES]
    assert manifest_hash(run, done) == before
    others = [
        (structs.replace(PLAN, where="followers > 1"), ENTRIES),
        (structs.replace(PLAN, ground="mercy"), ENTRIES),
        (structs.replace(PLAN, sizes=(2,)), ENTRIES),
        (PLAN, ENTRIES[::-1]),
        (PLAN, ENTRIES[:1]),
        (PLAN, [structs.replace(ENTRIES[0], actions=(8, 9)), ENTRIES[1]]),
        (PLAN, [structs.replace(ENTRIES[0], finally_=Expected(3, 2)), ENTRIES[1]]),
    ]
    hashes = {manifest_hash(*other) for other in others}
    assert len(hashes) == len(others)
    assert before not in hashes
