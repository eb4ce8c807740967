"""What the server says, in the reader's language: errors, and what it wrote down of its own work.

An error carries its text and what fills it (``domain.errors.Told``): the text is looked up, and the
values are written as the language has them.

What was written down of probes, runs and amnesties is English with its figures in it in the record,
the API and alerts, and stays so, whatever the languages of those who read it. Pages know it again
by its form: it is one of the sentences in ``sentences``, or several of them after each other, or
the message of an error. What is none of them (the words of a person, or of a program beside this
one) is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final

from rostra.domain.errors import Told
from rostra.language import formats, i18n
from rostra.language.i18n import Language
from rostra.language.names import KINDS
from rostra.language.sentences import EXCLUSIONS, SENTENCES

_NUMBER: Final = r"[-+]?\d[\d,]*(?:\.\d+)?%?"
_WORD: Final = r"\w+"
_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC"
_AMOUNT: Final = r"none|(?:less than )?[\d,.]+(?: \w+)?"
SHAPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "num",
            "all",
            "limit",
            "planned",
            "commits",
            "difference",
            "share",
            "chance",
            "status",
            "asks",
        ),
        _NUMBER,
    ),
    **dict.fromkeys(("low", "high", "waves", "asked", "quorum", "following"), _NUMBER),
    **dict.fromkeys(("name", "by", "label", "kind", "reason"), _WORD),
    **dict.fromkeys(("wanted", "left", "now", "then"), _AMOUNT),
    "time": rf"{_TIME}|{_NUMBER}",
    "who": r"[^()]*",
    "id": r"\d+",
    "worker": r"\S+",
    "probe": r"[\w ]+?",
}
"""What a value looks like, by its name; all others are texts of any form."""

_AS_WRITTEN: Final = frozenset(
    [
        "among",
        "by",
        "caret",
        "error",
        "found",
        "id",
        "label",
        "name",
        "new",
        "old",
        "probe",
        "set",
        "source",
        "status",
        "words",
        "worker",
        "workers",
    ]
)
"""Values that are no text of ours, or that people look for as they are."""

_NAMES: Final = frozenset(("reason", "state", "next", "field", "type"))
"""Values that are words of ours."""

PREFIX: Final = "Validation failed: "
"""What an error says to programs alone."""

_HOLE: Final = re.compile(r"%\((\w+)\)s")
_FIGURE: Final = re.compile(_NUMBER)
_COUNTED: Final = re.compile(rf"({_NUMBER}) (.+)")
_RUN: Final = 4
"""How many parts of a text may be one sentence."""

_LEAST: Final = 12
"""How many letters beside its values a text has at least that is known by its form."""


def _form(sentence: str) -> re.Pattern[str]:
    found, end = "", 0
    for hole in _HOLE.finditer(sentence):
        found += re.escape(sentence[end : hole.start()].replace("%%", "%"))
        seen = f"(?P<{hole[1]}>" in found
        shape = SHAPES.get(hole[1], ".*?")
        found += f"(?P={hole[1]})" if seen else f"(?P<{hole[1]}>{shape})"
        end = hole.end()
    return re.compile(found + re.escape(sentence[end:].replace("%%", "%")), re.DOTALL)


_PLAIN: Final = frozenset(one for one in SENTENCES if not _HOLE.search(one))


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the sentences with values in them, made when somebody first reads another language."""
    return tuple((one, _form(one)) for one in SENTENCES if one not in _PLAIN)


@cache
def _errors(language: Language) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return what errors, or other texts with values in them, may look like in the record.

    What has few letters of its own would fit anything; the most telling stands first.
    """
    own = {one: len(_HOLE.sub("", one.removeprefix(PREFIX))) for one in language.forms}
    forms = sorted((one for one in own if own[one] >= _LEAST), key=own.__getitem__, reverse=True)
    return tuple((one, _form(one)) for one in forms if one not in SENTENCES)


def said(text: str) -> str:
    """Return what the server said of its work in the language of the request."""
    language = i18n.current()
    return text if language.tag == i18n.SOURCE or not text else _said(text, language)


def told(one: Told) -> str:
    """Return a sentence with its values in the language of the request."""
    return _filled(one, i18n.current())


def _filled(one: Told, language: Language) -> str:
    text = language.texts.gettext(one.text)
    if text == one.text:  # what is there for programs alone is not shown
        text = language.texts.gettext(one.text.removeprefix(PREFIX))
    if not one.values:
        return text
    return text % {name: _shown(name, value, language) for name, value in one.values.items()}


def _shown(name: str, value: Any, language: Language) -> str:
    if isinstance(value, Told):
        return _filled(value, language)
    if isinstance(value, tuple):
        return ", ".join(_shown(name, one, language) for one in value)
    if isinstance(value, int) and name not in _AS_WRITTEN:
        return formats.exact(value)
    return _value(name, str(value), language)


@lru_cache(4096)
def _said(text: str, language: Language) -> str:
    found = _sentences(text, language)
    return found if found != text else _error(text, language)


def _sentences(text: str, language: Language) -> str:
    whole = _known(text, language)
    if whole is not None:
        return whole
    for separator in (". ", "; "):
        if separator in text:
            return _in_parts(text.split(separator), separator, language)
    parts = [_known(part, language) for part in text.split(", ")]
    return text if None in parts else ", ".join(part for part in parts if part is not None)


def _in_parts(parts: list[str], separator: str, language: Language) -> str:
    """Return a text of several sentences, each part alone or with the next ones as it is known."""
    done: list[str] = []
    at = 0
    while at < len(parts):
        for end in range(min(len(parts), at + _RUN), at, -1):
            found = _known(separator.join(parts[at:end]), language)
            if found is not None:
                break
        else:
            end, found = at + 1, _sentences(parts[at], language)
        done.append(found)
        at = end
    return separator.join(done)


def _known(text: str, language: Language) -> str | None:
    """Return a sentence in another language; None when it is none of those there are."""
    if text in _PLAIN:
        return language.texts.gettext(text)
    for sentence, form in _forms():
        if match := form.fullmatch(text):
            return _with(language.texts.gettext(sentence), match, language)
    counted = _COUNTED.fullmatch(text)
    if counted and counted[2] in EXCLUSIONS:
        return f"{formats.figure(counted[1])} {language.texts.gettext(counted[2])}"
    if text.endswith("."):
        found = _known(text[:-1], language)
        return None if found is None else f"{found}."
    error = language.texts.gettext(text) if " " in text else text
    return error if error != text else None


def _error(text: str, language: Language) -> str:
    """Return the message of an error, with its values, in another language; others as they are."""
    for sentence, form in _errors(language):
        if match := form.fullmatch(text):
            return _with(language.texts.gettext(sentence), match, language)
    return text


def _with(text: str, match: re.Match[str], language: Language) -> str:
    return text % {name: _value(name, of, language) for name, of in match.groupdict().items()}


def _value(name: str, value: str, language: Language) -> str:
    if name in _AS_WRITTEN:
        return value
    if name == "kind":
        return language.texts.gettext(KINDS.get(value, value))
    if name in _NAMES:
        return language.texts.gettext(value)
    if name == "time" and re.fullmatch(_TIME, value):
        return formats.second(formats.parsed(value.replace(" UTC", "Z")))
    return formats.figure(value) if _FIGURE.fullmatch(value) else _said(value, language)
