"""The languages statuses are written in, to choose from, by their names for who reads."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from markupsafe import Markup

from rostra.language import i18n
from rostra.language.i18n import Language

_CODES: Final = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gd gl gu he hi hr hu hy "
    "id is it ja ka kk km kn ko ku la lb lo lt lv mk ml mn mr ms mt my nb ne nl nn pa pl ps pt ro "
    "ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi xh yi zh zu"
)
CODES: Final = tuple(_CODES.split(" "))
_OPTION: Final = Markup('<option value="{}"{}>{}</option>')


def name_of(code: str) -> str:
    """Return the name of a language in the language of the request, the code where it has none."""
    language = i18n.current()
    try:
        name = Locale.parse(code, sep="-").get_display_name(language.locale)
    except (UnknownLocaleError, ValueError):
        name = language.locale.languages.get(code)
    return name or code


@lru_cache(8)
def _named(language: Language) -> tuple[tuple[str, str], ...]:
    names = ((code, language.locale.languages.get(code, code)) for code in CODES)
    return tuple(sorted(names, key=lambda entry: entry[1].casefold()))


@lru_cache(128)
def _options(language: Language, chosen: str) -> Markup:
    entries = list(_named(language))
    if chosen and chosen not in CODES:
        entries.insert(0, (chosen, chosen))
    selected = {True: Markup(" selected"), False: Markup()}
    return Markup().join(_OPTION.format(c, selected[c == chosen], name) for c, name in entries)


def language_options(chosen: str | None) -> Markup:
    """Return the options of a choice of languages, with one chosen or none."""
    return _options(i18n.current(), chosen or "")
