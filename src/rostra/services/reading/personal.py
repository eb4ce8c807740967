"""What an account keeps for itself: how far and how it reads, and domains it blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import msgspec
from msgspec import Struct

from rostra.domain.errors import Conflict, Invalid
from rostra.domain.events import NotificationsChanged
from rostra.domain.pages import Page
from rostra.domain.personal import (
    MAX_DOMAINS,
    BlockedDomain,
    ExpandMedia,
    MarkedTimeline,
    Marker,
    Preferences,
    checked_domain,
)
from rostra.ports import Context, Snapshot, Transaction

# -- markers ---------------------------------------------------------------------------------------


class Place(Struct, frozen=True):
    """How far somebody has read; ``version`` is the one of the marker it replaces, if known."""

    last_read: int
    version: int | None = None


async def mark(ctx: Context, *, actor: int, places: Mapping[MarkedTimeline, Place]) -> list[Marker]:
    """Put down how far the actor has read some timelines, all or none; return the markers.

    Raises:
        Conflict: a marker has another version than the one that is to be replaced.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> list[Marker]:
        tx.gate.require_may_act(actor)
        before = tx.personal.markers(actor)
        made = []
        for timeline, place in places.items():
            known = before.get(timeline)
            version = 0 if known is None else known.version
            if place.version not in (None, version):
                raise Conflict("Conflict during update, please try again")
            marker = Marker(timeline, place.last_read, version + 1, tx.now)
            tx.personal.set_marker(actor, marker)
            made.append(marker)
        if MarkedTimeline.NOTIFICATIONS in places:
            tx.announce(NotificationsChanged(actor))
        return made

    return await ctx.store.write(change)


# -- preferences -----------------------------------------------------------------------------------


async def prefer(
    ctx: Context,
    *,
    actor: int,
    expand_media: str | None = None,
    expand_spoilers: bool | None = None,
    autoplay_gifs: bool | None = None,
) -> Preferences:
    """Change how the actor likes to read; None leaves a thing as it is.

    Raises:
        Invalid: there is no such way to show media.
        Forbidden: the actor may not act.
    """
    asked: dict[str, object] = {}
    if expand_media is not None:
        try:
            asked["expand_media"] = ExpandMedia(expand_media)
        except ValueError:
            raise Invalid(
                "Validation failed: Media are shown as one of %(among)s",
                among=", ".join(ExpandMedia),
            ) from None
    if expand_spoilers is not None:
        asked["expand_spoilers"] = expand_spoilers
    if autoplay_gifs is not None:
        asked["autoplay_gifs"] = autoplay_gifs

    def change(tx: Transaction) -> Preferences:
        tx.gate.require_may_act(actor)
        before = tx.personal.preferences(actor)
        after = msgspec.structs.replace(before, **asked)
        if after != before:
            tx.personal.set_preferences(actor, after)
        return after

    return await ctx.store.write(change)


# -- domains ---------------------------------------------------------------------------------------


def blocked_domains(snap: Snapshot, viewer: int, **page: Unpack[Page]) -> list[BlockedDomain]:
    """Return a page of the domains the viewer blocks, newest first."""
    return snap.personal.blocked_domains(viewer, **page)


async def block_domain(ctx: Context, *, actor: int, domain: str) -> None:
    """Block a domain for the actor; again is harmless.

    Raises:
        Invalid: it is no domain, or this server's, or the actor blocks as many as one may.
        Forbidden: the actor may not act.
    """
    wanted = checked_domain(domain, own=ctx.settings.domain)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        if tx.personal.blocks_domain(actor, wanted):
            return
        if tx.personal.count_blocked_domains(actor) >= MAX_DOMAINS:
            raise Invalid(
                "Validation failed: You block %(num)s domains already: unblock one first",
                num=MAX_DOMAINS,
            )
        tx.personal.block_domain(actor, BlockedDomain(tx.next_id(), wanted))

    await ctx.store.write(change)


async def unblock_domain(ctx: Context, *, actor: int, domain: str) -> None:
    """Block a domain no longer.

    Raises:
        Invalid: it is no domain, or this server's.
        Forbidden: the actor may not act.
    """
    wanted = checked_domain(domain, own=ctx.settings.domain)

    def change(tx: Transaction) -> None:
        tx.gate.require_may_act(actor)
        tx.personal.unblock_domain(actor, wanted)

    await ctx.store.write(change)
