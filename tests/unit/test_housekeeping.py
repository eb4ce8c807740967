"""What the job process keeps in order, and what the clock of a poll or a mute sets off."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.jobs.runner import Runner
from rostra.jobs.schedule import Schedule
from rostra.ops import housekeeping
from rostra.ops.housekeeping import OldKeys, Packing, periodic_work, prune_feed
from rostra.ops.opening import context_of
from rostra.services import accounts
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships
from rostra.services.work import HANDLERS
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.clock import FakeClock

FOLLOWERS = SetKey(1, SetKind.FOLLOWERS)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[SqliteStore]:
    store = SqliteStore.open(tmp_path, clock)
    yield store
    store.close_now()


def follow(store: SqliteStore, *followers: int) -> None:
    for follower in followers:
        store.write_now(lambda tx, who=follower: tx.sets.add(FOLLOWERS, who))  # type: ignore[misc]


async def test_the_journal_is_packed(store: SqliteStore) -> None:
    follow(store, *range(2, 40))
    packing = Packing(store)
    while await packing.do():
        pass
    left = await store.write(lambda tx: tx.database.value("SELECT COUNT(*) FROM journal"))
    assert left == 0
    with store.read() as snap:
        assert snap.sets.size(FOLLOWERS) == 38


async def test_the_feed_keeps_its_newest_rows_and_who_is_behind_reads_anew(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FakeClock
) -> None:
    monkeypatch.setattr(housekeeping, "FEED_KEPT", 5)
    monkeypatch.setattr(housekeeping, "FEED_A_STEP", 7)
    behind = SqliteStore.open(tmp_path, clock)
    with behind.read() as snap:
        assert snap.sets.size(FOLLOWERS) == 0
    follow(store, *range(2, 32))
    steps = 0
    while await prune_feed(store):
        steps += 1
    assert steps == 3
    kept = await store.write(lambda tx: tx.database.value("SELECT COUNT(*) FROM feed"))
    assert 5 <= kept < 5 + 7
    assert not await prune_feed(store)
    assert kept == await store.write(lambda tx: tx.database.value("SELECT COUNT(*) FROM feed"))
    with behind.read() as snap:
        assert snap.sets.size(FOLLOWERS) == 30
    await behind.close()


async def test_idempotency_keys_are_forgotten_after_a_day(
    store: SqliteStore, clock: FakeClock, tmp_path: Path
) -> None:
    context = context_of(Settings(data=tmp_path), store)
    keys = OldKeys(context, store)
    old = await store.write(lambda tx: tx.next_id())
    await store.write(lambda tx: tx.statuses.remember_idempotency(1, "old", old))
    clock.advance(hours=23)
    new = await store.write(lambda tx: tx.next_id())
    await store.write(lambda tx: tx.statuses.remember_idempotency(1, "new", new))
    clock.advance(hours=2)
    assert await keys.do() is False
    with store.read() as snap:
        assert snap.statuses.idempotent(1, "old") is None
        assert snap.statuses.idempotent(1, "new") == new
    keys.close()


async def test_a_key_used_again_while_old_ones_are_forgotten_is_kept(
    store: SqliteStore, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = OldKeys(context_of(Settings(data=tmp_path), store), store)
    old = await store.write(lambda tx: tx.next_id())
    await store.write(lambda tx: tx.statuses.remember_idempotency(1, "key", old))
    clock.advance(hours=25)
    new = await store.write(lambda tx: tx.next_id())
    write = store.write

    async def overtaken(change: Callable[[WriteView], object]) -> object:
        await write(lambda tx: tx.statuses.remember_idempotency(1, "key", new))
        return await write(change)

    monkeypatch.setattr(store, "write", overtaken)
    await keys.do()
    with store.read() as snap:
        assert snap.statuses.idempotent(1, "key") == new
    keys.close()


async def test_the_ends_of_mutes_and_suspensions_are_recorded(
    store: SqliteStore, clock: FakeClock, tmp_path: Path
) -> None:
    context = context_of(Settings(data=tmp_path), store)
    names = ("anna", "bert")
    anna, bert = [
        (
            await accounts.register(
                context, username=name, email=f"{name}@x.example", password="x" * 12
            )
        ).ordinal
        for name in names
    ]
    await relationships.mute(context, actor=anna, target=bert, duration_s=60)
    await enforcing.suspend(
        context, moderator=None, target=bert, ground="spam", until=clock.now() + 60_000
    )
    runner = Runner(context, HANDLERS, Schedule(periodic_work(context, store)))
    clock.advance(seconds=61)
    for _ in range(3):
        await runner.turn()
    with store.read() as snap:
        assert not snap.sets.contains(SetKey(anna, SetKind.MUTING), bert)
        _, liftings = snap.enforcement.of_account(bert)
        assert [str(lifting.reason) for lifting in liftings] == ["expired"]
        assert snap.jobs.waiting() == 0
