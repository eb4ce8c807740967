"""Liking and bookmarking statuses, and the lists of what one likes and keeps.

Who likes a status is a set of the status. What an account likes is an index beside it
(``ports.Collected``), written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Unpack

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.ids import snowflake_ms, ticks
from rostra.domain.notifications import NotificationType
from rostra.domain.pages import Page
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Transaction
from rostra.services.notifying import notifications
from rostra.services.reading import paging
from rostra.services.reading.threads import original, visible

COLLECTED: Final = (SetKind.LIKES, SetKind.BOOKMARKS)
STATUSES_AT_ONCE: Final = 50
ENTRIES_AT_ONCE: Final = 2000

Place = tuple[int, int]
"""A status on a list: its position there, and its id."""


def collect(tx: Transaction, actor: int, status_id: int, kind: SetKind) -> bool:
    """Put an account in a set of a status, and the status on its list; return whether it is new."""
    key = SetKey(status_id, kind)
    if not tx.sets.add(key, actor):
        return False
    tx.collected.add(actor, kind, status_id, tx.sets.position(key, actor) or 0)
    return True


def drop(tx: Transaction, accounts: Sequence[int], status_id: int, kind: SetKind) -> int:
    """Take accounts out of a set of a status, and it off their lists; return how many were in."""
    since = ticks(snowflake_ms(status_id))  # nobody likes what is not said yet
    tx.collected.remove(accounts, kind, status_id, since)
    return tx.sets.remove_many(SetKey(status_id, kind), accounts)


async def favourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status (of a boost: the original) and return its id; doing it again is harmless.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = target(tx, actor, status_id)
        added = collect(tx, actor, status.id, SetKind.LIKES)
        if added and status.author != actor:
            notifications.touch(tx, status.author, NotificationType.FAVOURITE, status.id)
        return status.id

    return await ctx.store.write(change)


async def unfavourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status no longer, visible or not. Return the id of what had been liked.

    Raises:
        NotFound: there is no such status, or the actor neither likes nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.LIKES)


async def bookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status; doing it again is harmless. Return the id of what was bookmarked.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = target(tx, actor, status_id)
        collect(tx, actor, status.id, SetKind.BOOKMARKS)
        return status.id

    return await ctx.store.write(change)


async def unbookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status no longer, visible or not. Return the id of what had been bookmarked.

    Raises:
        NotFound: there is no such status, or the actor neither keeps nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.BOOKMARKS)


async def _take_back(ctx: Context, actor: int, status_id: int, kind: SetKind) -> int:
    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = original(tx, tx.statuses.get(status_id))
        if status is None:
            raise NotFound
        if not tx.sets.contains(SetKey(status.id, kind), actor):
            tx.gate.require_status(actor, status)
        else:
            drop(tx, [actor], status.id, kind)
        return status.id

    return await ctx.store.write(change)


def target(tx: Transaction, actor: int, status_id: int) -> Status:
    """Return the status an act is about: of a boost, the original.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """
    tx.gate.require_may_act(actor)
    found = tx.gate.require_status(actor, tx.statuses.get(status_id))
    return tx.gate.require_status(actor, original(tx, found))


# -- the lists -----------------------------------------------------------------------------------


def listed(snap: Snapshot, viewer: int, kind: SetKind, **page: Unpack[Page]) -> list[Place]:
    """Return a page of (position, status) of what the viewer likes or keeps, the newest first.

    Left out is what it may not see any more, and what those it blocks or mutes have said.
    """

    def keep(places: list[Place]) -> list[Place]:
        found = snap.statuses.many(status_id for _, status_id in places)
        shown = visible(snap, viewer, list(found.values()))
        welcome = snap.gate.wanted(viewer, BitMap([status.author for status in shown]))
        ids = {status.id for status in shown if status.author in welcome}
        return [place for place in places if place[1] in ids]

    fetch = partial(snap.collected.page, viewer, kind)
    return paging.fill(fetch, keep, lambda place: place[0], **page)


async def collect_again(ctx: Context, *, after: int = -1) -> int:
    """Put on the lists what sets from before there were lists hold; a job. Return how many were
    put on.
    """
    restored = 0
    while True:
        with ctx.store.read() as snap:
            owners = {
                owner
                for kind in COLLECTED
                for owner in snap.collected.owners(kind, above=after, limit=STATUSES_AT_ONCE)
            }
        for owner in sorted(owners):
            for kind in COLLECTED:
                restored += await _restore(ctx, SetKey(owner, kind))
        if not owners:
            return restored
        after = _through(owners)


def _through(owners: set[int]) -> int:
    """Return up to which status both kinds were looked at: a full page of one may end earlier."""
    rising = sorted(owners)
    return rising[min(len(rising), STATUSES_AT_ONCE) - 1]


async def _restore(ctx: Context, key: SetKey) -> int:
    """Put a status on the lists of all members of one of its sets, some at a time."""
    restored, above = 0, -1
    while True:

        def change(tx: Transaction, above: int = above) -> tuple[int, int]:
            entries = tx.sets.oldest(key, limit=ENTRIES_AT_ONCE, above=above)
            added = sum(
                tx.collected.restore(member, key.kind, key.owner, position)
                for position, member in entries
            )
            return added, entries[-1].position if len(entries) == ENTRIES_AT_ONCE else -1

        added, above = await ctx.store.write(change)
        restored += added
        if above < 0:
            return restored
