"""A data folder of the first layout, brought to that of conversations, lists and quotes."""

from __future__ import annotations

from pathlib import Path

from rostra.domain.account_set import SetKind
from rostra.storage.conversations import ConversationStore
from rostra.storage.database.sqlite import MIGRATIONS, Database, migrate
from rostra.storage.jobs import JobStore
from rostra.storage.statuses import StatusStore

OLD = (
    "INSERT INTO statuses (id, author, created_at, visibility, in_reply_to) VALUES (?, ?, 1, ?, ?)"
)


def first_layout() -> Database:
    database = Database(Path(":memory:"), writable=True)
    database.run((MIGRATIONS / "0001_initial.sql").read_text(encoding="utf-8"))
    database.run("PRAGMA user_version = 1")
    return database


def test_threads_are_given_their_beginnings() -> None:
    database = first_layout()
    database.run_many(
        OLD,
        [
            (10, 1, 0, None),
            (11, 2, 0, 10),
            (12, 3, 0, 11),
            (13, 1, 0, 12),
            (20, 1, 0, 5),  # its parent is gone
            (21, 2, 0, 20),
            (30, 1, 0, None),
        ],
    )
    migrate(database, now=0)
    statuses = StatusStore(database)
    roots = {one: status.root for one, status in statuses.many(range(40)).items()}
    assert roots == {10: 10, 11: 10, 12: 10, 13: 10, 20: 5, 21: 5, 30: 30}


def test_direct_statuses_become_conversations() -> None:
    database = first_layout()
    database.run_many(OLD, [(10, 1, 3, None), (11, 2, 3, 10), (12, 1, 0, 11), (20, 1, 3, None)])
    database.run_many(
        "INSERT INTO mentions (account, status) VALUES (?, ?)", [(2, 10), (1, 11), (3, 20), (9, 12)]
    )
    migrate(database, now=0)
    conversations = ConversationStore(database)
    found = {
        account: [(one.root, one.last, one.unread) for one in conversations.page(account, limit=9)]
        for account in (1, 2, 3, 9)
    }
    assert found == {
        1: [(20, 20, False), (10, 11, False)],
        2: [(10, 11, False)],
        3: [(20, 20, False)],
        9: [],
    }


def test_lists_of_likes_are_made_by_a_job_where_there_are_any() -> None:
    for kind, jobs in ((SetKind.LIKES, ["collect_again"]), (SetKind.FOLLOWERS, [])):
        database = first_layout()
        database.run(
            "INSERT INTO journal (owner, kind, seq, entries) VALUES (7, ?, 1, x'00')", (int(kind),)
        )
        migrate(database, now=0)
        due = [job.name for job in JobStore(database).due(1, limit=99)]
        assert [name for name in due if name == "collect_again"] == jobs
