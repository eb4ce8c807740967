"""Languages of the pages: which one a visitor reads, its texts, and from which side it is written.

Texts stand in the code in English and are looked up by it (gettext). What was translated stands in
``locale/<language>/LC_MESSAGES/rostra.po`` and is read when somebody first asks for it; nothing has
to be compiled. ``make messages`` gathers the texts and brings those files up to date.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from msgspec import Struct
from starlette.requests import Request

FOLDER: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "rostra"
SOURCE: Final = "en"
COOKIE: Final = "rostra_lang"
"""The language chosen in this browser; without it the browser's own languages decide."""

MIRROR: Final = "ar-XB"
"""A language for testing alone: English, marked, written from right to left."""

_LONGEST_HEADER: Final = 400


class Language(Struct, frozen=True, eq=False):
    """A language as pages need it: its tag (BCP 47), direction, and Babel's knowledge of it.

    ``forms`` are the texts, in English, that have values in them.
    """

    tag: str
    direction: str
    locale: Locale
    texts: NullTranslations
    forms: tuple[str, ...] = ()


class _Mirrored(NullTranslations):
    """English between signs that show where a text was not meant for translation."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def languages() -> dict[str, str]:
    """Return the languages there are texts in, by tag, each by its own name."""
    return {tag: _own_name(tag) for tag in _tags()}


@cache
def _tags() -> tuple[str, ...]:
    found = (path.parent.parent.name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    return (SOURCE, *sorted(name.replace("_", "-") for name in found))


@cache
def _own_name(tag: str) -> str:
    name = Locale.parse(tag, sep="-").get_display_name() or tag
    return name[:1].upper() + name[1:]


@cache
def language(tag: str) -> Language:
    """Return a language by its tag, which is one of ``languages()`` or the one for testing."""
    if tag == MIRROR:
        return Language(tag, "rtl", Locale.parse("ar"), _Mirrored())
    if tag == SOURCE:
        return Language(tag, "ltr", Locale("en", "150"), NullTranslations())
    locale, catalog = Locale.parse(tag, sep="-"), _catalog(tag)
    known = (message.id for message in catalog if isinstance(message.id, str))
    forms = tuple(text for text in known if "%(" in text)
    return Language(tag, locale.text_direction, locale, _compiled(catalog), forms)


def _catalog(tag: str) -> Catalog:
    path = FOLDER / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as file:
        return read_po(file, locale=tag.replace("-", "_"), domain=DOMAIN)


def _compiled(catalog: Catalog) -> GNUTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


_current: ContextVar[Language | None] = ContextVar("language", default=None)


def current() -> Language:
    """Return the language of the request that is being answered."""
    return _current.get() or language(SOURCE)


@contextmanager
def speaking(chosen: Language) -> Iterator[None]:
    """Answer in a language until the end of the block."""
    before = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(before)


def gettext(message: str) -> str:
    """Return a text in the language of the request."""
    return current().texts.gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text that fits a number, in the language of the request."""
    return current().texts.ngettext(one, many, number)


def mark(message: str) -> str:
    """Mark a text for translation that is looked up later; returns it as it is."""
    return message


def of_request(request: Request) -> Language:
    """Return the language to answer in: the one chosen in this browser, else one it prefers."""
    chosen = request.cookies.get(COOKIE)
    if chosen is not None and (chosen in _tags() or chosen == MIRROR):
        return language(chosen)
    return language(_negotiated(request.headers.get("accept-language", "")[:_LONGEST_HEADER]))


def _negotiated(header: str) -> str:
    """Return the language of ours that a visitor likes best (RFC 9110 §12.5.4)."""
    liked: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        if weight > 0:
            liked.append((weight, tag.strip().lower()))
    known = {tag.lower(): tag for tag in _tags()}
    for _, tag in sorted(liked, key=lambda entry: -entry[0]):
        while tag:
            if tag in known:
                return known[tag]
            tag = tag.rpartition("-")[0]
    return SOURCE
