"""Hashtags: following and featuring them, and how much they were used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Unpack

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import snowflake, snowflake_ms
from rostra.domain.pages import Page
from rostra.domain.tags import (
    DAY_MS,
    HISTORY_DAYS,
    MAX_FEATURED,
    MAX_FOLLOWED,
    FeaturedTag,
    TagDay,
    TagFollow,
    TagUse,
    checked_tag,
)
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.social_graph.ties import require_account

SUGGESTED: Final = 10


class TagView(Struct, frozen=True):
    """A hashtag with its use day by day, the latest first; of the viewer's, None for nobody's."""

    name: str
    history: tuple[TagDay, ...]
    following: bool | None = None
    featuring: bool | None = None


class FeaturedView(Struct, frozen=True):
    """A featured hashtag with its use by who features it; ``last_status_at`` is in ms."""

    id: int
    tag: str
    statuses: int
    last_status_at: int | None


# -- reading ---------------------------------------------------------------------------------------


def show(snap: Snapshot, viewer: int | None, name: str) -> TagView:
    """Return a hashtag, used or not.

    Raises:
        NotFound: no hashtag can have this name.
    """
    try:
        return view_of(snap, viewer, checked_tag(name))
    except Invalid:
        raise NotFound from None


def view_of(snap: Snapshot, viewer: int | None, tag: str) -> TagView:
    """Return a hashtag by the name it is stored under."""
    return TagView(
        name=tag,
        history=history(snap, tag),
        following=None if viewer is None else snap.tags.follows(viewer, tag),
        featuring=None if viewer is None else snap.tags.features(viewer, tag),
    )


def history(snap: Snapshot, tag: str) -> tuple[TagDay, ...]:
    """Return how often a hashtag stood in public statuses of active accounts in the last days.

    Days begin at midnight UTC; today comes first.
    """
    today = snap.now - snap.now % DAY_MS
    days = [today - back * DAY_MS for back in range(HISTORY_DAYS)]
    ids, authors = snap.tags.uses(tag, since=snowflake(days[-1]))
    bounds = np.searchsorted(ids, [snowflake(day) for day in (*days[::-1], today + DAY_MS)])
    found = [
        _used(snap, day, authors[begin:end])
        for day, begin, end in zip(days[::-1], bounds[:-1], bounds[1:], strict=True)
    ]
    return tuple(found[::-1])


def _used(snap: Snapshot, day: int, authors: NDArray[np.uint32]) -> TagDay:
    """Return the use of a hashtag on a day by those of ``authors`` (each as often) shown now."""
    people = BitMap(authors)
    hidden = snap.gate.hidden_in(people)
    uses = len(authors)
    if hidden:
        uses -= int(np.isin(authors, np.frombuffer(hidden.to_array(), np.uint32)).sum())
    return TagDay(day, uses, len(people) - len(hidden))


def followed(snap: Snapshot, viewer: int, **page: Unpack[Page]) -> list[TagFollow]:
    """Return a page of the hashtags the viewer follows, newest first."""
    return snap.tags.followed(viewer, **page)


def featured(snap: Snapshot, target: int) -> list[FeaturedView]:
    """Return the hashtags an account features, those used most first; none while it is away.

    Raises:
        NotFound: there is no such account.
    """
    require_account(snap, target)
    if not snap.gate.active(target):
        return []
    found = [_featured(snap, target, each) for each in snap.tags.featured(target)]
    return sorted(found, key=lambda each: -each.statuses)


def _featured(view: View, owner: int, value: FeaturedTag) -> FeaturedView:
    use: TagUse = view.tags.use(owner, value.tag)
    last = None if use.last_status is None else snowflake_ms(use.last_status)
    return FeaturedView(value.id, value.tag, use.statuses, last)


def suggested(snap: Snapshot, viewer: int) -> list[str]:
    """Return the hashtags the viewer uses most and does not feature."""
    shown = {each.tag for each in snap.tags.featured(viewer)}
    used = snap.tags.most_used(viewer, limit=SUGGESTED + len(shown))
    return [tag for tag in used if tag not in shown][:SUGGESTED]


# -- following -------------------------------------------------------------------------------------


async def follow(ctx: Context, *, actor: int, name: str) -> str:
    """Bring public statuses with a hashtag into the actor's home; again is harmless.

    Return the name the hashtag is stored under.

    Raises:
        Invalid: no hashtag can have this name, or the actor follows as many as one may.
        Forbidden: the actor may not act.
    """
    tag = checked_tag(name)

    def change(tx: Transaction) -> str:
        tx.gate.require_may_act(actor)
        if tx.tags.follows(actor, tag):
            return tag
        if tx.tags.count_followed(actor) >= MAX_FOLLOWED:
            raise Invalid(
                "Validation failed: You follow %(num)s hashtags already: unfollow one first",
                num=MAX_FOLLOWED,
            )
        number = tx.tags.number(tag)
        if number is None:
            number = tx.next_id()
            tx.tags.name(tag, number)
        tx.tags.follow(actor, TagFollow(tx.next_id(), tag))
        tx.sets.add(SetKey(number, SetKind.TAG_FOLLOWERS), actor)
        return tag

    return await ctx.store.write(change)


async def unfollow(ctx: Context, *, actor: int, name: str) -> str:
    """Follow a hashtag no longer; return the name it is stored under.

    Raises:
        Invalid: no hashtag can have this name.
        Forbidden: the actor may not act.
    """
    tag = checked_tag(name)

    def change(tx: Transaction) -> str:
        tx.gate.require_may_act(actor)
        forget_follow(tx, actor, tag)
        return tag

    return await ctx.store.write(change)


def forget_follow(tx: Transaction, account: int, tag: str) -> None:
    """Remove the follow of a hashtag, if there is one, on both sides."""
    number = tx.tags.number(tag)
    if number is not None and tx.tags.follows(account, tag):
        tx.tags.unfollow(account, tag)
        tx.sets.remove(SetKey(number, SetKind.TAG_FOLLOWERS), account)


# -- featuring -------------------------------------------------------------------------------------


async def feature(ctx: Context, *, actor: int, name: str) -> FeaturedView:
    """Show a hashtag on the actor's profile; again is harmless.

    Raises:
        Invalid: no hashtag can have this name, or the actor features as many as one may.
        Forbidden: the actor may not act.
    """
    if not name.strip():
        raise Invalid("Validation failed: Tag can't be blank")
    tag = checked_tag(name)

    def change(tx: Transaction) -> FeaturedView:
        tx.gate.require_may_act(actor)
        shown = tx.tags.featured(actor)
        found = next((each for each in shown if each.tag == tag), None)
        if found is None:
            if len(shown) >= MAX_FEATURED:
                raise Invalid(
                    "Validation failed: You have already featured the maximum number of hashtags"
                )
            found = FeaturedTag(tx.next_id(), tag)
            tx.tags.feature(actor, found)
        return _featured(tx, actor, found)

    return await ctx.store.write(change)


async def unfeature(ctx: Context, *, actor: int, name: str) -> str:
    """Show a hashtag on the actor's profile no longer; return the name it is stored under.

    Raises:
        Invalid: no hashtag can have this name.
        Forbidden: the actor may not act.
    """
    tag = checked_tag(name)

    def change(tx: Transaction) -> str:
        tx.gate.require_may_act(actor)
        tx.tags.unfeature(actor, tag)
        return tag

    return await ctx.store.write(change)


async def unfeature_by_id(ctx: Context, *, actor: int, featured_id: int | None) -> None:
    """Show a hashtag on the actor's profile no longer.

    Raises:
        NotFound: the actor features none under this id.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        found: Sequence[FeaturedTag] = tx.tags.featured(actor)
        tag = next((each.tag for each in found if each.id == featured_id), None)
        if tag is None:
            raise NotFound
        tx.tags.unfeature(actor, tag)

    await ctx.store.write(change)
