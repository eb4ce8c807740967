"""Searching: how text becomes words, and what a query asks for.

Words are what stands between spaces and signs. Scripts that put no space between words (Chinese,
Japanese, Korean with its endings, Thai and its neighbours) are taken letter by letter, so that a
phrase of letters finds any part of a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.ids import MAX_SNOWFLAKE, snowflake
from rostra.domain.statuses import Visibility

MAX_QUERY: Final = 500
MAX_TERMS: Final = 20
LIBRARY: Final = "library"
PUBLIC: Final = "public"
HAS: Final = ("media", "image", "video", "audio", "poll", "link", "embed")
IS: Final = ("reply", "sensitive")

_UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # radicals, kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
_UNSPACED_LETTER: Final = re.compile(f"([{_UNSPACED}])")
_MARK: Final = re.compile(r"\s+(?=\S)")
_TERM: Final = re.compile(
    r'(?P<sign>[+-])?(?:(?P<key>[a-z]{2,10}):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))'
)
_WORD_CATEGORIES: Final = frozenset("LNM")


class StatusQuery(Struct, frozen=True, kw_only=True):
    """What statuses are asked for.

    ``words`` are phrases that must be there and ``without`` such that must not; ``facts`` holds
    sets of facts of which one each must hold, ``lacking`` those that must not. Ids lie between
    ``above`` and ``below``, both left out. ``place`` is where to look: ``library``, ``public`` or
    neither.
    """

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    lacking: tuple[str, ...] = ()
    above: int = 0
    below: int = MAX_SNOWFLAKE
    place: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing in particular is asked for."""
        spans = self.above > 0 or self.below < MAX_SNOWFLAKE
        return not (self.words or self.facts or self.without or self.lacking or spans)


# -- facts -----------------------------------------------------------------------------------------


def by(author: int) -> str:
    """Return the fact that an account wrote a status."""
    return f"a{author}"


def mentions(account: int) -> str:
    """Return the fact that an account is mentioned."""
    return f"m{account}"


def seen_by(visibility: Visibility) -> str:
    """Return the fact of whom a status is for."""
    return f"v{int(visibility)}"


def language(code: str) -> str:
    """Return the fact of the language, regions left aside."""
    return "lang" + "".join(filter(str.isalnum, code.partition("-")[0].lower()))


# -- words -----------------------------------------------------------------------------------------


def spaced(text: str) -> str:
    """Return text for the index: compatibility forms folded, letters of unspaced scripts apart."""
    if text.isascii():
        return text.replace("\0", " ")
    folded = unicodedata.normalize("NFKC", text).replace("\0", " ")
    return _joined_marks(_UNSPACED_LETTER.sub(r" \1 ", folded))


def _joined_marks(text: str) -> str:
    """Return text in which vowel signs stand with the letter before them again."""
    return _MARK.sub(
        lambda found: "" if unicodedata.category(text[found.end()])[0] == "M" else " ", text
    )


def has_word(text: str) -> bool:
    """Return whether there is a letter or digit in a text."""
    return any(unicodedata.category(one)[0] in _WORD_CATEGORIES for one in text)


# -- queries ---------------------------------------------------------------------------------------


def parse(text: str, *, account: Callable[[str], int | None], now: int) -> StatusQuery:
    """Return what a query for statuses asks for.

    Words and "phrases" must all be there; a minus before one says that it must not. Operators:
    ``from:`` a handle or ``me``, ``before:``, ``after:`` and ``during:`` a day, ``has:``, ``is:``,
    ``language:`` and ``in:``, as in Mastodon.

    Args:
        text: the query as typed.
        account: returns the ordinal of a handle, None where nobody has it.
        now: the time, ms since 1970, for ``today`` and ``yesterday``.

    Raises:
        Invalid: a day cannot be read, or an operator has no such value.
    """
    words: list[str] = []
    without: list[str] = []
    facts: list[tuple[str, ...]] = []
    lacking: list[str] = []
    above, below, place = 0, MAX_SNOWFLAKE, ""
    for refused, key, value in _terms(text):
        if not key:
            (without if refused else words).append(spaced(value))
        elif key in ("before", "after", "during"):
            low, high = _span(key, value, now)
            if refused:
                raise Invalid(
                    "%(words)s: cannot be turned round; use before: or after: instead", words=key
                )
            above, below = max(above, low), min(below, high)
        elif key == "in":
            if value not in (LIBRARY, PUBLIC, "all"):
                raise Invalid("in: knows library, public and all")
            place = "" if value == "all" else value
        else:
            fact = _fact(key, value, account)
            if refused:
                lacking.append(fact)
            else:
                facts.append((fact,))
    return StatusQuery(
        words=tuple(words),
        without=tuple(without),
        facts=tuple(facts),
        lacking=tuple(lacking),
        above=above,
        below=below,
        place=place,
    )


_KEYS: Final = frozenset(
    ("from", "before", "after", "during", "has", "is", "in", "language", "lang")
)


def _terms(text: str) -> Iterator[tuple[bool, str, str]]:
    """Yield (refused, operator or nothing, value) for each term of a query that says anything."""
    count = 0
    for found in _TERM.finditer(text[:MAX_QUERY]):
        key = found["key"] or ""
        value = found["phrase"] if found["phrase"] is not None else found["word"]
        if key and key not in _KEYS:
            key, value = "", f"{key} {value}"
        if not value or (not key and not has_word(value)):
            continue
        yield found["sign"] == "-", key, value
        count += 1
        if count == MAX_TERMS:
            return


def _fact(key: str, value: str, account: Callable[[str], int | None]) -> str:
    if key == "from":
        ordinal = account(value)
        return by(ordinal) if ordinal is not None else "nobody"
    if key == "has":
        name = "image" if value == "images" else value.removesuffix("s")
        if name not in HAS:
            raise Invalid("has: knows %(among)s", among=", ".join(HAS))
        return f"has{name}"
    if key == "is":
        if value not in IS:
            raise Invalid("is: knows %(among)s", among=", ".join(IS))
        return f"is{value}"
    return language(value)


def _span(key: str, value: str, now: int) -> tuple[int, int]:
    """Return the ids between which statuses before, after or during a day (UTC) lie."""
    day = _day(value, now)
    begin, end = (_first_id(each) for each in (day, day + timedelta(days=1)))
    if key == "before":
        return 0, begin
    if key == "after":
        return end - 1, MAX_SNOWFLAKE
    return begin - 1, end


def _day(value: str, now: int) -> date:
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    if value == "today":
        return today
    if value == "yesterday":
        return today - timedelta(days=1)
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = date.max
    if not 1970 <= found.year < 9999:
        raise Invalid('"%(words)s" is no day: write 2026-01-31, today or yesterday', words=value)
    return found


def _first_id(day: date) -> int:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return min(snowflake(int(moment.timestamp()) * 1000), MAX_SNOWFLAKE)
