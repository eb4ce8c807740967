"""The composition root of a worker: the API, OAuth and the pages as one ASGI app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from rostra.api import errors, files, wellknown
from rostra.api.extension import reports
from rostra.api.extension.routes import routes as extension_routes
from rostra.api.hot import Front
from rostra.api.mastodon.routes import routes as mastodon_routes
from rostra.api.messages import CORS, Reply, json_reply
from rostra.api.oauth import tokens
from rostra.api.oauth.authorize import Pages
from rostra.api.openapi import routes as openapi
from rostra.api.operation import group
from rostra.api.state import Api
from rostra.api.streaming.hub import Hub
from rostra.domain.errors import NotFound, RostraError
from rostra.language import i18n
from rostra.ports import Context
from rostra.web import api_docs, pages
from rostra.web.documents import Reports
from rostra.web.endpoints import with_headers
from rostra.web.render import error_page

REPORTS: Final[Reports] = {
    "reinstatements": reports.of_reinstatement,
    "amnesties": reports.of_amnesty,
}

Handler = Callable[[Request, Exception], Awaitable[Response]]


def build(ctx: Context, worker_index: int = 0, extra_routes: Sequence[BaseRoute] = ()) -> Front:
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
            *api_docs.routes(ctx, lambda: openapi.described(ctx.settings.title, ctx.settings.url)),
            *group(
                "/api",
                *mastodon_routes(),
                *group("/rostra/v1", *extension_routes()),
                *openapi.ROUTES,
            ),
            files.route(ctx),
            *tokens.ROUTES,
            *wellknown.ROUTES,
            *Pages(ctx).routes(),
            *pages.routes(ctx, REPORTS),
        ],
        exception_handlers={
            HTTPException: _http_errors(ctx),
            RostraError: _refusals(ctx),
        },
    )
    router.router.redirect_slashes = False  # the front answers both, with and without
    return Front(api, router, Hub(api))


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    response.raw_headers = [
        *(header for header in response.raw_headers if header[0] == b"content-length"),
        *reply.headers,
        *CORS,
    ]
    return response


def _is_page(request: Request) -> bool:
    """Whether a person waits for a page: everything but the API and OAuth, which machines read."""
    return request.url.path.split("/", 2)[1] not in ("api", "oauth", ".well-known", "nodeinfo")


def _page(ctx: Context, request: Request, error: RostraError) -> Response:
    with i18n.speaking(i18n.of_request(request)):
        response = error_page(ctx, request, error)
    with_headers(ctx, response)
    return response


def _http_errors(ctx: Context) -> Handler:
    """Return what answers for addresses and methods that nobody has."""

    async def respond(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if _is_page(request) and error.status_code == 404:
            return _page(ctx, request, NotFound())
        if error.status_code == 404:
            return _response(errors.NOT_FOUND)
        return _response(json_reply({"error": error.detail}, status=error.status_code))

    return respond


def _refusals(ctx: Context) -> Handler:
    """Return what answers for refusals that came up outside of an operation and a page."""

    async def respond(request: Request, error: Exception) -> Response:
        assert isinstance(error, RostraError)
        if _is_page(request):
            return _page(ctx, request, error)
        return _response(errors.error_reply(error))

    return respond
