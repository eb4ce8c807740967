"""The pieces a status is joined from: what is fixed, counts, the poll, and what is the viewer's."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.api.messages import encode
from rostra.api.rendering import Renderer
from rostra.domain.statuses import Visibility
from rostra.services.hydration import PollView, StatusView, ViewerFlags

NEVER: Final = 2**63
"""The ``until`` of what the clock does not change."""

ACCOUNT: Final = b',"account":'


class StatusPart(Struct, frozen=True):
    """What is fixed about a status.

    The bytes of one are ``head``, its counts, ``ACCOUNT``, its author's, ``tail``; then the boosted
    status or the poll with what the viewer chose; then what the viewer did, which closes it.
    """

    head: bytes
    author: int
    tail: bytes
    reblog: int | None
    poll: bool
    pinnable: bool


class PollPart(Struct, frozen=True):
    """The bytes of a poll without what the viewer chose, good until ``until`` (ms)."""

    body: bytes
    until: int


NO_FLAGS: Final = ViewerFlags(
    favourited=False, reblogged=False, bookmarked=False, muted=False, own_votes=None
)


def status_part(renderer: Renderer, view: StatusView) -> StatusPart:
    """Return what is fixed about a status."""
    if view.reblog is not None:
        tail = b',"poll":null,"reblog":'
    elif view.poll is not None:
        tail = b',"reblog":null,"poll":'
    else:
        tail = b',"reblog":null,"poll":null'
    return StatusPart(
        head=encode(renderer.status_head(view))[:-1] + b",",
        author=view.status.author,
        tail=tail,
        reblog=view.status.reblog_of if view.reblog is not None else None,
        poll=view.reblog is None and view.poll is not None,
        pinnable=view.reblog is None and view.status.visibility != Visibility.DIRECT,
    )


def counts(replies: int, boosts: int, likes: int) -> bytes:
    """Return the fields that count, as they stand within a status."""
    return b'"replies_count":%d,"reblogs_count":%d,"favourites_count":%d' % (
        replies,
        boosts,
        likes,
    )


def poll_part(renderer: Renderer, view: PollView) -> PollPart:
    """Return a poll as anybody sees it."""
    expires_at = view.poll.expires_at
    until = expires_at if expires_at is not None and not view.expired else NEVER
    return PollPart(encode(renderer.poll(view))[:-1], until)


def choice(votes: tuple[int, ...] | None, *, own: bool) -> bytes:
    """Return what a viewer voted, as the end of a poll; the author counts as one who has."""
    return b"," + encode({"voted": own or bool(votes), "own_votes": list(votes or ())})[1:]


def _flag_bytes() -> dict[tuple[bool, bool, bool, bool, bool], bytes]:
    both = (False, True)
    return {
        (favourited, reblogged, muted, bookmarked, own): b","
        + encode(
            {
                "favourited": favourited,
                "reblogged": reblogged,
                "muted": muted,
                "bookmarked": bookmarked,
                **({"pinned": False} if own else {}),
                "filtered": [],
            }
        )[1:]
        for favourited in both
        for reblogged in both
        for muted in both
        for bookmarked in both
        for own in both
    }


FLAGS: Final = _flag_bytes()
"""The end of a status by (favourited, reblogged, muted, bookmarked, one's own)."""
