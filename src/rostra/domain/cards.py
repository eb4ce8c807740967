"""Cards: what is shown of a page that a status links to."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

DAY_MS: Final = 24 * 60 * 60 * 1000
GOOD_FOR_MS: Final = 14 * DAY_MS
FAILED_FOR_MS: Final = DAY_MS


class Card(Struct, frozen=True, kw_only=True):
    """The preview of a page, shared by all who link to it.

    ``fetched_at`` (ms) is 0 until the page was asked for; ``found`` is whether there was anything
    to show. ``image`` is the key and name of a stored file, ``image_source`` where it was found.
    """

    url: str
    fetched_at: int = 0
    found: bool = False
    title: str = ""
    description: str = ""
    language: str | None = None
    author_name: str = ""
    author_url: str = ""
    provider_name: str = ""
    provider_url: str = ""
    published_at: int | None = None
    image: tuple[str, str] | None = None
    image_source: str = ""
    image_description: str = ""
    width: int = 0
    height: int = 0
    blurhash: str | None = None

    def due(self, now: int) -> bool:
        """Return whether the page should be asked for at ``now`` (ms): never was, or long ago."""
        return self.fetched_at + (GOOD_FOR_MS if self.found else FAILED_FOR_MS) <= now


def same_to_see(one: Card, other: Card) -> bool:
    """Return whether nobody who sees two cards would tell a difference."""
    bare = {"fetched_at", "image_source"}
    names = [name for name in Card.__struct_fields__ if name not in bare]
    return all(getattr(one, name) == getattr(other, name) for name in names)
