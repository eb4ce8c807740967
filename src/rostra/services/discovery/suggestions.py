"""Suggestions of whom to follow, and the directory of those who want to be found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.ids import MAX_SNOWFLAKE
from rostra.ports import Context, Snapshot, Transaction

Source = Literal["featured", "friends_of_friends", "most_followed"]
Order = Literal["active", "new"]

FRIENDS: Final = 200
"""How many of those one follows are asked whom they follow: the latest ones."""

MOST_EACH: Final = 5_000
"""Who follows more than this many is left out: that says little about any of them."""

CANDIDATES: Final = 120
READ_AT_ONCE: Final = 400
READ_AT_MOST: Final = 20_000

FORMER: Final = {"featured": "staff", "friends_of_friends": "past_interactions"}
"""What apps of earlier versions know the sources by; the rest is ``global``."""


class Suggestion(Struct, frozen=True):
    """An account to follow, and why."""

    account: int
    sources: tuple[Source, ...]


# -- suggestions -----------------------------------------------------------------------------------


def suggestions(snap: Snapshot, viewer: int, *, limit: int) -> list[Suggestion]:
    """Return accounts the viewer may want to follow.

    First whom the staff features, then whom most of those it follows follow, then whom most here
    follow. Nobody is suggested whom it follows, asked, dismissed, blocks or mutes, or who does not
    want to be found.
    """
    found: dict[int, list[Source]] = {}
    named: tuple[tuple[Source, list[int]], ...] = (
        ("featured", list(snap.sets.bitmap(SetKey(SERVER, SetKind.FEATURED)))),
        ("friends_of_friends", _friends_of_friends(snap, viewer)),
        ("most_followed", snap.trends.most_followed()),
    )
    for source, accounts in named:
        for account in accounts:
            found.setdefault(account, []).append(source)
    fitting = _fitting(snap, viewer, found)
    return [
        Suggestion(account, tuple(sources))
        for account, sources in found.items()
        if account in fitting
    ][:limit]


def _fitting(snap: Snapshot, viewer: int, accounts: Iterable[int]) -> BitMap:
    """Return those accounts that may be suggested to a viewer at all."""
    pool = BitMap(accounts)
    for kind in (SetKind.FOLLOWING, SetKind.FOLLOW_REQUESTED, SetKind.NOT_SUGGESTED):
        pool -= snap.sets.bitmap(SetKey(viewer, kind))
    pool.discard(viewer)
    listed = snap.gate.listed(viewer, pool)
    profiles = snap.accounts.many(listed)
    return BitMap([ordinal for ordinal, each in profiles.items() if each.discoverable])


def _friends_of_friends(snap: Snapshot, viewer: int) -> list[int]:
    """Return whom those the viewer follows follow, those most of them follow first."""
    entries = snap.gate.visible_page(SetKey(viewer, SetKind.FOLLOWING), limit=FRIENDS)
    friends = snap.accounts.many(entry.member for entry in entries)
    keys = [
        SetKey(ordinal, SetKind.FOLLOWING)
        for ordinal, account in friends.items()
        if not account.hide_collections
    ]
    snap.sets.prefetch(keys)
    own = snap.sets.bitmap(SetKey(viewer, SetKind.FOLLOWING))
    lots = [
        np.frombuffer((snap.sets.bitmap(key) - own).to_array(), np.uint32)
        for key in keys
        if snap.sets.size(key) <= MOST_EACH
    ]
    if not lots:
        return []
    accounts, counts = np.unique(np.concatenate(lots), return_counts=True)
    order = np.lexsort((accounts, -counts))[:CANDIDATES]
    found: list[int] = accounts[order].tolist()
    return found


async def dismiss(ctx: Context, *, actor: int, account_id: int) -> None:
    """Suggest an account to the actor no more; again is harmless.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        account = tx.gate.require_account(tx.accounts.by_id(account_id))
        tx.sets.add(SetKey(actor, SetKind.NOT_SUGGESTED), account.ordinal)

    await ctx.store.write(change)


async def feature(ctx: Context, *, account: int, featured: bool) -> bool:
    """Suggest an account to everybody, or no more; return whether that changed anything."""
    key = SetKey(SERVER, SetKind.FEATURED)

    def change(tx: Transaction) -> bool:
        return tx.sets.add(key, account) if featured else tx.sets.remove(key, account)

    return await ctx.store.write(change)


# -- the directory ---------------------------------------------------------------------------------


def directory(
    snap: Snapshot, viewer: int | None, *, order: Order, limit: int, offset: int = 0
) -> list[int]:
    """Return accounts that want to be found: by their latest status, or the newest first."""
    found: dict[int, None] = {}
    if order == "active":
        _add_active(snap, viewer, found, offset + limit)
    _add_new(snap, viewer, found, offset + limit)
    return list(found)[offset : offset + limit]


def _add_active(snap: Snapshot, viewer: int | None, found: dict[int, None], wanted: int) -> None:
    below, read = MAX_SNOWFLAKE, 0
    while len(found) < wanted and read < READ_AT_MOST:
        rows = snap.trends.recent_authors(below=below, limit=READ_AT_ONCE)
        if not rows:
            return
        _add(snap, viewer, found, (author for _, author in rows))
        below, read = rows[-1][0], read + len(rows)


def _add_new(snap: Snapshot, viewer: int | None, found: dict[int, None], wanted: int) -> None:
    max_id, read = None, 0
    while len(found) < wanted and read < READ_AT_MOST:
        accounts = snap.accounts.page(limit=READ_AT_ONCE, max_id=max_id)
        if not accounts:
            return
        _add(snap, viewer, found, (account.ordinal for account in accounts))
        max_id, read = accounts[-1].id, read + len(accounts)


def _add(
    snap: Snapshot, viewer: int | None, found: dict[int, None], accounts: Iterable[int]
) -> None:
    new = [account for account in dict.fromkeys(accounts) if account not in found]
    listed = snap.gate.listed(viewer, BitMap(new))
    profiles = snap.accounts.many(account for account in new if account in listed)
    found.update((ordinal, None) for ordinal, each in profiles.items() if each.discoverable)
