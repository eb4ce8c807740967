"""Children that are started again, and locks that go with their holder."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rostra.domain.errors import Unavailable
from rostra.ops.locks import FolderLock, Taken, holder_of
from rostra.testing.server import environment

PATIENCE = 60.0

PRELUDE = """
import os, signal, sys, time
from rostra.ops import logging
from rostra.ops.processes import Processes
logging.configure("info")
note = open(sys.argv[1], "a", buffering=1)

def say(*words):
    print(*words, file=note)

def obedient(ready):
    going = True
    def end(*_):
        nonlocal going
        going = False
    signal.signal(signal.SIGTERM, end)
    say("started", os.getpid())
    ready()
    while going:
        signal.pause()
    say("ended", os.getpid())
    return 0
"""


def eventually(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


class Script:
    """A supervisor that runs ``body``, and the notes its children make."""

    def __init__(self, folder: Path, body: str) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        source = PRELUDE + textwrap.dedent(body)
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, str(self.notes)],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def said(self, word: str) -> list[str]:
        lines = self.notes.read_text().splitlines()
        return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]

    def log(self) -> str:
        return self.process.communicate(timeout=PATIENCE)[1]


def test_children_are_told_to_end_and_the_supervisor_ends_with_them(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        children = [("a", obedient), ("b", obedient)]
        sys.exit(Processes(children, drain=60, on_ready=lambda: say("all ready")).run())
        """,
    )
    eventually(lambda: bool(script.said("all ready")))
    script.process.terminate()
    script.log()
    assert script.process.returncode == 0
    assert sorted(script.said("started")) == sorted(script.said("ended"))
    assert len(script.said("started")) == 2


def test_a_child_that_dies_is_started_again_and_the_others_are_left_alone(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        children = [("a", obedient), ("b", obedient)]
        sys.exit(Processes(children, drain=60, on_ready=lambda: say("all ready")).run())
        """,
    )
    eventually(lambda: bool(script.said("all ready")))
    os.kill(int(script.said("started")[0]), signal.SIGKILL)
    eventually(lambda: len(script.said("started")) == 3)
    script.process.terminate()
    assert '"event":"process died; starting it again"' in script.log()
    assert script.said("all ready") == [""]


def test_a_child_that_never_comes_up_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        def fail(ready):
            say("tried")
            raise ValueError("no")
        sys.exit(Processes([("a", fail)], drain=60, on_ready=lambda: None).run())
        """,
    )
    eventually(lambda: len(script.said("tried")) >= 5)
    script.process.terminate()
    log = script.log()
    for pause in ("0.0", "0.1", "0.2"):
        assert f'"pause_seconds":{pause}' in log
    assert "ValueError: no" in log


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        def stubborn(ready):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            ready()
            while True:
                signal.pause()
        run = Processes([("a", stubborn)], drain=0.2, on_ready=lambda: say("all ready")).run
        sys.exit(run())
        """,
    )
    eventually(lambda: bool(script.said("all ready")))
    script.process.terminate()
    assert "not finished in time; killed" in script.log()
    assert script.process.returncode == 0


def test_children_die_with_the_supervisor(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        children = [("a", obedient), ("b", obedient)]
        Processes(children, drain=60, on_ready=lambda: say("all ready")).run()
        """,
    )
    eventually(lambda: bool(script.said("all ready")))
    children = script.said("started")
    script.process.kill()
    script.log()
    eventually(lambda: not any(alive(int(pid)) for pid in children))
    assert script.said("ended") == []


def alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# -- locks -----------------------------------------------------------------------------------------


def test_a_lock_says_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "some.lock"
    lock = FolderLock(path, about={"address": "a:0"})
    lock.describe(address="b:1")
    with pytest.raises(Taken) as caught:
        FolderLock(path, about={})
    assert caught.value.holder == {"pid": os.getpid(), "address": "b:1"}
    assert holder_of(path) == {"pid": os.getpid(), "address": "b:1"}
    lock.release()
    assert holder_of(path) == holder_of(tmp_path / "none.lock") == {}
    FolderLock(path, about={}).release()


def test_a_lock_that_is_let_go_of_meanwhile_is_had(tmp_path: Path) -> None:
    path = tmp_path / "some.lock"
    source = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{source}; print('held', flush=True); input()", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(Taken) as caught:
            FolderLock(path, about={})
        assert caught.value.holder == {}
        holder.kill()
        FolderLock(path, patience=PATIENCE, about={}).release()


def test_a_lock_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written"):
        FolderLock(tmp_path / "nowhere" / "some.lock", about={})
