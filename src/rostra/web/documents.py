"""Reports of what moderators did, opened from their pages: documents of their own to keep.

What they look like is not decided here: the application gives a function for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from rostra.language import i18n
from rostra.ports import Context, Snapshot
from rostra.web.endpoints import Handler, path_id
from rostra.web.visits import identify, require_moderator

Document = tuple[bytes, Sequence[tuple[bytes, bytes]]]
"""The bytes of a document and the headers they go with."""

Report = Callable[[Snapshot, int, str], Document]
Reports = Mapping[str, Report]
"""By the kind of a thing (``reinstatements``), what writes the report about one of an id as
``html``, ``json`` or ``csv``; it raises NotFound for one it does not know."""


def table(reports: Reports) -> tuple[tuple[str, str, Handler], ...]:
    """Return the table of (method, path, handler) for some reports."""
    return tuple(
        ("GET", f"/admin/{kind}/{{id}}/report{ending}", _handler(reports[kind], ending))
        for kind in reports
        for ending in ("", ".json", ".csv")
    )


def _handler(report: Report, ending: str) -> Handler:
    form = ending.removeprefix(".") or "html"

    async def answer(ctx: Context, request: Request) -> Response:
        with ctx.store.read() as snap:
            require_moderator(identify(snap, request))
        id_ = path_id(request)
        language = i18n.current()

        def write(snap: Snapshot) -> Document:
            with i18n.speaking(language):  # the audit has a thread of its own
                return report(snap, id_, form)

        async with ctx.store.audit(gently=True) as audit:
            body, headers = await audit.read(write)
        response = Response(body)
        for name, value in headers:
            response.headers[name.decode()] = value.decode()
        return response

    return answer
