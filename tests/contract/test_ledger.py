"""The ledger in storage: one chain, appended by enforcement itself, never changed."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from rostra.domain.accounts import Account
from rostra.domain.enforcement import Action, ActionKind, Lifting, LiftReason
from rostra.domain.ledger import START, LedgerKind
from rostra.ports import Transaction
from rostra.services.moderation import ledger
from rostra.storage.database.sqlite import MIGRATIONS, Database
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.testing.clock import FakeClock

STAR, MODERATOR = 5, 7


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    opened = SqliteStore.open(tmp_path, FakeClock())
    opened.write_now(people)
    return opened


def people(tx: Transaction) -> None:
    for ordinal in (STAR, MODERATOR):
        tx.accounts.create(
            Account(ordinal=ordinal, id=9000 + ordinal, username=f"p{ordinal}", created_at=tx.now)
        )


def suspension(tx: Transaction, action_id: int, account: int = STAR) -> Action:
    return Action(
        id=action_id,
        account=account,
        kind=ActionKind.SUSPEND,
        ground="spam",
        text="Ünsinn",
        moderator=MODERATOR,
        taken_at=tx.now,
        starts_at=tx.now,
        until=tx.now + 1000,
    )


def lifting(tx: Transaction, action: int) -> Lifting:
    return Lifting(
        action=action, account=STAR, reason=LiftReason.OVERTURNED, moderator=None, lifted_at=tx.now
    )


def test_enforcement_appends_what_it_does(store: SqliteStore) -> None:
    store.write_now(lambda tx: tx.enforcement.take(suspension(tx, 11), about={"report": 2**60}))
    store.write_now(lambda tx: tx.enforcement.lift(lifting(tx, 11)))
    with store.read() as snap:
        taken, lifted = snap.ledger.iterate()
    assert (taken.kind, taken.account, taken.moderator) == ("action", STAR, MODERATOR)
    assert taken.about["ground"] == "spam"
    assert taken.about["text"] == "Ünsinn"
    assert taken.about["report"] == str(2**60)
    assert json.loads(taken.content)["account"] == "9005"
    assert (lifted.kind, lifted.moderator) == ("lifting", None)
    assert lifted.about["reason"] == "overturned"
    assert lifted.about["lifted"]["type"] == "suspend"
    assert lifted.about["action"] == taken.about["action"] == "11"
    store.close_now()


def test_each_hash_covers_the_one_before(store: SqliteStore) -> None:
    for number in range(1, 6):
        store.write_now(
            lambda tx, number=number: ledger.record(
                tx, kind=LedgerKind.REMARK, account=None, moderator=None, about={"n": number}
            )
        )
    previous = START
    with store.read() as snap:
        for number, entry in enumerate(snap.ledger.iterate(), 1):
            again = json.dumps(
                json.loads(entry.content),
                sort_keys=True,
                separators=(",", ":"),
                ensure_ascii=False,
            )
            previous = sha256(previous + sha256(again.encode()).digest()).digest()
            assert (entry.number, entry.hash) == (number, previous)
        assert snap.ledger.head() == (5, previous)
    store.close_now()


def test_an_action_undone_leaves_no_entry(store: SqliteStore) -> None:
    def fail(tx: Transaction) -> None:
        tx.enforcement.take(suspension(tx, 11))
        raise KeyError

    with pytest.raises(KeyError):
        store.write_now(fail)
    with store.read() as snap:
        assert snap.ledger.head() == (0, START)
    store.close_now()


def test_entries_are_neither_changed_nor_deleted(store: SqliteStore) -> None:
    store.write_now(lambda tx: tx.enforcement.take(suspension(tx, 11)))
    for sql in ("UPDATE ledger SET account = 1", "DELETE FROM ledger"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            store.write_now(lambda tx, sql=sql: tx.database.run(sql))  # type: ignore[attr-defined]
    store.close_now()


@pytest.mark.parametrize("told", [{"share": 0.5}, {"ä": 1}, {1: 2}, {"of": b"bytes"}])
def test_what_is_not_written_in_one_way_everywhere_is_refused(
    store: SqliteStore, told: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        store.write_now(
            lambda tx: ledger.record(
                tx, kind=LedgerKind.REMARK, account=None, moderator=None, about=told
            )
        )
    store.close_now()


def test_a_page_is_of_one_account(store: SqliteStore) -> None:
    def change(tx: Transaction) -> None:
        for number in range(1, 7):
            tx.enforcement.take(suspension(tx, 10 + number, STAR if number % 2 else MODERATOR))

    store.write_now(change)
    with store.read() as snap:
        numbers = [entry.number for entry in snap.ledger.page(account=STAR, limit=2)]
        assert numbers == [5, 3]
        assert [e.number for e in snap.ledger.page(account=STAR, limit=2, max_id=3)] == [1]
        assert [e.number for e in snap.ledger.page(limit=2, min_id=2)] == [4, 3]
    store.close_now()


def test_what_was_done_before_is_brought_over_once(tmp_path: Path) -> None:
    database = Database(tmp_path / DATABASE_FILE, writable=True)
    for script in sorted(MIGRATIONS.glob("*.sql")):
        if int(script.name[:4]) < 12:
            database.run(script.read_text(encoding="utf-8"))
    database.run("PRAGMA user_version = 11")
    database.run("INSERT INTO feed (seq, last_id, events) VALUES (1, 0, x'90')")
    for action, at in ((20, 3000), (10, 1000)):
        database.run(
            "INSERT INTO actions (account, id, kind, ground, moderator, taken_at, starts_at) "
            "VALUES (5, ?, 4, 'spam', NULL, ?, ?)",
            (action, at, at),
        )
    database.run("INSERT INTO liftings VALUES (5, 10, 'served', NULL, 2000)")
    database.close()
    for _ in range(2):
        store = SqliteStore.open(tmp_path, FakeClock())
        with store.read() as snap:
            entries = list(snap.ledger.iterate())
        store.close_now()
        assert [(e.kind, e.about["action"]) for e in entries] == [
            ("action", "10"),
            ("lifting", "10"),
            ("action", "20"),
        ]
        assert all(entry.about["brought_over"] for entry in entries)
        assert entries[0].about["taken_at"] == "1970-01-01T00:00:01.000Z"


def test_a_connection_that_only_reads_sees_the_ledger(store: SqliteStore, tmp_path: Path) -> None:
    store.write_now(lambda tx: tx.enforcement.take(suspension(tx, 11)))
    database = Database(tmp_path / DATABASE_FILE, writable=False)
    assert database.value("SELECT COUNT(*) FROM ledger") == 1
    database.close()
    store.close_now()
