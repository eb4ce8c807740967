"""Reading ties: what accounts are to each other, and lists of those who follow and are followed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Unpack

from rostra.domain.account_set import SERVER, Entry, SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import Forbidden
from rostra.domain.pages import Page
from rostra.domain.relationships import Kept, MuteOptions, Relationship
from rostra.ports import Snapshot, View
from rostra.services.reading import paging


def require_account(view: View, target: int) -> Account:
    """Return an account that was not deleted.

    Raises:
        NotFound: there is none.
    """
    return view.gate.require_account(view.accounts.get(target))


def begin(view: View, actor: int, target: int) -> None:
    """Refuse acting toward an account that is not there, or oneself, or of who may not act.

    Raises:
        NotFound: there is no such account.
        Forbidden: the actor may not act, or is the target.
    """
    view.gate.require_may_act(actor)
    require_account(view, target)
    if actor == target:
        raise Forbidden


def relationship(view: View, viewer: int, target: int) -> Relationship:
    """Return what ``target`` is to ``viewer``, its own suspension left aside."""
    return _relationships(view, viewer, [target])[0]


def relationships(
    snap: Snapshot, viewer: int, targets: Sequence[int], *, with_suspended: bool = False
) -> list[Relationship]:
    """Return what ``targets`` are to ``viewer``, in their order.

    Deleted accounts are left out, and suspended ones unless ``with_suspended``: then as they will
    be when both are active, so that a follow of them can be found and ended.
    """
    wanted = list(dict.fromkeys(targets))
    if with_suspended:
        wanted = snap.gate.not_deleted(wanted)
    else:
        wanted = snap.gate.active_among(wanted)
    return _relationships(snap, viewer, wanted)


NOTHING_KEPT: Final = Kept()

_ASKED: Final = (
    SetKind.FOLLOWING,
    SetKind.FOLLOWERS,
    SetKind.FOLLOW_REQUESTED,
    SetKind.FOLLOW_REQUESTS,
    SetKind.BLOCKING,
    SetKind.BLOCKED_BY,
    SetKind.MUTING,
    SetKind.ENDORSING,
)


def ask_ahead(view: View, actor: int, target: int) -> None:
    """Read at once the sets that a new tie between two accounts looks at."""
    theirs = (SetKind.FOLLOWERS, SetKind.FOLLOW_REQUESTS, SetKind.BLOCKING)
    view.sets.prefetch(
        [SetKey(actor, kind) for kind in _ASKED] + [SetKey(target, kind) for kind in theirs]
    )


def _relationships(view: View, viewer: int, targets: Sequence[int]) -> list[Relationship]:
    view.sets.prefetch(SetKey(viewer, kind) for kind in _ASKED)
    member = {kind: view.sets.contains_many(SetKey(viewer, kind), targets) for kind in _ASKED}
    about = view.accounts.kept(viewer, targets)
    found = []
    for place, target in enumerate(targets):
        kept = about.get(target, NOTHING_KEPT)
        mute = kept.mute if member[SetKind.MUTING][place] else None
        muting = mute is not None and (mute.until is None or view.now < mute.until)
        tied = member[SetKind.FOLLOWING][place] or member[SetKind.FOLLOW_REQUESTED][place]
        found.append(
            Relationship(
                target=target,
                following=member[SetKind.FOLLOWING][place],
                options=kept.follow if tied else NOTHING_KEPT.follow,
                followed_by=member[SetKind.FOLLOWERS][place],
                requested=member[SetKind.FOLLOW_REQUESTED][place],
                requested_by=member[SetKind.FOLLOW_REQUESTS][place],
                blocking=member[SetKind.BLOCKING][place],
                blocked_by=member[SetKind.BLOCKED_BY][place],
                muting=muting,
                muting_notifications=muting and mute is not None and mute.notifications,
                endorsed=member[SetKind.ENDORSING][place],
                note=kept.note,
            )
        )
    return found


def followers(
    snap: Snapshot,
    viewer: int | None,
    target: int,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those who follow ``target``, newest first; empty where it hides them.

    Raises:
        NotFound: there is no such account.
    """
    return _collection(snap, viewer, target, SetKind.FOLLOWERS, **page)


def following(
    snap: Snapshot,
    viewer: int | None,
    target: int,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those ``target`` follows, newest first; empty where it hides them.

    Raises:
        NotFound: there is no such account.
    """
    return _collection(snap, viewer, target, SetKind.FOLLOWING, **page)


def _collection(
    snap: Snapshot,
    viewer: int | None,
    target: int,
    kind: SetKind,
    **page: Unpack[Page],
) -> list[Entry]:
    account = require_account(snap, target)
    if viewer != target and (
        account.hide_collections or (viewer is not None and snap.gate.blocks(target, viewer))
    ):
        return []
    return snap.gate.visible_page(SetKey(target, kind), viewer=viewer, **page)


def follow_requests(
    snap: Snapshot,
    viewer: int,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those who ask to follow the viewer, newest first."""
    return snap.gate.visible_page(SetKey(viewer, SetKind.FOLLOW_REQUESTS), **page)


def owned(
    snap: Snapshot,
    viewer: int,
    kind: SetKind,
    **page: Unpack[Page],
) -> list[Entry]:
    """Return a page of those the viewer blocks or mutes, newest first, ended mutes left out."""
    fetch = partial(snap.gate.visible_page, SetKey(viewer, kind))
    if kind != SetKind.MUTING:
        return fetch(**page)

    def keep(entries: list[Entry]) -> list[Entry]:
        ends = mutes_end(snap, viewer, [entry.member for entry in entries])
        return [
            entry for entry in entries if (until := ends[entry.member]) is None or snap.now < until
        ]

    return paging.fill(fetch, keep, lambda entry: entry.position, **page)


def mutes_end(view: View, viewer: int, targets: Sequence[int]) -> dict[int, int | None]:
    """Return when (ms) the mutes of ``targets`` by the viewer end, None for never."""
    options = view.accounts.mute_options(viewer, targets)
    return {target: options.get(target, MuteOptions()).until for target in targets}


def dormant_followers(snap: Snapshot, viewer: int, *, limit: int = 80) -> list[int]:
    """Return followers of the viewer that are suspended now, so that it can remove them."""
    own = SetKey(viewer, SetKind.FOLLOWERS)
    found: list[int] = []
    for members in snap.sets.intersection(own, SetKey(SERVER, SetKind.SUSPENDED)):
        found += snap.gate.not_deleted(members)
        if len(found) >= limit:
            break
    return found[:limit]


def familiar_followers(snap: Snapshot, viewer: int, targets: Sequence[int]) -> dict[int, list[int]]:
    """Return for each target its followers whom the viewer follows; none where it hides them."""
    mine = SetKey(viewer, SetKind.FOLLOWING)
    found: dict[int, list[int]] = {}
    for target, account in snap.accounts.many(targets).items():
        if not snap.gate.active(target):
            continue
        found[target] = []
        if account.hide_collections or snap.gate.blocks(target, viewer):
            continue
        for members in snap.sets.intersection(mine, SetKey(target, SetKind.FOLLOWERS)):
            found[target] += snap.gate.active_among(members)
    return found
