"""``rostra import activity`` as a program: killed, stopped, run twice, given the wrong file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import apsw
import msgspec
from tests.unit.activity_truth import contents, first_lines

from rostra.testing import server

LINES = 3_000
BATCH = 100


def command(data: Path, *arguments: str | Path) -> list[str]:
    options = ("--follow-implied", "--batch", str(BATCH), "--data", data)
    return server.command("import", "activity", *arguments, *options)


def run(data: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data, *arguments),
        capture_output=True,
        text=True,
        env=server.environment(),
        check=False,
    )


def start(data: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(data, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=server.environment(),
    )


def lines_done(data: Path) -> int:
    """Return how many lines are on disk, as another process sees it."""
    try:
        database = apsw.Connection(str(data / "rostra.db"), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.CantOpenError:
        return 0
    database.set_busy_timeout(10_000)
    try:
        rows = list(database.execute("SELECT state FROM progress"))
    except apsw.SQLError:  # the tables are not there yet
        return 0
    finally:
        database.close()
    return int(msgspec.json.decode(rows[0][0])["lines"]) if rows else 0


def wait_for(data: Path, lines: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many lines are on disk, or the import is over."""
    while process.poll() is None and lines_done(data) < lines:
        time.sleep(0.001)


def write_log(folder: Path, lines: list[str]) -> Path:
    path = folder / "activity.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_an_import_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    log = write_log(tmp_path, first_lines(LINES))
    chance = random.Random(7)
    killed = 0
    for stop_at in range(BATCH, LINES, LINES // 8):
        process = start(tmp_path / "killed", log)
        wait_for(tmp_path / "killed", stop_at, process)
        time.sleep(chance.random() * 0.01)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed > 0
    last = run(tmp_path / "killed", log)
    assert last.returncode == 0, last.stderr
    whole = run(tmp_path / "whole", log)
    assert whole.returncode == 0, whole.stderr
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_ctrl_c_stops_after_a_batch_and_says_how_to_go_on(tmp_path: Path) -> None:
    log = write_log(tmp_path, first_lines(LINES))
    process = start(tmp_path / "data", log)
    wait_for(tmp_path / "data", BATCH, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    if process.returncode != 0:  # it was not over before the signal came
        assert process.returncode == 130
        assert "the same command goes on from there" in errors
        assert "Traceback" not in errors
        assert lines_done(tmp_path / "data") % BATCH == 0
    again = run(tmp_path / "data", log)
    assert again.returncode == 0
    assert lines_done(tmp_path / "data") == LINES


def test_a_second_import_has_nothing_to_do(tmp_path: Path) -> None:
    log = write_log(tmp_path, first_lines(300))
    assert run(tmp_path / "data", log).returncode == 0
    before = contents(tmp_path / "data")
    again = run(tmp_path / "data", log)
    assert again.returncode == 0
    assert "is in already, all of it (300 lines); nothing was changed" in again.stdout
    assert contents(tmp_path / "data") == before


def test_malformed_lines_are_listed_and_the_rest_is_in(tmp_path: Path) -> None:
    damaged = Path(__file__).parents[1] / "data" / "damaged.log"
    done = run(tmp_path / "data", damaged)
    assert done.returncode == 0
    assert "8  malformed lines, passed over:" in done.stdout
    assert "line 3: the actor is not a number: 'ada'" in done.stdout


def test_what_is_no_log_leaves_nothing(tmp_path: Path) -> None:
    done = run(tmp_path / "data", Path(__file__))
    assert done.returncode == 1
    assert "is not an activity log" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log = write_log(tmp_path, first_lines(10))
    (tmp_path / "data").write_text("a file where the folder should be")
    done = run(tmp_path / "data", log)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert os.fspath(tmp_path / "data") in done.stderr
