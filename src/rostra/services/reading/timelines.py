"""Timelines: ids from the index of recent statuses, less what gate and viewer do not let in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Unpack
from urllib.parse import urldefrag

from pyroaring import BitMap

from rostra.domain.errors import NotFound
from rostra.domain.pages import Page
from rostra.domain.statuses import Status, Visibility
from rostra.domain.text import normal_tag
from rostra.ports import Snapshot
from rostra.services.attachments import cards
from rostra.services.discovery import trends
from rostra.services.reading import paging
from rostra.services.social_graph import lists
from rostra.services.statuses import original, visible

MAX_TAGS: Final = 4
"""How many hashtags beside the first can be named in each way, as in Mastodon."""


def home(snap: Snapshot, viewer: int, **page: Unpack[Page]) -> list[int]:
    """Return a page of what those the viewer follows, and the viewer, have said; newest first."""
    return snap.recent.home(viewer, partial(_wanted_at_home, snap, viewer), **page)


def in_list(snap: Snapshot, viewer: int, list_id: int | None, **page: Unpack[Page]) -> list[int]:
    """Return a page of what the members of a list of the viewer have said; newest first.

    Raises:
        NotFound: the viewer has no such list.
    """
    found = lists.show(snap, viewer, list_id)
    return snap.recent.in_list(found, partial(_wanted_at_home, snap, viewer), **page)


def _wanted_at_home(snap: Snapshot, viewer: int, ids: list[int]) -> list[int]:
    """Leave out what the viewer may not see, what mentions accounts it mutes or blocks, and
    languages it does not want of an author.

    Whose statuses, replies and boosts come home at all is the index's rule.
    """
    statuses = _without_unwanted_mentions(snap, viewer, _present(snap, viewer, ids))
    authors = list({status.author for status in statuses})
    options = snap.accounts.follow_options(viewer, authors) if authors else {}
    chosen = {author: wanted.languages for author, wanted in options.items() if wanted.languages}
    if not chosen:
        return [status.id for status in statuses]
    return [
        status.id
        for status in statuses
        if status.author not in chosen or _language(snap, status) in (None, *chosen[status.author])
    ]


def _without_unwanted_mentions(snap: Snapshot, viewer: int, statuses: list[Status]) -> list[Status]:
    unwanted = snap.gate.unwanted_by(viewer)
    if not unwanted:
        return statuses

    def mentions(status: Status) -> tuple[int, ...]:
        source = original(snap, status)
        return status.mentions if source is None else (*status.mentions, *source.mentions)

    return [
        status
        for status in statuses
        if status.author == viewer or not any(one in unwanted for one in mentions(status))
    ]


def _language(snap: Snapshot, status: Status) -> str | None:
    source = original(snap, status)
    return None if source is None else source.language


def _present(snap: Snapshot, viewer: int | None, ids: list[int]) -> list[Status]:
    """Return the statuses with these ids, in order, that the viewer may see."""
    found = snap.statuses.many(ids)
    return visible(snap, viewer, list(found.values()))


def public(
    snap: Snapshot,
    viewer: int | None,
    *,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
    **page: Unpack[Page],
) -> list[int]:
    """Return a page of what anybody has said to everybody; newest first.

    Everything is of here, so asking for the rest alone finds nothing.
    """
    if remote and not local:
        return []

    def keep(ids: list[int]) -> list[int]:
        return [
            status.id
            for status in _listed(snap, viewer, ids)
            if status.reblog_of is None and status.in_reply_to_author in (None, status.author)
        ]

    fetch = snap.statuses.public_with_media if only_media else partial(snap.recent.public, viewer)
    return paging.fill(fetch, keep, int, **page)


def tag(
    snap: Snapshot,
    viewer: int | None,
    tag: str,
    *,
    any: Sequence[str] = (),
    all: Sequence[str] = (),
    none: Sequence[str] = (),
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
    **page: Unpack[Page],
) -> list[int]:
    """Return a page of the public statuses with a hashtag; newest first.

    Args:
        snap: the view.
        viewer: who asks; None: anybody.
        tag: the hashtag, with or without its sign.
        any: other hashtags that do as well.
        all: hashtags a status must have besides.
        none: hashtags it must not have.
        local: only statuses of this server.
        remote: only statuses of other servers, of which there are none yet.
        only_media: only statuses with media.
        page: how many at most, between which ids.
    """
    if remote and not local:
        return []
    tags = list(dict.fromkeys(normal_tag(name) for name in (tag, *any[:MAX_TAGS])))
    needed = {normal_tag(name) for name in all[:MAX_TAGS]}
    refused = {normal_tag(name) for name in none[:MAX_TAGS]}

    def fetch(**page: Unpack[Page]) -> list[int]:
        ids = {id_ for name in tags for id_ in snap.statuses.tagged(name, **page)}
        newest_first = sorted(ids, reverse=True)
        limit = page["limit"]
        return newest_first[:limit] if page.get("min_id") is None else newest_first[-limit:]

    def keep(ids: list[int]) -> list[int]:
        return [
            status.id
            for status in _listed(snap, viewer, ids)
            if needed <= set(status.tags)
            and refused.isdisjoint(status.tags)
            and (status.media or not only_media)
        ]

    return paging.fill(fetch, keep, int, **page)


def link(snap: Snapshot, viewer: int | None, url: str, **page: Unpack[Page]) -> list[int]:
    """Return a page of the public statuses that link to a page that trends; newest first.

    Only those of accounts that want to be discovered, as in Mastodon.

    Raises:
        NotFound: the page does not trend.
    """
    address = urldefrag(url).url
    if all(trend.subject != address for trend in trends.links(snap, viewer)):
        raise NotFound

    def keep(ids: list[int]) -> list[int]:
        statuses = _listed(snap, viewer, ids)
        authors = snap.accounts.many({status.author for status in statuses})
        return [status.id for status in statuses if authors[status.author].discoverable]

    return paging.fill(partial(snap.cards.showing, cards.hash_of(address)), keep, int, **page)


def _listed(snap: Snapshot, viewer: int | None, ids: list[int]) -> list[Status]:
    """Return the public statuses with these ids of authors who may stand in public timelines."""
    statuses = _present(snap, viewer, ids)
    listed = snap.gate.listed(viewer, BitMap([status.author for status in statuses]))
    return [
        status
        for status in statuses
        if status.visibility == Visibility.PUBLIC and status.author in listed
    ]
