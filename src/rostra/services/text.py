"""Text on its way in: links found, sanitised HTML made of it in Mastodon's markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import nh3
from linkify_it import LinkifyIt
from msgspec import Struct

from rostra.config import Settings
from rostra.domain import text as rules
from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid
from rostra.domain.text import Entity, Span
from rostra.ports import View

_links = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
for _scheme in ("ftp:", "//", "mailto:"):
    _links.add(_scheme, None)

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")

_ALLOWED: Final = {
    "a": {"href", "class", "rel", "target", "translate"},
    "span": {"class", "translate"},
    "p": set[str](),
    "br": set[str](),
}


class Parsed(Struct, frozen=True):
    """A text and what is in it: hashtags normalised, names lower case."""

    text: str
    entities: tuple[Entity, ...]
    names: tuple[str, ...]
    tags: tuple[str, ...]
    length: int


def links(text: str) -> list[Span]:
    """Return where the http and https links in ``text`` are."""
    if "://" not in text:
        return []
    return [(match.index, match.last_index) for match in _links.match(text) or ()]


def parse(text: str, *, domain: str, spoiler_text: str = "") -> Parsed:
    """Find what is in a text and count its characters, those of the content warning included."""
    found = rules.entities(text, links(text))
    return Parsed(
        text=text,
        entities=tuple(found),
        names=tuple(rules.mentioned_names(found, domain)),
        tags=tuple(rules.tag_names(found)),
        length=rules.length(text, spoiler_text, found),
    )


def mentioned(view: View, parsed: Parsed) -> dict[str, Account]:
    """Return the accounts mentioned that exist for others, by their names in lower case."""
    found = {}
    for name in parsed.names:
        account = view.accounts.by_username(name)
        if account is not None and view.gate.active(account.ordinal):
            found[name] = account
    return found


def render(parsed: Parsed, accounts: Mapping[str, Account], settings: Settings) -> str:
    """Return the sanitised HTML of a text; mentions of ``accounts`` lead to their pages."""

    def address(entity: Entity) -> tuple[str, str] | None:
        elsewhere = entity.host is not None and entity.host.lower() != settings.domain.lower()
        account = None if elsewhere else accounts.get(entity.value.lower())
        if account is None:
            return None
        return f"{settings.url}/@{account.username}", account.username

    markup = rules.render(
        parsed.text, parsed.entities, mention=address, tags_at=f"{settings.url}/tags"
    )
    # Text without anything in it is escaped as a whole: there is no markup to look through.
    return sanitise(markup) if parsed.entities else markup


def render_plain(view: View, text: str, settings: Settings) -> str:
    """Return the HTML of a profile's note or field: plain text with its links and mentions."""
    parsed = parse(text, domain=settings.domain)
    return render(parsed, mentioned(view, parsed), settings)


def sanitise(markup: str) -> str:
    """Return HTML with no more than Mastodon's markup uses, links http, https or relative."""
    clean = nh3.clean(
        markup,
        tags=set(_ALLOWED),
        attributes=_ALLOWED,
        url_schemes={"http", "https"},
        link_rel=None,
    )
    return clean.replace("<br>", "<br />")


def is_language(code: str) -> bool:
    """Return whether a text is shaped as a tag of BCP 47: en, pt-BR, zh-Hant-TW."""
    return _LANGUAGE.fullmatch(code) is not None


def check_language(code: str) -> None:
    """Refuse what is not shaped as a language.

    Raises:
        Invalid: it is not.
    """
    if not is_language(code):
        raise Invalid("Validation failed: Language is not a code such as en or pt-BR")
