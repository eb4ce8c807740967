"""``rostra rehearse reinstatement``: a million followers, a fault, wrong input, an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.rehearsal.pages import Page

from rostra.domain.errors import Unavailable
from rostra.ops import cli
from rostra.ops.rehearsal import world
from rostra.ops.rehearsal.faults import FAULTS
from rostra.testing.server import command, environment

MILLION = 1_000_000


def rehearsing(folder: Path, *options: object) -> list[str]:
    return command(
        "rehearse", "reinstatement", "--data", folder / "live", "--out", folder / "report.html",
        *map(str, options),
    )  # fmt: skip


def rehearse(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        rehearsing(folder, *options),
        capture_output=True,
        text=True,
        env=environment(),
        cwd=folder,
        check=False,
    )


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def checked_page(folder: Path) -> Page:
    """Return the report as a page, which needs nothing else and has nothing wrong."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.wrong == []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert "url(http" not in text
    assert "@import" not in text
    assert all(page.pictures)
    return page


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A rehearsal with a million followers, whose world is kept, and its figures."""
    folder = tmp_path_factory.mktemp("million")
    done = rehearse(
        folder, "--followers", MILLION, "--seconds", 6, "--world", folder / "world", "--json"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    figures: dict[str, Any] = json.loads(done.stdout)
    return folder, figures


def test_a_million_followers_come_back(kept: tuple[Path, dict[str, Any]]) -> None:
    _, told = kept
    assert told["verdict"]["outcome"] == "passed"
    assert told["verdict"]["wrong"] == []
    assert told["wrong_answers"] == {}
    least, most = told["expected_followers"]
    assert least == most > 990_000
    assert {one["followers"] for one in told["final"]} == {least}
    assert {one["worker"] for one in told["final"]} == {"0", "1"}
    assert all(all(one["views"].values()) for one in told["final"])
    views = told["right_by_view_ms"]
    assert set(views) == {"count", "list", "button", "home", "search", "media"}
    assert all(set(one) == {"0", "1"} for one in views.values())
    assert told["right_ms"] == max(ms for one in views.values() for ms in one.values())
    assert told["hidden_ms"] > 0
    assert told["traffic"]["unrelated"]["quiet"]["count"] > 0
    assert told["traffic"]["star"]["during"]["count"] > 0
    servers = {"supervisor", "worker-0", "worker-1", "jobs"}
    assert set(told["memory_mb"]) == set(told["cpu_seconds"]) == servers | {"visitors", "rehearsal"}
    assert told["world"]["visible"] <= MILLION


def test_its_report_says_what_its_figures_say(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, told = kept
    page = checked_page(folder)
    verdict = told["verdict"]["sentence"]
    text = " ".join(page.text.split())
    assert verdict in text
    assert f"{told['expected_followers'][0]:,} followers" in verdict
    assert text.index(verdict) < text.index("step by step") < text.index("The figures")
    assert len(page.pictures) == 5
    assert f"--followers {MILLION}" in text
    assert told["machine"]["processor"] in text
    for name in ("follower count", "home timeline", "media", "search"):
        assert name in text


def test_a_kept_world_is_used_again_as_it_was(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, before = kept
    done = rehearse(
        folder, "--followers", MILLION, "--seconds", 1, "--world", folder / "world", "--json"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    assert told["world"] == before["world"] | {"reused": True}
    assert "used again" in done.stderr


@pytest.mark.parametrize("fault", ["worker-killed", "stale-cache"])
def test_a_fault_is_caught_or_survived_and_nothing_is_left(tmp_path: Path, fault: str) -> None:
    done = rehearse(tmp_path, "--followers", 2_000, "--seconds", 2, "--fault", fault, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    assert told["verdict"]["as_it_should"]
    assert told["planted"] == f"planted in {FAULTS[fault].where.format(1)}"
    page = checked_page(tmp_path)
    assert FAULTS[fault].does in page.text
    if FAULTS[fault].must_be_caught:
        assert told["verdict"]["outcome"] == "held back by itself"
        caught = told["tool"]["probes_failed"][0]
        assert f"the probe “{caught['name']}”" in told["verdict"]["sentence"]
        assert caught["said"] in page.text
        assert not any(seen for one in told["final"] for seen in one["views"].values())
    else:
        assert "process died" in page.text
    assert left_in(tmp_path) == {"report.html"}


def test_ctrl_c_ends_everything_and_the_report_tells_how_far_it_came(tmp_path: Path) -> None:
    process = visited(tmp_path)
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert out.startswith("Interrupted: ")
    assert "Interrupted: " in checked_page(tmp_path).text
    assert left_in(tmp_path) == {"report.html"}
    assert still_running(tmp_path) == []


def test_one_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    process = visited(tmp_path)
    assert len(still_running(tmp_path)) > 3  # itself, the server, two workers
    process.kill()
    process.communicate()
    while still_running(tmp_path):
        time.sleep(0.05)


def visited(folder: Path) -> subprocess.Popen[str]:
    """Begin a rehearsal that would go on for long, and return when people visit."""
    process = subprocess.Popen(
        rehearsing(folder, "--followers", 2_000, "--seconds", 600),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=folder,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "The visits begin" in line:
            break
    return process


def still_running(folder: Path) -> list[str]:
    """Return the processes that name a folder in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--followers", 999), 1, "name 1,000 to 200,000,000"),
        (("--followers", 200_000_001), 1, "name 1,000 to 200,000,000"),
        (("--followers", "many"), 2, "many"),
        ((), 2, "--followers"),
        (("--followers", 2_000, "--fault", "earthquake"), 2, "earthquake"),
        (("--followers", 2_000, "--workers", 0), 2, "--workers"),
        (("--followers", 2_000, "--seconds", 7_201), 2, "--seconds"),
        (("--followers", 2_000, "--seconds", 7_200, "--rate", 300), 1, "2,160,000 visits"),
        (("--followers", 2_000, "--out", "nowhere/report.html"), 1, "name another with --out"),
        (("--followers", 2_000, "--shape", "nothing.txt"), 1, "There is no file nothing.txt"),
        (("--followers", 2_000, "--world", "live"), 1, "holds something that is not a rehearsal"),
        (("--followers", 2_000, "--world", "live/world"), 1, "apart from the live data"),
        (("--followers", 2_000, "--world", "other"), 1, "holds something that is not a rehearsal"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_rehearsed_is_refused(
    tmp_path: Path,
    options: tuple[object, ...],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "rostra.db").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "diary.txt").write_text("mine")
    assert cli.run(["rehearse", "reinstatement", "--data", "live", *map(str, options)]) == code
    assert said in capsys.readouterr().err
    assert left_in(tmp_path) == {"live", "other"}
    assert left_in(tmp_path / "live") == {"rostra.db"}
    assert (tmp_path / "other" / "diary.txt").read_text() == "mine"


def test_a_world_of_another_size_is_not_taken_for_it(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = kept
    done = rehearse(folder, "--followers", 2_000, "--world", folder / "world")
    assert done.returncode == 1
    assert f"has {MILLION:,} followers" in done.stderr


def test_what_no_machine_has_room_for_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    huge = world.Needs(memory=1, disk=1 << 60)
    with pytest.raises(Unavailable, match=r"of disk in .* are free: make room"):
        world.require_room(huge, tmp_path / "a" / "b")
    with pytest.raises(Unavailable, match=r"of memory, and .* are to be had"):
        world.require_room(msgspec.structs.replace(huge, memory=1 << 60, disk=1), tmp_path)
    small, large = (world.needs(world.sizes(one)) for one in (1_000, 88_000_000))
    assert small.memory < large.memory < 16 * world.GIB  # a machine of 24 GiB does it
    assert small.disk < large.disk
