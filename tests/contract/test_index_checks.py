"""What finds hashtags, mentions, media and followers of hashtags, against what it repeats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.checks import NOW, change, differences

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.media import Media
from rostra.domain.statuses import Status
from rostra.domain.tags import TagFollow
from rostra.ports import Transaction
from rostra.storage.differences import Problem
from rostra.storage.repair import repair
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock

FOLLOWERS = SetKey(7, SetKind.TAG_FOLLOWERS)
STATUS = 100


def settle(tx: Transaction) -> None:
    """Have a status with all there is to find it by, and two who follow its hashtag."""
    tx.statuses.create(
        Status(id=STATUS, author=1, created_at=1, tags=("ships",), mentions=(2, 3), media=(5, 6))
    )
    for id_ in (5, 6, 8):
        at = STATUS if id_ != 8 else None
        tx.media.put(Media(id=id_, owner=1, key="k", created_at=1, since=1, status=at))
    tx.tags.name("ships", FOLLOWERS.owner)
    for account in (1, 2):
        tx.tags.follow(account, TagFollow(tx.next_id(), "ships"))
        tx.sets.add(FOLLOWERS, account)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(tmp_path, FakeClock())
    store.write_now(settle)
    assert differences(tmp_path) == []
    yield store
    store.close_now()


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM status_tags", Problem.INDEX),
        ("INSERT INTO status_tags (tag, status, author) VALUES ('oars', 100, 1)", Problem.INDEX),
        ("DELETE FROM mentions WHERE account = 2", Problem.INDEX),
        ("INSERT INTO mentions (account, status) VALUES (4, 100)", Problem.INDEX),
        ("UPDATE media SET data = json_remove(data, '$.status') WHERE id = 5", Problem.INDEX),
        ("UPDATE media SET data = json_set(data, '$.status', 100) WHERE id = 8", Problem.INDEX),
        ("UPDATE media SET data = json_set(data, '$.status', 9) WHERE id = 6", Problem.INDEX),
        ("DELETE FROM followed_tags WHERE account = 2", Problem.FOLLOWED_TAG),
        (
            "INSERT INTO followed_tags (account, id, tag) VALUES (9, 1, 'ships')",
            Problem.FOLLOWED_TAG,
        ),
    ],
)
def test_what_differs_is_named_and_mended(store: SqliteStore, sql: str, problem: Problem) -> None:
    change(store, sql)
    found = differences(store.folder)
    assert [one.problem for one in found] == [problem]
    assert found[0].repairable
    assert repair(store.folder, found, now=NOW)
    assert differences(store.folder) == []


def test_media_that_a_status_shows_are_not_taken_for_free_any_more(store: SqliteStore) -> None:
    sql = "UPDATE media SET bound = 0, data = json_set(data, '$.status', NULL) WHERE id = 5"
    change(store, sql)
    repair(store.folder, differences(store.folder), now=NOW)
    with store.read() as snap:
        assert [one.id for one in snap.media.free_since(NOW + 1, limit=10)] == [8]
        media = snap.media.get(5)
    assert media is not None
    assert (media.status, media.since) == (STATUS, NOW)
