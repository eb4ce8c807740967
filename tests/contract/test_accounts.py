"""Accounts: what is written is read back, is found, and never read stale."""

from __future__ import annotations

import pytest

from rostra.domain.accounts import Account, Credentials, Field, Role
from rostra.domain.events import AccountChanged, AnyEvent, EverythingReplaced
from rostra.domain.relationships import FollowOptions, Kept, MuteOptions
from rostra.storage.accounts import AccountStore, AccountStoreWriter
from rostra.storage.database.sqlite import Database
from rostra.storage.rows import Cache

FULL = Account(
    ordinal=7,
    id=7_000,
    username="Ada_L",
    created_at=1_700_000_000_000,
    display_name="Ada 🦊",
    note="counts\nthings",
    fields=(Field("site", "https://example.org"), Field("", "")),
    avatar="avatars/7.png",
    header="headers/7.png",
    locked=True,
    bot=True,
    discoverable=False,
    indexable=True,
    hide_collections=True,
    role=Role.MODERATOR,
    default_visibility="private",
    default_sensitive=True,
    default_language="pt",
)


def account(ordinal: int, username: str, display_name: str = "") -> Account:
    return Account(
        ordinal=ordinal, id=ordinal * 10, username=username, created_at=1, display_name=display_name
    )


@pytest.fixture
def writer(database: Database, events: list[AnyEvent]) -> AccountStoreWriter:
    return AccountStoreWriter(database, events.append)


@pytest.fixture
def reader(database: Database) -> AccountStore:
    return AccountStore(database)


def test_an_account_is_read_back_as_it_was_written(
    writer: AccountStoreWriter, reader: AccountStore, events: list[AnyEvent]
) -> None:
    writer.create(FULL)
    for store in (writer, reader):
        assert store.get(7) == store.by_id(7_000) == FULL
        assert store.by_username("aDA_l") == FULL
        assert store.get(8) is store.by_id(8) is store.by_username("ada") is None
    assert events == [AccountChanged(7)]


def test_many_come_in_the_order_asked_for(writer: AccountStoreWriter, reader: AccountStore) -> None:
    writer.create_many([account(n, f"u{n}") for n in range(1, 1_201)])
    reader.get(600)
    wanted = [1_100, 600, 5_000, 1, 600]
    assert [*reader.many(wanted)] == [*writer.many(wanted)] == [1_100, 600, 1]
    assert len(reader.many(range(2_000))) == 1_200


def test_a_reader_keeps_an_account_until_an_event_names_it(
    writer: AccountStoreWriter, reader: AccountStore, events: list[AnyEvent]
) -> None:
    writer.create(FULL)
    kept = reader.by_username("ada_l")
    renamed = account(7, "lovelace")
    writer.update(renamed)
    assert reader.get(7) is kept
    assert writer.get(7) == renamed
    reader.apply(events[-1])
    assert reader.get(7) == renamed
    assert reader.by_username("ada_l") is None
    assert reader.by_username("lovelace") == renamed


def test_replacing_everything_forgets_all(
    database: Database, writer: AccountStoreWriter, reader: AccountStore
) -> None:
    writer.create_many([FULL], announce=False)
    assert reader.get(7) == FULL
    assert reader.count() == 1
    database.run("DELETE FROM accounts")
    reader.apply(EverythingReplaced())
    assert reader.get(7) is None
    assert reader.by_id(7_000) is None
    assert reader.count() == 0


def test_the_count_follows_events(
    writer: AccountStoreWriter, reader: AccountStore, events: list[AnyEvent]
) -> None:
    assert reader.count() == writer.count() == 0
    writer.create(account(1, "a"))
    writer.create(account(5, "b"))
    writer.update(account(1, "c"))
    for event in events:
        reader.apply(event)
    assert reader.count() == writer.count() == 2


def test_search_finds_names_that_begin_so_before_those_that_hold_it(
    writer: AccountStoreWriter, reader: AccountStore
) -> None:
    names = [
        (1, "panda", ""),
        (2, "andy", "x"),
        (3, "zed", "Candy Émile"),
        (4, "Andrea", ""),
        (5, "bob", ""),
    ]
    for ordinal, username, display_name in names:
        writer.create(account(ordinal, username, display_name))

    def found(text: str, *, limit: int = 10, offset: int = 0) -> list[int]:
        return [one.ordinal for one in reader.search(text, limit=limit, offset=offset)]

    assert found("AND") == [4, 2, 1, 3]
    assert [found("and", limit=1, offset=n) for n in range(5)] == [[4], [2], [1], [3], []]
    assert found("and", limit=3, offset=1) == [2, 1, 3]
    assert found("Émile") == [3]
    assert found("") == found("and", limit=0) == []


@pytest.mark.parametrize("text", ["%", "_", "\\", "a%b", "'", "nd_"])
def test_search_takes_signs_of_patterns_as_they_are(
    writer: AccountStoreWriter, reader: AccountStore, text: str
) -> None:
    writer.create(account(1, "andy", "plain"))
    writer.create(account(2, "bob", f"has {text} inside"))
    assert [one.ordinal for one in reader.search(text, limit=5)] == [2]


def test_pages_go_by_id(writer: AccountStoreWriter, reader: AccountStore) -> None:
    writer.create_many([account(n, f"u{n}") for n in range(1, 8)])

    def ids(limit: int, **bounds: int) -> list[int]:
        return [one.id for one in reader.page(limit=limit, **bounds)]  # type: ignore[arg-type]

    assert ids(3) == [70, 60, 50]
    assert ids(3, max_id=50) == [40, 30, 20]
    assert ids(3, min_id=20) == [50, 40, 30]
    assert ids(9, min_id=20, max_id=50) == [40, 30]


def test_ordinals_are_given_out_once(writer: AccountStoreWriter, reader: AccountStore) -> None:
    assert reader.next_ordinal() == 1
    assert writer.reserve_ordinals(3) == 1
    assert writer.reserve_ordinals(1) == 4
    assert reader.next_ordinal() == 5


def test_credentials_are_found_by_address_in_any_case(
    writer: AccountStoreWriter, reader: AccountStore, events: list[AnyEvent]
) -> None:
    writer.set_credentials(Credentials(ordinal=7, email="Ada@Example.org", password_hash="h1"))
    writer.set_credentials(Credentials(ordinal=7, email="ada@example.org", password_hash="h2"))
    credentials = Credentials(ordinal=7, email="ada@example.org", password_hash="h2")
    assert reader.credentials(7) == reader.credentials_by_email("ADA@example.org") == credentials
    assert reader.credentials(8) is reader.credentials_by_email("a@b.c") is None
    assert events == [AccountChanged(7)] * 2
    writer.remove_credentials(7)
    assert reader.credentials(7) is None


def test_options_and_notes_are_kept_where_they_differ_from_the_default(
    database: Database, writer: AccountStoreWriter, reader: AccountStore
) -> None:
    follow = FollowOptions(reblogs=False, notify=True, languages=("de", "en"))
    mute = MuteOptions(notifications=False, until=1_700_000_000_000)
    writer.set_follow_options(1, 2, follow)
    writer.set_mute_options(1, 3, mute)
    writer.set_mute_options(1, 2, MuteOptions())
    writer.set_note(1, 2, "met at the fair")
    assert reader.follow_options(1, [2, 3, 4]) == {2: follow}
    assert reader.mute_options(1, [2, 3, 4]) == {3: mute}
    assert reader.follow_options(2, [1]) == {}
    assert reader.kept(1, [2, 3, 4]) == {
        2: Kept(follow=follow, note="met at the fair"),
        3: Kept(mute=mute),
    }
    writer.set_follow_options(1, 2, FollowOptions())
    writer.set_mute_options(1, 3, None)
    assert reader.kept(1, [2, 3]) == {2: Kept(note="met at the fair")}
    writer.set_note(1, 2, "")
    assert database.rows("SELECT * FROM relationship_options") == []


def test_bells_are_the_followers_who_asked_for_each_status(
    writer: AccountStoreWriter, reader: AccountStore
) -> None:
    for follower in (5, 3, 9):
        writer.set_follow_options(follower, 2, FollowOptions(notify=True))
    writer.set_follow_options(4, 2, FollowOptions(reblogs=False))
    writer.set_follow_options(6, 7, FollowOptions(notify=True))
    assert reader.bells(2, above=0, limit=2) == [3, 5]
    assert reader.bells(2, above=5, limit=2) == [9]


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache: Cache[int, str] = Cache(100)
    cache.put(0, "hot")
    for key in range(1, 1_000):
        cache.put(key, str(key))
        assert cache.get(0) == "hot"
        assert len(cache) <= 101
    assert cache.get(1) is None
    assert cache.get(999) == "999"
    cache.drop(999)
    assert cache.get(999) is None
