"""Pictures for accounts without one: a pattern of tiles made from the account's id, and a header.

The same id gives the same picture for ever, so both are cached for ever. A pattern is a 5 × 5 grid
mirrored at its middle column, in one of the tones of a Roman floor.
"""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw
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


def _mosaic(account_id: int) -> tuple[str, list[tuple[int, int, str]]]:
    """Return the ground of an account's picture, and its tiles as (left, top, colour)."""
    digest = hashlib.sha256(str(account_id).encode()).digest()
    ground, tile, accent = _TONES[digest[0] % len(_TONES)]
    half = _SIZE // 2 + 1
    # The cells with the highest bytes are laid, always as many: no picture is bare or full.
    order = sorted(range(_SIZE * half), key=lambda cell: (digest[1 + cell], cell), reverse=True)
    tiles = []
    for rank, cell in enumerate(order[:_LAID]):
        row, column = divmod(cell, half)
        color = accent if rank < _ACCENTED else tile
        tiles += [
            (_MARGIN + x * _TILE, _MARGIN + row * _TILE, color)
            for x in sorted({column, _SIZE - 1 - column})
        ]
    return ground, tiles


def avatar_svg(account_id: int) -> bytes:
    """Return the picture of the account with this id, an SVG of 80 × 80 units."""
    ground, tiles = _mosaic(account_id)
    marks = [
        f'<rect x="{left}" y="{top}" width="{_TILE}" height="{_TILE}" fill="{color}"/>'
        for left, top, color in tiles
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" shape-rendering="crispEdges">'
        f'<rect width="80" height="80" fill="{ground}"/>{"".join(marks)}</svg>'
    ).encode()


@lru_cache(maxsize=2_000)
def avatar_png(account_id: int) -> bytes:
    """Return the same picture as a PNG of 400 × 400 pixels, for apps that cannot show SVG."""
    ground, tiles = _mosaic(account_id)
    picture = Image.new("RGB", (80, 80), ground)
    draw = ImageDraw.Draw(picture)
    for left, top, color in tiles:
        draw.rectangle((left, top, left + _TILE - 1, top + _TILE - 1), color)
    return _png(picture.resize((400, 400), Image.Resampling.NEAREST).quantize(4))


@lru_cache(maxsize=1)
def header_png() -> bytes:
    """Return the header picture as a PNG of 1500 × 500 pixels."""
    across = Image.linear_gradient("L").rotate(90).resize((1500, 500))
    down = Image.linear_gradient("L").resize((1500, 500))
    slope = Image.blend(across, down, 0.5)
    picture = Image.composite(
        Image.new("RGB", slope.size, "#b56a3c"), Image.new("RGB", slope.size, "#7a2833"), slope
    )
    light = Image.new("L", picture.size)
    draw = ImageDraw.Draw(light)
    for x in range(-60, 1500, 240):
        draw.ellipse((x, 170, x + 180, 350), 18)
        draw.rectangle((x, 260, x + 180, 500), 18)
    draw.rectangle((0, 110, 1500, 136), 18)
    picture.paste(Image.new("RGB", picture.size, "white"), mask=light)
    return _png(picture)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


async def _avatar(request: Request) -> Response:
    name, kind = request.path_params["id"], request.path_params["kind"]
    account_id = NOBODY if name == "default" else parse_id(name)
    if account_id is None or kind not in ("svg", "png"):
        return PlainTextResponse("There is no such picture.\n", 404)
    if kind == "png":
        return Response(avatar_png(account_id), media_type="image/png", headers=_HEADERS)
    return Response(avatar_svg(account_id), media_type="image/svg+xml", headers=_HEADERS)


async def _header(request: Request) -> Response:
    if request.path_params["kind"] == "png":
        return Response(header_png(), media_type="image/png", headers=_HEADERS)
    return Response(HEADER, media_type="image/svg+xml", headers=_HEADERS)


ROUTES: Final = (
    Route("/avatars/{id}.{kind}", _avatar, name="avatar"),
    Route("/headers/default.{kind}", _header, name="header"),
)
