"""Text of statuses: mentions, hashtags and links found in it, its length, and the HTML made of it.

The rules are those of Mastodon, so that what one of its apps lets a person write is accepted here:
https://docs.joinmastodon.org/user/posting/#text. Where links begin and end is found by the caller
(``services.text``): this module takes their places as given.
"""

from __future__ import annotations

import enum
import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.statuses import URL_CHARACTERS

LINK_SHOWN: Final = 30
"""How many characters of a link are shown; the rest is there, but invisible."""

CODE_POINTS_EACH: Final = 20
"""How many code points a character may be made of, on average; the longest emoji have about ten."""

_CONTROLS: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]")

Span = tuple[int, int]
"""Where something stands in a text: the index of its first character, and one past its last."""

_NAME = r"[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*"
_HOST = r"[^\W_][\w-]*(?:\.[\w-]+)*(?::\d+)?"
_MENTION = re.compile(rf"(?<![=/\w])@({_NAME})(?:@({_HOST}))?")
_SCHEME = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
_HASH: Final = "#\uff03"
_TAG_JOINERS: Final = "_\u00b7\u200c"


def without_controls(text: str) -> str:
    """Return what somebody typed without control characters other than tabs and ends of lines.

    Nobody can see them, HTML and many databases cannot hold them, and a terminal obeys them.
    """
    return _CONTROLS.sub("", text)


class EntityKind(enum.Enum):
    """What was found in a text."""

    LINK = enum.auto()
    MENTION = enum.auto()
    HASHTAG = enum.auto()


class Entity(Struct, frozen=True):
    """A mention, hashtag or link in a text, from character ``start`` to before ``end``.

    ``value`` is the address of a link, the name in a mention, or the hashtag without its sign, as
    typed.
    ``host`` is what follows the second @ of a mention.
    """

    kind: EntityKind
    start: int
    end: int
    value: str
    host: str | None = None


def entities(text: str, links: Sequence[Span] = ()) -> list[Entity]:
    """Return what is in ``text``, in order, without overlaps; links win over what is in them.

    Args:
        text: what was typed.
        links: where the links are, in order.
    """
    found = [Entity(EntityKind.LINK, start, end, text[start:end]) for start, end in links]
    if "@" in text:
        found += _outside(links, _mentions(text))
    if "#" in text or "\uff03" in text:
        taken = sorted((entity.start, entity.end) for entity in found)
        found += _outside(taken, _hashtags(text))
    return sorted(found, key=lambda entity: entity.start)


def mentioned_names(found: Iterable[Entity], domain: str) -> list[str]:
    """Return the names on this server that are mentioned, lower case, in order, each once.

    Args:
        found: what is in the text.
        domain: the domain of this server; a mention without a host is of here too.
    """
    names = (
        entity.value.lower()
        for entity in found
        if entity.kind is EntityKind.MENTION and _is_local(entity, domain)
    )
    return list(dict.fromkeys(names))


def tag_names(found: Iterable[Entity]) -> list[str]:
    """Return the names of the hashtags, normalised, in order, each once."""
    tags = (normal_tag(e.value) for e in found if e.kind is EntityKind.HASHTAG)
    return list(dict.fromkeys(tags))


def normal_tag(tag: str) -> str:
    """Return a hashtag as it is stored and searched for: compatibility forms folded, lower case."""
    return unicodedata.normalize("NFKC", tag.lstrip(_HASH)).lower()


def whole_tag(name: str) -> bool:
    """Return whether the whole of ``name`` makes a hashtag, without its sign."""
    return _is_tag(name) and name[-1] not in "\u00b7\u200c" and all(map(_in_tag, name))


def length(text: str, spoiler_text: str, found: Iterable[Entity]) -> int:
    """Return the characters a status counts: its grapheme clusters, with its content warning.

    A link counts 23 whatever its length, a mention counts without its host.
    Source: https://docs.joinmastodon.org/user/posting/#text.
    """
    total, rest = 0, list(text)
    for entity in found:
        if entity.kind is EntityKind.LINK:
            total += URL_CHARACTERS
            _blank(rest, entity.start, entity.end)
        elif entity.kind is EntityKind.MENTION and entity.host is not None:
            _blank(rest, entity.start + 1 + len(entity.value), entity.end)
    return total + graphemes(spoiler_text) + graphemes("".join(rest))


def _blank(characters: list[str], start: int, end: int) -> None:
    characters[start:end] = [""] * (end - start)


# -- finding ---------------------------------------------------------------------------------------


def _outside(taken: Sequence[Span], found: Iterable[Entity]) -> list[Entity]:
    """Return what was found and does not overlap what is taken; ``taken`` is in order."""
    ends = [end for _, end in taken]
    free = []
    for entity in found:
        after = bisect_right(ends, entity.start)  # the first span that ends behind its start
        if after == len(taken) or taken[after][0] >= entity.end:
            free.append(entity)
    return free


def _is_local(entity: Entity, domain: str) -> bool:
    return entity.host is None or entity.host.lower() == domain.lower()


def _mentions(text: str) -> Iterable[Entity]:
    for match in _MENTION.finditer(text):
        name, host = match.group(1), match.group(2)
        yield Entity(EntityKind.MENTION, match.start(), match.end(), name, host)


def _hashtags(text: str) -> Iterable[Entity]:
    place, size = 0, len(text)
    while place < size:
        if text[place] not in _HASH or (place and not _may_precede_tag(text[place - 1])):
            place += 1
            continue
        end = place + 1
        while end < size and _in_tag(text[end]):
            end += 1
        name = text[place + 1 : end].rstrip("\u00b7\u200c")
        if _is_tag(name):
            yield Entity(EntityKind.HASHTAG, place, place + 1 + len(name), name)
        place = end


def _may_precede_tag(character: str) -> bool:
    return not (character.isalnum() or character in "=/)&_#\uff03")


def _in_tag(character: str) -> bool:
    return (
        character.isalnum()
        or character in _TAG_JOINERS
        or unicodedata.category(character)[0] == "M"  # vowel signs are part of a word
    )


def _is_tag(name: str) -> bool:
    # Neither a number (#1) nor joiners alone (#__) make a hashtag.
    return (
        bool(name)
        and name[0] not in "\u00b7\u200c"
        and any(c.isalnum() for c in name)
        and not name.isdecimal()
    )


# -- HTML ------------------------------------------------------------------------------------------

Address = Callable[[Entity], "tuple[str, str] | None"]
"""Gives the address and the shown name of a mention, or None where it names nobody here."""


def render(text: str, found: Sequence[Entity], *, mention: Address, tags_at: str) -> str:
    """Return the HTML of a text in Mastodon's markup; everything typed is escaped.

    Args:
        text: what was typed.
        found: what ``entities`` found in it.
        mention: where a mention leads.
        tags_at: the address below which each hashtag has its page, without a slash at the end.
    """
    if not text:
        return ""
    parts, place = [], 0
    for entity in found:
        parts.append(_escaped(text[place : entity.start]))
        parts.append(_entity_html(text, entity, mention, tags_at))
        place = entity.end
    parts.append(_escaped(text[place:]))
    return _paragraphs("".join(parts))


def _escaped(text: str) -> str:
    """Return ``text`` as it stands between tags, where quotation marks mean themselves."""
    return html.escape(text, quote=False)


def _entity_html(text: str, entity: Entity, mention: Address, tags_at: str) -> str:
    if entity.kind is EntityKind.LINK:
        return _link_html(entity.value)
    if entity.kind is EntityKind.HASHTAG:
        address = html.escape(f"{tags_at}/{normal_tag(entity.value)}")
        return (
            f'<a href="{address}" class="mention hashtag" rel="tag">'
            f"#<span>{html.escape(entity.value)}</span></a>"
        )
    target = mention(entity)
    if target is None:
        return _escaped(text[entity.start : entity.end])
    address, name = (html.escape(part) for part in target)
    return (
        f'<span class="h-card" translate="no"><a href="{address}" class="u-url mention">'
        f"@<span>{name}</span></a></span>"
    )


def _link_html(address: str) -> str:
    scheme = _SCHEME.match(address)
    prefix = scheme.group() if scheme else ""
    shown = address[len(prefix) : len(prefix) + LINK_SHOWN]
    rest = address[len(prefix) + LINK_SHOWN :]
    kind = "ellipsis" if rest else ""
    return (
        f'<a href="{html.escape(address)}" rel="nofollow noopener noreferrer" translate="no" '
        f'target="_blank"><span class="invisible">{html.escape(prefix)}</span>'
        f'<span class="{kind}">{html.escape(shown)}</span>'
        f'<span class="invisible">{html.escape(rest)}</span></a>'
    )


def _paragraphs(markup: str) -> str:
    lines = markup.replace("\r\n", "\n").replace("\r", "\n")
    paragraphs = re.split(r"\n{2,}", lines)
    return "".join(f"<p>{paragraph.replace(chr(10), '<br />')}</p>" for paragraph in paragraphs)


# -- grapheme clusters -----------------------------------------------------------------------------

_ZWJ: Final = "\u200d"


def outgrows(text: str, limit: int) -> bool:
    """Return whether ``text`` is so long that it breaks a limit whatever it holds.

    Args:
        text: what was typed.
        limit: how many user-perceived characters it may have.
    """
    return len(text) > limit * CODE_POINTS_EACH


def exceeds(text: str, limit: int) -> bool:
    """Return whether ``text`` has more than ``limit`` user-perceived characters."""
    return outgrows(text, limit) or graphemes(text) > limit


def graphemes(text: str) -> int:
    """Return the number of user-perceived characters.

    Source: the extended grapheme clusters of https://unicode.org/reports/tr29/, from what the
    standard library knows of a character; Indic conjuncts (rule GB9c) count as their parts.
    """
    if text.isascii():
        return len(text) - text.count("\r\n")
    count, before, flags, joined = 0, "", 0, False
    for character in text:
        if not _continues(before, character, flags, joined):
            count += 1
        flags = flags + 1 if _is_flag(character) else 0
        joined = character == _ZWJ and (_is_pictograph(before) or _extends(before))
        before = character
    return count


def _continues(before: str, character: str, flags: int, joined: bool) -> bool:
    """Return whether there is no boundary before ``character`` (rules GB3 to GB13)."""
    if not before:
        return False
    if before == "\r" and character == "\n":
        return True
    if before in "\r\n" or character in "\r\n":
        return False
    if _extends(character) or unicodedata.category(character) == "Mc":
        return True
    if joined and _is_pictograph(character):
        return True
    if _is_flag(character):
        return flags % 2 == 1
    return _hangul_joins(before, character)


def _extends(character: str) -> bool:
    if not character:
        return False
    code = ord(character)
    return (
        character in "\u200c\u200d"
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags, as in the flags of parts of countries
        or unicodedata.category(character) in ("Mn", "Me")
    )


def _is_flag(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _is_pictograph(character: str) -> bool:
    if not character:
        return False
    code = ord(character)
    return code >= 0x1F000 or (code >= 0x00A9 and unicodedata.category(character) in ("So", "Sm"))


def _hangul_joins(before: str, after: str) -> bool:
    first, second = _hangul(before), _hangul(after)
    return (first, second) in {
        ("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT"),
        ("LV", "V"), ("V", "V"), ("LV", "T"), ("V", "T"), ("LVT", "T"), ("T", "T"),
    }  # fmt: skip


def _hangul(character: str) -> str:
    code = ord(character)
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return "T"
    if 0xAC00 <= code <= 0xD7A3:
        return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    return ""
