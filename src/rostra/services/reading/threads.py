"""Reading statuses: one, what stands around it, who likes it, and those of an account."""

from __future__ import annotations

from functools import partial
from typing import Final, Unpack

from pyroaring import BitMap

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.errors import NotFound
from rostra.domain.pages import Page
from rostra.domain.statuses import Status
from rostra.domain.text import normal_tag
from rostra.ports import Snapshot, View
from rostra.services.reading import paging

# How much of a thread is shown, to somebody signed in and to anybody (as Mastodon does).
MAX_ANCESTORS: Final = (4096, 40)
MAX_DESCENDANTS: Final = (4096, 60)


def original(view: View, status: Status | None) -> Status | None:
    """Return what a boost boosts, and anything else as it is."""
    if status is None or status.reblog_of is None:
        return status
    return view.statuses.get(status.reblog_of)


def show(snap: Snapshot, viewer: int | None, status_id: int) -> Status:
    """Return a status.

    Raises:
        NotFound: there is none, or the viewer may not see it (of a boost: the original).
    """
    status = snap.gate.require_status(viewer, snap.statuses.get(status_id))
    snap.gate.require_status(viewer, original(snap, status))
    return status


def context(snap: Snapshot, viewer: int | None, status_id: int) -> tuple[list[int], list[int]]:
    """Return what a status answers, outermost first, and its answers, each before its own.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    status = show(snap, viewer, status_id)
    anonymous = viewer is None
    above = ancestors(snap, status, MAX_ANCESTORS[anonymous])
    below = _descendants(snap, status, MAX_DESCENDANTS[anonymous])
    authors = BitMap([one.author for one in (*above, *below)])
    welcome = authors if viewer is None else snap.gate.wanted(viewer, authors)

    def shown(found: list[Status]) -> list[int]:
        return [
            one.id
            for one in found
            if one.author in welcome and snap.gate.may_see_status(viewer, one)
        ]

    return shown(above[::-1]), shown(below)


def ancestors(snap: View, status: Status, limit: int = MAX_ANCESTORS[False]) -> list[Status]:
    """Return what a status answers, nearest first."""
    found: list[Status] = []
    parent = status.in_reply_to
    while parent is not None and len(found) < limit:
        above = snap.statuses.get(parent)
        if above is None:
            break
        found.append(above)
        parent = above.in_reply_to
    return found


def _descendants(snap: Snapshot, status: Status, limit: int) -> list[Status]:
    ids: list[int] = []
    waiting = [status.id]
    while waiting and len(ids) <= limit:
        one = waiting.pop()
        ids.append(one)
        waiting += sorted((reply[0] for reply in snap.statuses.replies(one)), reverse=True)
    found = snap.statuses.many(ids[1 : limit + 1])
    return [found[id_] for id_ in ids[1 : limit + 1] if id_ in found]


def favourited_by(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those who like a status, newest first.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    return _members(snap, viewer, status_id, SetKind.LIKES, **page)


def reblogged_by(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those who boost a status, newest first.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    return _members(snap, viewer, status_id, SetKind.BOOSTS, **page)


def _members(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    kind: SetKind,
    **page: Unpack[Page],
) -> list[Entry]:
    status = original(snap, show(snap, viewer, status_id))
    if status is None:
        raise NotFound
    return snap.gate.visible_page(SetKey(status.id, kind), viewer=viewer, **page)


def by_account(
    snap: Snapshot,
    viewer: int | None,
    target: int,
    *,
    only_media: bool = False,
    exclude_replies: bool = False,
    exclude_reblogs: bool = False,
    pinned: bool = False,
    tagged: str | None = None,
    **page: Unpack[Page],
) -> list[int]:
    """Return a page of the statuses of an account that the viewer may see, newest first.

    With ``pinned`` they are those it has pinned, the one pinned last first, all on one page.

    Raises:
        NotFound: there is no such account.
    """
    snap.gate.require_present(snap.accounts.get(target))
    blocked = viewer is not None and viewer != target and snap.gate.blocks(target, viewer)
    if not snap.gate.active(target) or blocked:
        return []
    normal = tagged and normal_tag(tagged)
    if pinned:
        found = _pinned(snap, target, only_media=only_media, tagged=normal, **page)
        return [status.id for status in visible(snap, viewer, found)]
    visibilities = (0, 1) if viewer is None else (0, 1, 2, 3)

    fetch = partial(
        snap.statuses.by_author,
        target,
        visibilities=visibilities,
        exclude_replies=exclude_replies,
        exclude_reblogs=exclude_reblogs,
        only_media=only_media,
        tagged=normal,
    )
    keep = partial(visible, snap, viewer)
    return [status.id for status in paging.fill(fetch, keep, lambda status: status.id, **page)]


def _pinned(
    snap: Snapshot, target: int, *, only_media: bool, tagged: str | None, **page: Unpack[Page]
) -> list[Status]:
    above = max(page.get("since_id") or 0, page.get("min_id") or 0)
    below = page.get("max_id")
    found = snap.statuses.many(snap.statuses.pinned(target)).values()
    kept = [
        status
        for status in found
        if status.id > above
        and (below is None or status.id < below)
        and (not only_media or status.media)
        and (tagged is None or tagged in status.tags)
    ]
    return kept[: page["limit"]]


def visible(snap: Snapshot, viewer: int | None, found: list[Status]) -> list[Status]:
    """Return those statuses that the viewer may see; of a boost, the original too."""
    boosted = {status.reblog_of for status in found if status.reblog_of is not None}
    originals = snap.statuses.many(boosted) if boosted else {}
    blocked = snap.gate.blocked_either_way(viewer) if viewer is not None and boosted else ()

    def may_see(status: Status) -> bool:
        if not snap.gate.may_see_status(viewer, status):
            return False
        if status.reblog_of is None:
            return True
        source = originals.get(status.reblog_of)
        return (
            source is not None
            and source.author not in blocked
            and snap.gate.may_see_status(viewer, source)
        )

    return [status for status in found if may_see(status)]
