"""Statuses: what is written is read back, is found, and goes with all that hangs on it."""

from __future__ import annotations

import pytest

from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.ids import snowflake
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.statuses import Poll, Status, Visibility
from rostra.storage.database.sqlite import Database
from rostra.storage.notifications import NotificationStoreWriter
from rostra.storage.status_writer import StatusStoreWriter
from rostra.storage.statuses import StatusStore

FULL = Status(
    id=100,
    author=3,
    created_at=1_700_000_000_000,
    visibility=Visibility.PRIVATE,
    text="hello @ada #Fox",
    content="<p>hello</p>",
    spoiler_text="foxes",
    sensitive=True,
    language="en",
    in_reply_to=90,
    in_reply_to_author=4,
    mentions=(4, 5),
    tags=("fox", "den"),
    poll=Poll(options=("a", "b"), multiple=True, hide_totals=True, expires_at=1_800_000_000_000),
    application=12,
    edited_at=1_700_000_000_001,
)


def status(status_id: int, author: int = 1, **fields: object) -> Status:
    return Status(id=status_id, author=author, created_at=1, **fields)  # type: ignore[arg-type]


@pytest.fixture
def writer(database: Database, events: list[AnyEvent]) -> StatusStoreWriter:
    return StatusStoreWriter(database, events.append)


@pytest.fixture
def reader(database: Database) -> StatusStore:
    return StatusStore(database)


def test_a_status_is_read_back_as_it_was_written(
    writer: StatusStoreWriter, reader: StatusStore, events: list[AnyEvent]
) -> None:
    writer.create(FULL)
    writer.create(status(101, 4, reblog_of=100))
    assert reader.get(100) == writer.get(100) == FULL
    assert reader.boost_by(4, 100) == status(101, 4, reblog_of=100)
    assert reader.get(1) is reader.boost_by(3, 100) is None
    assert events == [
        StatusCreated(
            id=100,
            author=3,
            visibility=2,
            in_reply_to=90,
            in_reply_to_author=4,
            tags=("fox", "den"),
            mentions=(4, 5),
        ),
        StatusCreated(id=101, author=4, visibility=0, reblog_of=100),
    ]


def test_many_come_in_the_order_asked_for(writer: StatusStoreWriter, reader: StatusStore) -> None:
    writer.create_many([status(n) for n in range(1, 1_201)], announce=False)
    reader.get(600)
    assert [*reader.many([1_100, 600, 5_000, 1, 600])] == [1_100, 600, 1]
    assert len(writer.many(range(2_000))) == 1_200


def test_statuses_made_in_bulk_are_announced_only_when_asked(
    writer: StatusStoreWriter, events: list[AnyEvent]
) -> None:
    writer.create_many([FULL], announce=False)
    assert events == []
    assert writer.tagged("fox", limit=5) == [100]


def test_a_reader_keeps_a_status_until_an_event_names_it(
    database: Database, writer: StatusStoreWriter, reader: StatusStore
) -> None:
    writer.create(FULL)
    assert reader.get(100) == FULL
    database.run("UPDATE statuses SET text = 'edited' WHERE id = 100")
    assert reader.get(100) == FULL
    reader.apply(StatusChanged(100))
    edited = reader.get(100)
    assert edited is not None
    assert edited.text == "edited"
    database.run("UPDATE statuses SET text = 'again' WHERE id = 100")
    reader.apply(EverythingReplaced())
    again = reader.get(100)
    assert again is not None
    assert again.text == "again"


def test_an_authors_statuses_come_in_pages_and_by_kind(
    writer: StatusStoreWriter, reader: StatusStore
) -> None:
    writer.create_many(
        [
            status(1),
            status(2, visibility=Visibility.DIRECT),
            status(3, in_reply_to=1, in_reply_to_author=1),
            status(4, in_reply_to=50, in_reply_to_author=9),
            status(5, reblog_of=60),
            status(6, tags=("fox",), visibility=Visibility.UNLISTED),
            status(7, author=2, tags=("fox",)),
        ]
    )

    def ids(limit: int = 20, **options: object) -> list[int]:
        return [one.id for one in reader.by_author(1, limit=limit, **options)]  # type: ignore[arg-type]

    assert ids() == [6, 5, 4, 3, 2, 1]
    assert ids(2) == [6, 5]
    assert ids(2, max_id=5) == [4, 3]
    assert ids(2, since_id=2) == [6, 5]
    assert ids(2, min_id=2) == [4, 3]
    assert ids(max_id=5, min_id=2) == [4, 3]
    assert ids(visibilities=(0, 1)) == [6, 5, 4, 3, 1]
    assert ids(exclude_replies=True) == [6, 5, 3, 2, 1]
    assert ids(exclude_reblogs=True) == [6, 4, 3, 2, 1]
    assert ids(tagged="FOX") == [6]
    assert ids(visibilities=(0,), exclude_replies=True, exclude_reblogs=True) == [3, 1]


def test_counts_and_last_statuses_follow_events(
    writer: StatusStoreWriter, reader: StatusStore, events: list[AnyEvent]
) -> None:
    def publish() -> None:
        for event in events:
            reader.apply(event)
        events.clear()

    def counts() -> tuple[int, int, int]:
        last = reader.last_by_author(1)
        return reader.count_by_author(1), reader.count(), last.id if last else 0

    assert counts() == (0, 0, 0)
    writer.create(status(1))
    publish()
    assert counts() == (1, 1, 1)
    writer.create(status(2, visibility=Visibility.DIRECT))
    publish()
    assert counts() == (1, 2, 1)
    writer.create(status(3, reblog_of=1))
    writer.create(status(4, author=2))
    publish()
    assert counts() == (2, 4, 3)
    writer.delete(status(3, reblog_of=1))
    publish()
    assert counts() == (1, 3, 1)
    assert (writer.count_by_author(1), writer.count()) == (1, 3)


def test_replies_follow_events(
    writer: StatusStoreWriter, reader: StatusStore, events: list[AnyEvent]
) -> None:
    assert reader.replies(1) == []
    reply = status(5, author=2, in_reply_to=1, in_reply_to_author=1, visibility=Visibility.PRIVATE)
    writer.create(reply)
    assert reader.replies(1) == []
    reader.apply(events[-1])
    assert reader.replies(1) == writer.replies(1) == [(5, 2, 2)]
    writer.delete(reply)
    reader.apply(events[-1])
    assert reader.replies(1) == []


def test_a_hashtag_has_its_statuses_in_pages(
    writer: StatusStoreWriter, reader: StatusStore
) -> None:
    writer.create_many([status(n, author=n % 3, tags=("fox", "fox")) for n in range(1, 8)])
    assert reader.tagged("Fox", limit=3) == [7, 6, 5]
    assert reader.tagged("fox", limit=3, max_id=5) == [4, 3, 2]
    assert reader.tagged("fox", limit=3, since_id=2) == [7, 6, 5]
    assert reader.tagged("fox", limit=3, min_id=2) == [5, 4, 3]
    assert reader.tagged("den", limit=3) == []


def test_a_deleted_status_leaves_its_boosts_and_notifications_to_a_job(
    database: Database, writer: StatusStoreWriter, events: list[AnyEvent]
) -> None:
    notifications = NotificationStoreWriter(database, lambda _: None)
    writer.create(FULL)
    writer.create(status(101, author=8, reblog_of=100))
    writer.create(status(102, author=9, reblog_of=100))
    writer.create(status(103, author=9))
    writer.remember_idempotency(3, "key", 100)
    for about in (100, 103):
        notifications.store(
            Notification(
                id=about,
                type=NotificationType.MENTION,
                account=4,
                source=3,
                created_at=1,
                status=about,
            )
        )
        notifications.touch_group(3, NotificationType.FAVOURITE, about, 55)
    notifications.touch_group(3, NotificationType.FOLLOW, 0, 54)
    events.clear()

    writer.delete(FULL)

    assert events == [
        StatusDeleted(
            id=100, author=3, in_reply_to=90, visibility=2, tags=("fox", "den"), mentions=(4, 5)
        )
    ]
    assert [*writer.many([100, 101, 102, 103])] == [101, 102, 103]
    assert [one.id for one in writer.boosts(100, limit=9)] == [101, 102]
    assert len(writer.boosts(100, limit=1)) == 1
    assert writer.tagged("fox", limit=5) == []
    assert writer.idempotent(3, "key") is None
    assert database.rows("SELECT * FROM mentions") == []
    assert notifications.forget_status(100, limit=5) == 1
    assert notifications.forget_status(100, limit=5) == 0
    assert [one.id for one in notifications.stored(4, limit=5)] == [103]
    assert [group[1] for group in notifications.groups(3)] == [103, 0]


def test_an_idempotency_key_belongs_to_its_account(
    writer: StatusStoreWriter, reader: StatusStore
) -> None:
    early, late = snowflake(1_000), snowflake(2_000)
    writer.remember_idempotency(1, "key", early)
    writer.remember_idempotency(2, "key", late)
    assert reader.idempotent(1, "key") == early
    assert reader.idempotent(2, "key") == late
    assert reader.idempotent(3, "key") is None


def test_an_import_asks_who_said_what_when(writer: StatusStoreWriter, reader: StatusStore) -> None:
    writer.create_many(
        [
            status(1),
            status(2, author=2),
            status(3, reblog_of=2),
            status(4, visibility=Visibility.DIRECT),
            status(9),
        ]
    )
    assert reader.latest_by_author(below=9, visibilities=(0, 1)) == {1: 1, 2: 2}
    assert reader.authors_between(2, 9) == {2: 2, 3: 1, 4: 1}
