"""Reading what a web page says of itself: OpenGraph, Twitter's cards, and plain HTML.

Sources: https://ogp.me/, https://developer.x.com/en/docs/x-for-websites/cards,
https://html.spec.whatwg.org/multipage/semantics.html#standard-metadata-names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from rostra.domain.cards import Card
from rostra.services.text import is_language

MAX_TITLE: Final = 200
MAX_TEXT: Final = 500
MAX_NAME: Final = 100
MAX_URL: Final = 2048

_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})", re.I)

_TAG: Final = re.compile(r"<(!--|!|/?[a-z][a-z0-9]*)", re.I)
_PASSED: Final = {
    "!--": re.compile("-->"),
    "script": re.compile("</script", re.I),
    "style": re.compile("</style", re.I),
    "noscript": re.compile("</noscript", re.I),
}
_HEAD: Final = frozenset(
    {*_PASSED, "!", "html", "head", "meta", "title", "link", "base"}
    | {f"/{name}" for name in ("script", "style", "noscript", "title", "head", "meta", "link")}
)


def read(body: bytes, *, content_type: str, url: str, address: str) -> Card:
    """Return the card of a page; not found when it says nothing of itself.

    Args:
        body: the page.
        content_type: the header it came with.
        url: the address that is linked to.
        address: where the page was found in the end; what it names is relative to this.
    """
    page = LexborHTMLParser(head_of(_decoded(body, content_type)))
    said = _said(page)
    title = _line(said.get("og:title") or said.get("twitter:title") or _title(page), MAX_TITLE)
    site = urlsplit(address)
    image = _address(
        said.get("og:image:secure_url") or said.get("og:image") or said.get("twitter:image"),
        address,
    )
    language = _language(page, said)
    return Card(
        url=url,
        found=bool(title),
        title=title,
        description=_line(
            said.get("og:description")
            or said.get("twitter:description")
            or said.get("description", ""),
            MAX_TEXT,
        ),
        language=language,
        author_name=_line(said.get("author") or _name(said.get("article:author", "")), MAX_NAME),
        author_url=_address(said.get("article:author"), address, absolute=True),
        provider_name=_line(said.get("og:site_name", ""), MAX_NAME) or (site.hostname or ""),
        provider_url=f"{site.scheme}://{site.netloc}",
        published_at=_moment(
            said.get("article:published_time") or said.get("og:article:published_time") or ""
        ),
        image_source=image,
        image_description=_line(
            said.get("og:image:alt") or said.get("twitter:image:alt", ""), MAX_TEXT
        ),
    )


def head_of(markup: str) -> str:
    """Return the beginning of a page, up to the first element that stands in no head.

    Metadata is there, and the rest could be made to take very long to read (elements nested a
    hundred thousand deep). What is passed over on the way is looked at once.
    """
    kept: list[str] = []
    place = 0
    while (tag := _TAG.search(markup, place)) is not None:
        name = tag[1].lower()
        if name not in _HEAD:
            break
        kept.append(markup[place : tag.start()])
        if name not in _PASSED:
            kept.append(tag[0])
            place = tag.end()
            continue
        end = _PASSED[name].search(markup, tag.end())
        if end is None:
            return "".join(kept)
        place = end.end()
    else:
        kept.append(markup[place:])
        return "".join(kept)
    kept.append(markup[place : tag.start()])
    return "".join(kept)


def _decoded(body: bytes, content_type: str) -> str:
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})", content_type, re.I)
    found = _CHARSET.search(body[:4096])
    for name in (named and named[1], found and found[1].decode("ascii"), "utf-8"):
        if name:
            try:
                return body.decode(name, "replace").replace("\x00", "")
            except (LookupError, UnicodeError):
                continue
    return ""


def _said(page: LexborHTMLParser) -> Mapping[str, str]:
    """Return the metadata of a page by name, the first of each."""
    said: dict[str, str] = {}
    for node in page.css("meta"):
        attributes = node.attributes
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        content = (attributes.get("content") or "").strip()
        if name and content:
            said.setdefault(name, content)
    return said


def _title(page: LexborHTMLParser) -> str:
    node = page.css_first("title")
    return node.text() if node is not None else ""


def _language(page: LexborHTMLParser, said: Mapping[str, str]) -> str | None:
    html = page.css_first("html")
    named = (html.attributes.get("lang") if html is not None else "") or said.get("og:locale", "")
    code = (named or "").strip().replace("_", "-")
    return code.split("-")[0].lower() if code and is_language(code) else None


def _line(text: str, limit: int) -> str:
    """Return text as one line of at most so many characters, without what nobody can see."""
    shown = "".join(one if unicodedata.category(one) not in ("Cc", "Cs") else " " for one in text)
    line = " ".join(shown.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _name(text: str) -> str:
    """Return a name; what looks like an address is none."""
    return "" if "://" in text else text


def _address(text: str | None, base: str, *, absolute: bool = False) -> str:
    """Return an http or https address that a page names, empty when it is something else."""
    if not text or len(text) > MAX_URL or (absolute and "://" not in text):
        return ""
    try:
        address = urljoin(base, text.strip())
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname else ""


def _moment(text: str) -> int | None:
    """Return a time of ISO 8601 in ms since 1970, None for what is none or cannot be."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        ms = int(moment.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
    return ms if 0 <= ms < 4_102_444_800_000 else None  # until 2100
