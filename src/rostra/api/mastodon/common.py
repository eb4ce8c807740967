"""What several resources answer with: lists of accounts and of statuses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace
from pyroaring import BitMap

from rostra.api.messages import JSON, PRIVATE, SHARED, Call, Header, Reply
from rostra.api.pagination import link
from rostra.api.pieces import NEVER
from rostra.domain.account_set import Entry
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot
from rostra.services.reading.freshness import Basis


def bytes_reply(
    call: Call,
    body: bytes,
    *,
    headers: tuple[Header, ...] = (),
    until: int = NEVER,
    basis: Basis | None = None,
) -> Reply:
    """Return a reply with rendered JSON; one for anybody carries an ETag."""
    ends = until if until != NEVER else None
    if call.token is not None:
        return Reply(body, 200, (JSON, *PRIVATE, *headers), ends, basis=basis)
    tag = b'W/"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'
    return Reply(body, 200, (JSON, *SHARED, (b"etag", tag), *headers), ends, tag, basis)


def array(bodies: Sequence[bytes]) -> bytes:
    """Return the JSON array of rendered values."""
    return b"[" + b",".join(bodies) + b"]"


NOTIFICATIONS_HOLD_MS: Final = 60_000
"""Mutes end and accounts grow old with no event that says so."""


def notifications_reply(
    call: Call,
    snap: Snapshot,
    body: bytes,
    *,
    statuses: Iterable[int] = (),
    accounts: Iterable[int] = (),
    headers: tuple[Header, ...] = (),
    until: int = NEVER,
) -> Reply:
    """Return what shows notifications, kept until one comes or what it shows is another.

    Args:
        call: what is answered.
        snap: the view.
        body: the JSON.
        statuses: the statuses it shows.
        accounts: those it shows (ordinals) beside their authors.
        headers: beside those of every answer.
        until: how long the statuses hold (ms).
    """
    basis = call.api.parts.basis(call.viewer, list(statuses))
    if basis is not None:
        basis = replace(basis, accounts=basis.accounts | frozenset(accounts), told=True)
    until = min(until, snap.now + NOTIFICATIONS_HOLD_MS)
    return bytes_reply(call, body, headers=headers, until=until, basis=basis)


def account_reply(call: Call, snap: Snapshot, ordinal: int) -> Reply:
    """Return the Account entity of an account that exists."""
    basis = Basis(accounts=frozenset({ordinal}), viewer=call.viewer)
    return bytes_reply(call, call.api.parts.account(snap, ordinal), basis=basis)


def accounts_reply(
    call: Call, snap: Snapshot, ordinals: Sequence[int], headers: tuple[Header, ...] = ()
) -> Reply:
    """Return a list of accounts."""
    return bytes_reply(call, array(call.api.parts.accounts(snap, ordinals)), headers=headers)


def entries_reply(call: Call, snap: Snapshot, entries: Sequence[Entry], limit: int) -> Reply:
    """Return a page of a set as a list of accounts; the cursors are positions in the set."""
    positions = [entry.position for entry in entries]
    headers = link(call, positions, more=len(entries) >= limit)
    return accounts_reply(call, snap, [entry.member for entry in entries], headers)


def status_reply(call: Call, snap: Snapshot, status_id: int) -> Reply:
    """Return a Status entity.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    body, until = call.api.parts.status(snap, call.viewer, status_id)
    if body is None:
        raise NotFound
    basis = call.api.parts.basis(call.viewer, [status_id])
    return bytes_reply(call, body, until=until, basis=basis)


def statuses_reply(
    call: Call,
    snap: Snapshot,
    ids: Sequence[int],
    *,
    paged: bool = True,
    follows: BitMap | None = None,
    public: bool = False,
) -> Reply:
    """Return a list of statuses.

    Args:
        call: what is answered.
        snap: the view that chose the statuses.
        ids: what to list.
        paged: whether the ids are cursors.
        follows: whose new statuses belong into the list; with this or ``public`` it is known when
            the list is outdated.
        public: whether the new statuses of everybody do.
    """
    bodies, until = call.api.parts.statuses(snap, call.viewer, ids)
    headers = link(call, ids) if paged else ()
    basis = None
    if follows is not None or public:
        basis = call.api.parts.basis(call.viewer, ids, follows=follows, public=public)
    return bytes_reply(call, array(bodies), headers=headers, until=until, basis=basis)


def places_reply(
    call: Call, snap: Snapshot, places: Sequence[tuple[int, int]], limit: int
) -> Reply:
    """Return a page of statuses by their positions on a list, which are the cursors."""
    bodies, until = call.api.parts.statuses(snap, call.viewer, [place[1] for place in places])
    headers = link(call, [place[0] for place in places], more=len(places) >= limit)
    return bytes_reply(call, array(bodies), headers=headers, until=until)
