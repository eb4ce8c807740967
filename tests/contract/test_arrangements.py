"""What accounts arrange for themselves, as stored: lists, filters, hashtags, what is personal."""

from __future__ import annotations

from random import Random

import pytest
from msgspec import structs

from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    FiltersChanged,
    ListsChanged,
    TagsFollowed,
)
from rostra.domain.filters import Filter, FilterAction, FilterContext, FilterStatus, Keyword
from rostra.domain.lists import AccountList, RepliesPolicy
from rostra.domain.personal import (
    BlockedDomain,
    ExpandMedia,
    MarkedTimeline,
    Marker,
    Preferences,
)
from rostra.domain.statuses import Status, Visibility
from rostra.domain.tags import FeaturedTag, TagFollow, TagUse
from rostra.storage import tag_uses
from rostra.storage.database.sqlite import Database
from rostra.storage.filters import FilterStore, FilterStoreWriter
from rostra.storage.lists import ListStore, ListStoreWriter
from rostra.storage.personal import PersonalStore, PersonalStoreWriter
from rostra.storage.status_writer import StatusStoreWriter
from rostra.storage.tags import TagStore, TagStoreWriter


def test_lists(database: Database, events: list[AnyEvent]) -> None:
    writer, reader = ListStoreWriter(database, events.append), ListStore(database)
    first = AccountList(account=1, id=10, title="a", replies=RepliesPolicy.NONE, exclusive=True)
    second = AccountList(account=1, id=11, title="b")
    other = AccountList(account=2, id=12, title="c")
    for each in (second, first, other):
        writer.put(each)
    assert reader.of(1) == [first, second]
    assert reader.get(1, 10) == first
    assert reader.get(2, 10) is None
    assert reader.exclusive([1, 2, 3]) == [first]
    assert reader.of_many([1, 2]) == [first, second, other]
    changed = structs.replace(first, title="z", exclusive=False, replies=RepliesPolicy.FOLLOWED)
    writer.put(changed)
    assert reader.get(1, 10) == changed
    assert reader.exclusive([1]) == []
    writer.delete(1, 10)
    assert reader.of(1) == [second]
    assert events == [ListsChanged(account) for account in (1, 1, 2, 1, 1)]


def test_filters(database: Database, events: list[AnyEvent]) -> None:
    writer, reader = FilterStoreWriter(database, events.append), FilterStore(database)
    assert reader.of(1) == ()
    made = Filter(
        account=1,
        id=5,
        title="x",
        contexts=(FilterContext.HOME, FilterContext.THREAD),
        action=FilterAction.BLUR,
        expires_at=99,
        keywords=(Keyword(6, "ship"), Keyword(7, "oar", False)),
        statuses=(FilterStatus(8, 2**60),),
    )
    writer.put(made)
    assert writer.of(1) == (made,)
    assert reader.of(1) == ()  # kept, until the feed tells
    reader.apply(FiltersChanged(2))
    assert reader.of(1) == ()
    reader.apply(FiltersChanged(1))
    assert reader.of(1) == (made,)
    writer.delete(1, 5)
    reader.apply(EverythingReplaced())
    assert reader.of(1) == ()
    assert events == [FiltersChanged(1), FiltersChanged(1)]


def test_hashtags_followed_and_featured(database: Database, events: list[AnyEvent]) -> None:
    writer, reader = TagStoreWriter(database, events.append), TagStore(database)
    assert reader.number("ships") is None
    writer.name("ships", 77)
    assert reader.number("ships") == 77
    for id_, tag in ((3, "ships"), (5, "oars"), (8, "sails")):
        writer.follow(1, TagFollow(id_, tag))
    assert [each.tag for each in reader.followed(1, limit=9)] == ["sails", "oars", "ships"]
    assert [each.id for each in reader.followed(1, limit=1, max_id=8)] == [5]
    assert [each.id for each in reader.followed(1, limit=1, min_id=3)] == [5]
    assert reader.count_followed(1) == 3
    assert reader.follows(1, "oars")
    assert not reader.follows(2, "oars")
    writer.unfollow(1, "oars")
    assert reader.count_followed(1) == 2
    assert events == [TagsFollowed(1)] * 4
    for id_, tag in ((4, "b"), (2, "a")):
        writer.feature(1, FeaturedTag(id_, tag))
    assert reader.featured(1) == [FeaturedTag(2, "a"), FeaturedTag(4, "b")]
    assert reader.features(1, "a")
    writer.unfeature(1, "a")
    assert reader.featured(1) == [FeaturedTag(4, "b")]


def test_the_use_of_hashtags(database: Database, events: list[AnyEvent]) -> None:
    statuses = StatusStoreWriter(database, events.append)
    reader = TagStore(database)
    for id_, author, visibility, tags in (
        (1, 1, Visibility.PUBLIC, ("a",)),
        (2, 1, Visibility.UNLISTED, ("a", "b")),
        (3, 1, Visibility.PRIVATE, ("a", "c")),
        (4, 2, Visibility.PUBLIC, ("a",)),
    ):
        statuses.create(
            Status(id=id_, author=author, created_at=0, visibility=visibility, tags=tags)
        )
    assert reader.use(1, "a") == TagUse("a", 2, 2)
    assert reader.use(1, "c") == TagUse("c", 0, None)
    assert reader.most_used(1, limit=9) == ["a", "b"]
    assert reader.most_used(1, limit=1) == ["a"]
    for store in (reader, TagStoreWriter(database, events.append)):
        assert uses(store, "a") == [(1, 1), (4, 2)]
        assert uses(store, "a", since=2) == [(4, 2)]
        assert uses(store, "never") == []


def uses(store: TagStore, tag: str, since: int = 0) -> list[tuple[int, int]]:
    ids, authors = store.uses(tag, since=since)
    return list(zip(ids.tolist(), authors.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_the_uses_kept_are_those_stored(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_uses, "MAX_TOUCHED", 15)
    random, tags = Random(seed), ("a", "b", "c")
    events: list[AnyEvent] = []
    statuses = StatusStoreWriter(database, events.append)
    reader, plain = TagStore(database), TagStoreWriter(database, events.append)
    there: dict[int, Status] = {}
    since = newest = 0
    for _ in range(400):
        act = random.random()
        if act < 0.5 or not there:
            newest += random.randrange(1, 5)
            id_ = newest if act < 0.45 or newest < 9 else random.randrange(1, newest)
            if id_ in there:
                continue
            there[id_] = Status(
                id=id_,
                author=random.randrange(1, 5),
                created_at=0,
                visibility=random.choice((Visibility.PUBLIC, Visibility.UNLISTED)),
                tags=tuple(random.sample(tags, random.randrange(3))),
            )
            statuses.create(there[id_])
        elif act < 0.65:
            statuses.delete(there.pop(random.choice([*there])))
        elif act < 0.8:
            before = there[random.choice([*there])]
            after = structs.replace(before, tags=tuple(random.sample(tags, random.randrange(3))))
            statuses.update(before, after, edited=True)
            there[after.id] = after
        elif act < 0.83:
            since += random.randrange(10)
        for event in events:
            reader.apply(event)
        events.clear()
        if random.random() < 0.5:
            tag = random.choice(tags)
            assert uses(reader, tag, since) == uses(plain, tag, since)


def test_what_is_personal(database: Database) -> None:
    writer, reader = PersonalStoreWriter(database), PersonalStore(database)
    assert reader.markers(1) == {}
    for version in (1, 2):
        writer.set_marker(1, Marker(MarkedTimeline.HOME, 2**60 + version, version, 5))
    home = Marker(MarkedTimeline.HOME, 2**60 + 2, 2, 5)
    assert reader.markers(1) == {MarkedTimeline.HOME: home}
    assert reader.preferences(1) == Preferences()
    wanted = Preferences(ExpandMedia.HIDE_ALL, True, True)
    writer.set_preferences(1, wanted)
    assert reader.preferences(1) == wanted
    for id_, domain in ((3, "a.example"), (4, "b.example")):
        writer.block_domain(1, BlockedDomain(id_, domain))
    assert reader.blocked_domains(1, limit=1) == [BlockedDomain(4, "b.example")]
    assert reader.blocked_domains(1, limit=1, min_id=0) == [BlockedDomain(3, "a.example")]
    assert reader.blocks_domain(1, "a.example")
    assert reader.count_blocked_domains(1) == 2
    writer.unblock_domain(1, "a.example")
    assert not reader.blocks_domain(1, "a.example")
    writer.set_preferences(2, wanted)
    writer.forget(1)
    assert reader.markers(1) == {}
    assert reader.preferences(1) == Preferences()
    assert reader.blocked_domains(1, limit=9) == []
    assert reader.preferences(2) == wanted


@pytest.mark.parametrize(
    ("keyword", "whole", "pattern"),
    [
        ("cat", True, r"\bcat\b"),
        ("cat", False, "cat"),
        ("#cat", True, r"\#cat\b"),
        ("c++", True, r"\bc\+\+"),
        ("a.b", False, r"a\.b"),
    ],
)
def test_the_pattern_of_a_keyword(keyword: str, whole: bool, pattern: str) -> None:
    assert Keyword(1, keyword, whole).pattern == pattern
