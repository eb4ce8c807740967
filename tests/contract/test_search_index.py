"""The index of words: what each commit does to it, how it is checked, and how it is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.checks import NOW, change, differences

from rostra.domain.accounts import Account
from rostra.domain.events import EverythingReplaced
from rostra.domain.ids import MAX_SNOWFLAKE
from rostra.domain.searching import StatusQuery
from rostra.domain.statuses import Status, Visibility
from rostra.storage.differences import Problem
from rostra.storage.repair import repair
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.clock import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty data folder."""
    store = SqliteStore.open(tmp_path, FakeClock())
    yield store
    store.close_now()


def said(number: int, text: str, **fields: object) -> Status:
    """Return a status."""
    return Status(id=number << 16, author=1, created_at=number, text=text, **fields)  # type: ignore[arg-type]


def found(store: SqliteStore, *words: str, **query: tuple[str, ...]) -> list[int]:
    """Return the numbers of the statuses that are found."""
    asked = StatusQuery(words=words, **query)  # type: ignore[arg-type]
    with store.read() as snap:
        ids = snap.search.statuses(asked, limit=10, below=MAX_SNOWFLAKE)
    return [id_ >> 16 for id_ in ids]


def test_commits_keep_the_index(store: SqliteStore) -> None:
    one = said(1, "a galley")
    store.write_now(lambda tx: tx.statuses.create_many([one, said(2, "a trireme")]))
    assert found(store, "galley") == [1]
    changed = said(1, "a skiff")
    store.write_now(lambda tx: tx.statuses.update(one, changed))
    assert found(store, "galley") == []
    assert found(store, "skiff") == [1]
    store.write_now(lambda tx: tx.statuses.delete(changed))
    assert found(store, "skiff") == []
    assert found(store, "a") == [2]


def test_what_is_undone_is_not_indexed(store: SqliteStore) -> None:
    def fails(tx: WriteView) -> None:
        tx.statuses.create(said(1, "a galley"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write_now(fails)
    assert found(store, "galley") == []
    assert differences(store.folder) == []


def test_bulk_loads_are_indexed(store: SqliteStore) -> None:
    def load(tx: WriteView) -> None:
        ordinal = tx.accounts.reserve_ordinals(1)
        person = Account(ordinal=ordinal, id=9, username="a_b", created_at=1)
        tx.accounts.create_many([person], announce=False)
        tx.statuses.create_many([said(1, "a galley")], announce=False)
        tx.announce(EverythingReplaced())

    store.write_now(load)
    assert found(store, "galley") == [1]
    with store.read() as snap:
        assert list(snap.search.accounts("b")) == [1]


def test_facts_are_asked_for_like_words(store: SqliteStore) -> None:
    store.write_now(
        lambda tx: tx.statuses.create_many(
            [
                said(1, "one", mentions=(7,), language="pt-BR"),
                said(2, "one two", visibility=Visibility.DIRECT, in_reply_to=5),
                said(3, 'say "one" OR v3', sensitive=True),
            ]
        )
    )
    assert found(store, "one") == [3, 2, 1]
    assert found(store, "one", facts=(("m7", "v3"),)) == [2, 1]
    assert found(store, "one", facts=(("m7",), ("v3",))) == []
    assert found(store, facts=(("langpt",),)) == [1]
    assert found(store, "one", lacking=("isreply", "issensitive")) == [1]
    assert found(store, "one", without=("two", "or")) == [1]
    assert found(store, '"one" OR') == [3]


def test_the_verifier_sees_what_the_index_lacks_and_repair_has_it_made_anew(
    store: SqliteStore,
) -> None:
    store.write_now(lambda tx: tx.statuses.create_many([said(1, "one"), said(2, "two")]))
    assert differences(store.folder) == []
    change(store, "DELETE FROM status_words WHERE rowid = ?", 1 << 16)
    change(store, "INSERT INTO status_words (rowid, words, facts) VALUES (99, 'x', 'v0')")
    (wrong,) = differences(store.folder)
    assert wrong.problem == Problem.WORDS
    assert "lacks 1 status and has 1 that is gone" in wrong.detail
    assert repair(store.folder, [wrong], now=NOW) == [
        "the index of words is made anew by the job process"
    ]
    assert differences(store.folder) == []  # as long as the job waits
    with store.read() as snap:
        (job,) = snap.jobs.due(NOW, limit=5)
    assert job.name == "index_words"
    store.write_now(lambda tx: tx.search.put_more_statuses(0, 10))
    store.write_now(lambda tx: tx.jobs.finish(job.id))
    assert differences(store.folder) == []
    assert found(store, "one") == [1]
