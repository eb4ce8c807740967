"""Languages of the pages: chosen as the reader likes, complete, and told from right to left."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from starlette.requests import Request

from rostra.language import formats, i18n, languages

ROOT = Path(__file__).parents[2]
PLACES = tuple(ROOT / "src" / "rostra" / name for name in ("web", "language"))
LOCALE = PLACES[1] / "locale"
NOON = 1_341_403_200_000  # 4 July 2012, 12:00 UTC
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}


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


def texts_of_the_pages() -> set[str | tuple[str, ...]]:
    """Return every text of the pages that is marked for translation, as it stands in the code."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
    found: set[str | tuple[str, ...]] = set()
    for place in PLACES:
        for _, _, message, _, _ in extract_from_dir(place, methods, options, KEYWORDS):
            found.add(message)
    return found


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def test_every_text_of_the_pages_is_in_german() -> None:
    german = catalogue(LOCALE / "de/LC_MESSAGES/rostra.po")
    missing = []
    for text in texts_of_the_pages():
        found = german.get(text if isinstance(text, str) else text[0])
        strings = () if found is None else found.string
        strings = (strings,) if isinstance(strings, str) else strings
        if not strings or not all(strings):
            missing.append(text)
    assert missing == []  # `make messages` gathers them; then translate


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


def test_the_language_for_testing_is_marked_and_told_from_right_to_left() -> None:
    mirrored = i18n.language(i18n.MIRROR)
    assert mirrored.direction == "rtl"
    with i18n.speaking(mirrored):
        assert i18n.gettext("Follow") == "⟦Follow⟧"
    assert i18n.MIRROR not in i18n.languages()


def test_what_cannot_be_read_of_a_language_is_called_by_its_code() -> None:
    assert languages.name_of("de") == "German"
    assert languages.name_of("xx-nothing-at-all") == "xx-nothing-at-all"
