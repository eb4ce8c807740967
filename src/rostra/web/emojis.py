"""The files of custom emojis: addressed by a hash of what they hold, and cacheable for ever."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rostra.domain.errors import RostraError
from rostra.ports import Context

_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
}


def routes(ctx: Context) -> list[Route]:
    """Return the route of the files."""

    async def serve(request: Request) -> Response:
        tag, name = request.path_params["tag"], request.path_params["name"]
        shortcode, _, _ = name.partition(".")
        try:
            with ctx.store.read() as snap:
                emoji = snap.emojis.all().get(shortcode)
                known = emoji is not None and f"emoji/{tag}/{name}" in (emoji.file, emoji.still)
                still = emoji is not None and tag == emoji.still_tag
                body = snap.emojis.file(shortcode, still=still) if known else None
        except RostraError as error:
            return PlainTextResponse(f"{error.message}\n", error.status)
        if emoji is None or body is None:
            return PlainTextResponse("There is no such emoji.\n", 404)
        media_type = "image/png" if still and emoji.tag != emoji.still_tag else emoji.type
        return Response(body, media_type=media_type, headers=_HEADERS)

    return [Route("/emoji/{tag}/{name}", serve, name="emoji")]
