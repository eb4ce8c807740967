"""Reports of reinstatements and amnesties, each as one page of HTML that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from rostra.api.messages import Header
from rostra.api.rendering import Entity
from rostra.domain.amnesty import Exclusion
from rostra.language import formats, i18n
from rostra.language.said import said
from rostra.language.templates import environment
from rostra.services.amnesty.reporting import Line, Standing, has_gone_wrong

_FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (_FOLDER / "report.css").read_text(encoding="utf-8")
_MARK: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

MOST_ACCOUNTS: Final = 2_000
"""Accounts of an amnesty that came to no plain end and are listed; the other forms have all."""

_PLAIN: Final = frozenset({"lifted", "rolled_back", "pending"})

POLICY: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_MARK}'; base-uri 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
)
"""Headers for the page: its own style and nothing else."""


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return i18n.gettext("yes") if value else i18n.gettext("no")
    if isinstance(value, int):
        return formats.exact(value)
    if isinstance(value, float):
        return formats.decimal(value, 0 if abs(value) >= 100 else 3)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return said(value) if value else "–"


def _sentence(text: str) -> str:
    """Return what was said as a sentence: it is written as the rest of one elsewhere."""
    text = text.strip().rstrip(".")
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _time(at: str | int | None) -> str:
    """Return a time, as the API writes it or in ms since 1970, as people read it."""
    if not at:
        return "–"
    return formats.second(at if isinstance(at, int) else formats.parsed(at))


_templates: Final = environment(_FOLDER)
_templates.filters |= {"number": _number, "sentence": _sentence, "time": _time}


def reinstatement_page(found: Entity) -> str:
    """Return the page for a report (``reinstatement_entities.report``), in the language spoken."""
    return _page("reinstatement.html", report=found)


def amnesty_page(found: Standing, lines: Iterable[Line]) -> str:
    """Return the page for an amnesty and its accounts, in the language spoken."""
    excluded = found.amnesty.figures.excluded
    return _page(
        "amnesty.html",
        found=found,
        excluded=[(Exclusion(name), count) for name, count in excluded.items()],
        wrong=has_gone_wrong(found),
        exceptions=[line for line in lines if line.outcome not in _PLAIN],
        most=MOST_ACCOUNTS,
    )


def _page(template: str, **values: Any) -> str:
    page = _templates.get_template(template)
    return page.render(language=i18n.current(), style=Markup(_STYLE), **values)
