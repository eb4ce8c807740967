"""Reports as documents, for the API and for the pages of moderators."""

from __future__ import annotations

from typing import Final

from rostra.api.extension import reinstatement_entities
from rostra.api.extension.reinstatement_pages import POLICY, report_page
from rostra.api.messages import Header, encode
from rostra.domain.errors import NotFound
from rostra.ports import Snapshot
from rostra.services import reinstatement

HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
JSON: Final[Header] = (b"content-type", b"application/json; charset=utf-8")

Document = tuple[bytes, tuple[Header, ...]]


def of_reinstatement(snap: Snapshot, run: int, form: str) -> Document:
    """Return the report of a run as ``html`` or ``json``.

    Raises:
        NotFound: there is no such run, or it is not written so.
    """
    found = reinstatement_entities.report(reinstatement.status(snap, run))
    if form == "html":
        return report_page(found).encode(), (HTML, *POLICY)
    if form == "json":
        return encode(found), (JSON,)
    raise NotFound
