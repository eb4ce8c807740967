"""Counting requests, cheaply enough for the hottest of them, and showing the counts to Prometheus.

Each worker counts into a file of its own (64-bit numbers, mapped into memory) under the data
folder's ``run/metrics``, and whichever worker is asked adds the files up. A worker that was started
again goes on in its file, so counters only grow until the server itself is started again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from rostra import __version__
from rostra.edge.mapping import mapped

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTES: Final = (
    "accounts",
    "admin",
    "apps",
    "follow_requests",
    "instance",
    "media",
    "notifications",
    "oauth",
    "polls",
    "search",
    "statuses",
    "timelines",
    "api",
    "static",
    "ops",
    "pages",
)
"""The classes of routes; few and fixed, so that no visitor can make new ones."""

_ROUTE: Final = {name: index for index, name in enumerate(ROUTES)}
_API, _STATIC, _OPS, _PAGES = (_ROUTE[name] for name in ("api", "static", "ops", "pages"))
_OAUTH: Final = _ROUTE["oauth"]
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_STATUS_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")

BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip
"""Upper bounds of the histogram of durations, in seconds."""

# A record is one (route, write or read): 5 status classes, the buckets and one above them, and the
# sum of durations in nanoseconds.
_TIMES: Final = len(_STATUS_CLASSES)
_SUM: Final = _TIMES + len(BUCKETS) + 1
_RECORD: Final = _SUM + 1
SLOTS: Final = 2 * len(ROUTES) * _RECORD
_BOUNDS_NS: Final = tuple(int(bound * 1e9) for bound in BUCKETS)


def route_class(path: str) -> int:
    """Return the index in ``ROUTES`` of the class of a path."""
    if path.startswith("/api/v"):
        end = path.find("/", 8)
        return _ROUTE.get(path[8:] if end < 0 else path[8:end], _API)
    if path.startswith("/static/"):
        return _STATIC
    if path.startswith("/oauth/"):
        return _OAUTH
    if path == "/metrics" or path.startswith("/health"):
        return _OPS
    return _PAGES


class RequestCounts:
    """The counts of one worker.

    Args:
        path: the file they are kept in; where there is no room for it, they are lost with the
            worker, and nobody else adds them up.
    """

    def __init__(self, path: Path) -> None:
        self._map = mapped(path, SLOTS * 8)
        self._slots = memoryview(self._map).cast("Q")

    def count(self, path: str, method: str, status: int, nanoseconds: int) -> None:
        """Count one request that was answered."""
        slots = self._slots
        base = (2 * route_class(path) + (method not in _READS)) * _RECORD
        slots[base + (status // 100 - 1 if 100 <= status < 600 else 4)] += 1
        slots[base + _TIMES + bisect_left(_BOUNDS_NS, nanoseconds)] += 1
        slots[base + _SUM] += nanoseconds


def summed(folder: Path) -> list[int]:
    """Return the counts of all workers together."""
    total = [0] * SLOTS
    for path in sorted(folder.glob("worker-*.bin")):
        data = path.read_bytes()
        if len(data) == SLOTS * 8:
            total = [a + b for a, b in zip(total, memoryview(data).cast("Q"), strict=True)]
    return total


def durations(slots: list[int]) -> list[int]:
    """Return how many requests took how long, by ``BUCKETS``; those of machines are left out."""
    total = [0] * (len(BUCKETS) + 1)
    for index in range(2 * len(ROUTES)):
        if index // 2 != _OPS:
            record = slots[index * _RECORD : (index + 1) * _RECORD]
            total = [a + b for a, b in zip(total, record[_TIMES:_SUM], strict=True)]
    return total


def counts_file(folder: Path, index: int) -> Path:
    """Return the file the worker with this index counts into."""
    return folder / f"worker-{index}.bin"


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def exposition(folder: Path, gauges: Mapping[str, tuple[str, float]], worker: int) -> bytes:
    """Return everything in Prometheus's text format.

    Args:
        folder: where the workers' counts are.
        gauges: values of this process, each with its explanation.
        worker: the index of this worker, the label of those values.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families([*_request_families(summed(folder)), *_gauges(gauges, worker)]))
    return generate_latest(registry)


CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


def _request_families(slots: list[int]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "rostra_requests",
        "Requests answered by all workers.",
        labels=("route", "method", "status"),
    )
    durations = HistogramMetricFamily(
        "rostra_request_seconds",
        "Seconds until the last byte of the answer was handed over, all workers.",
        labels=("route", "method"),
    )
    for index in range(2 * len(ROUTES)):
        labels = [ROUTES[index // 2], ("read", "write")[index % 2]]
        record = slots[index * _RECORD : (index + 1) * _RECORD]
        if not any(record[:_TIMES]):
            continue
        for name, value in zip(_STATUS_CLASSES, record, strict=False):
            if value:
                requests.add_metric([*labels, name], value)
        durations.add_metric(labels, _cumulative(record[_TIMES:_SUM]), record[_SUM] / 1e9)
    yield requests
    yield durations


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def _gauges(gauges: Mapping[str, tuple[str, float]], worker: int) -> Iterator[Metric]:
    info = GaugeMetricFamily("rostra_info", "The version that runs.", labels=("version",))
    info.add_metric([__version__], 1)
    yield info
    for name, (explanation, value) in gauges.items():
        family = GaugeMetricFamily(f"rostra_{name}", explanation, labels=("worker",))
        family.add_metric([str(worker)], value)
        yield family
