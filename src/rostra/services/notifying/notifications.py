"""Notifications: stored ones merged with the sets that likes, boosts, follows and requests are.

How they are merged is in ``merging``, of whom one hears in ``sifting``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import Entry
from rostra.domain.errors import NotFound
from rostra.domain.ids import MAX_SNOWFLAKE, ticks
from rostra.domain.notification_ids import (
    BY_KIND,
    GROUPED,
    HASH_BITS,
    HASH_MASK,
    OF_STATUS,
    Span,
    group_hash,
    group_set,
    member_notification,
)
from rostra.domain.notifications import Notification, NotificationType, Verdict
from rostra.domain.packing import ADD, last_changes, unpack_changes
from rostra.domain.pages import Cursors
from rostra.domain.personal import MarkedTimeline
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.notifying.merging import Told
from rostra.services.notifying.sifting import Hearing


class Wanted(Struct, frozen=True, kw_only=True):
    """Which notifications are asked for.

    ``types`` None is all, ``account_id`` the public id of who did it, ``filtered`` whether what the
    policy filters is wanted as well: it always is of one account.
    """

    types: Sequence[NotificationType] | None = None
    exclude_types: Sequence[NotificationType] = ()
    account_id: int | None = None
    filtered: bool = False

    def all_types(self) -> list[NotificationType]:
        """Return the types asked for."""
        asked = self.types if self.types is not None else NotificationType
        return [type_ for type_ in asked if type_ not in self.exclude_types]


# -- writing ---------------------------------------------------------------------------------------


def touch(tx: Transaction, account: int, type_: NotificationType, subject: int = 0) -> None:
    """Record that a set ``account`` is notified of has a new member."""
    newest = tx.sets.newest(group_set(account, type_, subject), limit=1)
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
    event: int | None = None,
) -> bool:
    """Store a notification unless the same one is there; return whether it was stored.

    Args:
        tx: the transaction.
        account: who is notified.
        type_: what happened.
        source: who did it.
        status: the status it is about.
        created_at: when (ms), the time of the transaction when not given.
        event: the action or report it is about.
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
            id=id_,
            type=type_,
            account=account,
            source=source,
            created_at=at,
            status=status,
            event=event,
        )
    )
    return True


def store_latest(
    tx: Transaction,
    *,
    account: int,
    type_: NotificationType,
    source: int,
    status: int,
    created_at: int,
) -> bool:
    """Store a notification in place of earlier ones of its type about the same status; return
    whether it was stored. The arguments are those of ``store``.
    """
    tx.notifications.withdraw(account, type_, status, before=ticks(created_at) << HASH_BITS)
    return store(
        tx, account=account, type_=type_, source=source, status=status, created_at=created_at
    )


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
    filtered: bool = False,
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
        account_id: only what the account with this public id did, filtered or not.
        filtered: also what the policy filters.
    """
    wanted = Wanted(
        types=types, exclude_types=exclude_types, account_id=account_id, filtered=filtered
    )
    span = span_of({"max_id": max_id, "since_id": since_id, "min_id": min_id})
    told = told_to(snap, viewer, wanted)
    if limit <= 0 or not wanted.all_types():
        return []
    found = list(islice(single(told, wanted, span, limit), limit))
    return found[::-1] if span.rising else found


def told_to(view: View, viewer: int, wanted: Wanted) -> Told:
    """Return what a viewer is told of what it asked for."""
    everything = wanted.filtered or wanted.account_id is not None
    return Told(view, Hearing(view, viewer, everything=everything))


def span_of(cursors: Cursors) -> Span:
    """Return which ids a page has."""
    since, nearest = cursors.get("since_id"), cursors.get("min_id")
    above = since if nearest is None else nearest
    return Span(above or 0, cursors.get("max_id"), nearest is not None)


def single(told: Told, wanted: Wanted, span: Span, at_once: int) -> Iterator[Notification]:
    """Yield the viewer's notifications one by one, in the order of the span, looking at a lot of
    them at once.
    """
    if wanted.account_id is None:
        stream = told.stream(wanted.all_types(), span)
    else:
        source = told.view.accounts.by_id(wanted.account_id)
        if source is None:
            return
        stream = told.by_source(source.ordinal, wanted.all_types(), span)
    while lot := list(islice(stream, at_once)):
        yield from shown(told, lot)


def last_read(snap: Snapshot, viewer: int) -> int:
    """Return the id up to which the viewer marked its notifications as read; 0: none."""
    marker = snap.personal.markers(viewer).get(MarkedTimeline.NOTIFICATIONS)
    return 0 if marker is None else marker.last_read


def get(snap: Snapshot, viewer: int, notification_id: int) -> Notification:
    """Return one notification of the viewer, filtered or not.

    Raises:
        NotFound: there is none, it was dismissed, or the viewer may not see whose it is.
    """
    return _find(snap, viewer, notification_id)


def told_of(view: View, kind: int, owner: int) -> int | None:
    """Return who is notified of the members of a set, by its kind and owner; None: nobody."""
    type_ = BY_KIND.get(kind)
    if type_ not in OF_STATUS:
        return None if type_ is None else owner
    status = view.statuses.get(owner)
    return None if status is None else status.author


def derived(
    account: int, kind: int, owner: int, entries: bytes, *, newest: int
) -> list[Notification]:
    """Return the notifications that a change of a set brings, oldest first.

    Args:
        account: who is notified (``told_of``).
        kind: the kind of the set.
        owner: whose set it is.
        entries: what changed, in the journal's format.
        newest: how many of the last changes to look at.
    """
    type_ = BY_KIND[kind]
    subject = owner if type_ in OF_STATUS else 0
    low = group_hash(type_, subject)
    return [
        member_notification(type_, account, subject, Entry(change.position, change.member), low)
        for change in unpack_changes(last_changes(entries, newest))
        if change.op == ADD and change.member != account
    ]


def still(view: View, viewer: int, found: Sequence[Notification]) -> list[Notification]:
    """Return those of the viewer's notifications ``found`` that its list has now."""
    told = told_to(view, viewer, Wanted())
    return shown(told, [one for one in found if _is_there(told, one)])


def _is_there(told: Told, one: Notification) -> bool:
    if one.id <= told.dismissed[0]:
        return False
    if one.type not in GROUPED:
        return True
    subject = one.status or 0
    if one.type in OF_STATUS and subject not in told.about([subject]):
        return False
    if not told.view.sets.contains(group_set(one.account, one.type, subject), one.source):
        return False
    # A set may get members that nobody is told of, as when a dormant follow becomes a request.
    above = (one.id >> HASH_BITS) - 1
    groups = told.view.notifications.groups(one.account, types=[one.type], above=above)
    return any(found == subject for _, found, _ in groups)


def _find(view: View, viewer: int, notification_id: int) -> Notification:
    if not 0 < notification_id < MAX_SNOWFLAKE:
        raise NotFound
    told = told_to(view, viewer, Wanted(filtered=True))
    span = Span(notification_id - 1, notification_id + 1)
    for one in single(told, Wanted(), span, 1):
        return one
    raise NotFound


def shown(
    told: Told, found: list[Notification], *, only: Verdict | None = None
) -> list[Notification]:
    """Leave out what was dismissed, what the viewer would not hear, and what is away.

    Args:
        told: what the viewer is told.
        found: notifications of the viewer.
        only: leave out as well what the policy does anything else with.
    """
    view, viewer, hearing = told.view, told.viewer, told.hearing
    _, dismissed = told.dismissed
    others = BitMap([one.source for one in found if one.source != viewer])
    hidden = (others - view.gate.present(others)) | hearing.silenced(others)
    about = [one.status for one in found if one.status is not None and one.type not in OF_STATUS]
    statuses = view.statuses.many(dict.fromkeys(about))
    verdicts = hearing.verdicts(found, statuses)
    kept = []
    for one in found:
        if one.id in dismissed or one.source in hidden:
            continue
        if not hearing.is_heard(verdicts[one.id]) or only not in (None, verdicts[one.id]):
            continue
        if one.status is not None and one.type not in OF_STATUS:
            status = statuses.get(one.status)
            if status is None or not view.gate.may_see_status(viewer, status):
                continue
        kept.append(one)
    return kept
