"""The composition root of a worker: the API, OAuth and the pages as one ASGI app."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from rostra.api import errors
from rostra.api.hot import Front
from rostra.api.mastodon.routes import routes as mastodon_routes
from rostra.api.messages import CORS, Reply, json_reply
from rostra.api.oauth import tokens
from rostra.api.oauth.authorize import Pages
from rostra.api.state import Api
from rostra.domain.errors import RostraError
from rostra.ports import Context
from rostra.web import pages


def build(ctx: Context, worker_index: int = 0, extra_routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Return the ASGI app of one worker.

    Args:
        ctx: settings, the open store, the clock and chance.
        worker_index: told in the header ``X-Rostra-Worker`` of each response.
        extra_routes: answered before those of the application.
    """
    api = Api(ctx, worker_index)
    router = Starlette(
        routes=[
            *extra_routes,
            Mount("/api", routes=mastodon_routes()),
            *tokens.ROUTES,
            *Pages(ctx).routes(),
            *pages.routes(ctx),
        ],
        exception_handlers={
            HTTPException: _http_error,
            RostraError: _refused,
        },
    )
    return Front(api, router)


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    response.raw_headers = [
        *(header for header in response.raw_headers if header[0] == b"content-length"),
        *reply.headers,
        *CORS,
    ]
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _response(errors.NOT_FOUND)
    return _response(json_reply({"error": error.detail}, status=error.status_code))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RostraError)
    return _response(errors.error_reply(error))
