"""The engine is killed with SIGKILL while it writes and packs; no answered write is ever lost.

``tests/e2e/test_kills.py`` does the same to a whole server over HTTP.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest
from tests.contract.checks import differences
from tests.contract.sets_worlds import make_limits_small

from rostra.domain.account_set import MIRRORS, SetKey
from rostra.storage.store import SqliteStore

ROOT = Path(__file__).parents[2]
KILLS = 20

Name = tuple[SetKey, int]


def life(folder: Path, seed: int, lines: int) -> list[str]:
    """Let the process write, kill it once it has told ``lines`` lines; return all it told."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.rehearsal.writing_process", str(folder), str(seed)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if len(told) == lines:
            threading.Thread(target=process.kill).start()  # while what it tells is read on
    errors = process.stderr.read()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert len(told) >= lines, errors
    return [line for line in told if line.endswith("\n")]


def follow(told: list[str], possible: dict[Name, set[bool]]) -> int:
    """Note what each line makes certain or possible; return how many writes were answered."""
    answered = 0
    for line in told:
        what, owner, kind, member, joins = line.split()
        name = (SetKey(int(owner), int(kind)), int(member))
        if what == "try":
            possible.setdefault(name, {False}).add(joins == "1")
        else:
            possible[name] = {joins == "1"}
            answered += 1
    return answered


def test_no_answered_write_is_lost_and_no_edge_is_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_limits_small(monkeypatch)
    folder, random = tmp_path / "data", Random(7)
    possible: dict[Name, set[bool]] = {}
    answered = 0
    for number in range(KILLS):
        answered += follow(life(folder, number, random.randrange(50, 1500)), possible)
        store = SqliteStore.open(folder)
        with store.read() as snapshot:
            for (key, member), values in possible.items():
                found = snapshot.sets.contains(key, member)
                assert found in values, (key, member)
                if key.kind in MIRRORS:
                    assert snapshot.sets.contains(key.mirror(member), key.owner) == found
                possible[key, member] = {found}
        store.close_now()
        assert differences(folder) == []
    assert answered > KILLS * 10
