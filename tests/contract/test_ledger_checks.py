"""The doctor and the ledger: each planted damage is found and named, and none is written over."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from rostra.domain import ledger as rules
from rostra.domain.accounts import Account
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason
from rostra.domain.ledger import LedgerKind
from rostra.domain.reports import Category, Evidence, Report
from rostra.ports import Transaction
from rostra.services.moderation import ledger
from rostra.storage.database.sqlite import Database
from rostra.storage.differences import Difference, Problem
from rostra.storage.integrity.ledger_checks import chain_breaks
from rostra.storage.repair import repair
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import verify
from rostra.testing.clock import FakeClock

ACCOUNTS = (5, 6, 7)
REPORT = 700


def populate(tx: Transaction) -> None:
    """Six entries: 1-3 actions, 4 a lifting, 5 an action on a report, 6 a remark."""
    for ordinal in ACCOUNTS:
        tx.accounts.create(
            Account(ordinal=ordinal, id=9000 + ordinal, username=f"p{ordinal}", created_at=tx.now)
        )
    for ordinal in ACCOUNTS:
        tx.enforcement.take(suspension(tx, ordinal))
    tx.enforcement.lift(
        Lifting(action=1005, account=5, reason=LiftReason.SERVED, moderator=7, lifted_at=tx.now)
    )
    evidence = (Evidence(id=33, created_at=1, text="buy my spam"),)
    tx.reports.put(
        Report(
            id=REPORT,
            account=7,
            target=6,
            category=Category.SPAM,
            created_at=tx.now,
            updated_at=tx.now,
            evidence=evidence,
        )
    )
    frozen = {"report": REPORT, "statuses": rules.of_evidence(evidence)}
    tx.enforcement.take(suspension(tx, 6, 2006), about={"evidence": {**frozen, "report": "700"}})
    ledger.record(tx, kind=LedgerKind.REMARK, account=None, moderator=7, about={"says": "so"})


def suspension(tx: Transaction, account: int, action_id: int | None = None) -> Action:
    return Action(
        id=action_id or 1000 + account,
        account=account,
        kind=ActionKind.SUSPEND,
        ground="spam",
        moderator=7,
        taken_at=tx.now,
        starts_at=tx.now,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SqliteStore.open(tmp_path, FakeClock())
    store.write_now(populate)
    store.close_now()
    return tmp_path


def damage(folder: Path, *statements: str) -> None:
    """Change what no code may change."""
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        database.execute("DROP TRIGGER ledger_is_kept; DROP TRIGGER ledger_is_whole")
        for sql in statements:
            database.execute(sql)
            assert database.changes(), "the damage was not done"


def found(folder: Path) -> list[Difference]:
    database = Database(folder / DATABASE_FILE, writable=False)
    try:
        differences = verify(database, random=random.Random(1), now=FakeClock().now())
        return [one for one in differences if one.problem.startswith("ledger")]
    finally:
        database.close()


def contents(folder: Path) -> list[tuple[int, str, bytes]]:
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        return list(database.execute("SELECT number, content, hash FROM ledger ORDER BY number"))


def test_a_healthy_ledger_has_no_differences(folder: Path) -> None:
    assert len(contents(folder)) == 6
    assert found(folder) == []


@pytest.mark.parametrize(
    ("statement", "problem", "said"),
    [
        (
            "UPDATE ledger SET content = replace(content, '\"so\"', '\"not\"') WHERE number = 6",
            Problem.LEDGER_BROKEN,
            "the hash of entry 6",
        ),
        (
            "UPDATE ledger SET hash = zeroblob(32) WHERE number = 6",
            Problem.LEDGER_BROKEN,
            "the hash of entry 6",
        ),
        ("DELETE FROM ledger WHERE number = 4", Problem.LEDGER_MISSING, "entry 4 is missing"),
        (
            "DELETE FROM ledger WHERE number IN (3, 4)",
            Problem.LEDGER_MISSING,
            "entries 3 to 4 are missing",
        ),
        (
            "UPDATE ledger SET content = '{}' WHERE number = 6",
            Problem.LEDGER_BROKEN,
            "entry 6 is no entry",
        ),
        (
            "UPDATE ledger SET account = 7 WHERE number = 6",
            Problem.LEDGER_BROKEN,
            "entry 6 is filed under another account",
        ),
        (
            "DELETE FROM actions WHERE id = 1007",
            Problem.LEDGER_UNTRUE,
            "entry 3 tells of the action 1007 of account 7: it is gone",
        ),
        (
            "DELETE FROM liftings WHERE action = 1005",
            Problem.LEDGER_UNTRUE,
            "entry 4 tells of the lifting 1005 of account 5: it is gone",
        ),
        (
            "UPDATE actions SET ground = 'a whim' WHERE id = 1007",
            Problem.LEDGER_UNTRUE,
            "entry 3 and the action 1007 of account 7 differ in ground",
        ),
        (
            "UPDATE reports SET evidence = replace(evidence, 'buy', 'sell')",
            Problem.LEDGER_UNTRUE,
            "the evidence of report 700 is not what entry 5 froze",
        ),
        ("DELETE FROM reports", Problem.LEDGER_UNTRUE, "entry 5 rests on report 700: it is gone"),
    ],
)
def test_each_damage_is_named_and_none_is_written_over(
    folder: Path, statement: str, problem: Problem, said: str
) -> None:
    damage(folder, statement)
    before = contents(folder)
    differences = found(folder)
    assert (problem, True) in {(one.problem, said in one.detail) for one in differences}
    named = [one for one in differences if one.problem == problem]
    assert not any(one.repairable for one in named)
    lines = repair(folder, named, now=FakeClock().now())
    assert all("never written anew" in line for line in lines)
    assert contents(folder) == before


def test_entries_that_changed_places_are_named(folder: Path) -> None:
    damage(
        folder,
        "UPDATE ledger SET number = 99 WHERE number = 2",
        "UPDATE ledger SET number = 2 WHERE number = 3",
        "UPDATE ledger SET number = 3 WHERE number = 99",
    )
    assert [(one.problem, one.place) for one in found(folder)] == [
        (Problem.LEDGER_ORDER, 2),
        (Problem.LEDGER_ORDER, 3),
    ]


@pytest.mark.parametrize("kind", ["action", "lifting"])
def test_an_act_without_an_entry_is_named_and_added_as_such(folder: Path, kind: str) -> None:
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        if kind == "action":
            database.execute(
                "INSERT INTO actions (account, id, kind, ground, taken_at, starts_at) "
                "VALUES (6, 3000, 3, 'by hand', 5, 5)"
            )
        else:
            database.execute("INSERT INTO liftings VALUES (7, 1007, 'served', NULL, 9)")
    before = contents(folder)
    (difference,) = found(folder)
    assert (difference.problem, difference.repairable) == (Problem.LEDGER_LACKS, True)
    assert f"the ledger does not tell of the {kind}" in difference.detail
    (line,) = repair(folder, [difference], now=FakeClock().now())
    assert f"entry 7 added for the {kind}" in line
    assert contents(folder)[:6] == before
    assert '"added_by_repair":true' in contents(folder)[6][1]
    assert found(folder) == []


def test_a_rewritten_or_shortened_history_does_not_fit_a_head_noted_before(folder: Path) -> None:
    number, _, hash_ = contents(folder)[-1]
    database = Database(folder / DATABASE_FILE, writable=False)
    assert list(chain_breaks(database, (number, hash_))) == []
    assert list(chain_breaks(database, (4, contents(folder)[3][2]))) == []
    (broken,) = chain_breaks(database, (4, hash_))
    assert "rewritten" in broken.detail
    database.close()
    damage(folder, "DELETE FROM ledger WHERE number = 6")
    database = Database(folder / DATABASE_FILE, writable=False)
    assert list(chain_breaks(database)) == []  # by itself a shorter chain is whole
    (broken,) = chain_breaks(database, (number, hash_))
    assert "ends at entry 5" in broken.detail
    database.close()
