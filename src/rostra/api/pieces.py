"""The pieces a status is joined from: what is fixed, counts, the poll, and what is the viewer's."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.api.messages import encode
from rostra.api.rendering import Renderer
from rostra.domain.statuses import QuotePolicy, QuoteState, Visibility
from rostra.services.publishing.quotes import policy_for
from rostra.services.reading.hydration import PollView, StatusView, ViewerFlags

NEVER: Final = 2**63
"""The ``until`` of what the clock does not change."""

ACCOUNT: Final = b',"account":'
QUOTE: Final = b',"quote":'


class StatusPart(Struct, frozen=True):
    """What is fixed about a status.

    The bytes of one are ``head``, its counts, ``ACCOUNT``, its author's, one of ``tails`` (the
    second for those who may quote it); then the boosted status, or the poll with what the viewer
    chose; then what it quotes; then what the viewer did, which closes it. ``boosted`` is the part
    of the boosted status that ``head`` goes with. ``policy`` is who may quote it, None for a boost;
    ``open`` that all who sign in may.
    """

    head: bytes
    author: int
    tails: tuple[bytes, bytes]
    reblog: int | None
    boosted: StatusPart | None
    poll: bool
    pinnable: bool
    quote: int | None
    quote_state: QuoteState
    policy: QuotePolicy | None
    visibility: Visibility
    open: bool


class PollPart(Struct, frozen=True):
    """The bytes of a poll without what the viewer chose, good until ``until`` (ms)."""

    body: bytes
    until: int


NO_FLAGS: Final = ViewerFlags(
    favourited=False, reblogged=False, bookmarked=False, muted=False, own_votes=None
)


def status_part(
    renderer: Renderer, view: StatusView, boosted: StatusPart | None = None
) -> StatusPart:
    """Return what is fixed about a status; ``boosted`` is that of what it boosts."""
    status = view.status
    is_boost = view.reblog is not None
    if is_boost:
        tail = b',"quote":null,"poll":null,"reblog":'
    else:
        tail = b',"reblog":null,"poll":' + (b"null" if view.poll is None else b"")
        if status.quote_of is None:
            tail = b',"quote":null' + tail
    policy = None if is_boost else policy_for(status.quote_policy, status.visibility)
    return StatusPart(
        head=encode(renderer.status_head(view))[:-1] + b",",
        author=status.author,
        tails=(_tail(policy, tail, may=False), _tail(policy, tail, may=True)),
        reblog=status.reblog_of if is_boost else None,
        boosted=boosted,
        poll=not is_boost and view.poll is not None,
        pinnable=not is_boost and status.visibility != Visibility.DIRECT,
        quote=status.quote_of,
        quote_state=status.quote_state,
        policy=policy,
        visibility=status.visibility,
        open=policy == QuotePolicy.PUBLIC and status.visibility <= Visibility.UNLISTED,
    )


def _tail(policy: QuotePolicy | None, tail: bytes, *, may: bool) -> bytes:
    closed = policy in (None, QuotePolicy.NOBODY)
    approval = {
        "automatic": [] if policy is None or closed else [policy.label],
        "manual": [],
        "current_user": "automatic" if may else "denied",
    }
    return b',"quote_approval":' + encode(approval) + tail


def counts(replies: int, boosts: int, likes: int, quotes: int) -> bytes:
    """Return the fields that count, as they stand within a status."""
    return b'"replies_count":%d,"reblogs_count":%d,"favourites_count":%d,"quotes_count":%d' % (
        replies,
        boosts,
        likes,
        quotes,
    )


def poll_part(renderer: Renderer, view: PollView) -> PollPart:
    """Return a poll as anybody sees it."""
    expires_at = view.poll.expires_at
    until = expires_at if expires_at is not None and not view.expired else NEVER
    return PollPart(encode(renderer.poll(view))[:-1], until)


def choice(votes: tuple[int, ...] | None, *, own: bool) -> bytes:
    """Return what a viewer voted, as the end of a poll; the author counts as one who has."""
    return b"," + encode({"voted": own or bool(votes), "own_votes": list(votes or ())})[1:]


def _flag_bytes() -> dict[tuple[bool, bool, bool, bool, bool | None], bytes]:
    both = (False, True)
    return {
        (favourited, reblogged, muted, bookmarked, pinned): b","
        + encode(
            {
                "favourited": favourited,
                "reblogged": reblogged,
                "muted": muted,
                "bookmarked": bookmarked,
                **({"pinned": pinned} if pinned is not None else {}),
                "filtered": [],
            }
        )[1:]
        for favourited in both
        for reblogged in both
        for muted in both
        for bookmarked in both
        for pinned in (None, False, True)
    }


FLAGS: Final = _flag_bytes()
"""The end of a status by (favourited, reblogged, muted, bookmarked, pinned), the last one None for
what cannot be pinned by who looks."""
