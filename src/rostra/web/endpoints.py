"""From a handler to an endpoint: errors become pages, and every page has its headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rostra.domain.errors import NotFound, RostraError, Unauthenticated
from rostra.domain.ids import parse_id
from rostra.language import i18n
from rostra.ports import Context
from rostra.services.authentication import sessions
from rostra.web.render import HEADERS, HSTS, error_page, to_sign_in
from rostra.web.shared import SharedPages
from rostra.web.visits import client_address, session_token

Handler = Callable[[Context, Request], Awaitable[Response]]


def with_headers(ctx: Context, response: Response) -> None:
    """Give a page the headers that every page has, where it does not say otherwise itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if sessions.is_secure(ctx.settings):
        response.headers.setdefault("Strict-Transport-Security", HSTS)


async def _note_use(ctx: Context, request: Request) -> None:
    """Note now and then that a session is in use; a page is shown whether that works or not."""
    token = session_token(request)
    if not token or request.method != "GET":
        return
    try:
        with ctx.store.read() as snap:
            if not sessions.is_stale(snap, token):
                return
        await sessions.note_use(
            ctx,
            token,
            user_agent=request.headers.get("user-agent", ""),
            address=client_address(request),
        )
    except RostraError:
        return


def _endpoint(
    ctx: Context, handler: Handler, shared: SharedPages
) -> Callable[[Request], Awaitable[Response]]:
    async def make(request: Request) -> Response:
        with i18n.speaking(i18n.of_request(request)):
            try:
                response = await handler(ctx, request)
            except Unauthenticated:
                response = to_sign_in(request)
            except RostraError as error:
                response = error_page(ctx, request, error)
        with_headers(ctx, response)
        await _note_use(ctx, request)
        return response

    async def respond(request: Request) -> Response:
        key = shared.key(request)
        if key is None:
            return await make(request)
        try:
            kept = shared.get(key)
            if kept is not None:
                return kept
            moment = shared.moment()
        except RostraError as error:
            with i18n.speaking(i18n.of_request(request)):
                response = error_page(ctx, request, error)
            with_headers(ctx, response)
            return response
        response = await make(request)
        shared.keep(key, response, moment, getattr(request.state, "basis", None))
        return response

    return respond


def bind(ctx: Context, table: Iterable[tuple[str, str, Handler]]) -> list[Route]:
    """Return routes for a table of (method, path, handler)."""
    shared = SharedPages(ctx)
    return [
        Route(path, _endpoint(ctx, handler, shared), methods=[method])
        for method, path, handler in table
    ]


def path_id(request: Request, name: str = "id") -> int:
    """Return the id in the path.

    Raises:
        NotFound: it is not an id.
    """
    value = parse_id(str(request.path_params[name]))
    if value is None:
        raise NotFound
    return value


def query_id(request: Request, name: str) -> int | None:
    """Return a cursor from the query, or None when there is none that can be read."""
    return parse_id(request.query_params.get(name, ""))
