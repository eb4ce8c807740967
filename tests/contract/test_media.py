"""Media, whose files are, and cards, as a store keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rostra.domain.cards import DAY_MS, Card
from rostra.domain.media import Media, MediaKind, MediaState
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore.open(tmp_path, FakeClock())


def media(id_: int, **fields: Any) -> Media:
    return Media(
        **{"id": id_, "owner": 3, "key": f"k{id_}", "created_at": 5, "since": id_, **fields}
    )


FULL = media(
    9,
    kind=MediaKind.VIDEO,
    state=MediaState.FAILED,
    file="a.mp4",
    preview="a.jpg",
    description="ships",
    focus=(0.5, -1.0),
    blurhash="L",
    meta={"original": {"width": 1, "frame_rate": "25/1"}},
    status=77,
    error="why",
)


async def test_media_come_back_as_they_were_stored(store: SqliteStore) -> None:
    def change(tx: Any) -> None:
        for one in (FULL, media(7), media(8, owner=4)):
            tx.media.put(one)
        tx.media.put(media(7, description="other"))
        tx.media.delete(media(8, owner=4))

    await store.write(change)
    with store.read() as snap:
        assert snap.media.get(9) == FULL
        assert snap.media.get(8) is None
        assert list(snap.media.many([9, 1, 7, 9])) == [9, 7]
        assert snap.media.get(7) == media(7, description="other")
        assert [one.id for one in snap.media.of_account(3, above=0, limit=9)] == [7, 9]
        assert [one.id for one in snap.media.of_account(3, above=7, limit=9)] == [9]
    await store.close()


async def test_media_that_belong_to_nothing_are_found_oldest_first(store: SqliteStore) -> None:
    def change(tx: Any) -> None:
        for one in (
            media(5),
            media(4),
            media(6, status=1),
            media(3, scheduled=1),
            media(2, since=100),
        ):
            tx.media.put(one)

    await store.write(change)
    with store.read() as snap:
        assert [one.id for one in snap.media.free_since(50, limit=9)] == [4, 5]
        assert [one.id for one in snap.media.free_since(50, limit=1)] == [4]
    await store.close()


async def test_files_are_known_by_their_key(store: SqliteStore) -> None:
    def change(tx: Any) -> None:
        tx.media.own_files("a", 3, 1)
        tx.media.own_files("b", None, 1)
        tx.media.own_files("c", 3, 1)
        tx.media.disown_files("c")
        assert tx.media.files_of(3, limit=9) == ["a"]

    await store.write(change)
    with store.read() as snap:
        found = [snap.media.files_owner(key) for key in "abcd"]
    assert found == [(True, 3), (True, None), (False, None), (False, None)]
    await store.close()


async def test_cards_are_shared_by_those_who_link(store: SqliteStore) -> None:
    card = Card(
        url="https://news.example/", fetched_at=1, found=True, title="News", image=("k", "f")
    )

    def change(tx: Any) -> None:
        tx.cards.put(b"1", Card(url=card.url))
        tx.cards.put(b"2", card)
        for status, hash_ in ((10, b"2"), (11, b"2"), (12, b"1"), (13, b"2")):
            tx.cards.link(status, hash_)
        tx.cards.link(13, None)
        tx.cards.link(14, None)

    await store.write(change)
    with store.read() as snap:
        assert snap.cards.get(b"2") == card
        assert snap.cards.get(b"3") is None
        assert snap.cards.of_statuses([10, 11, 12, 13]) == {10: card, 11: card}
        assert [snap.cards.hash_of(status) for status in (12, 13)] == [b"1", None]
        assert snap.cards.linking(b"2", below=99, limit=9) == [11, 10]
        assert snap.cards.linking(b"2", below=11, limit=9) == [10]
        assert snap.cards.unused(2, limit=9) == []
    await store.write(lambda tx: [tx.cards.link(status, None) for status in (10, 11)])
    with store.read() as snap:
        assert snap.cards.unused(2, limit=9) == [(b"2", card)]
        assert snap.cards.unused(1, limit=9) == []
    await store.write(lambda tx: tx.cards.delete(b"2"))
    with store.read() as snap:
        assert snap.cards.get(b"2") is None
    await store.close()


def test_a_card_is_asked_for_again_after_two_weeks_one_that_failed_after_a_day() -> None:
    found = Card(url="x", fetched_at=DAY_MS, found=True)
    failed = Card(url="x", fetched_at=DAY_MS)
    assert Card(url="x").due(DAY_MS * 2)
    assert not found.due(DAY_MS * 14)
    assert found.due(DAY_MS * 15)
    assert not failed.due(DAY_MS * 2 - 1)
    assert failed.due(DAY_MS * 2)


async def test_what_carries_media_is_found_by_an_index(store: SqliteStore) -> None:
    database = store.shared and store._read_database
    for question, index in (
        ("author = 3 AND id < 9 AND media IS NOT NULL", "statuses_with_media"),
        ("media IS NOT NULL AND visibility = 0 AND id < 9", "statuses_public_media"),
    ):
        plan = database.rows(
            f"EXPLAIN QUERY PLAN SELECT id FROM statuses WHERE {question} ORDER BY id DESC LIMIT 20"
        )
        assert index in str(plan), plan
        assert "TEMP B-TREE" not in str(plan), plan
    await store.close()
