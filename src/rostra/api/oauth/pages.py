"""The look of the consent page: its templates and headers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rostra.language import i18n
from rostra.language.templates import environment
from rostra.ports import Context
from rostra.services.authentication import sessions

_FOLDER: Final = Path(__file__).parent / "templates"
_templates: Final = environment(_FOLDER)
_STYLE: Final = (_FOLDER / "page.css").read_bytes()
STYLE: Final = f"/oauth/{hashlib.sha256(_STYLE).hexdigest()[:12]}.css"
"""Where the style sheet is; the address changes whenever the file does."""

# No form-action here: it would hold the answer back from the application's own address.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page(ctx: Context, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page made from one of the templates of this folder."""
    settings = ctx.settings
    body = _templates.get_template(template).render(
        title=settings.title,
        domain=settings.domain,
        style=STYLE,
        language=i18n.current(),
        **values,
    )
    response = HTMLResponse(body, status, HEADERS)
    response.headers["Content-Language"] = i18n.current().tag
    if sessions.is_secure(settings):
        response.headers["Strict-Transport-Security"] = "max-age=63072000"
    return response


async def stylesheet(request: Request) -> Response:
    """Answer with the style sheet of these pages."""
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(_STYLE, media_type="text/css", headers=headers)
