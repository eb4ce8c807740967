"""A status as a page that other sites show in a frame (what ``/api/oembed`` leads to).

It is the same for everybody: who is signed in here is nobody in there, so that a page around the
frame cannot lead anybody to press what they do not see.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rostra.domain.errors import NotFound, RostraError
from rostra.language import i18n
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.web.endpoints import path_id, with_headers
from rostra.web.render import HEADERS, error_page, render
from rostra.web.views import card
from rostra.web.visits import ANYBODY

_POLICY: Final = HEADERS["Content-Security-Policy"].replace(
    "frame-ancestors 'none'", "frame-ancestors *"
)


def _embed(ctx: Context, request: Request) -> Response:
    """Show a status that anybody may see.

    Raises:
        NotFound: there is none, or it is not for everybody.
    """
    with ctx.store.read() as snap:
        status = statuses.show(snap, None, path_id(request))
        author = accounts.lookup(snap, request.path_params["name"], domain=ctx.settings.domain)
        if author.ordinal != status.author or status.reblog_of is not None:
            raise NotFound
        shown = card(snap, None, status.id)
    response = render(ctx, request, "embed.html", ANYBODY, card=shown)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "public, no-cache"
    return response


def routes(ctx: Context) -> list[Route]:
    """Return the route of the pages that can stand in a frame."""

    async def respond(request: Request) -> Response:
        with i18n.speaking(i18n.of_request(request)):
            try:
                response = _embed(ctx, request)
            except RostraError as error:
                response = error_page(ctx, request, error)
        with_headers(ctx, response)
        if response.status_code == 200:
            del response.headers["X-Frame-Options"]
        return response

    return [Route("/@{name}/{id}/embed", respond, methods=["GET"])]
