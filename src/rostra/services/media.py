"""Media and statuses: what may be attached, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from rostra.domain.errors import Invalid
from rostra.domain.media import MAX_ATTACHED, Media, check_together
from rostra.ports import Transaction

FREE_MS: Final = 24 * 60 * 60 * 1000
"""How long media that belong to nothing are kept."""


def attachable(
    tx: Transaction,
    *,
    actor: int,
    ids: Sequence[int],
    poll: bool = False,
    status: int | None = None,
    scheduled: int | None = None,
) -> list[Media]:
    """Return the media of these ids, in their order, when the actor may attach them.

    Args:
        tx: the transaction in which they will be attached.
        actor: whose they must be.
        ids: which; twice the same counts once.
        poll: whether there is a poll as well, which goes with no media.
        status: a status they may be attached to already, the one that is being edited.
        scheduled: a scheduled status that may hold them already.

    Raises:
        Invalid: they are too many, do not go together, are not ready, are another's or are taken.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    if len(wanted) > MAX_ATTACHED or poll:
        raise Invalid(
            "Cannot attach files to a post with a poll"
            if poll
            else f"Cannot attach more than {MAX_ATTACHED} files"
        )
    found = tx.media.many(wanted)
    missing = [
        str(media_id)
        for media_id in wanted
        if (media := found.get(media_id)) is None
        or media.owner != actor
        or media.status not in (None, status)
        or media.scheduled not in (None, scheduled)
    ]
    if missing:
        raise Invalid(f"Media {', '.join(missing)} not found or already attached to another post")
    check_together(list(found.values()))
    return list(found.values())


def attach(tx: Transaction, status: int, media: Iterable[Media]) -> None:
    """Note that media belong to a status; which, and in what order, is in ``Status.media``."""
    for one in media:
        if one.status != status or one.scheduled is not None:
            tx.media.put(replace(one, status=status, scheduled=None, since=tx.now))


def hold(tx: Transaction, scheduled: int, media: Iterable[Media]) -> None:
    """Keep media for a status that is scheduled; ``attach`` or ``release`` them later."""
    for one in media:
        if one.scheduled != scheduled:
            tx.media.put(replace(one, scheduled=scheduled, since=tx.now))


def release(tx: Transaction, ids: Iterable[int]) -> None:
    """Let media go: they belong to nothing, can be attached anew, and are removed after a day."""
    for one in tx.media.many(ids).values():
        if not one.free:
            tx.media.put(replace(one, status=None, scheduled=None, since=tx.now))
