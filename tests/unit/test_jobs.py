"""The job runner and its schedule."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.jobs.runner import LONGEST_RETRY_MS, Runner, retry_delay
from rostra.jobs.schedule import Periodic, Schedule
from rostra.ports import Context, Job
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock


class World:
    """A store of its own, a clock that stands still, and a note of what was done."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = SqliteStore.open(folder, self.clock)
        self.context = Context(
            settings=Settings(data=folder), store=self.store, clock=self.clock, random=Random(1)
        )
        self.done: list[Any] = []

    async def note(self, _: Context, **payload: Any) -> None:
        self.done.append(payload)

    async def fail(self, _: Context, **payload: Any) -> None:
        self.done.append(payload)
        raise ValueError("not today")

    def runner(self, *works: Periodic) -> Runner:
        handlers = {"note": self.note, "fail": self.fail}
        return Runner(self.context, handlers, Schedule(works, clock=lambda: self.clock.now() / 1e3))

    async def enqueue(self, name: str, payload: dict[str, Any], in_ms: int = 0) -> None:
        at = self.clock.now() + in_ms
        await self.store.write(lambda tx: tx.jobs.enqueue(name, payload, at))

    def waiting(self) -> list[Job]:
        with self.store.read() as snap:
            return snap.jobs.due(2**60, limit=100)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "data")


async def test_jobs_are_done_when_they_are_due_and_once(world: World) -> None:
    runner = world.runner()
    await world.enqueue("note", {"n": 2}, in_ms=1000)
    await world.enqueue("note", {"n": 1})
    await runner.turn()
    assert world.done == [{"n": 1}]
    world.clock.advance(1000)
    await runner.turn()
    await runner.turn()
    assert world.done == [{"n": 1}, {"n": 2}]
    assert world.waiting() == []
    await world.store.close()


async def test_a_job_that_fails_is_tried_again_later_and_the_others_go_on(world: World) -> None:
    runner = world.runner()
    await world.enqueue("fail", {"n": 1})
    await world.enqueue("note", {"n": 2})
    await runner.turn()
    await runner.turn()
    assert world.done == [{"n": 1}, {"n": 2}]
    (job,) = world.waiting()
    assert (job.attempts, job.run_at) == (1, world.clock.now() + retry_delay(0))
    world.clock.advance(retry_delay(0))
    await runner.turn()
    assert world.waiting()[0].attempts == 2
    await world.store.close()


async def test_a_try_is_counted_before_it_is_made(world: World) -> None:
    """What takes its process down with it waits longer each time, and the others are done."""
    tries: list[int] = []

    async def die(_: Context) -> None:
        tries.extend(job.attempts for job in world.waiting() if job.name == "die")
        raise KeyboardInterrupt  # as far as the runner sees, the end of the process

    runner = Runner(world.context, {"die": die, "note": world.note}, Schedule(()))
    await world.enqueue("die", {})
    await world.enqueue("note", {"n": 1})
    for delay in (retry_delay(0), retry_delay(1)):
        with pytest.raises(KeyboardInterrupt):
            await runner.turn()
        await runner.turn()
        assert world.done == [{"n": 1}]
        (job,) = world.waiting()
        assert job.run_at == world.clock.now() + delay
        world.clock.advance(delay)
    assert tries == [1, 2]
    await world.store.close()


async def test_a_job_with_few_tries_is_given_up_though_it_never_came_to_say_so(
    world: World,
) -> None:
    async def die(_: Context) -> None:
        world.done.append("died")
        raise KeyboardInterrupt

    runner = Runner(world.context, {"die": die}, Schedule(()), tries={"die": 2})
    await world.enqueue("die", {})
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            await runner.turn()
        world.clock.advance(LONGEST_RETRY_MS)
    await runner.turn()
    assert world.done == ["died", "died"]
    assert world.waiting() == []
    await world.store.close()


async def test_a_job_nobody_knows_is_kept(world: World) -> None:
    await world.enqueue("of a newer version", {})
    await world.runner().turn()
    (job,) = world.waiting()
    assert (job.name, job.attempts) == ("of a newer version", 1)
    await world.store.close()


def test_the_pause_between_attempts_doubles_up_to_an_hour() -> None:
    assert [retry_delay(n) for n in range(4)] == [1000, 2000, 4000, 8000]
    assert retry_delay(50) == retry_delay(10**6) == LONGEST_RETRY_MS


async def test_scheduled_work_comes_round_and_at_once_while_there_is_more(world: World) -> None:
    left = [True, True, False, False]

    async def some() -> bool:
        world.done.append(world.clock.now())
        return left.pop(0)

    runner = world.runner(Periodic(name="some", every=10, do=some))
    assert await runner.turn() is True
    assert await runner.turn() is True
    assert await runner.turn() is False
    await runner.turn()
    assert len(world.done) == 3
    world.clock.advance(seconds=10)
    await runner.turn()
    assert len(world.done) == 4
    await world.store.close()


async def test_scheduled_work_that_fails_does_not_stop_the_rest(world: World) -> None:
    async def fail() -> bool:
        raise ValueError("not today")

    async def work() -> bool:
        world.done.append("worked")
        return False

    works = [Periodic(name="fail", every=1, do=fail), Periodic(name="work", every=1, do=work)]
    assert await world.runner(*works).turn() is False
    assert world.done == ["worked"]
    await world.store.close()


async def test_a_runner_that_is_told_to_stop_finishes_the_job_at_hand(world: World) -> None:
    stop = asyncio.Event()

    async def last(_: Context, **payload: Any) -> None:
        stop.set()
        await asyncio.sleep(0)
        world.done.append(payload)

    await world.enqueue("last", {})
    runner = Runner(world.context, {"last": last}, Schedule([]))
    await runner.run(stop)
    assert world.done == [{}]
    assert world.waiting() == []
    await world.store.close()


async def test_jobs_that_take_long_are_done_beside_the_others(world: World) -> None:
    going, began = asyncio.Event(), []

    async def slow(_: Context, **payload: Any) -> None:
        began.append(payload["n"])
        await going.wait()

    handlers = {"note": world.note, "slow": slow}
    schedule = Schedule((), clock=lambda: world.clock.now() / 1e3)
    runner = Runner(world.context, handlers, schedule, {"slow": 2})
    for number in range(4):
        await world.enqueue("slow", {"n": number})
    await world.enqueue("note", {"n": 9})
    await runner.turn()
    await runner.turn()
    assert world.done == [{"n": 9}]
    assert began == [0, 1]
    going.set()
    while world.waiting():
        await runner.turn()
        await asyncio.sleep(0)
    assert began == [0, 1, 2, 3]
    await world.store.close()


async def test_a_job_beside_the_others_is_given_up_at_the_end_and_stays(world: World) -> None:
    began = asyncio.Event()

    async def slow(_: Context, **payload: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    runner = Runner(world.context, {"slow": slow}, Schedule(()), {"slow": 1})
    await world.enqueue("slow", {})
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await began.wait()
    stop.set()
    await running
    (job,) = world.waiting()
    assert (job.name, job.attempts, job.run_at) == ("slow", 0, world.clock.now())
    await world.store.close()


async def test_a_disk_that_is_full_for_a_while_ends_neither_the_runner_nor_what_is_done_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, began, full = asyncio.Event(), asyncio.Event(), asyncio.Event()
    refused = 0
    write = world.store.write

    async def slow(_: Context, **payload: Any) -> None:
        began.set()
        await full.wait()
        world.done.append(payload)

    async def refuse(change: Any) -> Any:
        nonlocal refused
        if not began.is_set() or refused == 3:
            return await write(change)
        refused += 1
        if refused == 3:
            full.set()
        raise Unavailable("The disk is full")

    async def stopped(_: Context, **payload: Any) -> None:
        world.done.append(payload)
        stop.set()

    monkeypatch.setattr(world.store, "write", refuse)
    handlers = {"slow": slow, "stop": stopped}
    runner = Runner(world.context, handlers, Schedule([]), {"slow": 1})
    await world.enqueue("slow", {"n": 1})
    running = asyncio.create_task(runner.run(stop))
    await began.wait()
    await write(lambda tx: tx.jobs.enqueue("stop", {"n": 2}, world.clock.now()))
    await running
    assert sorted(world.done, key=str) == [{"n": 1}, {"n": 2}]
    assert refused == 3
    await world.store.close()
