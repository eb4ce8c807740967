"""The ledger taken away: others check it alone, and a spreadsheet opens it without harm."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rostra.domain import ledger as rules
from rostra.domain.accounts import Account
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.spreadsheets import harmless
from rostra.ports import Transaction
from rostra.services.moderation.ledger_export import COLUMNS, Wanted, csv_lines, json_lines
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

MANUAL = Path(__file__).parents[2] / "docs" / "operate.md"
SERVER = "social.example"
FORMULA = '=HYPERLINK("http://evil.example","click")'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    clock = FakeClock()
    opened = SqliteStore.open(tmp_path, clock)
    opened.write_now(people)
    for number in range(1, 9):
        clock.advance(1000)
        opened.write_now(lambda tx, number=number: tx.enforcement.take(action(tx, number)))
    yield opened
    opened.close_now()


def people(tx: Transaction) -> None:
    for ordinal in (5, 6, 7):
        tx.accounts.create(
            Account(ordinal=ordinal, id=9000 + ordinal, username=f"p{ordinal}", created_at=tx.now)
        )


def action(tx: Transaction, number: int) -> Action:
    return Action(
        id=(1 << 60) + number,
        account=5 if number % 4 == 0 else 6,
        kind=ActionKind.NONE,
        ground=FORMULA,
        text='Größe 3½\x1f\n\u2028 — "quoted", 日本語 𝄞 \x7f',
        moderator=7,
        taken_at=tx.now,
        starts_at=tx.now,
    )


def exported(store: SqliteStore, **wanted: Any) -> list[bytes]:
    with store.read() as snap:
        return list(json_lines(snap, Wanted(**wanted), server=SERVER))


def check(tmp_path: Path, lines: list[bytes]) -> subprocess.CompletedProcess[str]:
    """Check an export with the script of the manual."""
    section = MANUAL.read_text(encoding="utf-8").split("\n## The ledger\n")[1]
    script = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.M)[0]
    (tmp_path / "check.py").write_text(script, encoding="utf-8")
    (tmp_path / "export.jsonl").write_bytes(b"".join(lines))
    return subprocess.run(
        [sys.executable, "-I", "check.py", "export.jsonl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("wanted", "entries", "lines"),
    [
        ({}, 8, 8),
        ({"account": 5}, 2, 2),
        ({"account": 5, "proof": True}, 2, 8),
        ({"since": FakeClock().now() + 3000, "until": FakeClock().now() + 6000}, 3, 3),
    ],
)
def test_the_script_of_the_manual_checks_an_export(
    store: SqliteStore, tmp_path: Path, wanted: dict[str, Any], entries: int, lines: int
) -> None:
    export = exported(store, **wanted)
    assert len(export) == lines + 1
    result = check(tmp_path, export)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{entries} entries, the head is ")
    end = json.loads(export[-1])
    assert (end["format"], end["server"]) == ("rostra-ledger-1", SERVER)
    assert end["sha256"] == hashlib.sha256(b"".join(export[:-1])).hexdigest()
    with store.read() as snap:
        if end["whole"]:
            assert (end["number"], bytes.fromhex(end["hash"])) == snap.ledger.head()


def altered(line: bytes) -> bytes:
    return line.replace(b"=HYPERLINK", b"=HYPERLINE")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda lines: [altered(lines[0]), *lines[1:]], "this was altered"),
        (lambda lines: [lines[0], *lines[2:]], "something is missing before"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "something is missing before"),
        (lambda lines: [*lines[:-2], lines[-1]], "the end of the file is missing"),
    ],
)
def test_the_script_of_the_manual_finds_what_was_done_to_an_export(
    store: SqliteStore, tmp_path: Path, harm: Any, said: str
) -> None:
    result = check(tmp_path, harm(exported(store)))
    assert result.returncode == 1
    assert said in result.stderr


def test_what_may_not_be_told_is_proved_without_being_told(store: SqliteStore) -> None:
    told = b"".join(exported(store, account=5, proof=True)[:-1]).decode()
    assert told.count('"sealed"') == 6
    assert '"account":"9006"' not in told


def test_a_spreadsheet_finds_no_formula(store: SqliteStore) -> None:
    with store.read() as snap:
        data = b"".join(csv_lines(snap, Wanted(account=5, proof=True), server=SERVER))
    head, *rows, end = csv.reader(io.StringIO(data.decode(), newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == 8
    for row in (*rows, end):
        assert len(row) == len(COLUMNS)
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert not re.fullmatch(r"\d{16,}|\d+[eE]\d+", cell)
    told = dict(zip(head, rows[3], strict=True))
    assert told["ground"] == f"'{FORMULA}"
    assert (told["account"], told["account_name"]) == ("#9005", "p5")
    previous = bytes.fromhex(told["previous"].removeprefix("sha256:"))
    hash_ = rules.sealed(previous, rules.digest(told["content"]))
    assert told["hash"] == f"sha256:{hash_.hex()}"
    assert json.loads(end[COLUMNS.index("content")])["lines"] == 8


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\t=1", " =1", "\r=1", "＝1", "|x", "%x"])  # noqa: RUF001
def test_cells_that_may_be_formulas_begin_with_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


def test_other_cells_stay_as_they_are() -> None:
    for cell in ("", "spam", "#123", "2026-01-01T00:00:00.000Z", '{"a":1}', "a=1"):
        assert harmless(cell) == cell
