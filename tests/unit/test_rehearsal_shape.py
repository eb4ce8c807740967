"""The shape of a returning crowd, held against plain counting in the log it is from."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.activity_truth import HEAD, WHOLE_LOG, real_log

from rostra.domain.errors import Invalid
from rostra.ops.rehearsal import shape


def test_a_shape_is_what_counting_says() -> None:
    log = real_log()
    with gzip.open(log, "rt") as lines:
        counts = Counter(int(line.split()[2]) // 60 for line in lines)
    most = max(counts.values())
    peak = min(minute for minute, count in counts.items() if count == most)
    found = shape.derive(log)
    assert found.events == counts.total()
    assert found.busiest_per_minute == most
    assert found.shares == tuple(
        round(counts[peak + minute] / most, 4) for minute in range(-60, 241)
    )
    before = sum(counts[peak + minute] for minute in range(-120, -60)) / 60 / most
    assert found.waiting == pytest.approx(before, abs=1e-4)


def test_the_usual_shape_is_that_of_the_whole_log() -> None:
    usual = shape.usual()
    assert usual.events == 563_069
    assert usual.busiest_per_minute == 1_096
    assert max(usual.shares) == usual.shares[60] == 1
    assert len(usual.shares) == 301
    if WHOLE_LOG.exists():
        assert shape.derive(WHOLE_LOG) == usual


def test_it_goes_from_waiting_over_the_peak_to_the_last_minute() -> None:
    usual = shape.usual()
    assert usual.at(-0.1) == usual.waiting
    assert usual.at(0) == usual.shares[0]
    assert usual.at(60 / 300) == 1
    assert usual.at(1) == usual.at(7) == usual.shares[-1]
    assert min(usual.shares[60:62]) <= usual.at(60.5 / 300) <= 1


def test_a_log_too_short_to_have_a_shape_is_refused(tmp_path: Path) -> None:
    with gzip.open(HEAD, "rt") as lines:
        few = [next(lines) for _ in range(99)]
    log = tmp_path / "few.txt"
    log.write_text("".join(few))
    with pytest.raises(Invalid, match="tells of 99 events"):
        shape.derive(log)
    log.write_text("no log at all\n")
    with pytest.raises(Invalid, match="not an activity log"):
        shape.derive(log)
