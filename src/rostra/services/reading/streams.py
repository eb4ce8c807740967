"""What those who listen hear of at once, beside what ``audience`` says of timelines.

Each function is given the listeners as a bitmap of ordinals, and returns those it concerns.
"""

from __future__ import annotations

from typing import Final

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.ids import snowflake_ms
from rostra.domain.statuses import Status
from rostra.ports import Snapshot
from rostra.services import roles
from rostra.services.publishing import polls, quotes
from rostra.services.reading.threads import ancestors, original

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


def moderators(snap: Snapshot, among: BitMap) -> BitMap:
    """Return those of ``among`` who moderate, and may act now."""
    barred = snap.gate.barred(among)
    return BitMap([one for one in among - barred if roles.is_moderator(snap, one)])


def apart(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` to whom a status is something of its own: who wrote it or what it
    shows, did something with that, or mutes its conversation.
    """
    shown = [status, *_shown(snap, status)]
    found = among & BitMap([one.author for one in shown])
    for one in shown[1:]:
        kinds = [SetKind.LIKES, SetKind.BOOSTS, SetKind.BOOKMARKS]
        keys = [SetKey(one.id, kind) for kind in kinds]
        if one.poll is not None:
            keys += polls.vote_keys(one.id, one.poll)
        for key in (*keys, SetKey(one.root, SetKind.THREAD_MUTES)):
            found |= snap.gate.members(key, among)
    return found


def _shown(snap: Snapshot, status: Status) -> list[Status]:
    """Return what of a status is shown: itself or what it boosts, and what that quotes."""
    source = original(snap, status)
    if source is None:
        return []
    quoted = snap.statuses.get(source.quote_of) if source.quote_of is not None else None
    return [source] if quoted is None else [source, quoted]


def standing(snap: Snapshot, status: Status, listener: int) -> tuple[object, ...]:
    """Return in what a status is told to a listener as to others who did nothing with it: what it
    may quote, and what a quote in it is to it.
    """
    shown = _shown(snap, status)
    may = [quotes.may_quote(snap, listener, one) for one in shown]
    source = shown[0] if shown else status
    if source.quote_of is None:
        return tuple(may)
    quote = quotes.standing(
        snap,
        listener,
        author=source.author,
        quoted_id=source.quote_of,
        state=source.quote_state,
    )
    return (*may, quote.state)
