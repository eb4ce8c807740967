"""``rostra doctor``: what is wrong is found, named, and repaired where it can be."""

import json
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.storage.packer import pack_everything
from rostra.storage.store import SqliteStore
from rostra.testing.server import command, environment

FOLLOWERS = SetKey(1, SetKind.FOLLOWERS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder in which nine accounts follow one; packed."""
    store = SqliteStore.open(tmp_path / "data")
    for follower in range(2, 11):
        store.write_now(lambda tx, who=follower: tx.sets.add(FOLLOWERS, who))  # type: ignore[misc]
    pack_everything(store.write_now)
    store.close_now()
    return tmp_path / "data"


def change(folder: Path, sql: str, *values: object) -> None:
    with closing(apsw.Connection(str(folder / "rostra.db"))) as database:
        database.execute(sql, values)
        assert database.changes(), "the damage was not done"


def doctor(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("doctor", "--data", folder, *options),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder.parent,
        env=environment(),
        check=False,
    )


def differences(folder: Path, *options: str) -> list[dict[str, Any]]:
    result = doctor(folder, "--json", *options)
    answer = json.loads(result.stdout)
    found: list[dict[str, Any]] = answer["differences"]
    assert result.returncode == (1 if found else 0), result
    assert answer["ok"] is (not found)
    return found


def test_a_healthy_folder_has_no_differences(folder: Path) -> None:
    for options in ([], ["--sample", "0.5"], ["--repair"]):
        result = doctor(folder, *options)
        assert (result.returncode, result.stdout, result.stderr) == (0, "No differences\n", "")


def test_one_side_of_an_edge_that_is_gone_is_named_and_brought_back(folder: Path) -> None:
    change(folder, "DELETE FROM packed WHERE owner = 5 AND kind = ?", int(SetKind.FOLLOWING))
    (found,) = differences(folder)
    assert found["subject"] == "following(5)"
    assert found["repairable"] is True
    table = doctor(folder)
    assert table.returncode == 1
    assert "following(5)" in table.stdout
    assert "1 difference" in table.stdout
    assert differences(folder, "--repair") == []
    assert differences(folder) == []


def test_a_damaged_row_is_named_and_rebuilt(folder: Path) -> None:
    change(
        folder,
        "UPDATE packed SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) "
        "WHERE owner = 1 AND kind = ?",
        int(SetKind.FOLLOWERS),
    )
    assert "followers(1)" in {one["subject"] for one in differences(folder)}
    assert differences(folder, "--repair") == []
    store = SqliteStore.open(folder)
    with store.read() as snap:
        assert list(snap.sets.bitmap(FOLLOWERS)) == list(range(2, 11))
    store.close_now()


def test_a_mask_without_an_action_is_named_and_taken_away(folder: Path) -> None:
    store = SqliteStore.open(folder)
    store.write_now(lambda tx: tx.sets.add(SetKey(SERVER, SetKind.SUSPENDED), 7))
    store.close_now()
    (found,) = differences(folder)
    assert found["subject"] == "suspended(0)"
    assert differences(folder, "--repair") == []


def test_a_job_that_keeps_failing_is_told(folder: Path) -> None:
    change(
        folder,
        "INSERT INTO jobs (name, run_at, attempts, error) VALUES ('x', 0, 9, 'ValueError: no')",
    )
    (found,) = differences(folder)
    assert (found["check"], found["repairable"]) == ("job", False)
    assert "ValueError: no" in found["problem"]


@pytest.mark.parametrize(("version", "said"), [(9999, "newer version"), (0, "older")])
def test_another_layout_is_told(folder: Path, version: int, said: str) -> None:
    with closing(apsw.Connection(str(folder / "rostra.db"))) as database:
        database.execute(f"PRAGMA user_version = {version}")
    (found,) = differences(folder)
    assert found["check"] == "layout"
    assert said in found["problem"]


def test_what_is_no_database_is_told(folder: Path) -> None:
    for name in ("rostra.db-wal", "rostra.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "rostra.db").write_bytes(b"this is no database" * 1000)
    (found,) = differences(folder)
    assert (found["check"], found["repairable"]) == ("file", False)


def test_a_folder_without_data_and_a_wrong_sample_are_refused(tmp_path: Path) -> None:
    result = doctor(tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no data in" in result.stderr
    assert not (tmp_path / "nowhere").exists()
    assert "--sample must be" in doctor(tmp_path, "--sample", "0").stderr
