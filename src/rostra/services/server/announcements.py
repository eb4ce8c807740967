"""Announcements: publishing them, reading and dismissing them, reacting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.announcements import MAX_REACTIONS, Announcement, Reaction
from rostra.domain.emojis import Emoji, is_unicode_emoji
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.events import AnnouncementReacted
from rostra.domain.ids import parse_id
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services import text
from rostra.services.attachments import emojis

MAX_TEXT: Final = 10_000
PURGED_AT_ONCE: Final = 5_000


class ReactionView(Struct, frozen=True):
    """A reaction with how many accounts gave it, and whether the viewer did."""

    name: str
    count: int
    me: bool
    emoji: Emoji | None


class AnnouncementView(Struct, frozen=True):
    """An announcement with all it is shown with."""

    announcement: Announcement
    content: str
    read: bool
    mentions: tuple[Account, ...]
    statuses: tuple[Status, ...]
    tags: tuple[str, ...]
    emojis: tuple[Emoji, ...]
    reactions: tuple[ReactionView, ...]


# -- reading ---------------------------------------------------------------------------------------


def listed(
    snap: Snapshot, viewer: int | None, settings: Settings, *, with_dismissed: bool = False
) -> list[AnnouncementView]:
    """Return the announcements that hold now, in order of their times; not those dismissed."""
    views = [
        view_of(snap, viewer, announcement, settings)
        for announcement in snap.announcements.all()
        if _holds(announcement, snap.now)
    ]
    return [view for view in views if with_dismissed or not view.read]


def _holds(announcement: Announcement, now: int) -> bool:
    ends_at = announcement.ends_at
    return announcement.published_at <= now and (ends_at is None or now < ends_at)


def view_of(
    view: View, viewer: int | None, announcement: Announcement, settings: Settings
) -> AnnouncementView:
    """Return an announcement as a viewer sees it."""
    parsed = text.parse(announcement.text, domain=settings.domain)
    accounts = text.mentioned(view, parsed)
    read = SetKey(announcement.id, SetKind.ANNOUNCEMENT_READ)
    return AnnouncementView(
        announcement=announcement,
        content=text.render(parsed, accounts, settings),
        read=viewer is not None and view.sets.contains(read, viewer),
        mentions=tuple(accounts.values()),
        statuses=_statuses(view, announcement.text, settings),
        tags=parsed.tags,
        emojis=emojis.used(view, announcement.text),
        reactions=reactions(view, viewer, announcement.id),
    )


def _statuses(view: View, words: str, settings: Settings) -> tuple[Status, ...]:
    """Return the public statuses of this server whose addresses stand in a text."""
    found = re.findall(rf"{re.escape(settings.url)}/@\w+/(\d+)", words)
    ids = [id_ for each in found if (id_ := parse_id(each)) is not None]
    return tuple(
        status
        for status in view.statuses.many(ids).values()
        if status.visibility <= Visibility.UNLISTED and view.gate.may_see_status(None, status)
    )


def reactions(view: View, viewer: int | None, announcement_id: int) -> tuple[ReactionView, ...]:
    """Return the reactions to an announcement that anybody gives now, oldest first."""
    found: Sequence[Reaction] = view.announcements.reactions(announcement_id)
    there = view.emojis.all()
    views = (
        ReactionView(
            name=reaction.name,
            count=view.gate.visible_count(key),
            me=viewer is not None and view.sets.contains(key, viewer),
            emoji=there.get(reaction.name),
        )
        for reaction in found
        for key in (SetKey(reaction.id, SetKind.REACTED),)
        if is_unicode_emoji(reaction.name) or reaction.name in there
    )
    return tuple(each for each in views if each.count)


# -- publishing ------------------------------------------------------------------------------------


async def publish(
    ctx: Context,
    *,
    text: str,
    starts_at: int | None = None,
    ends_at: int | None = None,
    all_day: bool = False,
) -> Announcement:
    """Tell everybody something.

    Args:
        ctx: the ports.
        text: plain text; links, mentions and hashtags in it lead somewhere.
        starts_at: when what it tells of begins, ms since 1970.
        ends_at: when that ends, and the announcement is not shown any more.
        all_day: whether only the days of these times matter.

    Raises:
        Invalid: there is no text, or it ends before it begins or now.
    """
    words = text.strip()
    if not words or len(words) > MAX_TEXT:
        raise Invalid("An announcement needs a text of at most %(num)s characters", num=MAX_TEXT)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise Invalid("The end must be after the start")

    def change(tx: Transaction) -> Announcement:
        if ends_at is not None and ends_at <= tx.now:
            raise Invalid("The end must be in the future")
        announcement = Announcement(
            id=tx.next_id(),
            text=words,
            published_at=tx.now,
            updated_at=tx.now,
            starts_at=starts_at,
            ends_at=ends_at,
            all_day=all_day,
        )
        tx.announcements.put(announcement)
        return announcement

    return await ctx.store.write(change)


async def withdraw(ctx: Context, *, announcement_id: int) -> None:
    """Take an announcement back.

    Raises:
        NotFound: there is none of this id.
    """

    def change(tx: Transaction) -> None:
        if tx.announcements.get(announcement_id) is None:
            raise NotFound("There is no announcement of this id")
        owners = [reaction.id for reaction in tx.announcements.reactions(announcement_id)]
        payload = {"announcement": announcement_id, "reactions": owners}
        tx.jobs.enqueue("purge_announcement", payload, tx.now)
        tx.announcements.delete(announcement_id)

    await ctx.store.write(change)


async def purge(ctx: Context, *, announcement: int, reactions: list[int]) -> None:
    """Forget who read and who reacted to an announcement that was taken back: a job, in steps."""
    keys = [SetKey(announcement, SetKind.ANNOUNCEMENT_READ)]
    keys += [SetKey(reaction, SetKind.REACTED) for reaction in reactions]

    def change(tx: Transaction) -> int:
        if tx.announcements.get(announcement) is not None:
            return 0
        removed = 0
        for key in keys:
            members = [entry.member for entry in tx.sets.newest(key, limit=PURGED_AT_ONCE)]
            removed += tx.sets.remove_many(key, members) if members else 0
        return removed

    while await ctx.store.write(change):
        pass


# -- what readers do -------------------------------------------------------------------------------


async def dismiss(ctx: Context, *, actor: int, announcement_id: int) -> None:
    """Mark an announcement as read; again is harmless.

    Raises:
        NotFound: there is none, or it holds no more.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        _require(tx, actor, announcement_id)
        tx.sets.add(SetKey(announcement_id, SetKind.ANNOUNCEMENT_READ), actor)

    await ctx.store.write(change)


async def react(ctx: Context, *, actor: int, announcement_id: int, name: str) -> None:
    """React to an announcement with an emoji; again is harmless.

    Raises:
        NotFound: there is no such announcement, or it holds no more.
        Invalid: the name is no emoji, or there are as many different reactions as there may be.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        _require(tx, actor, announcement_id)
        if not is_unicode_emoji(name) and name not in tx.emojis.all():
            raise Invalid("Validation failed: Name is not a recognized emoji")
        known = {each.name: each for each in tx.announcements.reactions(announcement_id)}
        reaction = known.get(name)
        if reaction is None:
            given = sum(
                tx.gate.visible_count(SetKey(each.id, SetKind.REACTED)) > 0
                for each in known.values()
            )
            if given >= MAX_REACTIONS:
                raise Invalid("Validation failed: Limit of different reactions reached")
            reaction = Reaction(name, tx.next_id())
            tx.announcements.name_reaction(announcement_id, reaction)
        if tx.sets.add(SetKey(reaction.id, SetKind.REACTED), actor):
            tx.announce(AnnouncementReacted(announcement_id, name, reaction.id))

    await ctx.store.write(change)


async def unreact(ctx: Context, *, actor: int, announcement_id: int, name: str) -> None:
    """Take a reaction back.

    Raises:
        NotFound: there is no such announcement, or the actor did not react so.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> None:
        _require(tx, actor, announcement_id)
        for reaction in tx.announcements.reactions(announcement_id):
            key = SetKey(reaction.id, SetKind.REACTED)
            if reaction.name == name and tx.sets.remove(key, actor):
                tx.announce(AnnouncementReacted(announcement_id, name, reaction.id))
                return
        raise NotFound

    await ctx.store.write(change)


def _require(tx: Transaction, actor: int, announcement_id: int) -> None:
    tx.gate.require_may_act(actor)
    announcement = tx.announcements.get(announcement_id)
    if announcement is None or not _holds(announcement, tx.now):
        raise NotFound
