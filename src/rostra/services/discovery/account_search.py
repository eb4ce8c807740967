"""Finding accounts by their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import USERNAME, Account
from rostra.ports import Snapshot

NAMED: Final = 5_000
"""How many accounts a beginning of a handle finds at most: more say that it is too short."""

RANKED: Final = 200
"""How many of those found are put in order of their followers; the rest is in order of age."""


def accounts(
    snap: Snapshot,
    viewer: int | None,
    q: str,
    *,
    limit: int,
    offset: int = 0,
    following: bool = False,
    resolve: bool = False,
    domain: str | None = None,
) -> list[Account]:
    """Return accounts by the beginnings of words in their names, best first.

    First the one with exactly this handle, then those the viewer follows, then the others, each by
    the number of followers. Limited accounts and those blocked either way are found by their whole
    handle alone (it is how one unblocks), limited ones also by those who follow them.

    Args:
        snap: the view.
        viewer: who asks; None: anybody.
        q: a handle, with or without its domain, or words of a name.
        limit: how many at most.
        offset: how many to pass over.
        following: only those the viewer follows.
        resolve: ask other servers as well, of which there are none yet.
        domain: this server's; handles of other domains find nobody when it is given.
    """
    handle, _, host = unicodedata.normalize("NFKC", q.strip()).removeprefix("@").partition("@")
    if not handle or limit <= 0 or (host and domain and host.lower() != domain.lower()):
        return []
    exact = snap.accounts.by_username(handle)
    service = snap.access.service_account()  # nobody's, and for nobody to find
    if exact is not None and exact.ordinal == service:
        exact = None
    named = snap.search.named(handle, limit=NAMED) if USERNAME.match(handle) else []
    found = snap.gate.findable(viewer, snap.search.accounts(handle) | BitMap(named))
    if exact is not None:
        found.discard(exact.ordinal)
    if service is not None:
        found.discard(service)
    followed = found & snap.sets.bitmap(SetKey(viewer or 0, SetKind.FOLLOWING))
    ranked: list[int] = []
    if (
        exact is not None
        and snap.gate.active(exact.ordinal)
        and (not following or (viewer is not None and snap.gate.follows(viewer, exact.ordinal)))
    ):
        ranked.append(exact.ordinal)
    ranked += _by_followers(snap, followed, named)
    if not following:
        ranked += _by_followers(snap, found - followed, named)
    return list(snap.accounts.many(ranked[offset : offset + limit]).values())


def _by_followers(snap: Snapshot, found: BitMap, named: Iterable[int]) -> list[int]:
    """Return accounts, those with most followers first, as far as so many are looked at."""
    if not found:
        return []
    first = [ordinal for ordinal in named if ordinal in found][:RANKED]
    rest = found - BitMap(first)
    more = list(rest[: RANKED - len(first)]) if len(first) < RANKED else []
    keys = {ordinal: SetKey(ordinal, SetKind.FOLLOWERS) for ordinal in (*first, *more)}
    snap.sets.prefetch(keys.values())
    ranked = sorted(keys, key=lambda ordinal: -snap.gate.visible_count(keys[ordinal]))
    return ranked + list(rest - BitMap(more))
