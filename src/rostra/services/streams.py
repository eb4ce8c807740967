"""What those who listen hear of at once, beside what ``services.audience`` says of timelines.

Each function is given the listeners as a bitmap of ordinals, and returns those it concerns.
"""

from __future__ import annotations

from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.ids import snowflake_ms
from rostra.domain.statuses import Status
from rostra.ports import Snapshot
from rostra.services.threads import ancestors, original

FRESH_MS: Final = 5 * 60_000
"""What is older than this is no news: an import brings it, or it comes back with its author."""

ANYBODY: Final = 0
"""The listener who is not signed in; no account has this ordinal."""


def is_news(snap: Snapshot, status_id: int) -> bool:
    """Return whether a status that appeared in the store was just said."""
    return snowflake_ms(status_id) > snap.now - FRESH_MS


def in_thread(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` who, looking at a thread, see a status in it."""
    return BitMap([one for one in among if _sees_in_thread(snap, one, status)])


def _sees_in_thread(snap: Snapshot, listener: int, status: Status) -> bool:
    if listener == ANYBODY:
        return snap.gate.may_see_status(None, status)
    wanted = snap.gate.wanted(listener, BitMap([status.author]))
    return bool(wanted) and snap.gate.may_see_status(listener, status)


def threads_of(snap: Snapshot, status: Status) -> list[int]:
    """Return the statuses whose threads a status is in: itself and all that it answers."""
    return [status.id, *(above.id for above in ancestors(snap, status))]


def apart(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` to whom a status is something of its own: who wrote it, or did
    something with it. To all others it is the same.
    """
    gate, shown = snap.gate, status.reblog_of or status.id
    source = original(snap, status)
    found = among & BitMap([status.author, source.author if source is not None else status.author])
    for kind in (SetKind.LIKES, SetKind.BOOSTS, SetKind.BOOKMARKS):
        found |= gate.members(SetKey(shown, kind), among)
    if source is not None and source.poll is not None:
        for option in range(len(source.poll.options)):
            found |= gate.members(SetKey(shown, SetKind.VOTES + option), among)
    return found
