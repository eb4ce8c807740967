"""Notifications: stored ones merged with the sets that likes, boosts, follows and requests are.

A public id is ``position << 16 | hash``: the tick it happened at and 16 bits that tell apart what
happened in the same one, so that ids sort by time and a member of a set needs no row.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.ids import MAX_SNOWFLAKE, ticks, ticks_ms
from rostra.domain.notifications import Notification, NotificationType
from rostra.domain.packing import ADD, unpack_changes
from rostra.domain.relationships import MuteOptions
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Transaction, View

HASH_BITS: Final = 16
HASH_MASK: Final = (1 << HASH_BITS) - 1
AT_ONCE: Final = 15
"""Entries of one group read at a time: most pages need few of each."""
GROUPS_AT_ONCE: Final = 200

GROUPED: Final = {
    NotificationType.FAVOURITE: SetKind.LIKES,
    NotificationType.REBLOG: SetKind.BOOSTS,
    NotificationType.FOLLOW: SetKind.FOLLOWERS,
    NotificationType.FOLLOW_REQUEST: SetKind.FOLLOW_REQUESTS,
}
"""The types that are members of sets; the subject of the first two is a status."""

_OF_STATUS: Final = (NotificationType.FAVOURITE, NotificationType.REBLOG)
BY_KIND: Final = {int(kind): type_ for type_, kind in GROUPED.items()}


def group_hash(type_: int, subject: int) -> int:
    """Return the 16 bits by which the notifications of a group are told from those of others."""
    return zlib.crc32(f"{type_}:{subject}".encode()) & HASH_MASK


def group_key(account: int, type_: NotificationType, subject: int) -> SetKey:
    """Return the set whose members are the notifications of a group."""
    return SetKey(subject if type_ in _OF_STATUS else account, GROUPED[type_])


def mutes_thread(view: View, account: int, status: Status) -> bool:
    """Return whether an account wants to hear nothing of the conversation a status is in."""
    return view.sets.contains(SetKey(status.root, SetKind.THREAD_MUTES), account)


# -- writing ---------------------------------------------------------------------------------------


def touch(tx: Transaction, account: int, type_: NotificationType, subject: int = 0) -> None:
    """Record that a set ``account`` is notified of has a new member."""
    newest = tx.sets.newest(group_key(account, type_, subject), limit=1)
    if newest:
        tx.notifications.touch_group(account, type_, subject, newest[0].position)


def store(
    tx: Transaction,
    *,
    account: int,
    type_: NotificationType,
    source: int,
    status: int | None = None,
    created_at: int | None = None,
) -> bool:
    """Store a notification unless the same one is there; return whether it was stored.

    Args:
        tx: the transaction.
        account: who is notified.
        type_: what happened.
        source: who did it.
        status: the status it is about.
        created_at: when (ms), the time of the transaction when not given.
    """
    at = tx.now if created_at is None else created_at
    low = group_hash(type_, source ^ (status or 0))
    while True:
        id_ = ticks(at) << HASH_BITS | low
        there = tx.notifications.get_stored(account, id_)
        if there is None:
            break
        if (there.type, there.source, there.status) == (type_, source, status):
            return False
        low = (low + 1) & HASH_MASK
    tx.notifications.store(
        Notification(
            id=id_, type=type_, account=account, source=source, created_at=at, status=status
        )
    )
    return True


async def dismiss(ctx: Context, *, actor: int, notification_id: int) -> None:
    """Take one notification out of the actor's list.

    Raises:
        NotFound: there is no such notification.
    """

    def change(tx: Transaction) -> None:
        _find(tx, actor, notification_id)
        tx.notifications.dismiss(actor, notification_id)

    await ctx.store.write(change)


async def clear(ctx: Context, *, actor: int) -> None:
    """Take all notifications so far out of the actor's list."""

    def change(tx: Transaction) -> None:
        newest = tx.notifications.groups(actor, limit=1)
        latest = max([ticks(tx.now), *(position for _, _, position in newest)])
        tx.notifications.dismiss_all(actor, latest << HASH_BITS | HASH_MASK)

    await ctx.store.write(change)


# -- reading ---------------------------------------------------------------------------------------


def page(
    snap: Snapshot,
    viewer: int,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
    types: Sequence[NotificationType] | None = None,
    exclude_types: Sequence[NotificationType] = (),
    account_id: int | None = None,
) -> list[Notification]:
    """Return a page of the viewer's notifications, newest first, of accounts it may and would see.

    Args:
        snap: the view.
        viewer: whose notifications.
        limit: how many at most.
        max_id: only ids below this one.
        since_id: only ids above this one; the newest of them.
        min_id: only ids above this one; the nearest to it.
        types: only these types; None for all.
        exclude_types: none of these types.
        account_id: only what the account with this public id did.
    """
    source = None
    if account_id is not None:
        account = snap.accounts.by_id(account_id)
        if account is None:
            return []
        source = account.ordinal
    wanted = [
        type_
        for type_ in (types if types is not None else NotificationType)
        if type_ not in exclude_types
    ]
    if not wanted or limit <= 0:
        return []
    through, _ = snap.notifications.dismissed(viewer)
    floor = max(through, (since_id if min_id is None else min_id) or 0)
    merge = _Merge(snap, viewer, wanted, below=max_id, above=floor, ascending=min_id is not None)
    found: list[Notification] = []
    for lot in _lots(merge.run(), limit):
        found += _shown(snap, viewer, lot, source)
        if len(found) >= limit:
            break
    found = found[:limit]
    return found[::-1] if min_id is not None else found


def get(snap: Snapshot, viewer: int, notification_id: int) -> Notification:
    """Return one notification of the viewer.

    Raises:
        NotFound: there is none, it was dismissed, or the viewer may not see whose it is.
    """
    return _find(snap, viewer, notification_id)


def derived(view: View, kind: int, owner: int, entries: bytes) -> list[Notification]:
    """Return the notifications that a change of a set brings, oldest first.

    Args:
        view: the view.
        kind: the kind of the set.
        owner: whose set it is.
        entries: what changed, in the journal's format.
    """
    type_ = BY_KIND.get(kind)
    if type_ is None:
        return []
    account, subject = owner, 0
    if type_ in _OF_STATUS:
        status = view.statuses.get(owner)
        if status is None:
            return []
        account, subject = status.author, owner
    low = group_hash(type_, subject)
    return [
        Notification(
            id=change.position << HASH_BITS | low,
            type=type_,
            account=account,
            source=change.member,
            created_at=ticks_ms(change.position),
            status=subject or None,
        )
        for change in unpack_changes(entries)
        if change.op == ADD and change.member != account
    ]


def still(view: View, viewer: int, found: Sequence[Notification]) -> list[Notification]:
    """Return those of the viewer's notifications ``found`` that its list has now."""
    through, _ = view.notifications.dismissed(viewer)
    return _shown(view, viewer, [one for one in found if _is_there(view, one, through)], None)


def _is_there(view: View, one: Notification, through: int) -> bool:
    if one.id <= through:
        return False
    if one.type not in GROUPED:
        return True
    subject = one.status or 0
    if not view.sets.contains(group_key(one.account, one.type, subject), one.source):
        return False
    above = (one.id >> HASH_BITS) - 1
    groups = view.notifications.groups(one.account, types=[one.type], above=above)
    return any(found == subject for _, found, _ in groups)


def _find(view: View, viewer: int, notification_id: int) -> Notification:
    through, _ = view.notifications.dismissed(viewer)
    if not through < notification_id < MAX_SNOWFLAKE:
        raise NotFound
    merge = _Merge(
        view,
        viewer,
        list(NotificationType),
        below=notification_id + 1,
        above=notification_id - 1,
        ascending=False,
    )
    shown = _shown(view, viewer, list(merge.run()), None)
    if not shown:
        raise NotFound
    return shown[0]


def _lots(found: Iterator[Notification], size: int) -> Iterator[list[Notification]]:
    lot: list[Notification] = []
    for notification in found:
        lot.append(notification)
        if len(lot) == size:
            yield lot
            lot = []
    if lot:
        yield lot


def _shown(
    view: View, viewer: int, found: list[Notification], source: int | None
) -> list[Notification]:
    """Leave out what was dismissed, and what is from accounts away, blocked or muted."""
    _, dismissed = view.notifications.dismissed(viewer)
    hidden = _hidden_sources(view, viewer, {notification.source for notification in found})
    statuses = view.statuses.many(
        {n.status for n in found if n.status is not None and n.type not in _OF_STATUS}
    )
    shown = []
    for notification in found:
        if (
            notification.id in dismissed
            or notification.source in hidden
            or (source is not None and notification.source != source)
        ):
            continue
        if notification.status is not None and notification.type not in _OF_STATUS:
            status = statuses.get(notification.status)
            if status is None or not view.gate.may_see_status(viewer, status):
                continue
        shown.append(notification)
    return shown


def _hidden_sources(view: View, viewer: int, sources: set[int]) -> set[int]:
    others = [source for source in sources if source != viewer]
    hidden = set(others) - set(view.gate.active_among(others))
    blocked = view.gate.blocked_either_way(viewer)
    hidden |= {source for source in others if source in blocked}
    member = view.sets.contains_many(SetKey(viewer, SetKind.MUTING), others)
    muted = [source for source, is_muted in zip(others, member, strict=True) if is_muted]
    if muted:
        options = view.accounts.mute_options(viewer, muted)
        for source in muted:
            mute = options.get(source, MuteOptions())
            if mute.notifications and (mute.until is None or view.now < mute.until):
                hidden.add(source)
    return hidden


class _Merge:
    """The stored notifications of an account and those in its sets, in order of id, read as needed.

    Each source is a lazy stream. Newest first, a group that was not touched since an id is not read
    before that id is reached: ``latest`` bounds it. Oldest first nothing bounds a group, so each is
    opened.
    """

    def __init__(
        self,
        view: View,
        viewer: int,
        types: Sequence[NotificationType],
        *,
        below: int | None,
        above: int,
        ascending: bool,
    ) -> None:
        self._view = view
        self._viewer = viewer
        self._grouped = [type_ for type_ in types if type_ in GROUPED]
        self._stored_types = [type_ for type_ in types if type_ not in GROUPED]
        self._below = below
        self._above = above
        self._ascending = ascending

    def run(self) -> Iterator[Notification]:
        """Yield the notifications in order."""
        streams: list[Iterator[Notification]] = []
        if self._stored_types:
            streams.append(self._stored())
        if self._grouped:
            streams.append(self._opened() if not self._ascending else self._all_groups())
        if self._ascending:
            return heapq.merge(*streams, key=lambda found: found.id)
        return heapq.merge(*streams, key=lambda found: -found.id)

    def _stored(self) -> Iterator[Notification]:
        below, above = self._below, self._above
        while True:
            lot = self._view.notifications.stored(
                self._viewer,
                limit=GROUPS_AT_ONCE if self._ascending else AT_ONCE * 2,
                max_id=below,
                min_id=above if self._ascending else None,
                since_id=None if self._ascending else above,
                types=self._stored_types,
            )
            if not lot:
                return
            yield from reversed(lot) if self._ascending else lot
            if self._ascending:
                above = lot[0].id
            else:
                below = lot[-1].id

    def _all_groups(self) -> Iterator[Notification]:
        streams = [self._group(type_, subject) for type_, subject, _ in self._groups()]
        return heapq.merge(*streams, key=lambda found: found.id)

    def _opened(self) -> Iterator[Notification]:
        """Merge the groups newest first, opening each only when its latest member may be next."""
        open_: list[tuple[int, int, Notification, Iterator[Notification]]] = []
        count = 0
        for type_, subject, latest in self._groups():
            bound = latest << HASH_BITS | HASH_MASK
            while open_ and -open_[0][0] > bound:
                yield self._take(open_)
            stream = self._group(type_, subject)
            first = next(stream, None)
            if first is not None:
                count += 1
                heapq.heappush(open_, (-first.id, count, first, stream))
        while open_:
            yield self._take(open_)

    @staticmethod
    def _take(
        open_: list[tuple[int, int, Notification, Iterator[Notification]]],
    ) -> Notification:
        _, order, found, stream = open_[0]
        following = next(stream, None)
        if following is None:
            heapq.heappop(open_)
        else:
            heapq.heapreplace(open_, (-following.id, order, following, stream))
        return found

    def _groups(self) -> Iterator[tuple[NotificationType, int, int]]:
        """Yield the groups that may have members in range, those touched last first."""
        given, limit = 0, GROUPS_AT_ONCE
        while True:
            groups = self._view.notifications.groups(
                self._viewer,
                types=self._grouped,
                above=max(0, (self._above >> HASH_BITS) - 1),
                limit=limit,
            )
            for type_, subject, latest in groups[given:]:
                yield NotificationType(type_), subject, latest
            if len(groups) < limit:
                return
            given, limit = len(groups), limit * 4

    def _group(self, type_: NotificationType, subject: int) -> Iterator[Notification]:
        """Yield the members of one group in range, in order."""
        if type_ in _OF_STATUS:
            status = self._view.statuses.get(subject)
            if status is None or status.author != self._viewer:
                return
            if mutes_thread(self._view, self._viewer, status):
                return
        key, low = group_key(self._viewer, type_, subject), group_hash(type_, subject)
        below, above = self._bounds(low)
        while True:
            entries = self._view.gate.visible_page(
                key,
                limit=AT_ONCE,
                max_id=below,
                since_id=None if self._ascending else above,
                min_id=above if self._ascending else None,
            )
            if not entries:
                return
            for position, member in reversed(entries) if self._ascending else entries:
                if member != self._viewer:
                    yield Notification(
                        id=position << HASH_BITS | low,
                        type=type_,
                        account=self._viewer,
                        source=member,
                        created_at=ticks_ms(position),
                        status=subject if type_ in _OF_STATUS else None,
                    )
            if self._ascending:
                above = entries[0].position
            else:
                below = entries[-1].position

    def _bounds(self, low: int) -> tuple[int | None, int]:
        """Return the positions between which members of a group with hash ``low`` are in range."""
        below = None
        if self._below is not None:
            below = (self._below >> HASH_BITS) + (low < self._below & HASH_MASK)
        above = (self._above >> HASH_BITS) - (low > self._above & HASH_MASK)
        return below, above
