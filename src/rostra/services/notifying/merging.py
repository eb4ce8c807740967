"""What an account is told, as lazy streams: stored notifications, and members of sets.

How a member is told from others is in ``domain/notification_ids.py``.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Final

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.ids import snowflake_ms, ticks
from rostra.domain.notification_ids import (
    GROUPED,
    HASH_BITS,
    HASH_MASK,
    NEAR_TICKS,
    OF_STATUS,
    Span,
    group_hash,
    group_set,
    member_notification,
)
from rostra.domain.notifications import DAY_TICKS, Notification, NotificationType, day_of
from rostra.domain.statuses import Status
from rostra.ports import View
from rostra.services.notifying.sifting import END, HeardMembers, Hearing

AT_ONCE: Final = 5
"""Entries of one group read at first: most pages need few of each."""
STORED_AT_ONCE: Final = 30
GROUPS_AT_ONCE: Final = 60
MOST_AT_ONCE: Final = 2000

MEMBERSHIPS_AT_ONCE: Final = 100
NEAR: Final = 64
"""How many members above the place another table tells one is looked for."""


def mutes_thread(view: View, account: int, status: Status) -> bool:
    """Return whether an account wants to hear nothing of the conversation a status is in."""
    return view.sets.contains(SetKey(status.root, SetKind.THREAD_MUTES), account)


class Told:
    """What an account is told, in one view.

    Args:
        view: the view.
        hearing: of whom it hears.
    """

    def __init__(self, view: View, hearing: Hearing) -> None:
        self.view = view
        self.hearing = hearing
        self.viewer = hearing.viewer

    @cached_property
    def dismissed(self) -> tuple[int, frozenset[int]]:
        """Up to which id all was dismissed, and single ids above it."""
        return self.view.notifications.dismissed(self.viewer)

    def groups_dismissed(self, type_: NotificationType) -> Mapping[int, int]:
        """Return up to which position groups of a type were dismissed, by subject (day)."""
        found = self._groups_dismissed.get(type_)
        if found is None:
            found = self.view.notifications.groups_dismissed(self.viewer, type_)
            self._groups_dismissed[type_] = found
        return found

    @cached_property
    def _groups_dismissed(self) -> dict[NotificationType, Mapping[int, int]]:
        return {}

    # -- groups ----------------------------------------------------------------------------------

    def group(self, type_: NotificationType, subject: int, *, day: int | None = None) -> Group:
        """Return a group of the viewer: of a status it wrote, or of what is its own."""
        above, below, named = self.dismissed[0] >> HASH_BITS, END, subject
        if day is not None:
            above, below = max(above, day * DAY_TICKS - 1), (day + 1) * DAY_TICKS
            named = day
        above = max(above, self.groups_dismissed(type_).get(named, -1))
        if above <= ticks(snowflake_ms(subject)) - 1 and type_ in OF_STATUS:
            above = -1  # nothing is older than the status
        key = group_set(self.viewer, type_, subject)
        members = HeardMembers(self.hearing, self.view, key, above=above or -1, below=below)
        return Group(self, type_, subject, members)

    def about(self, subjects: Sequence[int]) -> dict[int, Status]:
        """Return those of some statuses whose likes and boosts the viewer is told of."""
        found = self.view.statuses.many(subjects)
        return {
            id_: status
            for id_, status in found.items()
            if status.author == self.viewer and not mutes_thread(self.view, self.viewer, status)
        }

    def newest_first(
        self, types: Sequence[NotificationType], above: int
    ) -> Iterator[tuple[Group, int]]:
        """Yield the groups that are whole sets and may have ids above one, with the highest id each
        may have, falling.
        """
        given, limit = 0, GROUPS_AT_ONCE
        position = max(0, (above >> HASH_BITS) - 1)
        while True:
            rows = self.view.notifications.groups(
                self.viewer, types=types, above=position, limit=limit
            )
            for lot, group in self._with_statuses(rows[given:]):
                yield group, lot[2] << HASH_BITS | HASH_MASK
            if len(rows) < limit:
                return
            given, limit = len(rows), min(limit * 4, limit + MOST_AT_ONCE)

    def by_age(self, type_: NotificationType, above: int) -> Iterator[tuple[Group, int]]:
        """Yield the groups of statuses that have ids above one, with an id below all of each group,
        rising.
        """
        after, position = -1, max(0, (above >> HASH_BITS) - 1)
        while True:
            rows = self.view.notifications.groups_by_subject(
                self.viewer, type_, after=after, above=position, limit=GROUPS_AT_ONCE
            )
            named = [(int(type_), subject, latest) for subject, latest in rows]
            for row, group in self._with_statuses(named):
                yield group, (ticks(snowflake_ms(row[1])) - 1) << HASH_BITS
            if len(rows) < GROUPS_AT_ONCE:
                return
            after = rows[-1][0]

    def _with_statuses(
        self, rows: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[tuple[int, int, int], Group]]:
        of_status = [row for row in rows if row[0] in OF_STATUS]
        self.view.sets.prefetch(
            group_set(self.viewer, NotificationType(type_), subject)
            for type_, subject, _ in of_status
        )
        statuses = self.about([subject for _, subject, _ in of_status])
        for row in rows:
            type_ = NotificationType(row[0])
            if type_ not in OF_STATUS or row[1] in statuses:
                yield row, self.group(type_, row[1])

    def days(self, span: Span) -> Iterator[Group]:
        """Yield the follows of each day that has any within a span of ids, the newest day first or,
        rising, the oldest.
        """
        key = SetKey(self.viewer, SetKind.FOLLOWERS)
        low = max(self.dismissed[0], span.above) >> HASH_BITS
        above, below = low - 1, None if span.below is None else (span.below >> HASH_BITS) + 1
        while True:
            found = self.view.gate.visible_page(
                key,
                limit=1,
                max_id=below,
                since_id=None if span.rising else above,
                min_id=above if span.rising else None,
            )
            if not found:
                return
            day = day_of(found[0].position)
            yield self.group(NotificationType.FOLLOW, 0, day=day)
            if span.rising:
                above = (day + 1) * DAY_TICKS - 1
            else:
                below = day * DAY_TICKS

    # -- streams of single notifications ---------------------------------------------------------

    def stream(self, types: Sequence[NotificationType], span: Span) -> Iterator[Notification]:
        """Yield notifications of some types in order of id, falling or rising, read as needed."""
        span = Span(max(span.above, self.dismissed[0]), span.below, span.rising)
        stored = [type_ for type_ in types if type_ not in GROUPED]
        streams = [self._stored(stored, span)] if stored else []
        of_status = [type_ for type_ in types if type_ in OF_STATUS]
        if span.rising:
            streams += [_lazily_rising(self.by_age(one, span.above), span) for one in of_status]
        elif of_status:
            streams.append(_lazily_falling(self.newest_first(of_status, span.above), span))
        if NotificationType.FOLLOW in types:
            streams.append(one for day in self.days(span) for one in day.stream(span))
        if NotificationType.FOLLOW_REQUEST in types:
            streams.append(self.group(NotificationType.FOLLOW_REQUEST, 0).stream(span))
        return heapq.merge(*streams, key=_order(span))

    def by_source(
        self, source: int, types: Sequence[NotificationType], span: Span
    ) -> Iterator[Notification]:
        """Yield what one account did, as ``stream`` does; the sets it is in are found from its own
        side, so that others are not read.
        """
        span = Span(max(span.above, self.dismissed[0]), span.below, span.rising)
        stored = [type_ for type_ in types if type_ not in GROUPED]
        streams = [self._stored(stored, span, source)] if stored else []
        if source != self.viewer:
            streams.append(self._memberships(source, types, span))
        return heapq.merge(*streams, key=_order(span))

    def _memberships(
        self, source: int, types: Sequence[NotificationType], span: Span
    ) -> Iterator[Notification]:
        places = [
            (at, NotificationType(type_), subject)
            for type_, subject, at in self.view.notifications.done_by(self.viewer, source)
            if type_ in types
        ]
        for type_ in (NotificationType.FOLLOW, NotificationType.FOLLOW_REQUEST):
            key = group_set(self.viewer, type_, 0)
            at = self.view.sets.position(key, source) if type_ in types else None
            if at is not None:
                places.append((at, type_, 0))
        places = [
            place
            for place in sorted(places, reverse=not span.rising)
            if span.has_about(place[0] << HASH_BITS)
        ]
        for start in range(0, len(places), MEMBERSHIPS_AT_ONCE):
            lot = places[start : start + MEMBERSHIPS_AT_ONCE]
            about = self.about([subject for _, type_, subject in lot if type_ in OF_STATUS])
            found = [
                one
                for at, type_, subject in lot
                if type_ not in OF_STATUS or subject in about
                for one in self._membership(source, at, type_, subject)
                if span.has(one.id)
            ]
            yield from sorted(found, key=_order(span))

    def _membership(
        self, source: int, at: int, type_: NotificationType, subject: int
    ) -> list[Notification]:
        """Return what a member of a set is, which joined about when ``at`` says."""
        sets, key = self.view.sets, group_set(self.viewer, type_, subject)
        near = sets.oldest(key, limit=NEAR, above=at - 1, below=at + NEAR_TICKS)
        position = next((entry.position for entry in near if entry.member == source), None)
        if position is None:
            position = sets.position(key, source)  # reads the whole order
        if position is None:
            return []
        low = group_hash(type_, subject)
        day = day_of(position) if type_ == NotificationType.FOLLOW else subject
        if position <= self.groups_dismissed(type_).get(day, -1):
            return []
        return [member_notification(type_, self.viewer, subject, Entry(position, source), low)]

    def _stored(
        self, types: Sequence[NotificationType], span: Span, source: int | None = None
    ) -> Iterator[Notification]:
        below, above = span.below, span.above
        limit = STORED_AT_ONCE
        while True:
            lot = self.view.notifications.stored(
                self.viewer,
                limit=limit,
                max_id=below,
                min_id=above if span.rising else None,
                since_id=None if span.rising else above,
                types=types,
                source=source,
            )
            yield from reversed(lot) if span.rising else lot
            if len(lot) < limit:
                return
            if span.rising:
                above = lot[0].id
            else:
                below = lot[-1].id
            limit = min(2 * limit, MOST_AT_ONCE)


class Group:
    """Notifications that are the members of a set: likes of a status, its boosts, a day's follows.

    Args:
        told: what the viewer is told.
        type_: the type.
        subject: the status, or 0.
        members: whom of the set it hears of.
    """

    __slots__ = ("low", "members", "subject", "told", "type")

    def __init__(
        self, told: Told, type_: NotificationType, subject: int, members: HeardMembers
    ) -> None:
        self.told = told
        self.type = type_
        self.subject = subject
        self.members = members
        self.low = group_hash(type_, subject)

    def notification(self, entry: Entry) -> Notification:
        """Return the notification that a member is."""
        return member_notification(self.type, self.told.viewer, self.subject, entry, self.low)

    def stream(self, span: Span) -> Iterator[Notification]:
        """Yield its notifications within a span, in order."""
        above, below = span.positions(self.low)
        limit = AT_ONCE
        while True:
            lot = self.members.page(limit=limit, above=above, below=below, rising=span.rising)
            yield from map(self.notification, lot)
            if len(lot) < limit:
                return
            if span.rising:
                above = lot[-1].position
            else:
                below = lot[-1].position
            limit = min(2 * limit, MOST_AT_ONCE)

    def listed(self, span: Span, limit: int) -> list[Notification]:
        """Return some of its notifications within a span, those dismissed one by one left out."""
        _, dismissed = self.told.dismissed
        return list(islice((one for one in self.stream(span) if one.id not in dismissed), limit))

    def newest(self) -> Notification | None:
        """Return its newest notification."""
        found = self.members.page(limit=1)
        if not found:
            return None
        one = self.notification(found[0])
        if one.id not in self.told.dismissed[1]:
            return one
        return next(iter(self.listed(Span(below=one.id), 1)), None)

    def count(self) -> int:
        """Return how many notifications it is."""
        gone = 0
        for id_ in self.told.dismissed[1]:
            position = id_ >> HASH_BITS
            if id_ & HASH_MASK == self.low:
                gone += len(self.members.page(limit=1, above=position - 1, below=position + 1))
        return self.members.count - gone


Order = Callable[[Notification], int]
Heap = list[tuple[int, int, Notification, Iterator[Notification]]]


def _order(span: Span) -> Order:
    return _rising if span.rising else _falling


def _rising(one: Notification) -> int:
    return one.id


def _falling(one: Notification) -> int:
    return -one.id


def _lazily_falling(groups: Iterator[tuple[Group, int]], span: Span) -> Iterator[Notification]:
    """Merge groups newest first, opening each only when its newest member may be next."""
    return _lazily(groups, span, -1)


def _lazily_rising(groups: Iterator[tuple[Group, int]], span: Span) -> Iterator[Notification]:
    """Merge groups oldest first, opening each only when its oldest member may be next."""
    return _lazily(groups, span, 1)


def _lazily(groups: Iterator[tuple[Group, int]], span: Span, sign: int) -> Iterator[Notification]:
    heap: Heap = []
    for count, (group, bound) in enumerate(groups):
        if span.below is not None and sign > 0 and bound >= span.below:
            break
        while heap and heap[0][0] < sign * bound:
            yield _take(heap, sign)
        stream = group.stream(span)
        first = next(stream, None)
        if first is not None:
            heapq.heappush(heap, (sign * first.id, count, first, stream))
    while heap:
        yield _take(heap, sign)


def _take(heap: Heap, sign: int) -> Notification:
    _, count, found, stream = heap[0]
    following = next(stream, None)
    if following is None:
        heapq.heappop(heap)
    else:
        heapq.heapreplace(heap, (sign * following.id, count, following, stream))
    return found
