"""Pictures for accounts without one: a pattern of tiles made from the account's id, and a header.

The same id gives the same picture for ever, so both are cached for ever. A pattern is a 5 × 5 grid
mirrored at its middle column, in one of the tones of a Roman floor.
"""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rostra.domain.ids import parse_id

_TONES: Final = (  # (ground, tiles, accent)
    ("#f3e3d3", "#8c2f39", "#c9822b"),
    ("#dfe8e4", "#2f5d57", "#b5653a"),
    ("#e6e1ee", "#5b3f78", "#b98a2e"),
    ("#dde7f0", "#2d5678", "#a63d40"),
    ("#f1e6cf", "#8a5a1c", "#3d5a52"),
    ("#eadfdc", "#6d3b34", "#5a7a86"),
    ("#e3e9d6", "#4d6530", "#8c2f39"),
    ("#efe0e6", "#7d2e55", "#4d6a8a"),
)
_SIZE: Final = 5
_TILE: Final = 12
_MARGIN: Final = 10
_LAID: Final = 9  # of the 15 cells of the left half and the middle column
_ACCENTED: Final = 2
NOBODY: Final = 0
"""The id whose picture is ``/avatars/default.svg``."""

_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}

HEADER: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1500 500" preserveAspectRatio='
    '"xMidYMid slice"><defs><linearGradient id="a" x1="0" y1="0" x2="1" y2="1"><stop offset="0" '
    'stop-color="#7a2833"/><stop offset="1" stop-color="#b56a3c"/></linearGradient></defs>'
    '<path fill="url(#a)" d="M0 0h1500v500H0z"/><g fill="#fff" fill-opacity=".07">'
    + "".join(f'<path d="M{x} 500V260a90 90 0 0 1 180 0v240z"/>' for x in range(-60, 1500, 240))
    + '<path d="M0 110h1500v26H0z"/></g></svg>'
).encode()


def avatar_svg(account_id: int) -> bytes:
    """Return the picture of the account with this id, an SVG of 80 × 80 units."""
    digest = hashlib.sha256(str(account_id).encode()).digest()
    ground, tile, accent = _TONES[digest[0] % len(_TONES)]
    half = _SIZE // 2 + 1
    # The cells with the highest bytes are laid, always as many: no picture is bare or full.
    order = sorted(range(_SIZE * half), key=lambda cell: (digest[1 + cell], cell), reverse=True)
    marks = []
    for rank, cell in enumerate(order[:_LAID]):
        row, column = divmod(cell, half)
        color = accent if rank < _ACCENTED else tile
        for x in sorted({column, _SIZE - 1 - column}):
            left, top = _MARGIN + x * _TILE, _MARGIN + row * _TILE
            marks.append(
                f'<rect x="{left}" y="{top}" width="{_TILE}" height="{_TILE}" fill="{color}"/>'
            )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" shape-rendering="crispEdges">'
        f'<rect width="80" height="80" fill="{ground}"/>{"".join(marks)}</svg>'
    ).encode()


async def _avatar(request: Request) -> Response:
    name = request.path_params["id"]
    account_id = NOBODY if name == "default" else parse_id(name)
    if account_id is None:
        return PlainTextResponse("There is no such picture.\n", 404)
    return Response(avatar_svg(account_id), media_type="image/svg+xml", headers=_HEADERS)


async def _header(request: Request) -> Response:
    return Response(HEADER, media_type="image/svg+xml", headers=_HEADERS)


ROUTES: Final = (
    Route("/avatars/{id}.svg", _avatar, name="avatar"),
    Route("/headers/default.svg", _header, name="header"),
)
