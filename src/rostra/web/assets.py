"""Static files: read once, addressed by a hash of what they hold, and cacheable for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
    ".png": "image/png",
}
_BUNDLES: Final = {"css/": "rostra.css", "js/": "rostra.js"}
"""Folders whose files are sent as one, in the order of their names, and what that is called."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(Struct, frozen=True):
    """A static file as it is sent; ``tag`` names its content."""

    body: bytes
    media_type: str
    tag: str


def _load() -> dict[str, Asset]:
    bodies: dict[str, bytes] = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            name = path.relative_to(_FOLDER).as_posix()
            folder = name[: name.find("/") + 1]
            name = _BUNDLES.get(folder, name)
            bodies[name] = bodies.get(name, b"") + path.read_bytes()
    return {name: _asset(name, body) for name, body in bodies.items()}


def _asset(name: str, body: bytes) -> Asset:
    tag = hashlib.sha256(body).hexdigest()[:12]
    return Asset(body, _TYPES[Path(name).suffix], tag)


_ASSETS: Final = _load()


def asset_url(name: str) -> str:
    """Return the path of a static file; it changes whenever the file does.

    Raises:
        KeyError: there is no such file.
    """
    return f"/static/{_ASSETS[name].tag}/{name}"


async def serve(request: Request) -> Response:
    """Answer a request for a static file; one for an outdated hash gets the file as it is now."""
    asset = _ASSETS.get(request.path_params["name"])
    if asset is None:
        return PlainTextResponse("There is no such file.\n", 404)
    current = request.path_params["tag"] == asset.tag
    headers = {
        "ETag": f'"{asset.tag}"',
        "Cache-Control": _FOR_EVER if current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)


async def icon(request: Request) -> Response:
    """Lead those who look for the server's icon where browsers do by habit to where it is."""
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return RedirectResponse(asset_url("icon.svg"), 302, headers)


ROUTES: Final = (
    Route("/static/{tag}/{name:path}", serve, name="static"),
    Route("/favicon.ico", icon, name="icon"),
)
