"""The store: commits shared by many, consistent views, and the change feed between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from tests.contract.checks import differences
from tests.contract.sets_worlds import make_limits_small

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Standing
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason, State
from rostra.domain.errors import Conflict, Forbidden, Unavailable
from rostra.domain.events import (
    AccountChanged,
    AnyEvent,
    EverythingReplaced,
    SetChanged,
    SetReplaced,
)
from rostra.ports import Transaction
from rostra.storage.bulk import load_set
from rostra.storage.packer import Packer, pack_everything
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

LIKES = SetKey(5 << 40, SetKind.LIKES)
FOLLOWERS = SetKey(1, SetKind.FOLLOWERS)


class Refused(Exception):
    """What a change raises here."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "data", clock)
    yield opened
    opened.close_now()


@pytest.fixture
def other(store: SqliteStore, clock: FakeClock) -> Iterator[SqliteStore]:
    """A second store on the same folder, as another process has it."""
    opened = SqliteStore.open(store.folder, clock)
    yield opened
    opened.close_now()


def account(tx: Transaction, username: str) -> int:
    ordinal = tx.accounts.reserve_ordinals(1)
    tx.accounts.create(
        Account(ordinal=ordinal, id=tx.next_id(), username=username, created_at=tx.now)
    )
    return ordinal


def likes(store: SqliteStore) -> list[int]:
    with store.read() as snapshot:
        return [entry.member for entry in snapshot.sets.oldest(LIKES, limit=9999)]


def suspend(tx: Transaction, target: int, **times: int) -> Action:
    starts_at = times.pop("starts_at", tx.now)
    action = Action(
        id=tx.next_id(),
        account=target,
        kind=ActionKind.SUSPEND,
        ground="spam",
        moderator=None,
        taken_at=tx.now,
        starts_at=starts_at,
        until=times.pop("until", None),
    )
    tx.enforcement.take(action)
    return action


# -- commits shared by many --------------------------------------------------------------------


async def commits(store: SqliteStore) -> int:
    with store.read() as snapshot:
        return snapshot.seq


async def test_writes_that_wait_together_are_committed_together(store: SqliteStore) -> None:
    before = await commits(store)
    await asyncio.gather(
        *(store.write(lambda tx, m=member: tx.sets.add(LIKES, m)) for member in range(200))
    )
    assert likes(store) == list(range(200))
    assert await commits(store) - before < 20


async def test_an_exception_undoes_its_own_change_alone(store: SqliteStore) -> None:
    def refuse(tx: Transaction) -> None:
        account(tx, "nobody")
        tx.sets.add(LIKES, 7)
        tx.sets.remove(LIKES, 1)
        tx.sets.add(FOLLOWERS, 9)
        raise Refused

    found = await asyncio.gather(
        store.write(lambda tx: tx.sets.add(LIKES, 1)),
        store.write(refuse),
        store.write(lambda tx: (tx.sets.contains(LIKES, 7), tx.sets.add(LIKES, 2))),
        store.write(refuse),
        store.write(lambda tx: account(tx, "somebody")),
        return_exceptions=True,
    )
    assert isinstance(found[1], Refused)
    assert isinstance(found[3], Refused)
    assert found[2] == (False, True)
    assert likes(store) == [1, 2]
    with store.read() as snapshot:
        assert snapshot.accounts.by_username("nobody") is None
        assert snapshot.accounts.by_username("somebody") is not None
        assert not snapshot.sets.contains(FOLLOWERS, 9)
        assert not snapshot.sets.contains(SetKey(9, SetKind.FOLLOWING), 1)
    assert differences(store.folder) == []


async def test_a_change_sees_those_before_it_in_the_same_commit(store: SqliteStore) -> None:
    async def once(name: str) -> int:
        def change(tx: Transaction) -> int:
            if tx.accounts.by_username(name):
                raise Conflict("Username has already been taken")
            return account(tx, name)

        return await store.write(change)

    found = await asyncio.gather(*(once("ann") for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in found] == [int, Conflict, Conflict, Conflict, Conflict]


async def test_ids_are_never_given_twice_whatever_is_undone(store: SqliteStore) -> None:
    """The clock stands still, so that ids differ by their counters alone."""
    kept: list[int] = []

    def refuse(tx: Transaction) -> None:
        tx.next_id()
        raise Refused

    def keep(tx: Transaction) -> None:
        kept.append(tx.next_id())

    for _ in range(5):
        await asyncio.gather(
            store.write(keep), store.write(refuse), store.write(keep), return_exceptions=True
        )
    assert len(set(kept)) == 10
    assert kept == sorted(kept)


async def test_a_suspension_holds_for_the_next_change_in_line(store: SqliteStore) -> None:
    ann = store.write_now(lambda tx: account(tx, "ann"))

    def like(tx: Transaction) -> None:
        tx.gate.require_may_act(ann)
        tx.sets.add(LIKES, ann)

    found = await asyncio.gather(
        store.write(lambda tx: suspend(tx, ann)), store.write(like), return_exceptions=True
    )
    assert isinstance(found[1], Forbidden)
    assert likes(store) == []


async def test_a_caller_that_goes_away_harms_nobody(store: SqliteStore) -> None:
    first = asyncio.create_task(store.write(lambda tx: tx.sets.add(LIKES, 1)))
    gone = asyncio.create_task(store.write(lambda tx: tx.sets.add(LIKES, 2)))
    last = asyncio.create_task(store.write(lambda tx: tx.sets.add(LIKES, 3)))
    await asyncio.sleep(0)
    gone.cancel()
    assert await first
    assert await last
    assert {1, 3} <= set(likes(store))
    assert differences(store.folder) == []


async def test_packing_among_others_writes(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_limits_small(monkeypatch)
    packing = Packer(eager=True)

    async def write(member: int) -> None:
        await store.write(lambda tx: tx.sets.add(LIKES, member))
        if member % 3 == 0:
            await store.write(lambda tx: tx.sets.remove(LIKES, member))

    async def pack() -> None:
        for _ in range(60):
            await store.write(packing.step)

    await asyncio.gather(pack(), *(write(member) for member in range(300)))
    assert sorted(likes(store)) == [member for member in range(300) if member % 3]
    assert differences(store.folder) == []


async def test_a_store_that_is_committing_refuses_to_write_outside_the_loop(
    store: SqliteStore,
) -> None:
    waiting = asyncio.create_task(store.write(lambda tx: tx.sets.add(LIKES, 1)))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"use write\(\)"):
        store.write_now(lambda tx: None)
    await waiting


async def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "data")
    waiting = [
        asyncio.create_task(store.write(lambda tx, m=member: tx.sets.add(LIKES, m)))
        for member in range(50)
    ]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*waiting) == [True] * 50
    again = SqliteStore.open(tmp_path / "data")
    assert likes(again) == list(range(50))
    again.close_now()


# -- a full disk -------------------------------------------------------------------------------


def fill(store: SqliteStore, spare: int = 2) -> None:
    """Let the file grow by a few pages only."""
    with store.exclusive() as tx:
        pages = tx.database.value("PRAGMA page_count")
    store._write_database.run(f"PRAGMA max_page_count = {pages + spare}")


def free(store: SqliteStore) -> None:
    store._write_database.run("PRAGMA max_page_count = 1073741823")


def bulky(tx: Transaction, name: str) -> int:
    tx.accounts.create(
        Account(
            ordinal=tx.accounts.reserve_ordinals(1),
            id=tx.next_id(),
            username=name,
            note="x" * 6000,
            created_at=tx.now,
        )
    )
    return tx.next_id()


async def test_a_full_disk_fails_all_who_wait_and_loses_nothing(store: SqliteStore) -> None:
    await store.write(lambda tx: tx.sets.add(LIKES, 1))
    fill(store)
    found = await asyncio.gather(
        store.write(lambda tx: tx.sets.add(LIKES, 2)),
        *(store.write(lambda tx, n=number: bulky(tx, f"p{n}")) for number in range(50)),
        store.write(lambda tx: tx.sets.add(LIKES, 3)),
        return_exceptions=True,
    )
    refused = [one for one in found if isinstance(one, Unavailable)]
    assert refused
    assert all("disk is full" in error.message for error in refused)
    with store.read() as snapshot:
        for number, one in enumerate(found[1:-1]):
            there = snapshot.accounts.by_username(f"p{number}") is not None
            assert there == (not isinstance(one, Unavailable))
        for member, one in ((2, found[0]), (3, found[-1])):
            assert snapshot.sets.contains(LIKES, member) == (one is True)
    free(store)
    assert await store.write(lambda tx: tx.sets.add(LIKES, 4))
    assert {1, 4} <= set(likes(store))
    assert differences(store.folder) == []


def test_a_full_disk_undoes_a_write_outside_the_loop(store: SqliteStore) -> None:
    fill(store)
    with pytest.raises(Unavailable, match="disk full"):
        store.write_now(lambda tx: [bulky(tx, f"p{number}") for number in range(50)])
    free(store)
    with store.read() as snapshot:
        assert snapshot.accounts.count() == 0
    store.write_now(lambda tx: account(tx, "ann"))


# -- consistent views --------------------------------------------------------------------------


def test_nobody_reads_what_is_not_committed(store: SqliteStore, other: SqliteStore) -> None:
    store.write_now(lambda tx: tx.sets.add(LIKES, 1))
    with store.exclusive() as tx:
        tx.sets.add(LIKES, 2)
        account(tx, "ann")
        for reading in (store, other):
            assert likes(reading) == [1]
            with reading.read() as snapshot:
                assert snapshot.accounts.by_username("ann") is None
    for reading in (store, other):
        assert likes(reading) == [1, 2]


def test_an_exception_undoes_everything_of_a_transaction(store: SqliteStore) -> None:
    store.write_now(lambda tx: tx.sets.add(LIKES, 1))

    def change() -> None:
        with store.exclusive() as tx:
            tx.sets.remove(LIKES, 1)
            tx.sets.add(LIKES, 2)
            account(tx, "ann")
            raise Refused

    with pytest.raises(Refused):
        change()
    assert likes(store) == [1]
    store.write_now(lambda tx: tx.sets.add(LIKES, 3))
    assert likes(store) == [1, 3]


def test_views_within_a_view_are_the_same(store: SqliteStore, other: SqliteStore) -> None:
    with store.read() as snapshot:
        assert snapshot.sets.size(LIKES) == 0
        other.write_now(lambda tx: tx.sets.add(LIKES, 1))
        with store.read() as inner:
            assert inner is snapshot
            assert inner.sets.size(LIKES) == 0
        assert snapshot.sets.size(LIKES) == 0
    assert likes(store) == [1]


def test_an_error_while_reading_leaves_the_store_usable(store: SqliteStore) -> None:
    with pytest.raises(Refused), store.read():
        raise Refused
    assert likes(store) == []


# -- between processes -------------------------------------------------------------------------


def test_two_stores_see_each_others_commits_at_the_next_read(
    store: SqliteStore, other: SqliteStore
) -> None:
    for member in range(20):
        writing, reading = (store, other) if member % 2 else (other, store)
        writing.write_now(lambda tx, m=member: tx.sets.add(LIKES, m))
        assert likes(reading) == likes(writing) == list(range(member + 1))


def test_a_write_builds_upon_the_others_writes(store: SqliteStore, other: SqliteStore) -> None:
    assert likes(store) == likes(other) == []
    assert store.write_now(lambda tx: tx.sets.add(LIKES, 1))
    assert not other.write_now(lambda tx: tx.sets.add(LIKES, 1))
    assert other.write_now(lambda tx: tx.sets.remove(LIKES, 1))
    assert store.write_now(lambda tx: tx.sets.add(LIKES, 1))


def test_events_reach_every_process_once_and_in_order(
    store: SqliteStore, other: SqliteStore
) -> None:
    seen: dict[str, list[AnyEvent]] = {"store": [], "other": []}
    store.subscribe(seen["store"].append)
    other.subscribe(seen["other"].append)
    store.write_now(lambda tx: account(tx, "ann"))
    other.write_now(lambda tx: tx.sets.add(LIKES, 1))
    other.write_now(lambda tx: None)
    likes(store), likes(other), likes(store)
    for events in seen.values():
        assert [type(event) for event in events] == [AccountChanged, SetChanged]


def test_unchanged_until_anybody_commits(store: SqliteStore, other: SqliteStore) -> None:
    with store.read() as snapshot:
        seq = snapshot.seq
    assert store.unchanged_since(seq)
    other.write_now(lambda tx: None)  # changes nothing
    assert store.unchanged_since(seq)
    other.write_now(lambda tx: tx.sets.add(LIKES, 1))
    assert not store.unchanged_since(seq)
    with store.read() as snapshot:
        assert store.unchanged_since(snapshot.seq)


def test_a_process_left_behind_by_the_feed_starts_over(
    store: SqliteStore, other: SqliteStore
) -> None:
    ann = store.write_now(lambda tx: account(tx, "ann"))
    assert likes(other) == []
    with other.read() as snapshot:
        assert snapshot.gate.active(ann)
    seen: list[AnyEvent] = []
    other.subscribe(seen.append)
    for member in range(10):
        store.write_now(lambda tx, m=member: tx.sets.add(LIKES, m))
    store.write_now(lambda tx: suspend(tx, ann))
    store.write_now(
        lambda tx: tx.database.run("DELETE FROM feed WHERE seq < (SELECT MAX(seq) - 1 FROM feed)")
    )
    assert likes(other) == list(range(10))
    with other.read() as snapshot:
        assert not snapshot.gate.active(ann)
    assert seen == [EverythingReplaced()]


def test_a_bulk_load_and_what_follows_it_is_applied_once(
    store: SqliteStore, other: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that meets a bulk load and later changes in one go does not apply these twice to
    what it read anew."""
    make_limits_small(monkeypatch)
    key = SetKey(SERVER, SetKind.SUSPENDED)
    people = store.write_now(lambda tx: [account(tx, f"p{number}") for number in range(12)])
    store.write_now(lambda tx: [suspend(tx, one) for one in people[:10]])
    pack_everything(store.write_now)
    store.write_now(lambda tx: tx.announce(EverythingReplaced()))
    store.write_now(lambda tx: suspend(tx, people[10]))
    with other.read() as snapshot:
        assert snapshot.sets.size(key) == 11
        assert snapshot.gate.active_count(people[-1] + 1) == people[-1] + 1 - 11


def test_a_set_loaded_in_bulk_replaces_what_is_in_memory(
    store: SqliteStore, other: SqliteStore
) -> None:
    store.write_now(lambda tx: tx.sets.add_many(LIKES, [4, 5]))
    assert likes(other) == [4, 5]
    seen: list[AnyEvent] = []
    other.subscribe(seen.append)
    times = np.array([10, 20, 30], dtype=np.int64)
    assert load_set(store, LIKES, np.array([7, 5, 8], dtype=np.uint32), times) == 2
    assert likes(other) == [7, 8, 4, 5]
    assert SetReplaced(*LIKES) in seen


# -- masks and the clock -----------------------------------------------------------------------


def shown(store: SqliteStore) -> int:
    with store.read() as snapshot:
        return snapshot.gate.visible_count(LIKES)


@pytest.fixture
def crowd(store: SqliteStore) -> list[int]:
    """Five accounts that like a status."""

    def change(tx: Transaction) -> list[int]:
        people = [account(tx, f"p{number}") for number in range(5)]
        tx.sets.add_many(LIKES, people)
        return people

    return store.write_now(change)


def lift(tx: Transaction, action: Action) -> None:
    tx.enforcement.lift(
        Lifting(
            action=action.id,
            account=action.account,
            reason=LiftReason.OVERTURNED,
            moderator=None,
            lifted_at=tx.now,
        )
    )


def test_a_suspension_shows_in_every_process_at_the_next_read(
    store: SqliteStore, other: SqliteStore, crowd: list[int]
) -> None:
    assert shown(store) == shown(other) == 5
    action = store.write_now(lambda tx: suspend(tx, crowd[0]))
    assert shown(other) == shown(store) == 4
    other.write_now(lambda tx: lift(tx, action))
    assert shown(store) == shown(other) == 5


def test_what_is_done_to_many_at_once_shows_in_every_process(
    store: SqliteStore, other: SqliteStore, crowd: list[int]
) -> None:
    def act(tx: Transaction) -> Action:
        actions = [suspend(tx, one) for one in crowd[:3]]
        lift(tx, actions[0])
        tx.standings.put(Standing(account=crowd[3], deactivated_at=tx.now))
        return actions[1]

    action = store.write_now(act)
    for one in (store, other):
        with one.read() as snap:
            assert [snap.gate.active(each) for each in crowd] == [True, False, False, False, True]
            assert snap.gate.state(crowd[3]) == State(deactivated=True)
    other.write_now(lambda tx: lift(tx, action))
    assert shown(store) == shown(other) == 3


def test_lifting_one_of_two_suspensions_does_not_reinstate(
    store: SqliteStore, other: SqliteStore, crowd: list[int]
) -> None:
    both = [store.write_now(lambda tx: suspend(tx, crowd[0])) for _ in range(2)]
    store.write_now(lambda tx: lift(tx, both[1]))
    assert shown(store) == shown(other) == 4
    store.write_now(lambda tx: lift(tx, both[0]))
    assert shown(store) == shown(other) == 5


@pytest.mark.parametrize("reopened", [False, True])
def test_a_timed_suspension_begins_and_ends_at_its_instants_in_every_process(
    store: SqliteStore, clock: FakeClock, crowd: list[int], reopened: bool
) -> None:
    start, end = clock.now() + 1000, clock.now() + 5000
    store.write_now(lambda tx: suspend(tx, crowd[0], starts_at=start, until=end))
    other = SqliteStore.open(store.folder, clock)
    for now, count in ((start - 1, 5), (start, 4), (end - 1, 4), (end, 5), (end + 1, 5)):
        clock.set(now)
        if reopened:
            other.close_now()
            other = SqliteStore.open(store.folder, clock)
        assert shown(store) == shown(other) == count
    other.close_now()


def test_writes_are_judged_by_the_clock_too(
    store: SqliteStore, clock: FakeClock, crowd: list[int]
) -> None:
    store.write_now(lambda tx: suspend(tx, crowd[0], until=clock.now() + 1000))

    def act(tx: Transaction) -> None:
        tx.gate.require_may_act(crowd[0])

    with pytest.raises(Forbidden):
        store.write_now(act)
    clock.advance(1000)
    store.write_now(act)


def test_an_answer_does_not_hold_past_the_instant_a_mask_changes(
    store: SqliteStore, clock: FakeClock, crowd: list[int]
) -> None:
    store.write_now(lambda tx: suspend(tx, crowd[0], until=clock.now() + 1000))
    with store.read() as snapshot:
        seq = snapshot.seq
    assert store.unchanged_since(seq)
    clock.advance(999)
    assert store.unchanged_since(seq)
    clock.advance(1)
    assert not store.unchanged_since(seq)
    assert shown(store) == 5


def test_an_overlap_ends_when_the_last_of_its_actions_does(
    store: SqliteStore, clock: FakeClock, crowd: list[int]
) -> None:
    now = clock.now()
    store.write_now(lambda tx: suspend(tx, crowd[0], until=now + 1000))
    lasting = store.write_now(
        lambda tx: suspend(tx, crowd[0], starts_at=now + 500, until=now + 2000)
    )
    for at, count in ((now + 999, 4), (now + 1500, 4), (now + 2000, 5)):
        clock.set(at)
        assert shown(store) == count
    clock.set(now + 1500)  # steps back: the mask need not follow, the record must
    store.write_now(lambda tx: lift(tx, lasting))
    assert shown(store) == 5


def test_kept_counts_are_counts_made_again(
    store: SqliteStore, other: SqliteStore, clock: FakeClock, crowd: list[int]
) -> None:
    random, actions = Random(4), list[Action]()
    for step in range(300):
        writing = random.choice((store, other))
        chance, one = random.random(), random.choice(crowd)
        if chance < 0.3:
            until = clock.now() + random.randrange(1, 50) if random.random() < 0.5 else None
            times = {} if until is None else {"until": until}
            actions.append(writing.write_now(lambda tx, t=times, o=one: suspend(tx, o, **t)))
        elif chance < 0.6 and actions:
            action = actions.pop(random.randrange(len(actions)))
            writing.write_now(lambda tx, a=action: lift(tx, a))
        elif chance < 0.8:
            writing.write_now(lambda tx, o=one: tx.sets.remove(LIKES, o) or tx.sets.add(LIKES, o))
        else:
            clock.advance(random.randrange(20))
        if step % 50 == 0:
            pack_everything(store.write_now)
        with store.read() as snapshot:
            active = [
                entry.member
                for entry in snapshot.sets.oldest(LIKES, limit=99)
                if snapshot.gate.active(entry.member)
            ]
        assert shown(store) == shown(other) == len(active)
    assert differences(store.folder) == []
