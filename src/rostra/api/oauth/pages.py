"""The look of the consent page: templates, headers, and scopes in plain words."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rostra.ports import Context
from rostra.services.authentication import sessions

_FOLDER: Final = Path(__file__).parent / "templates"
_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
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

WORDS: Final = {
    "read": "read all your account's data",
    "write": "change all your account's data",
    "follow": "change who you follow, block and mute",
    "push": "receive your push notifications",
    "profile": "read your name and picture",
    "admin:read": "read all data on the server, as a moderator",
    "admin:write": "change all data on the server, as a moderator",
}
_VERBS: Final = {
    "read": "read your",
    "write": "change your",
    "admin:read": "read, as a moderator, the server's",
    "admin:write": "change, as a moderator, the server's",
}


def explained(scopes: str) -> list[str]:
    """Return each of several scopes in plain words."""
    return [_explain(scope) for scope in scopes.split()]


def _explain(scope: str) -> str:
    if scope in WORDS:
        return WORDS[scope]
    verb, _, subject = scope.rpartition(":")
    return f"{_VERBS[verb]} {subject.replace('_', ' ')}"


def page(ctx: Context, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page made from one of the templates of this folder."""
    settings = ctx.settings
    body = _templates.get_template(template).render(
        title=settings.title, domain=settings.domain, style=STYLE, **values
    )
    response = HTMLResponse(body, status, HEADERS)
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
