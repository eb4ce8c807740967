"""Notifications: stored ones in pages, sets with news, and what was dismissed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rostra.domain.events import AnyEvent, NotificationsChanged, Notified
from rostra.domain.ids import SEQUENCE_BITS
from rostra.domain.notifications import Notification, NotificationType, Policy, Verdict
from rostra.storage.database.sqlite import Database
from rostra.storage.notifications import NotificationStoreWriter


def mention(
    notification_id: int, account: int = 1, type_: NotificationType = NotificationType.MENTION
) -> Notification:
    return Notification(
        id=notification_id, type=type_, account=account, source=2, created_at=5, status=9
    )


@pytest.fixture
def store(database: Database, events: list[AnyEvent]) -> NotificationStoreWriter:
    return NotificationStoreWriter(database, events.append)


def test_stored_notifications_come_in_pages(
    store: NotificationStoreWriter, events: list[AnyEvent]
) -> None:
    for notification_id in range(1, 6):
        store.store(mention(notification_id))
    store.store(mention(6, type_=NotificationType.POLL))
    store.store(mention(7, account=3))

    def ids(limit: int = 20, **options: object) -> list[int]:
        return [one.id for one in store.stored(1, limit=limit, **options)]  # type: ignore[arg-type]

    assert ids() == [6, 5, 4, 3, 2, 1]
    assert ids(2, max_id=5) == [4, 3]
    assert ids(2, since_id=2) == [6, 5]
    assert ids(2, min_id=2) == [4, 3]
    assert ids(types=[NotificationType.POLL]) == [6]
    assert ids(types=[]) == []
    assert store.get_stored(1, 6) == mention(6, type_=NotificationType.POLL)
    assert store.get_stored(1, 7) is None
    assert events == [*(Notified(1, id_) for id_ in range(1, 7)), Notified(3, 7)]


def test_a_set_has_its_newest_position_once(store: NotificationStoreWriter) -> None:
    store.touch_group(1, NotificationType.FAVOURITE, 50, 100)
    store.touch_group(1, NotificationType.FAVOURITE, 50, 300)
    store.touch_group(1, NotificationType.FAVOURITE, 50, 200)
    store.touch_group(1, NotificationType.FOLLOW, 0, 250)
    store.touch_group(2, NotificationType.FOLLOW, 0, 900)
    favourite, follow = (int(NotificationType.FAVOURITE), 50, 300), (3, 0, 250)
    assert store.groups(1) == [favourite, follow]
    assert store.groups(1, limit=1) == [favourite]
    assert store.groups(1, above=250) == [favourite]
    assert store.groups(1, types=[NotificationType.FOLLOW]) == [follow]
    assert store.groups(1, types=[]) == []


def test_one_notification_is_dismissed(store: NotificationStoreWriter) -> None:
    store.store(mention(1))
    store.store(mention(2))
    store.dismiss(1, 2)
    store.dismiss(1, 2)
    store.dismiss(1, 77)  # of a set, so never stored
    assert [one.id for one in store.stored(1, limit=5)] == [1]
    assert store.dismissed(1) == (0, frozenset({2, 77}))
    assert store.dismissed(2) == (0, frozenset())


def test_all_up_to_an_id_are_dismissed(store: NotificationStoreWriter) -> None:
    through = (200 << SEQUENCE_BITS) + 5
    for notification_id in (through - 1, through, through + 1):
        store.store(mention(notification_id))
    store.store(mention(1, account=2))
    for subject, latest in ((50, 199), (51, 200), (52, 201)):
        store.touch_group(1, NotificationType.FAVOURITE, subject, latest)
    store.dismiss(1, through - 9)
    store.dismiss(1, through + 9)

    store.dismiss_all(1, through)

    assert [one.id for one in store.stored(1, limit=5)] == [through + 1]
    assert [one.id for one in store.stored(2, limit=5)] == [1]
    # The set whose newest is of the very tick may still have a member above the id.
    assert [group[1] for group in store.groups(1)] == [52, 51]
    assert store.dismissed(1) == (through, frozenset({through + 9}))
    store.dismiss_all(1, through - 3)
    assert store.dismissed(1)[0] == through


def test_what_is_told_to_hold_back_is_kept(
    store: NotificationStoreWriter, events: list[AnyEvent]
) -> None:
    assert store.policy(1) == Policy()
    policy = Policy(not_following=Verdict.DROP, limited_accounts=Verdict.ACCEPT)
    store.set_policy(1, policy)
    assert store.policy(1) == policy
    assert store.policy(2) == Policy()
    store.dismiss_request(1, 7, 40)
    store.dismiss_request(1, 7, 50)
    assert store.requests_dismissed(1) == {7: 50}
    assert store.requests_dismissed(2) == {}
    assert set(events) == {NotificationsChanged(1)}


def test_groups_are_dismissed_up_to_a_position(store: NotificationStoreWriter) -> None:
    store.dismiss_group(1, NotificationType.FAVOURITE, 50, 100)
    store.dismiss_group(1, NotificationType.FAVOURITE, 50, 200)
    store.dismiss_group(1, NotificationType.FAVOURITE, 51, 300)
    store.dismiss_group(1, NotificationType.FOLLOW, 20_000, 100)
    assert store.groups_dismissed(1, NotificationType.FAVOURITE) == {50: 200, 51: 300}
    assert store.groups_dismissed(1, NotificationType.FAVOURITE, 50) == {50: 200}
    assert store.groups_dismissed(2, NotificationType.FAVOURITE) == {}
    store.dismiss_all(1, 250 << SEQUENCE_BITS)
    assert store.groups_dismissed(1, NotificationType.FAVOURITE) == {51: 300}


def test_groups_by_subject(store: NotificationStoreWriter) -> None:
    for subject, latest in ((50, 300), (51, 100), (52, 200), (53, 400)):
        store.touch_group(1, NotificationType.FAVOURITE, subject, latest)

    def found(**options: int) -> list[tuple[int, int]]:
        given = {"after": 0, "above": 0, "limit": 10} | options
        return store.groups_by_subject(1, NotificationType.FAVOURITE, **given)

    assert found() == [(50, 300), (51, 100), (52, 200), (53, 400)]
    assert found(above=100) == [(50, 300), (52, 200), (53, 400)]
    assert found(after=50, limit=2) == [(51, 100), (52, 200)]


def test_stored_ones_of_one_source(store: NotificationStoreWriter) -> None:
    for notification_id in range(1, 5):
        store.store(replace(mention(notification_id), source=notification_id % 2))
    assert [one.id for one in store.stored(1, limit=5, source=1)] == [3, 1]
    assert [one.id for one in store.stored(1, limit=5, source=1, max_id=3)] == [1]
