"""Reports of reinstatements and amnesties, each as one page of HTML that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from rostra.api.messages import Header
from rostra.api.rendering import Entity, when
from rostra.services.amnesty.reporting import Line, Standing, has_gone_wrong, verdict

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
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _sentence(said: str) -> str:
    """Return what was said as a sentence: it is written as the rest of one elsewhere."""
    said = said.strip().rstrip(".")
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _time(at: str | int | None) -> str:
    """Return a time, as the API writes it or in ms since 1970, as people read it."""
    text = when(at) if isinstance(at, int) else at
    return f"{text[:10]} {text[11:19]} UTC" if text else "–"


_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_templates.filters |= {"number": _number, "words": _words, "sentence": _sentence, "time": _time}


def reinstatement_page(found: Entity) -> str:
    """Return the page for a report (``reinstatement_entities.report``)."""
    page = _templates.get_template("reinstatement.html")
    return page.render(report=found, style=Markup(_STYLE))


def amnesty_page(found: Standing, lines: Iterable[Line]) -> str:
    """Return the page for an amnesty and its accounts, the verdict first."""
    page = _templates.get_template("amnesty.html")
    return page.render(
        found=found,
        verdict=verdict(found),
        wrong=has_gone_wrong(found),
        exceptions=[line for line in lines if line.outcome not in _PLAIN],
        most=MOST_ACCOUNTS,
        style=Markup(_STYLE),
    )
