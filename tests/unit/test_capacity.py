"""What a returning audience asks, on made-up machines and on this one; what is asked is kept."""

import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.world import World

from rostra.domain.capacity import (
    ASKS_A_MINUTE,
    BOUNDS,
    CACHE_BYTES,
    CPU_A_REQUEST,
    CROWD_SHARE,
    FEW_LATELY,
    FLOOR_CORES,
    HOUR_MS,
    MINUTE_MS,
    READER_BYTES,
    Headroom,
    Machine,
    Traffic,
    Verdict,
    headroom,
    set_bytes,
)
from rostra.domain.errors import Invalid, NotOffered
from rostra.edge.counters import Counters, active
from rostra.ops import metrics
from rostra.ops.metrics import BUCKETS, RequestCounts
from rostra.ops.opening import COUNTERS_FILE, METRICS_FOLDER, make_folder
from rostra.ops.traffic import WINDOW, TrafficCount
from rostra.outside.machine import LinuxMachine
from rostra.ports import Transaction
from rostra.services import reinstatement
from rostra.services.server import capacity
from rostra.storage import loaded_sets, sets
from rostra.storage.traffic import HOURS_KEPT_MS
from rostra.testing.machines import GIB, GivenMachine, like

ORDER = list(Verdict)


def times(**counts: int) -> tuple[int, ...]:
    """Return a histogram; ``ms25=3`` are three requests of at most 25 ms."""
    found = [0] * (len(BOUNDS) + 1)
    for name, count in counts.items():
        found[BOUNDS.index(int(name[2:]) / 1000)] = count
    return tuple(found)


HOUR = Traffic(
    at=0, requests=36_000, busiest=1_200, readers=300, cpu_us=36_000_000, times=times(ms25=36_000)
)


def judged(followers: int, *, on: Machine | None = None, accounts: int = 10_000) -> Headroom:
    return headroom(on or like(), [HOUR], HOUR, followers=followers, accounts=accounts)


# -- the formula -----------------------------------------------------------------------------------


def test_figures_seen_here_are_reckoned_with() -> None:
    found = judged(5_000)
    share = 300 / 10_000
    assert found.returning == 5_000 * share
    assert found.requests_a_second == pytest.approx(5_000 * share * (1_200 / 300) / 60)
    assert found.cores_wanted == pytest.approx(found.requests_a_second * 0.001)
    assert found.memory_wanted == 4 * (150 * READER_BYTES + 2 * 8_192)
    assert found.assumed == ()
    assert (found.verdict, found.enough) == (Verdict.OK, True)


def test_what_was_never_seen_is_assumed_and_said() -> None:
    found = headroom(like(), [], Traffic(at=0), followers=1_000_000, accounts=2_000_000)
    assert found.returning == 1_000_000 * CROWD_SHARE
    assert found.requests_a_second == pytest.approx(found.returning * ASKS_A_MINUTE / 60)
    assert found.cores_wanted == pytest.approx(found.requests_a_second * CPU_A_REQUEST)
    assert len(found.assumed) == 2
    assert all("here yet" in each for each in found.assumed)
    assert (found.p99_now, found.p99_then, found.busiest) == (None, None, None)


def test_a_share_smaller_than_a_known_crowd_is_not_relied_on() -> None:
    quiet = Traffic(at=0, requests=5_000, busiest=100, readers=10, cpu_us=1)
    found = headroom(like(), [quiet], quiet, followers=1_000_000, accounts=1_000_000)
    assert found.returning == 1_000_000 * CROWD_SHARE
    assert found.requests_a_second == pytest.approx(found.returning * 10 / 60)


@pytest.mark.parametrize(
    ("on", "verdict", "reason"),
    [
        (like(available=1 << 20), Verdict.SHORT, "memory:"),
        (like(idle=0.0), Verdict.SHORT, "CPU:"),
        (like(workers=1, busy=1.0), Verdict.SHORT, "CPU:"),
        (like(idle=0.024), Verdict.TIGHT, "CPU:"),
        (like(), Verdict.OK, "memory:"),
    ],
)
def test_the_verdict_begins_with_what_is_scarce(on: Machine, verdict: Verdict, reason: str) -> None:
    found = judged(10_000, on=on)
    assert found.verdict is verdict
    assert found.reasons[0].startswith(reason)
    assert len(found.reasons) == 3
    assert found.said.startswith(f"{verdict}: {reason}")


@pytest.mark.parametrize("followers", [0, 268])
def test_next_to_nothing_is_never_too_much_for_a_busy_machine(followers: int) -> None:
    found = headroom(like(idle=0.0), [], HOUR, followers=followers, accounts=10_000)
    assert found.verdict is Verdict.OK
    assert found.p99_then == found.p99_now
    assert "without end" not in found.said


def test_requests_take_longer_as_the_idle_share_shrinks() -> None:
    found = judged(100_000, on=like(cores=2.0, idle=1.0, busy=0.5, workers=2))
    assert found.p99_now == pytest.approx(0.01 + 0.015 * 0.99)
    assert found.cores_wanted == pytest.approx(0.2)
    assert found.p99_then == pytest.approx(found.p99_now * 0.5 / 0.4)
    assert judged(600_000, on=like(cores=2.0, idle=1.0, workers=2)).p99_then is None


def test_few_people_are_let_in_however_busy_the_cpus_are() -> None:
    found = judged(25, on=like(idle=0.0))
    assert 0 < found.cores_wanted < FLOOR_CORES
    assert (found.verdict, found.enough) == (Verdict.OK, True)
    assert found.p99_then == found.p99_now
    assert (
        "CPU: less than 0.01 cores wanted, which no server is too busy for; none left" in found.said
    )
    more = judged(5_000, on=like(idle=0.0))
    assert more.cores_wanted == pytest.approx(FLOOR_CORES)
    assert (more.verdict, more.enough) == (Verdict.SHORT, False)
    assert more.reasons[0].startswith("CPU: 0.01 cores wanted, none left")


def test_too_few_requests_tell_no_p99() -> None:
    slow = Traffic(at=0, requests=FEW_LATELY - 1, times=times(ms1=FEW_LATELY - 2, ms500=1))
    found = headroom(like(idle=0.0), [HOUR], slow, followers=10_000, accounts=10_000)
    assert (found.p99_now, found.p99_then) == (None, None)
    assert "p99: fewer than 100 requests in the last minutes to tell it by" in found.reasons
    enough = slow.plus(Traffic(at=0, requests=1, times=times(ms1=1)))
    found = headroom(like(), [HOUR], enough, followers=25, accounts=10_000)
    assert found.p99_now is not None
    assert found.p99_then == found.p99_now


def test_a_set_takes_what_roaring_says() -> None:
    assert set_bytes(1_000, 1 << 20) == 2_000
    assert set_bytes(1 << 20, 1 << 20) == 16 * 8_192
    assert set_bytes(88_000_000, 88_000_000) == 1_343 * 8_192


def test_figures_taken_from_elsewhere_are_still_those() -> None:
    assert CACHE_BYTES == sets.CACHE_BYTES
    assert BOUNDS == BUCKETS
    assert READER_BYTES == loaded_sets.EMPTY_BYTES + 150 * loaded_sets.SMALL_ENTRY_BYTES


figures = st.floats(0, 64, allow_nan=False)
counts = st.integers(0, 10**7)
traffics = st.builds(
    Traffic,
    at=st.just(0),
    requests=counts,
    busiest=counts,
    readers=st.integers(0, 10**6),
    cpu_us=counts,
    times=st.lists(counts, min_size=14, max_size=14).map(tuple),
)
machines = st.builds(
    Machine,
    cores=st.floats(0.1, 64),
    idle=figures,
    busy=figures,
    workers=st.integers(1, 64),
    memory=st.integers(0, 1 << 40),
    available=st.integers(0, 1 << 40),
    own=st.integers(0, 1 << 40),
)
followers = st.integers(0, 1 << 32)


@given(machines, st.lists(traffics, max_size=3), traffics, followers, followers, counts)
def test_more_followers_never_give_more_headroom(
    on: Machine, hours: list[Traffic], lately: Traffic, one: int, other: int, accounts: int
) -> None:
    few, many = (
        headroom(on, hours, lately, followers=each, accounts=accounts)
        for each in sorted((one, other))
    )
    assert ORDER.index(few.verdict) <= ORDER.index(many.verdict)
    assert few.memory_left - few.memory_wanted >= many.memory_left - many.memory_wanted
    assert few.cores_left - few.cores_wanted >= many.cores_left - many.cores_wanted
    assert (few.p99_then is None) <= (many.p99_then is None)
    if few.p99_then is not None and many.p99_then is not None:
        assert few.p99_then <= many.p99_then


@given(st.lists(counts, min_size=14, max_size=14).map(tuple))
def test_the_p99_lies_in_the_bucket_that_holds_it(held: tuple[int, ...]) -> None:
    found, total = Traffic(at=0, times=held).p99, sum(held)
    if not total:
        assert found is None
        return
    assert found is not None
    bucket = int(np.searchsorted(np.cumsum(held), 0.99 * total))
    low, high = (0.0, *BOUNDS)[bucket], (*BOUNDS, BOUNDS[-1])[bucket]
    assert low <= found <= high


# -- this machine, and others ----------------------------------------------------------------------


class Fake:
    """A folder that looks like / to who asks for /proc and /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n")
        self.write("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def process(self, pid: int, parent: int, ticks: int, kib: int) -> None:
        fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", *["0"] * 20]
        self.write(f"proc/{pid}/stat", f"{pid} (a name) with ) in it) {' '.join(fields)}")
        self.write(f"proc/{pid}/status", f"Name: x\nVmRSS:\t{kib} kB\n")

    def machine(self) -> LinuxMachine:
        return LinuxMachine(
            self.root / "serve.lock", self.root / "jobs.lock", workers=3, root=self.root
        )

    async def look(self) -> Machine:
        return await self.machine().look(seconds=0.0)


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path)


async def test_memory_and_cores_are_those_of_the_like(fake: Fake) -> None:
    found = await fake.look()
    assert (found.memory, found.available) == (16 * GIB, 8 * GIB)
    assert (found.cores, found.workers, found.own) == (4.0, 3, 0)


def test_a_count_of_waiting_that_steps_back_makes_nobody_less_than_idle(fake: Fake) -> None:
    """The kernel does not promise that it only grows: proc(5), "iowait"."""
    fake.write("proc/stat", "cpu  100 0 100 800 9 0 0 0 0 0\ncpu0 1\n")
    machine = fake.machine()
    first = machine._moment()
    fake.write("proc/stat", "cpu  120 0 100 800 7 0 0 0 0 0\ncpu0 1\n")
    assert machine._since(first).idle == 0


async def test_limits_of_a_group_hold_and_so_do_those_around_it(fake: Fake) -> None:
    fake.write("proc/self/cgroup", "0::/town/rostra\n")
    inner, outer = "sys/fs/cgroup/town/rostra", "sys/fs/cgroup/town"
    fake.write(f"{inner}/memory.max", "max\n")
    fake.write(f"{inner}/cpu.max", "300000 100000\n")
    fake.write(f"{outer}/memory.max", str(4 * GIB))
    fake.write(f"{outer}/memory.current", str(3 * GIB))
    fake.write(f"{outer}/memory.stat", f"anon 5\ninactive_file {GIB}\n")
    fake.write(f"{outer}/cpu.max", "150000 100000\n")
    found = await fake.look()
    assert (found.memory, found.available) == (4 * GIB, 2 * GIB)
    assert found.cores == 1.5


async def test_limits_of_the_first_version_hold_too(fake: Fake) -> None:
    fake.write("proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    memory, cpu = "sys/fs/cgroup/memory", "sys/fs/cgroup/cpu,cpuacct"
    fake.write(f"{memory}/memory.limit_in_bytes", "9223372036854771712")
    fake.write(f"{memory}/memory.usage_in_bytes", "1")
    fake.write(f"{memory}/docker/abc/memory.limit_in_bytes", str(2 * GIB))
    fake.write(f"{memory}/docker/abc/memory.usage_in_bytes", str(GIB))
    fake.write(f"{cpu}/docker/abc/cpu.cfs_quota_us", "50000")
    fake.write(f"{cpu}/docker/abc/cpu.cfs_period_us", "100000")
    fake.write(f"{cpu}/cpu.cfs_quota_us", "-1")
    fake.write(f"{cpu}/cpu.cfs_period_us", "100000")
    found = await fake.look()
    assert (found.memory, found.available, found.cores) == (2 * GIB, GIB, 0.5)


async def test_only_workers_count_as_workers_and_all_processes_as_held(fake: Fake) -> None:
    fake.write("serve.lock", json.dumps({"pid": 10}))
    fake.write("jobs.lock", json.dumps({"pid": 13}))
    fake.process(10, 1, 5, 10_000)
    for pid, ticks in ((11, 100), (12, 200), (13, 400)):
        fake.process(pid, 10, ticks, 50_000)
    fake.process(99, 1, 1_000, 1_000_000)
    found = await fake.look()
    assert (found.workers, found.own) == (2, 160_000 * 1024)
    assert fake.machine().cpu_seconds() == 300 / os.sysconf("SC_CLK_TCK")


async def test_a_system_that_does_not_tell_is_said_to(fake: Fake) -> None:
    (fake.root / "proc/meminfo").unlink()
    with pytest.raises(NotOffered, match="how much memory"):
        await fake.look()
    (fake.root / "proc/stat").unlink()
    with pytest.raises(NotOffered, match="how busy"):
        await fake.look()


async def test_this_very_machine_is_understood(tmp_path: Path) -> None:
    found = await LinuxMachine(tmp_path / "a", tmp_path / "b").look(seconds=0.1)
    assert 0 <= found.idle <= found.cores <= (os.cpu_count() or 1)
    assert 0 < found.available <= found.memory


# -- what is asked is kept -------------------------------------------------------------------------


def folders(world: World) -> Path:
    make_folder(world.settings.data / METRICS_FOLDER)
    return metrics.counts_file(world.settings.data / METRICS_FOLDER, 0)


async def test_each_minute_is_added_to_its_hour(world: World) -> None:
    counted = RequestCounts(folders(world))
    shared = Counters(world.settings.data / COUNTERS_FILE)
    taken = [1.0]
    now = 1_000 * WINDOW
    work = TrafficCount(world.ctx, lambda: taken[0], clock=lambda: now)

    def ask(times: int, milliseconds: float) -> None:
        for n in range(times):
            counted.count("/api/v1/timelines/home", "GET", 200, int(milliseconds * 1e6))
            counted.count("/metrics", "GET", 200, 1)  # no reader asks for that
            shared.add(b"api %d" % n, now // WINDOW)
        taken[0] += times * 0.002

    ask(100, 1)
    await work.do()  # how long ago that was nobody knows
    begins = world.clock.now() - world.clock.now() % HOUR_MS + 10 * MINUTE_MS
    for asked, took in ((30, 4), (50, 20), (0, 0)):
        world.clock.advance(begins + MINUTE_MS - world.clock.now())
        begins += MINUTE_MS
        ask(asked, took)
        await work.do()
    with world.read() as snap:
        minutes, (hour,) = snap.traffic.minutes(since=0), snap.traffic.hours(since=0)
    assert [one.requests for one in minutes] == [30, 50]
    assert hour.at % HOUR_MS == 0
    assert (hour.requests, hour.busiest, hour.readers) == (80, 50, 100)
    assert hour.cpu_us == pytest.approx(160_000, abs=2)
    assert hour.times == times(ms5=30, ms25=50)
    assert hour.p99 == pytest.approx(0.01 + 0.015 * (79.2 - 30) / 50)


async def test_a_worker_that_began_anew_takes_nothing_back(world: World) -> None:
    path = folders(world)
    taken = [50.0]
    work = TrafficCount(world.ctx, lambda: taken[0])
    RequestCounts(path).count("/", "GET", 200, 1)
    await work.do()
    path.unlink()
    RequestCounts(path).count("/", "GET", 200, 1)
    taken[0] = 0.0
    await work.do()
    with world.read() as snap:
        assert snap.traffic.minutes(since=0) == []


async def test_what_is_older_than_90_days_is_let_go(world: World) -> None:
    def add(tx: Transaction) -> None:
        tx.traffic.add(Traffic(at=tx.now, requests=1))

    begun = world.clock.now()
    for ms in (0, 3 * HOUR_MS, HOURS_KEPT_MS):
        world.clock.advance(begun + ms - world.clock.now())
        world.store.write_now(add)
    with world.read() as snap:
        assert len(snap.traffic.minutes(since=0)) == 1
        assert len(snap.traffic.hours(since=0)) == 3
    world.clock.advance(HOUR_MS)
    world.store.write_now(add)
    with world.read() as snap:
        assert min(one.at for one in snap.traffic.hours(since=0)) > begun


def test_readers_are_those_of_this_window_or_the_last(tmp_path: Path) -> None:
    path = tmp_path / "requests.bin"
    assert active(path, 7) == 0
    shared = Counters(path)
    for window, names in ((7, 5), (8, 2)):
        for n in range(names):
            shared.add(b"%d/%d" % (window, n), window, 3)
    assert (active(path, 7), active(path, 8), active(path, 9), active(path, 10)) == (5, 5, 2, 0)


async def test_headroom_is_asked_of_the_machine_and_what_was_kept(world: World) -> None:
    small = GivenMachine(like(available=1 << 20))
    ctx = msgspec.structs.replace(world.ctx, machines=small)
    world.store.write_now(lambda tx: tx.traffic.add(Traffic(at=tx.now, requests=9, busiest=9)))
    found = await capacity.headroom(ctx, followers=100_000)
    assert found.verdict is Verdict.SHORT
    assert found.busiest is not None
    assert found.busiest.requests == 9
    told = await reinstatement.headroom_of(ctx, followers=100_000)
    assert told is not None
    assert told["enough"] is False
    assert told["said"].startswith("short: memory:")
    assert json.loads(json.dumps(told)) == told
    with pytest.raises(Invalid):
        await capacity.headroom(ctx, followers=-1)
    assert await reinstatement.headroom_of(world.ctx, followers=1) is None
