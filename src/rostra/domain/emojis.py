"""Custom emojis: small pictures of this server that a ``:shortcode:`` in a text stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.text import graphemes

MAX_BYTES: Final = 256 * 1024
MAX_PIXELS: Final = 1024 * 1024
TYPES: Final = {"image/png": "png", "image/gif": "gif", "image/webp": "webp"}
"""The formats there may be, and how their files' names end."""

_SHORTCODE: Final = re.compile(r"[A-Za-z0-9_]{2,60}")
# A colon within a word or a time (10:30:05) begins none.
_USED: Final = re.compile(r"(?<![^\W_])(?<!:):([A-Za-z0-9_]{2,60}):(?![^\W_])(?!:)")


class Emoji(Struct, frozen=True, kw_only=True):
    """A custom emoji. ``tag`` and ``still_tag`` name the content of its file and of the first frame
    of one that moves; both are the same where it does not. ``created_at`` is in ms.
    """

    shortcode: str
    type: str
    tag: str
    still_tag: str
    category: str | None = None
    visible: bool = True
    created_at: int = 0

    @property
    def file(self) -> str:
        """The path of its file below the server's address."""
        return f"emoji/{self.tag}/{self.shortcode}.{TYPES[self.type]}"

    @property
    def still(self) -> str:
        """The path of the picture that does not move."""
        moves = self.tag != self.still_tag
        return f"emoji/{self.still_tag}/{self.shortcode}.png" if moves else self.file


def check_shortcode(shortcode: str) -> str:
    """Return a shortcode without its colons, when it may be given to an emoji.

    Raises:
        Invalid: it has other characters than a-z, 0-9 and _, or is too short or long.
    """
    name = shortcode.strip(":")
    if not _SHORTCODE.fullmatch(name):
        raise Invalid("Validation failed: Shortcode must be 2 to 60 letters, digits or underscores")
    return name


def shortcodes(texts: Iterable[str]) -> list[str]:
    """Return the shortcodes that stand in texts, in order, each once."""
    found: dict[str, None] = {}
    for text in texts:
        if ":" in text:
            found.update(dict.fromkeys(_USED.findall(text)))
    return list(found)


def is_unicode_emoji(text: str) -> bool:
    """Return whether a text is one character as people see it, and a picture rather than a letter.

    Source: the shapes of https://unicode.org/reports/tr51/#Emoji_Properties_and_Data_Files, from
    what the standard library knows of a character.
    """
    if not text or len(text) > 20 or graphemes(text) != 1:
        return False
    keycap = text[-1] == "\u20e3" and text[0] in "0123456789#*"
    return keycap or (
        unicodedata.category(text[0]) in ("So", "Sm", "Po", "Sk", "Pd") and ord(text[0]) > 0xA8
    )
