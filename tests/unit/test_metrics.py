"""Counting requests into files, and adding them up."""

import errno
import os
from pathlib import Path

import pytest

from rostra.ops import metrics
from rostra.ops.metrics import ROUTES, RequestCounts, counts_file, exposition, route_class


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/timelines/home", "timelines"),
        ("/api/v1/accounts", "accounts"),
        ("/api/v1/accounts/1/follow", "accounts"),
        ("/api/v2/search", "search"),
        ("/api/v2/instance", "instance"),
        ("/api/v1/admin/accounts", "admin"),
        ("/api/v1/something-else/1", "api"),
        ("/api/v1/static", "static"),
        ("/api/v", "api"),
        ("/oauth/token", "oauth"),
        ("/static/app.css", "static"),
        ("/metrics", "ops"),
        ("/health/live", "ops"),
        ("/", "pages"),
        ("/@anna", "pages"),
        ("", "pages"),
    ],
)
def test_every_path_has_its_class(path: str, route: str) -> None:
    assert ROUTES[route_class(path)] == route


def shown(folder: Path) -> str:
    return exposition(folder, {"thing": ("A thing.", 5)}, 3).decode()


def test_counts_of_all_workers_are_added_up(tmp_path: Path) -> None:
    first = RequestCounts(counts_file(tmp_path, 0))
    second = RequestCounts(counts_file(tmp_path, 1))
    first.count("/api/v1/statuses/1", "GET", 200, 700_000)
    second.count("/api/v1/statuses/1", "HEAD", 404, 20_000_000_000)
    second.count("/api/v1/statuses", "POST", 200, 1)
    first.count("/api/v1/statuses", "POST", 700, 1)  # no status of HTTP: counted as our failure
    text = shown(tmp_path)
    total = "rostra_requests_total"
    assert f'{total}{{method="read",route="statuses",status="2xx"}} 1.0' in text
    assert f'{total}{{method="read",route="statuses",status="4xx"}} 1.0' in text
    assert f'{total}{{method="write",route="statuses",status="2xx"}} 1.0' in text
    assert f'{total}{{method="write",route="statuses",status="5xx"}} 1.0' in text
    seconds = "rostra_request_seconds"
    assert f'{seconds}_bucket{{le="0.0005",method="read",route="statuses"}} 0.0' in text
    assert f'{seconds}_bucket{{le="0.001",method="read",route="statuses"}} 1.0' in text
    assert f'{seconds}_bucket{{le="+Inf",method="read",route="statuses"}} 2.0' in text
    assert f'{seconds}_sum{{method="read",route="statuses"}} 20.0007' in text


def test_a_worker_that_comes_back_goes_on_counting(tmp_path: Path) -> None:
    for _ in range(2):
        RequestCounts(counts_file(tmp_path, 0)).count("/", "GET", 200, 1)
    assert 'rostra_requests_total{method="read",route="pages",status="2xx"} 2.0' in shown(tmp_path)


def test_values_of_one_worker_name_it(tmp_path: Path) -> None:
    assert 'rostra_thing{worker="3"} 5.0' in shown(tmp_path)


def test_a_file_of_another_layout_is_left_out(tmp_path: Path) -> None:
    counts_file(tmp_path, 0).write_bytes(b"short")
    assert metrics.summed(tmp_path) == [0] * metrics.SLOTS


def test_room_for_the_counts_is_taken_at_once(tmp_path: Path) -> None:
    RequestCounts(counts_file(tmp_path, 0))
    assert counts_file(tmp_path, 0).stat().st_blocks * 512 >= metrics.SLOTS * 8


def test_a_full_disk_does_not_keep_a_worker_from_counting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, start: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    RequestCounts(counts_file(tmp_path, 0)).count("/", "GET", 200, 1)
    assert 'rostra_thing{worker="3"} 5.0' in shown(tmp_path)
