"""``rostra ledger``: checked, shown, exported and made into statements, as a shell sees it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, ActionKind
from rostra.ops.cli import run
from rostra.ops.cli.ledger import MAX_SHOWN
from rostra.ports import Transaction
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.testing.clock import START, FakeClock

Told = tuple[int, str, str]
Rostra = Callable[..., Told]


def people(tx: Transaction) -> None:
    for ordinal, name in enumerate(("mod", "anna", "bob"), 1):
        role = Role.MODERATOR if name == "mod" else Role.USER
        tx.accounts.create(
            Account(ordinal=ordinal, id=900 + ordinal, username=name, created_at=tx.now, role=role)
        )


def suspend(tx: Transaction, account: int, text: str) -> None:
    tx.enforcement.take(
        Action(
            id=tx.next_id(),
            account=account,
            kind=ActionKind.SUSPEND,
            ground="=spam",
            text=text,
            moderator=1,
            taken_at=tx.now,
            starts_at=tx.now,
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clock = FakeClock()
    store = SqliteStore.open(tmp_path / "data", clock)
    store.write_now(people)
    for account, text in ((2, "The facts."), (3, ""), (2, "Again.")):
        clock.advance(86_400_000)
        store.write_now(lambda tx, a=account, t=text: suspend(tx, a, t))  # type: ignore[misc]
    store.close_now()
    return tmp_path / "data"


@pytest.fixture
def rostra(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Rostra:
    """Run a command of the ledger in this process; returns its exit code and what it printed."""

    def command(*arguments: str) -> Told:
        code = run(["ledger", *arguments, "--data", str(folder)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


def damage(folder: Path, sql: str) -> None:
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        database.execute("DROP TRIGGER ledger_is_kept; DROP TRIGGER ledger_is_whole")
        database.execute(sql)


def test_a_chain_that_holds_and_its_head(rostra: Rostra, folder: Path) -> None:
    code, out, _ = rostra("verify")
    assert code == 0
    assert out.startswith("The chain holds: 3 entries, the head is 3:")
    head = out.split()[-1]
    assert rostra("verify", "--head", head)[0] == 0
    code, out, _ = rostra("verify", "--head", head, "--json")
    assert json.loads(out) == {"ok": True, "entries": 3, "head": head, "breaks": []}
    damage(folder, "DELETE FROM ledger WHERE number = 3")
    assert rostra("verify")[0] == 0
    code, out, _ = rostra("verify", "--head", head)
    assert (code, "entry 3 was seen before" in out) == (1, True)
    code, _, err = rostra("verify", "--head", "3:abc")
    assert (code, "--head is NUMBER:HASH" in err) == (1, True)


def test_a_broken_chain_is_told(rostra: Rostra, folder: Path) -> None:
    damage(folder, "UPDATE ledger SET content = replace(content, 'facts', 'fakes')")
    code, out, _ = rostra("verify")
    assert code == 1
    assert "the hash of entry 1" in out
    assert "1 break: 3 entries" in out
    code, out, _ = rostra("verify", "--json")
    (found,) = json.loads(out)["breaks"]
    assert (code, found["number"], found["fault"]) == (1, 1, "broken")


def test_more_breaks_than_are_shown_are_counted(rostra: Rostra, folder: Path) -> None:
    store = SqliteStore.open(folder, FakeClock(START + 10 * 86_400_000))
    for _ in range(MAX_SHOWN + 5):
        store.write_now(lambda tx: suspend(tx, 2, ""))
    store.close_now()
    damage(folder, "UPDATE ledger SET hash = zeroblob(32)")
    code, out, _ = rostra("verify")
    assert (code, len(out.splitlines())) == (1, MAX_SHOWN + 1)
    assert out.splitlines()[-1].startswith(f"{MAX_SHOWN + 8} breaks")


def test_the_newest_entries_in_words(rostra: Rostra) -> None:
    code, out, _ = rostra("show", "@anna", "--limit", "1")
    assert code == 0
    for words in ("Suspended", "in force, strike", "Again.", "@anna", "@mod"):
        assert words in out, words
    assert "The facts." not in out
    code, out, _ = rostra("show", "--json")
    assert [one["account"] for one in json.loads(out)] == ["902", "903", "902"]
    assert rostra("show", "mod")[1] == "The ledger has no such entry.\n"
    assert "no account called" in rostra("show", "nobody")[2]
    assert "for --limit. Must be >= 1" in rostra("show", "--limit", "0")[2]


def test_an_export_of_what_is_asked_for(rostra: Rostra) -> None:
    *lines, end = map(json.loads, rostra("export")[1].splitlines())
    assert [line["entry"]["number"] for line in lines] == [1, 2, 3]
    assert (end["whole"], end["entries"]) == (True, 3)
    span = ("--since", "2026-01-03", "--until", "2026-01-04T00:00:00+00:00")
    *lines, end = map(json.loads, rostra("export", *span)[1].splitlines())
    assert [line["entry"]["number"] for line in lines] == [2]
    assert (end["whole"], end["since"]) == (False, "2026-01-03T00:00:00.000Z")
    out = rostra("export", "--format", "csv", "--account", "bob", "--proof")[1]
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert len(rows) == 5
    assert rows[2][rows[0].index("ground")] == "'=spam"
    assert rows[1][rows[0].index("content")].startswith("sealed:")
    assert "is not a time" in rostra("export", "--since", "yesterday")[2]
    assert rostra("export", "--format", "xml")[0] == 2


@pytest.mark.parametrize("what", ["export", "statements"])
def test_a_span_that_ends_before_it_begins_is_refused(rostra: Rostra, what: str) -> None:
    told = rostra(what, "--since", "2027-01-01", "--until", "2026-01-01")
    assert told[:2] == (1, "")
    assert "--until has to be after --since" in told[2]


def test_a_damaged_entry_stops_an_export(rostra: Rostra, folder: Path) -> None:
    damage(folder, "UPDATE ledger SET content = 'x' WHERE number = 2")
    code, out, err = rostra("export")
    assert code == 1
    assert "Entry 2 of the ledger is damaged: run rostra doctor" in err
    assert "lines" not in out  # without its end nobody takes it for whole
    assert "This entry is damaged" in rostra("show")[1]


def test_statements_of_reasons_and_what_they_lack(rostra: Rostra) -> None:
    code, out, err = rostra("statements")
    assert code == 0
    (body,) = map(json.loads, out.splitlines())
    assert [one["decision_facts"] for one in body["statements"]] == ["The facts.", "Again."]
    assert err == "rostra: 1 statement is left out: --incomplete says which, and what they lack\n"
    (lacking,) = map(json.loads, rostra("statements", "--incomplete")[1].splitlines())
    assert lacking["entry"] == 2
    assert [one["field"] for one in lacking["lacks"]] == [
        "decision_facts",
        "incompatible_content_explanation",
    ]
    since = rostra("statements", "--format", "json", "--since", "2026-01-04")[1]
    assert len(json.loads(since)["statements"]) == 1
    assert rostra("statements", "--until", "2026-01-01")[1] == ""


def test_a_folder_from_before_there_was_a_ledger_says_what_to_do(
    rostra: Rostra, folder: Path
) -> None:
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        database.execute("DROP TABLE ledger; PRAGMA user_version = 11")
    code, out, err = rostra("verify")
    assert (code, out) == (1, "")
    assert err == (
        "rostra: The data folder is of an older version of Rostra: start the server, which brings "
        "it forward, then try again\n"
    )
