"""Which page of a list is wanted, as the Mastodon API says it.

Functions that read a list take these as ``**page: Unpack[Page]`` and hand them on as they are
(https://docs.joinmastodon.org/api/guidelines/#pagination).
"""

from __future__ import annotations

from typing import TypedDict


class Cursors(TypedDict, total=False):
    """Where in a list a page lies; its items have growing ids or positions.

    ``max_id``: only items below it. ``since_id``: only items above it, the newest of them.
    ``min_id``: only items above it, the nearest to it.
    """

    max_id: int | None
    since_id: int | None
    min_id: int | None


class Page(Cursors):
    """A page of at most ``limit`` items, newest first."""

    limit: int
