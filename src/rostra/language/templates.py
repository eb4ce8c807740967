"""Templates in the reader's language: their texts, and how they write numbers and times."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from rostra.language import formats, i18n, names, said
from rostra.language.i18n import Language
from rostra.language.scopes import in_words


def environment(folder: Path, **options: Any) -> jinja2.Environment:
    """Return what renders the templates in a folder, ``_()`` and ``{% trans %}`` understood.

    Args:
        folder: where the templates are.
        options: for Jinja2, beside those that all templates have.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    made.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals |= {"_": text, "gettext": text, "ngettext": texts}
    made.filters |= {
        "exact": formats.exact,
        "short": formats.short,
        "decimal": formats.decimal,
        "size": formats.size,
        "iso": formats.iso,
        "full_time": formats.full_time,
        "day": formats.day,
        "ago": formats.ago,
        "left": formats.left,
        "share": formats.share,
        "exact_share": formats.exact_share,
        "said": said.said,
        "scope": in_words,
        **names.FILTERS,
    }
    return made


@lru_cache(4096)
def _marked(language: Language, message: str) -> Markup:
    return Markup(language.texts.gettext(message))


def text(message: str, **values: Any) -> Markup:
    """Return a text in the language of the request, with values put in that are escaped."""
    found = _marked(i18n.current(), message)
    return found % values if values else found


def texts(one: str, many: str, number: int, **values: Any) -> Markup:
    """Return the text that fits a number, with that and other values put in."""
    return Markup(i18n.ngettext(one, many, number)) % ({"num": formats.exact(number)} | values)
