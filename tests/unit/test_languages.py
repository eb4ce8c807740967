"""Languages of the pages: chosen as the reader likes, complete, and told from right to left."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po
from starlette.requests import Request

from rostra.domain.errors import Conflict, Invalid, TooMany, told
from rostra.language import formats, i18n, languages, said

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "src/rostra/language/locale"
MAKEFILE = (ROOT / "Makefile").read_text()
NOON = 1_341_403_200_000  # 4 July 2012, 12:00 UTC
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def of_make(name: str) -> list[str]:
    """Return the words that the Makefile gives a name."""
    found = re.search(rf"^{name} := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert found
    return re.sub(r"\\|\$\(addprefix \S+,|\)$", " ", found[1]).split()


READ = [ROOT / "src/rostra" / name for name in of_make("READ")]
"""Where texts stand that people read."""

SAID = [word.partition(":") for word in of_make("SAY")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    **{
        name: (int(place),) if place else None
        for name, _, place in (word.partition(":") for word in of_make("SAY"))
    },
}
"""What is called with them."""


def asked(accept: str = "", cookie: str = "") -> Request:
    headers = [(b"accept-language", accept.encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "cookie", "tag"),
    [
        ("", "", "en"),
        ("de", "", "de"),
        ("de-AT,en;q=0.5", "", "de"),
        ("en;q=0.3,de;q=0.9", "", "de"),
        ("xx,yy;q=0.9", "", "en"),
        ("de;q=0,en", "", "en"),
        ("de;q=nonsense", "", "en"),
        ("en", "rostra_lang=de", "de"),
        ("de", "rostra_lang=xx", "de"),
        ("en", f"rostra_lang={i18n.MIRROR}", i18n.MIRROR),
    ],
)
def test_the_choice_wins_then_what_the_browser_prefers(accept: str, cookie: str, tag: str) -> None:
    assert i18n.of_request(asked(accept, cookie)).tag == tag


def texts_that_are_read() -> set[str | tuple[str, ...]]:
    """Return every text that is marked for translation, as it stands in the code: of pages, of
    errors and of reports.
    """
    found: set[str | tuple[str, ...]] = set()
    for place in READ:
        files = extract_from_dir(place, METHODS, OPTIONS, KEYWORDS) if place.is_dir() else ()
        found |= {message for _, _, message, _, _ in files}
        if place.is_file():
            found |= {message for _, message, _, _ in extract_from_file("python", place, KEYWORDS)}
    return found


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def test_every_text_that_is_read_is_in_german() -> None:
    german = catalogue(LOCALE / "de/LC_MESSAGES/rostra.po")
    missing = []
    assert len(texts_that_are_read()) > 1500
    for text in texts_that_are_read():
        found = german.get(text if isinstance(text, str) else text[0])
        strings = () if found is None else found.string
        strings = (strings,) if isinstance(strings, str) else strings
        if not strings or not all(strings):
            missing.append(text)
    assert missing == []  # `make messages` gathers them; then translate


def refusals() -> set[str]:
    """Return what the errors are called that carry words for a person."""
    found = {"RostraError"}
    classes = [
        node
        for path in (ROOT / "src/rostra").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    for _ in range(5):  # as deep as they go
        found |= {one.name for one in classes if found & {ast.unparse(base) for base in one.bases}}
    return found


def worded(path: Path, errors: set[str]) -> Iterator[tuple[int, ast.expr]]:
    """Yield the line and the words of each error that a module makes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in errors or called == "mistake":
                yield node.lineno, node.args[1 if called == "OAuthError" else 0]


def is_one_text(words: ast.expr) -> bool:
    """Whether it is a text as it stands, or made of one: a constant, or what another error told."""
    match words:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper() or name == "told"
        case ast.Call(func=ast.Name(id="told")):
            return True
    return False


NOT_SHOWN = {"SelectorError", "Refused", "Stale", "Undelivered", "SettingsError"}
NOT_SHOWN |= {"StoreCorrupt", "StoreTooNew", "Taken"}
"""Errors that make their words themselves, are for operators, or keep a server from starting."""


READ_BY_COMMANDS = {"activity.py", "bulk.py"}
"""Modules whose errors commands alone can tell."""


def modules() -> Iterator[Path]:
    for place in READ:
        yield from [place] if place.suffix == ".py" else place.rglob("*.py")


def test_no_error_that_a_page_can_show_is_put_together_in_english() -> None:
    """What an error says is one text with holes, or a value that was looked up: nothing that a
    catalogue cannot have.
    """
    errors, wrong, seen = refusals() - NOT_SHOWN, [], 0
    assert {"Invalid", "Undecided", "OAuthError", "TooMany"} <= errors
    for path in modules():
        for line, words in () if path.name in READ_BY_COMMANDS else worded(path, errors):
            seen += 1
            if not is_one_text(words):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {ast.unparse(words)}")
    assert seen > 430
    assert wrong == []  # Invalid("… %(num)s …", num=…); of several texts choose before


def test_whatever_raises_words_is_gathered() -> None:
    """``make messages`` knows every kind of error that is raised with words."""
    raised = {
        ast.unparse(node.func).rpartition(".")[2]
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
    }
    kinds = raised & (refusals() - NOT_SHOWN)
    assert kinds - {name for name, _, _ in SAID} == set()


def test_no_translation_loses_a_value_or_is_doubtful() -> None:
    wrong = []
    for path in LOCALE.glob("*/LC_MESSAGES/rostra.po"):
        for message in catalogue(path):
            if message.id and all(
                message.string if isinstance(message.string, tuple) else [message.string]
            ):
                wrong += [(message.id, str(error)) for error in message.check()]
            if message.id and message.fuzzy:
                wrong.append((message.id, "fuzzy"))
    assert wrong == []


def test_numbers_and_times_are_written_as_the_language_has_them() -> None:
    with i18n.speaking(i18n.language("de")):
        assert formats.exact(23_143) == "23.143"
        assert formats.short(1_299_999) == "1,2\N{NO-BREAK SPACE}Mio."
        assert formats.day(NOON) == "04.07.2012"
        assert formats.left(NOON + 7_200_000, NOON) == "noch 2 Stunden"
        assert i18n.gettext("Follow") == "Folgen"
        assert "Englisch" in languages.language_options("en")
    assert formats.exact(23_143) == "23,143"
    assert "English" in languages.language_options("en")


def test_an_error_tells_its_values_in_the_language_of_who_reads() -> None:
    error = Invalid(
        "Validation failed: Title is too long (maximum is %(num)s characters)", num=1500
    )
    assert error.message == "Validation failed: Title is too long (maximum is 1500 characters)"
    assert said.told(error.told) == "Title is too long (maximum is 1,500 characters)"
    with i18n.speaking(i18n.language("de")):
        assert said.told(error.told) == "Der Titel ist zu lang (höchstens 1.500 Zeichen)"
        assert said.said(error.message) == "Der Titel ist zu lang (höchstens 1500 Zeichen)"


def test_an_error_in_an_error_is_told_in_the_same_language() -> None:
    error = TooMany(
        "Too many attempts. Try again in %(left)s.", left=told("%(num)s minutes", num=3)
    )
    assert (error.message, error.retry_after) == (
        "Too many attempts. Try again in 3 minutes.",
        60,
    )
    several = told("%(field)s %(why)s", field="Email", why=told("can't be blank"))
    many = Invalid(told("Validation failed: %(reasons)s", reasons=(several, several)))
    assert many.message == "Validation failed: Email can't be blank, Email can't be blank"
    with i18n.speaking(i18n.language("de")):
        assert said.told(error.told) == "Zu viele Versuche. Versuche es in 3 Minuten noch einmal."
        assert said.told(many.told) == "E-Mail-Adresse: fehlt, E-Mail-Adresse: fehlt"


def test_what_the_record_says_is_told_in_the_language_of_the_error_around_it() -> None:
    why = (
        "This is left to a poll that is open until 2026-01-02 10:00:00 UTC (decision 1234): wait "
        "for it, or unbind it with a reason"
    )
    error = Conflict("%(why)s", why=why)
    assert error.message == why
    assert said.told(error.told) == why.replace("2026-01-02 10", "2 Jan 2026, 10")
    with i18n.speaking(i18n.language("de")):
        found = said.told(error.told)
    assert "02.01.2026, 10:00:00 UTC" in found
    assert "1234" in found
    assert "poll" not in found


@pytest.mark.parametrize("text", ["100 % of it", "%(name)s is no hole here"])
def test_words_without_values_are_told_as_they_stand(text: str) -> None:
    assert Invalid(text).message == text
    assert said.told(Invalid(text).told) == text


def test_the_language_for_testing_is_marked_and_told_from_right_to_left() -> None:
    mirrored = i18n.language(i18n.MIRROR)
    assert mirrored.direction == "rtl"
    with i18n.speaking(mirrored):
        assert i18n.gettext("Follow") == "⟦Follow⟧"
    assert i18n.MIRROR not in i18n.languages()


def test_what_cannot_be_read_of_a_language_is_called_by_its_code() -> None:
    assert languages.name_of("de") == "German"
    assert languages.name_of("xx-nothing-at-all") == "xx-nothing-at-all"
