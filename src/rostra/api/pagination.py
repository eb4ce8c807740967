"""Pages of lists: cursors in, ``Link`` headers out (https://docs.joinmastodon.org/api/guidelines/#pagination)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from rostra.api.messages import Call, Header
from rostra.domain.ids import MAX_SNOWFLAKE
from rostra.domain.pages import Cursors

CURSORS: Final = frozenset({"max_id", "since_id", "min_id", "access_token"})
_MAX_DIGITS: Final = 19


def cursor(text: str | None) -> int | None:
    """Return a cursor as a number; None when it is none, which is then as if it was not given.

    One beyond the highest id there can be counts as that.
    """
    if not text or not text.isascii() or not text.isdigit():
        return None
    return min(int(text), MAX_SNOWFLAKE) if len(text) <= _MAX_DIGITS else MAX_SNOWFLAKE


def clamped(limit: int | None, default: int, most: int | None = None) -> int:
    """Return how many to list: ``default`` when not said, and never more than twice that."""
    if limit is None:
        return default
    return min(abs(limit), most or 2 * default)


class Page(Struct, frozen=True):
    """The parameters of every list with cursors."""

    max_id: str | None = None
    since_id: str | None = None
    min_id: str | None = None
    limit: int | None = None

    def cursors(self) -> Cursors:
        """Return the cursors under the names services know them by."""
        return {
            "max_id": cursor(self.max_id),
            "since_id": cursor(self.since_id),
            "min_id": cursor(self.min_id),
        }


def link(call: Call, ids: Sequence[int], *, more: bool = True) -> tuple[Header, ...]:
    """Return the ``Link`` header for a page.

    Args:
        call: the request for this page; its other parameters are kept.
        ids: cursors of the page's items, newest first.
        more: whether there may be older items.
    """
    if not ids:
        return ()
    kept = [(name, value) for name, value in call.query_pairs() if name not in CURSORS]
    address = call.api.ctx.settings.url + call.scope["path"]
    links = []
    if more:
        links.append(_one(address, kept, "max_id", ids[-1], "next"))
    links.append(_one(address, kept, "min_id", ids[0], "prev"))
    return ((b"link", ", ".join(links).encode("ascii", "replace")),)


def _one(address: str, kept: list[tuple[str, str]], name: str, value: int, rel: str) -> str:
    return f'<{address}?{urlencode([*kept, (name, str(value))])}>; rel="{rel}"'
