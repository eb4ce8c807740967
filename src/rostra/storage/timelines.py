"""Timelines, read from an index of recent statuses and never written to followers.

Each process has one index, filled from storage when it is first asked and kept current by the
change feed. What it does not hold is read from storage, author by author.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, Unpack

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import MemberSets, SetKey, SetKind
from rostra.domain.events import (
    AnyEvent,
    EverythingReplaced,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.ids import MAX_SNOWFLAKE
from rostra.domain.lists import AccountList
from rostra.domain.pages import Page
from rostra.domain.statuses import Visibility
from rostra.domain.visibility import Gate
from rostra.storage.database.sqlite import Database
from rostra.storage.older import ROW, OlderStatuses, Span
from rostra.storage.recent import UNKNOWN, Row, Window
from rostra.storage.recent_tags import RecentTags
from rostra.storage.rows import Cache, chunked
from rostra.storage.tastes import Taste, Tastes
from rostra.storage.timeline_pages import Keep, joined, page_of
from rostra.storage.timeline_rules import Circle, TimelineRules

CAPACITY: Final = 5_000_000
CIRCLES: Final = 4_000

CIRCLE_KINDS: Final = (SetKind.FOLLOWING, SetKind.MUTING, SetKind.BLOCKING, SetKind.BLOCKED_BY)

_mentions = msgspec.json.Decoder(tuple[int, ...])


class TimelineIndex:
    """The recent statuses of a process at its place in the change feed.

    Args:
        capacity: how many statuses to hold; about 40 bytes each.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._late: list[Row] = []
        self._window: Window | None = None
        self.directs: dict[int, tuple[int, ...]] = {}
        self.circles: Cache[int, Circle] = Cache(CIRCLES)
        self.list_circles: Cache[int, Circle] = Cache(CIRCLES)
        self.tastes = Tastes()
        self.tags = RecentTags()
        self.floor = 0

    def load(self, database: Database) -> None:
        """Read the newest statuses from storage."""
        found = database.iterate(
            f"SELECT {ROW} FROM statuses ORDER BY id DESC LIMIT ?", (self._capacity + 1,)
        )
        table = np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 5)[::-1]
        self.floor = 0
        if len(table) > self._capacity:
            table = table[1:]
            self.floor = int(table[0, 0])
        self._hold(table)
        direct = table[table[:, 2] == Visibility.DIRECT, 0].tolist()
        for holes, lot in chunked(direct):
            for status_id, mentions in database.rows(
                f"SELECT id, mentions FROM statuses WHERE id IN ({holes})", lot
            ):
                self.directs[status_id] = _mentions.decode(mentions) if mentions else ()

    def bind(self, gate: Gate, sets: MemberSets, database: Database) -> BoundTimelines:
        """Return the timelines as one connection, with its gate and sets, sees them."""
        return BoundTimelines(self, gate, sets, database)

    def apply(self, event: AnyEvent) -> None:
        """Follow an event of the change feed."""
        self.tastes.apply(event)
        self.tags.apply(event)
        if isinstance(event, EverythingReplaced):
            self._window = None
            self._late.clear()
            self.directs.clear()
        elif self._window is None:
            return
        elif isinstance(event, StatusCreated):
            self._created(event, self._window)
        elif isinstance(event, StatusDeleted):
            self._late = [row for row in self._late if row.id != event.id]
            self._window.delete(event.id)
            self.directs.pop(event.id, None)
        elif isinstance(event, StatusChanged) and event.edited:
            self.directs.pop(event.id, None)  # it may mention others now: read from storage

    def ready(self, database: Database) -> Window:
        """Return the window, reading it from storage first when nothing is in memory."""
        if self._window is None:
            self.load(database)
        elif self._late:
            self._take_late(self._window)
        assert self._window is not None
        return self._window

    def _created(self, event: StatusCreated, window: Window) -> None:
        if event.id < self.floor:
            return
        reply_to = 0
        if event.in_reply_to is not None:
            reply_to = event.in_reply_to_author or UNKNOWN
        row = Row(event.id, event.author, event.visibility, event.reblog_of or 0, reply_to)
        if row.visibility == Visibility.DIRECT:
            self.directs[row.id] = event.mentions
        if row.id <= window.last:
            self._late.append(row)
            return
        window.append(row)
        if len(window) > self._capacity + self._capacity // 50:
            self._trim(window)

    def _take_late(self, window: Window) -> None:
        """Put statuses older than the newest, as imports bring, in their places."""
        late = [row for row in self._late if row.id >= self.floor and window.find(row.id) is None]
        self._late.clear()
        if late:
            rows = np.array([astuple(row)[:5] for row in late], np.int64)
            table = np.concatenate((window.table(), rows))
            self._hold(table[np.argsort(table[:, 0], kind="stable")])

    def _trim(self, window: Window) -> None:
        table = window.table(len(window) - self._capacity)
        self.floor = int(table[0, 0])
        self.directs = {key: value for key, value in self.directs.items() if key >= self.floor}
        self._hold(table)

    def _hold(self, table: NDArray[np.int64]) -> None:
        self._window = Window(table)
        self.circles.clear()
        self.list_circles.clear()


class BoundTimelines:
    """Timelines as one connection sees them; fulfils ``ports.RecentStatuses``.

    Args:
        index: the process's index, at the connection's place in the change feed.
        gate: says whom a viewer wants to hear of.
        sets: the account sets.
        database: for what the index does not hold.
    """

    def __init__(
        self, index: TimelineIndex, gate: Gate, sets: MemberSets, database: Database
    ) -> None:
        self._index = index
        self._gate = gate
        self._sets = sets
        self._database = database
        self._older = OlderStatuses(database)
        self._rules = TimelineRules(gate, sets, database, lambda id_: index.directs.get(id_))

    def activity(self, *, above: int, below: int) -> tuple[int, int]:
        """Return how many statuses held here have ids between the two, and of how many authors."""
        return self._index.ready(self._database).activity(above, below)

    def home(self, viewer: int, keep: Keep | None = None, **page: Unpack[Page]) -> list[int]:
        """Return the ids of the home timeline of ``viewer``, newest first.

        Args:
            viewer: whose home.
            keep: leaves out more of what these rules let in.
            page: how many at most, between which ids.
        """
        window = self._index.ready(self._database)
        taste = self._index.tastes.of(viewer, self._database)
        circle = self._circle(viewer, window, taste)
        span = Span.of(**page)
        rows = self._home_rows(window, circle, span)
        tagged: set[int] = set()
        if taste.tags:
            rows = joined(rows, self._tag_rows(window, taste.tags, span, tagged), span)
        return page_of(
            rows,
            page["limit"],
            span,
            lambda lot: self._rules.for_home(viewer, circle, lot, tagged),
            keep,
        )

    def in_list(
        self, value: AccountList, keep: Keep | None = None, **page: Unpack[Page]
    ) -> list[int]:
        """Return the ids of the timeline of a list, newest first.

        Args:
            value: the list.
            keep: leaves out more of what these rules let in.
            page: how many at most, between which ids.
        """
        window = self._index.ready(self._database)
        circle = self._list_circle(value, window)
        span = Span.of(**page)
        rows = self._home_rows(window, circle, span)
        return page_of(
            rows, page["limit"], span, lambda lot: self._rules.for_list(value, circle, lot), keep
        )

    def public(self, viewer: int | None, **page: Unpack[Page]) -> list[int]:
        """Return the ids of the public timeline for ``viewer`` (None: anybody), newest first.

        Args:
            viewer: who looks.
            page: how many at most, between which ids.
        """
        window = self._index.ready(self._database)
        span = Span.of(**page)
        rows = self._public_rows(window, span)
        return page_of(rows, page["limit"], span, lambda lot: self._rules.for_public(viewer, lot))

    # -- select --------------------------------------------------------------------------------

    def _circle(self, viewer: int, window: Window, taste: Taste) -> Circle:
        members = [SetKey(list_id, SetKind.LIST_MEMBERS) for list_id in taste.exclusive]
        stamp = (*self._stamp(viewer, window, members), *taste.exclusive)
        circle = self._index.circles.get(viewer)
        if circle is None or circle.stamp != stamp:
            friends = authors = self._friends(viewer)
            for key in members:
                authors = authors - self._sets.bitmap(key)
            if members:
                authors.add(viewer)
            circle = Circle(stamp, friends, authors, window.slots_of(authors))
            self._index.circles.put(viewer, circle)
        return circle

    def _list_circle(self, value: AccountList, window: Window) -> Circle:
        members = SetKey(value.id, SetKind.LIST_MEMBERS)
        stamp = self._stamp(value.account, window, [members])
        circle = self._index.list_circles.get(value.id)
        if circle is None or circle.stamp != stamp:
            friends = self._friends(value.account)
            authors = friends & self._sets.bitmap(members)
            circle = Circle(stamp, friends, authors, window.slots_of(authors))
            self._index.list_circles.put(value.id, circle)
        return circle

    def _stamp(self, viewer: int, window: Window, members: list[SetKey]) -> tuple[int, ...]:
        version = self._sets.version
        return (
            *(version(SetKey(viewer, kind)) for kind in CIRCLE_KINDS),
            self._gate.epoch,
            window.authors,
            *map(version, members),
        )

    def _friends(self, viewer: int) -> BitMap:
        """Return those a viewer follows and wants, and itself."""
        following = self._sets.bitmap(SetKey(viewer, SetKind.FOLLOWING))
        friends = self._gate.wanted(viewer, following)
        friends.add(viewer)
        return friends

    def _tag_rows(
        self, window: Window, tags: Iterable[str], span: Span, found: set[int]
    ) -> Iterator[Row]:
        """Yield public statuses with any of some hashtags, in the order of the span.

        Their ids are put in ``found``.
        """
        held = (self._index.tags.ids(tag, span, self._database) for tag in tags)
        last = 0
        for status_id in heapq.merge(*held, reverse=not span.ascending):
            if status_id != last and (row := self._row(window, status_id)) is not None:
                found.add(status_id)
                yield row
            last = status_id

    def _row(self, window: Window, status_id: int) -> Row | None:
        number = window.find(status_id)
        if number is not None:
            return next(window.rows((number,)))
        return self._older.row(status_id) if status_id < self._index.floor else None

    def _home_rows(self, window: Window, circle: Circle, span: Span) -> Iterator[Row]:
        if span.ascending:
            numbers = window.oldest(circle.slots, span.above)
        else:
            below = None if span.below == MAX_SNOWFLAKE else span.below
            numbers = window.newest(circle.slots, below)
        return self._with_stored(
            window.rows(numbers), span, lambda older: self._older.home(circle.authors, older)
        )

    def _public_rows(self, window: Window, span: Span) -> Iterator[Row]:
        if span.ascending:
            numbers = window.public_oldest(span.above)
        else:
            below = None if span.below == MAX_SNOWFLAKE else span.below
            numbers = window.public_newest(below)
        return self._with_stored(window.rows(numbers), span, self._older.public)

    def _with_stored(
        self, recent: Iterator[Row], span: Span, stored: Callable[[Span], Iterator[Row]]
    ) -> Iterator[Row]:
        """Join the rows in memory with those that are only stored, in the order of the span."""
        floor = self._index.floor
        if span.above >= floor - 1:
            return span.cut(recent)
        older = stored(span._replace(below=min(span.below, floor)))
        return span.cut(chain(older, recent) if span.ascending else chain(recent, older))
