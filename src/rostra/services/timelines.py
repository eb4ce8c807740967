"""Timelines: ids from the index of recent statuses, less what the gate and the viewer's wishes take
away.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyroaring import BitMap

from rostra.domain.statuses import Status, Visibility
from rostra.domain.text import normal_tag
from rostra.ports import Snapshot
from rostra.services import paging
from rostra.services.statuses import original, visible


def home(
    snap: Snapshot,
    viewer: int,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[int]:
    """Return a page of what those the viewer follows, and the viewer, have said; newest first."""

    def fetch(
        *, limit: int, max_id: int | None, since_id: int | None, min_id: int | None
    ) -> list[int]:
        return snap.recent.home(
            viewer, limit=limit, max_id=max_id, since_id=since_id, min_id=min_id
        )

    return paging.fill(
        fetch,
        lambda ids: _wanted_at_home(snap, viewer, ids),
        int,
        limit=limit,
        max_id=max_id,
        since_id=since_id,
        min_id=min_id,
    )


def _wanted_at_home(snap: Snapshot, viewer: int, ids: list[int]) -> list[int]:
    """Leave out what the viewer may not see, and languages it does not want of an author.

    Whose statuses, replies and boosts come home at all is the index's rule.
    """
    statuses = _present(snap, viewer, ids)
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
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[int]:
    """Return a page of what anybody has said to everybody; newest first.

    Everything is of here and nothing has media yet, so asking for the rest alone finds nothing.
    """
    if (remote and not local) or only_media:
        return []

    def fetch(
        *, limit: int, max_id: int | None, since_id: int | None, min_id: int | None
    ) -> list[int]:
        return snap.recent.public(
            viewer, limit=limit, max_id=max_id, since_id=since_id, min_id=min_id
        )

    def keep(ids: list[int]) -> list[int]:
        return [
            status.id
            for status in _listed(snap, viewer, ids)
            if status.reblog_of is None and status.in_reply_to_author in (None, status.author)
        ]

    return paging.fill(
        fetch, keep, int, limit=limit, max_id=max_id, since_id=since_id, min_id=min_id
    )


def tag(
    snap: Snapshot,
    viewer: int | None,
    tag: str,
    *,
    any: Sequence[str] = (),
    all: Sequence[str] = (),
    none: Sequence[str] = (),
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
    local: bool = False,
    remote: bool = False,
    only_media: bool = False,
) -> list[int]:
    """Return a page of the public statuses with a hashtag; newest first.

    Args:
        snap: the view.
        viewer: who asks; None: anybody.
        tag: the hashtag, with or without its sign.
        any: other hashtags that do as well.
        all: hashtags a status must have besides.
        none: hashtags it must not have.
        limit: how many at most.
        max_id: only ids below this one.
        since_id: only ids above this one; the newest of them.
        min_id: only ids above this one; the nearest to it.
        local: only statuses of this server.
        remote: only statuses of other servers, of which there are none yet.
        only_media: only statuses with media, of which there are none yet.
    """
    if (remote and not local) or only_media:
        return []
    tags = list(dict.fromkeys(normal_tag(name) for name in (tag, *any)))
    needed = {normal_tag(name) for name in all}
    refused = {normal_tag(name) for name in none}

    def fetch(
        *, limit: int, max_id: int | None, since_id: int | None, min_id: int | None
    ) -> list[int]:
        ids: set[int] = set()
        for name in tags:
            ids.update(
                snap.statuses.tagged(
                    name, limit=limit, max_id=max_id, since_id=since_id, min_id=min_id
                )
            )
        newest_first = sorted(ids, reverse=True)
        return newest_first[:limit] if min_id is None else newest_first[-limit:]

    def keep(ids: list[int]) -> list[int]:
        return [
            status.id
            for status in _listed(snap, viewer, ids)
            if needed <= set(status.tags) and refused.isdisjoint(status.tags)
        ]

    return paging.fill(
        fetch, keep, int, limit=limit, max_id=max_id, since_id=since_id, min_id=min_id
    )


def _listed(snap: Snapshot, viewer: int | None, ids: list[int]) -> list[Status]:
    """Return the public statuses with these ids of authors who may stand in public timelines."""
    statuses = _present(snap, viewer, ids)
    listed = snap.gate.listed(viewer, BitMap([status.author for status in statuses]))
    return [
        status
        for status in statuses
        if status.visibility == Visibility.PUBLIC and status.author in listed
    ]
