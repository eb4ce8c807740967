"""Reports as documents, for the API and for the pages of moderators."""

from __future__ import annotations

from typing import Final

from rostra.api.extension import amnesty_forms, reinstatement_entities
from rostra.api.extension.report_pages import POLICY, amnesty_page, reinstatement_page
from rostra.api.messages import Header, encode
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot
from rostra.services import reinstatement
from rostra.services.amnesty import reporting

HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
JSON: Final[Header] = (b"content-type", b"application/json; charset=utf-8")
CSV: Final[Header] = (b"content-type", b"text/csv; charset=utf-8")

Document = tuple[bytes, tuple[Header, ...]]


def of_reinstatement(snap: Snapshot, run: int, form: str) -> Document:
    """Return the report of a run as ``html`` or ``json``.

    Raises:
        NotFound: there is no such run, or it is not written so.
    """
    found = reinstatement_entities.report(reinstatement.status(snap, run))
    if form == "html":
        return reinstatement_page(found).encode(), (HTML, *POLICY)
    if form == "json":
        return encode(found), (JSON,)
    raise NotFound


def of_amnesty(snap: Snapshot, amnesty: int, form: str) -> Document:
    """Return the report of an amnesty with all its accounts as ``html``, ``json`` or ``csv``.

    Raises:
        NotFound: there is no such amnesty, or it is not written so.
    """
    found = reporting.standing(snap, amnesty)
    lines = reporting.lines(snap, amnesty)
    if form == "html":
        return amnesty_page(found, lines).encode(), (HTML, *POLICY)
    if form == "json":
        return amnesty_forms.as_json(found, lines), (JSON,)
    if form == "csv":
        return amnesty_forms.as_csv(lines), (CSV,)
    raise NotFound
