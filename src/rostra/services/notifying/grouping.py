"""Notifications in groups: likes and boosts by the status, follows by the day, each listed once.

A group stands in the list where its newest notification does, and nowhere else: whoever pages meets
it once, however many it has. How many it has is the size of a set through the gate, and of the set
only as many members are read as are shown.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, Unpack

from msgspec import Struct

from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.domain.notification_ids import HASH_BITS, OF_STATUS, Span
from rostra.domain.notifications import (
    DAY_TICKS,
    GROUPED_TOGETHER,
    Notification,
    NotificationType,
    group_key,
)
from rostra.domain.pages import Cursors, Page
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.notifying.merging import Group, Told
from rostra.services.notifying.notifications import Wanted, last_read, single, span_of, told_to

SAMPLED: Final = 8
UNGROUPED: Final = "ungrouped-"
LAST_DAY: Final = 2_932_896
"""The last day of the year 9999."""
_TYPES: Final = {type_.label: type_ for type_ in GROUPED_TOGETHER}


class Head(Struct, frozen=True):
    """The newest notification of a group; ``group`` None: it is alone."""

    notification: Notification
    group: Group | None = None


class NotificationGroup(Struct, frozen=True, kw_only=True):
    """A group as it is listed: how many notifications, and who made the newest ones.

    ``oldest_listed`` is the id of the oldest of them that is not older than the page.
    """

    key: str
    newest: Notification
    count: int
    sources: tuple[int, ...]
    oldest_listed: int


def page(
    snap: Snapshot,
    viewer: int,
    *,
    limit: int,
    wanted: Wanted,
    cursors: Cursors,
    grouped: Sequence[NotificationType] = GROUPED_TOGETHER,
) -> list[NotificationGroup]:
    """Return a page of the viewer's notifications in groups, newest first.

    Args:
        snap: the view.
        viewer: whose notifications.
        limit: how many groups at most.
        wanted: which notifications.
        cursors: between which ids the newest of each group is.
        grouped: the types to group; of others each stands alone.
    """
    told = told_to(snap, viewer, wanted)
    span = span_of(cursors)
    found = list(islice(_heads(told, wanted, span, grouped, limit), limit)) if limit > 0 else []
    if span.rising:
        found.reverse()
    if not found:
        return []
    oldest = found[-1].notification.id
    return [_listed(head, oldest) for head in found]


def unread_count(
    snap: Snapshot,
    viewer: int,
    *,
    limit: int,
    wanted: Wanted,
    grouped: Sequence[NotificationType] = GROUPED_TOGETHER,
) -> int:
    """Return how many groups have something newer than the viewer has read, counting to a limit."""
    told = told_to(snap, viewer, wanted)
    span = Span(last_read(snap, viewer))
    return sum(1 for _ in islice(_heads(told, wanted, span, grouped, limit), limit))


def get(snap: Snapshot, viewer: int, key: str) -> NotificationGroup:
    """Return one group of the viewer.

    Raises:
        NotFound: there is none, or nothing in it that the viewer hears of.
    """
    head = _find(snap, viewer, key)
    return _listed(head, head.notification.id)


def sources(snap: Snapshot, viewer: int, key: str, **page: Unpack[Page]) -> list[Notification]:
    """Return a page of the notifications of a group, newest first.

    Args:
        snap: the view.
        viewer: whose.
        key: the group.
        page: ``limit`` and cursors, ids of notifications.

    Raises:
        NotFound: there is no such group.
    """
    head = _find(snap, viewer, key)
    span, limit = span_of(page), page["limit"]
    if head.group is None:
        return [head.notification] if span.has(head.notification.id) and limit else []
    found = head.group.listed(span, limit)
    return found[::-1] if span.rising else found


async def dismiss(ctx: Context, *, actor: int, key: str) -> None:
    """Take a group out of the actor's list; what comes to it later shows again.

    Raises:
        NotFound: there is no such group.
    """

    def change(tx: Transaction) -> None:
        head = _find(tx, actor, key)
        one, group = head.notification, head.group
        if group is None:
            tx.notifications.dismiss(actor, one.id)
            return
        position = one.id >> HASH_BITS
        day = position // DAY_TICKS
        subject = group.subject if group.type in OF_STATUS else day
        below = None if group.type in OF_STATUS else (day + 1) * DAY_TICKS
        newest = tx.sets.newest(group.members.key, limit=1, below=below)
        tx.notifications.dismiss_group(actor, group.type, subject, newest[0].position)

    await ctx.store.write(change)


# -- finding ---------------------------------------------------------------------------------------


def _listed(head: Head, oldest: int) -> NotificationGroup:
    one, group = head.notification, head.group
    if group is None:
        return NotificationGroup(
            key=f"{UNGROUPED}{one.id}",
            newest=one,
            count=1,
            sources=(one.source,),
            oldest_listed=one.id,
        )
    dismissed = group.told.dismissed[1]
    newest = group.members.page(limit=SAMPLED + len(dismissed))
    shown = [each for each in map(group.notification, newest) if each.id not in dismissed]
    return NotificationGroup(
        key=group_key(one),
        newest=one,
        count=group.count(),
        sources=tuple(each.source for each in shown[:SAMPLED]),
        oldest_listed=_oldest(group, shown, oldest),
    )


def _oldest(group: Group, newest: Sequence[Notification], floor: int) -> int:
    """Return the oldest notification of a group that is not below an id."""
    within = [one for one in newest if one.id >= floor]
    if len(within) < len(newest) or len(newest) < SAMPLED:
        return within[-1].id
    found = group.listed(Span(above=floor - 1, rising=True), 1)
    return found[0].id if found else within[-1].id


def _find(view: View, viewer: int, key: str) -> Head:
    name, _, text = key.rpartition("-")
    number = parse_id(text)
    if number is None:
        raise NotFound
    told = told_to(view, viewer, Wanted(filtered=True))
    if f"{name}-" == UNGROUPED:
        span = Span(number - 1, number + 1)
        alone = next(single(told, Wanted(), span, 1), None) if number else None
        if alone is None:
            raise NotFound
        return Head(alone)
    type_ = _TYPES.get(name)
    if type_ is None or (type_ in OF_STATUS and number not in told.about([number])):
        raise NotFound
    if type_ in OF_STATUS:
        group = told.group(type_, number)
    elif number <= LAST_DAY:
        group = told.group(type_, 0, day=number)
    else:
        raise NotFound
    newest = group.newest()
    if newest is None:
        raise NotFound
    return Head(newest, group)


# -- the list --------------------------------------------------------------------------------------


def _heads(
    told: Told, wanted: Wanted, span: Span, grouped: Sequence[NotificationType], at_once: int
) -> Iterator[Head]:
    """Yield the newest notification of each group, in the order of the span."""
    types = wanted.all_types()
    if wanted.account_id is not None:
        yield from _by_source(told, wanted, span, grouped, at_once)
        return
    span = Span(max(span.above, told.dismissed[0]), span.below, span.rising)
    together = [type_ for type_ in types if type_ in grouped and type_ in GROUPED_TOGETHER]
    alone = Wanted(types=[type_ for type_ in types if type_ not in together])
    streams: list[Iterator[Head]] = [map(Head, single(told, alone, span, at_once))]
    of_status = [type_ for type_ in together if type_ in OF_STATUS]
    if of_status:
        streams.append(_of_statuses(told, of_status, span))
    if NotificationType.FOLLOW in together:
        streams.append(_of_days(told, span))
    sign = 1 if span.rising else -1
    yield from heapq.merge(*streams, key=partial(_place, sign))


def _place(sign: int, head: Head) -> int:
    return sign * head.notification.id


def _of_statuses(told: Told, types: Sequence[NotificationType], span: Span) -> Iterator[Head]:
    """Yield the groups of statuses; each is opened when its newest notification may be next."""
    falling = _opened(told, types, span)
    return reversed(list(falling)) if span.rising else falling


def _opened(told: Told, types: Sequence[NotificationType], span: Span) -> Iterator[Head]:
    heap: list[tuple[int, int, Head]] = []
    for count, (group, bound) in enumerate(told.newest_first(types, span.above)):
        while heap and -heap[0][0] > bound:
            yield heapq.heappop(heap)[2]
        newest = group.newest()
        if newest is not None and span.has(newest.id):
            heapq.heappush(heap, (-newest.id, count, Head(newest, group)))
    while heap:
        yield heapq.heappop(heap)[2]


def _of_days(told: Told, span: Span) -> Iterator[Head]:
    for group in told.days(span):
        newest = group.newest()
        if newest is not None and span.has(newest.id):
            yield Head(newest, group)


def _by_source(
    told: Told, wanted: Wanted, span: Span, grouped: Sequence[NotificationType], at_once: int
) -> Iterator[Head]:
    """Yield what one account did; it is once in each group, and stands for that."""
    for one in single(told, wanted, span, at_once):
        if one.type not in grouped or one.type not in GROUPED_TOGETHER:
            yield Head(one)
            continue
        subject = one.status or 0
        day = None if one.type in OF_STATUS else (one.id >> HASH_BITS) // DAY_TICKS
        yield Head(one, told.group(one.type, subject, day=day))
