"""What several resources answer with: lists of accounts and of statuses."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from rostra.api.messages import JSON, PRIVATE, SHARED, Call, Header, Reply
from rostra.api.pagination import link
from rostra.api.pieces import NEVER
from rostra.domain.account_set import Entry
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot


def bytes_reply(
    call: Call, body: bytes, *, headers: tuple[Header, ...] = (), until: int = NEVER
) -> Reply:
    """Return a reply with rendered JSON; one for anybody carries an ETag."""
    ends = until if until != NEVER else None
    if call.token is not None:
        return Reply(body, 200, (JSON, *PRIVATE, *headers), ends)
    tag = b'W/"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'
    return Reply(body, 200, (JSON, *SHARED, (b"etag", tag), *headers), ends, tag)


def array(bodies: Sequence[bytes]) -> bytes:
    """Return the JSON array of rendered values."""
    return b"[" + b",".join(bodies) + b"]"


def account_reply(call: Call, snap: Snapshot, ordinal: int) -> Reply:
    """Return the Account entity of an account that exists."""
    return bytes_reply(call, call.api.parts.account(snap, ordinal))


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
    return bytes_reply(call, body, until=until)


def statuses_reply(call: Call, snap: Snapshot, ids: Sequence[int], *, paged: bool = True) -> Reply:
    """Return a list of statuses; with ``paged`` and the ids as cursors."""
    bodies, until = call.api.parts.statuses(snap, call.viewer, ids)
    headers = link(call, ids) if paged else ()
    return bytes_reply(call, array(bodies), headers=headers, until=until)
