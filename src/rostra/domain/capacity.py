"""What the audience of an account that comes back will ask of this server, and what it has left.

The formula is in docs/operate.md, "Capacity". Its figures are those this server has seen where it
has seen any; what is assumed instead is said with the answer.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000

CROWD_SHARE: Final = 0.0111
"""The share of people who act in the busiest five minutes of a flash crowd.

3,089 of the 279,379 people in the log of the Higgs boson's announcement (De Domenico et al., "The
Anatomy of a Scientific Rumor", Scientific Reports 3, 2980, 2013)."""

ASKS_A_MINUTE: Final = 2.0
"""Assumed until readers are counted: ten in five minutes, for home, news, a profile, a thread …"""

CPU_A_REQUEST: Final = 0.0005
"""Assumed until measured (s): more than a home timeline took in docs/figures.md, 333 µs."""

FOLLOWS_A_READER: Final = 150
READER_BYTES: Final = 400 + 120 * FOLLOWS_A_READER
"""What whom a reader follows takes in a worker: a small set, held whole."""

CACHE_BYTES: Final = 768 * 1024 * 1024
"""What the sets in a worker may take before some are let go (storage/sets.py)."""

BLOCK: Final = 65_536
BLOCK_BYTES: Final = 8_192

FEW_REQUESTS: Final = 1_000
"""What is measured over fewer says little."""

FEW_LATELY: Final = 100
"""Below so many requests the slowest one is the p99: the first of a fresh server, perhaps."""

FLOOR_CORES: Final = 0.01
"""What asks for less of a core than this is let in however busy the CPUs are: it is not what makes
them so."""

TIGHT: Final = 0.7
"""The share of what is left from which on it is tight; queues grow fast from there."""

SLOW_SECONDS: Final = 1.0
BOUNDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip
"""Upper bounds of the histogram of durations in seconds, as in ops/metrics.py."""


class Traffic(Struct, frozen=True, kw_only=True):
    """What was asked of this server in a minute or an hour that began at ``at`` (ms).

    ``busiest`` is the requests of the busiest minute, ``readers`` the most askers there were within
    five minutes, ``cpu_us`` what the workers took of the CPUs, ``times`` how many requests took how
    long (by ``BOUNDS``, and one more for longer).
    """

    at: int
    requests: int = 0
    busiest: int = 0
    readers: int = 0
    cpu_us: int = 0
    times: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)

    def plus(self, other: Traffic) -> Traffic:
        """Return this and another stretch of time as one that began when this did."""
        return Traffic(
            at=self.at,
            requests=self.requests + other.requests,
            busiest=max(self.busiest, other.busiest),
            readers=max(self.readers, other.readers),
            cpu_us=self.cpu_us + other.cpu_us,
            times=tuple(a + b for a, b in zip(self.times, other.times, strict=True)),
        )

    @property
    def p99(self) -> float | None:
        """How long 99 of 100 requests took at most (s), as the histogram tells; None for none."""
        total = sum(self.times)
        if not total:
            return None
        wanted, seen, low = 0.99 * total, 0, 0.0
        for count, high in zip(self.times, (*BOUNDS, BOUNDS[-1]), strict=True):
            if count and seen + count >= wanted:
                return low + (high - low) * (wanted - seen) / count
            seen, low = seen + count, high
        return BOUNDS[-1]


class Machine(Struct, frozen=True, kw_only=True):
    """What this server may use and has left, a container's limits included.

    ``cores`` and ``idle`` in cores, ``busy`` what the workers take of them; ``memory``,
    ``available`` and ``own`` (what this server's processes hold) in bytes.
    """

    cores: float
    idle: float
    busy: float
    workers: int
    memory: int
    available: int
    own: int


class Verdict(enum.StrEnum):
    """Whether there is enough."""

    OK = "ok"
    TIGHT = "tight"
    SHORT = "short"


class Headroom(Struct, frozen=True, kw_only=True):
    """What the returning audience will ask, and what is left for it; bytes, cores and seconds.

    ``p99_then`` is None where requests would wait for ever, and both where there were fewer than
    ``FEW_LATELY`` of late.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    assumed: tuple[str, ...]
    followers: int
    returning: int
    requests_a_second: float
    memory: int
    memory_left: int
    memory_wanted: int
    own_memory: int
    cores: float
    cores_left: float
    cores_wanted: float
    p99_now: float | None
    p99_then: float | None
    busiest: Traffic | None

    @property
    def enough(self) -> bool:
        """Whether a run that requires headroom may go on."""
        return self.verdict is not Verdict.SHORT

    @property
    def said(self) -> str:
        """The verdict and its reasons as a sentence."""
        return f"{self.verdict}: {'; '.join(self.reasons)}"

    def told(self) -> dict[str, Any]:
        """Return all of it as plain values, for records and reports."""
        values: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__ if name != "busiest"
        }
        values |= {"verdict": str(self.verdict), "enough": self.enough, "said": self.said}
        values |= {"reasons": list(self.reasons), "assumed": list(self.assumed)}
        busiest = self.busiest
        values["busiest_hour"] = busiest and {
            "at": busiest.at,
            "requests": busiest.requests,
            "busiest_minute": busiest.busiest,
            "readers": busiest.readers,
        }
        return values


class Asked(Struct, frozen=True, kw_only=True):
    """What one reader who comes back asks, and how many do; with what had to be assumed."""

    share: float
    asks_a_minute: float
    cpu: float
    assumed: tuple[str, ...]


def asked(hours: Sequence[Traffic], accounts: int) -> Asked:
    """Return what is to be reckoned with, from the busiest hours where they tell.

    Args:
        hours: what was asked in each hour that is remembered.
        accounts: how many there are on this server.
    """
    busiest = max(hours, key=lambda hour: hour.requests, default=None)
    assumed = []
    share, asks, cpu = CROWD_SHARE, ASKS_A_MINUTE, CPU_A_REQUEST
    if busiest is not None and busiest.readers and accounts:
        # One does not come more than once at a time, whatever addresses without a token there are.
        share = max(share, min(1.0, busiest.readers / accounts))
        asks = busiest.busiest / busiest.readers
    else:
        assumed.append(
            f"readers have not been counted here yet: {CROWD_SHARE:.1%} of the followers look at "
            f"once, as in a known flash crowd, and each asks {ASKS_A_MINUTE:g} times a minute"
        )
    if busiest is not None and busiest.requests >= FEW_REQUESTS and busiest.cpu_us:
        cpu = busiest.cpu_us / busiest.requests / 1e6
    else:
        assumed.append(
            f"what a request costs has not been measured here yet: {CPU_A_REQUEST * 1000:g} ms of "
            "one core"
        )
    return Asked(share=share, asks_a_minute=asks, cpu=cpu, assumed=tuple(assumed))


def set_bytes(followers: int, accounts: int) -> int:
    """Return what a large set takes in memory as a roaring bitmap.

    2 bytes a member, and no more than 8 KiB for each 65,536 accounts (Chambi et al., "Better bitmap
    performance with Roaring bitmaps", 2016).
    """
    blocks = math.ceil(max(accounts, followers) / BLOCK)
    return min(2 * followers, blocks * BLOCK_BYTES)


def headroom(
    machine: Machine,
    hours: Sequence[Traffic],
    lately: Traffic,
    *,
    followers: int,
    accounts: int,
) -> Headroom:
    """Return what is left of a machine when the audience of an account has come back.

    Args:
        machine: as it is now.
        hours: what was asked in each hour that is remembered.
        lately: what was asked in the last minutes.
        followers: how many come back to the account.
        accounts: how many there are on this server.
    """
    each = asked(hours, accounts)
    returning = math.ceil(followers * each.share)
    requests = returning * each.asks_a_minute / 60
    cores_wanted = requests * each.cpu
    in_a_worker = min(CACHE_BYTES, returning * READER_BYTES) + 2 * set_bytes(followers, accounts)
    memory_wanted = machine.workers * in_a_worker if followers else 0
    # A worker is one thread: no more cores than workers are of use.
    cores_left = max(0.0, min(machine.idle, machine.workers - machine.busy))
    now = lately.p99 if sum(lately.times) >= FEW_LATELY else None
    then = _later(now, machine, cores_wanted)
    verdict, reasons = _judged(
        [
            _part("memory", memory_wanted, machine.available, shown_bytes),
            _cpu(cores_wanted, cores_left),
            _waits(now, then),
        ]
    )
    return Headroom(
        verdict=verdict,
        reasons=reasons,
        assumed=each.assumed,
        followers=followers,
        returning=returning,
        requests_a_second=requests,
        memory=machine.memory,
        memory_left=machine.available,
        memory_wanted=memory_wanted,
        own_memory=machine.own,
        cores=machine.cores,
        cores_left=cores_left,
        cores_wanted=cores_wanted,
        p99_now=now,
        p99_then=then,
        busiest=max(hours, key=lambda hour: hour.requests, default=None),
    )


def _later(now: float | None, machine: Machine, wanted: float) -> float | None:
    """Return the p99 under more load: times in a queue grow with 1 / (1 - load) (M/M/1)."""
    if now is None or wanted < FLOOR_CORES:
        return now
    free = 1 - min(1.0, max(0.0, 1 - machine.idle / machine.cores))
    then = free - wanted / machine.cores
    return now * free / then if then > 0 else None


_Found = tuple[Verdict, str]


def _cpu(wanted: float, left: float) -> _Found:
    if wanted < FLOOR_CORES:
        asks = f"less than {FLOOR_CORES:g} cores wanted, which no server is too busy for"
        return Verdict.OK, f"CPU: {asks}; {_cores(left)} left"
    return _part("CPU", wanted, left, _cores)


def _cores(number: float) -> str:
    if number < FLOOR_CORES:
        return "none" if number <= 0 else f"less than {FLOOR_CORES:g} cores"
    if number >= 100:
        return f"{number:,.0f} cores"
    return f"{number:.3g} cores" if f"{number:.3g}" != "1" else "1 core"


def _part(name: str, wanted: float, left: float, told: Callable[[float], str]) -> _Found:
    words = f"{name}: {told(wanted)} wanted, {told(left)} left"
    if wanted > left:
        return Verdict.SHORT, words
    return (Verdict.TIGHT if wanted > TIGHT * left else Verdict.OK), words


def _waits(now: float | None, then: float | None) -> _Found:
    if now is None:
        return (
            Verdict.OK,
            f"p99: fewer than {FEW_LATELY} requests in the last minutes to tell it by",
        )
    if then is None:
        words = "more is wanted of the CPUs than they have, so requests would queue up then"
        return Verdict.SHORT, f"p99: {_ms(now)} now; {words}"
    verdict = Verdict.TIGHT if then > SLOW_SECONDS else Verdict.OK
    return verdict, f"p99: {_ms(now)} now, about {_ms(then)} then"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


def _judged(found: Sequence[_Found]) -> tuple[Verdict, tuple[str, ...]]:
    """Return the worst verdict, and the reasons for it before the others."""
    order = list(Verdict)
    ranked = sorted(found, key=lambda one: -order.index(one[0]))
    return ranked[0][0], tuple(words for _, words in ranked)


def shown_bytes(number: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
