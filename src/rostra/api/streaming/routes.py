"""The routes of the streams."""

from __future__ import annotations

from typing import Final

from starlette.routing import Mount, Route, Router, WebSocketRoute

from rostra.api.streaming.events import Events, Health
from rostra.api.streaming.hub import Hub
from rostra.api.streaming.pages import PageEvents
from rostra.api.streaming.sockets import Sockets

PREFIX: Final = "/api/v1/streaming"
PAGES: Final = "/events"


def is_stream(path: str) -> bool:
    """Return whether a stream is answered at an address."""
    return path.startswith(PREFIX) or path == PAGES


def router(hub: Hub) -> Router:
    """Return what answers for all streams, those of apps and those of pages."""
    events = Events(hub)
    routes = [
        Mount(
            PREFIX,
            routes=[
                WebSocketRoute("/", Sockets(hub)),
                Route("/health", Health(hub)),
                Route("/{path:path}", events),
            ],
        ),
        WebSocketRoute(PREFIX, Sockets(hub)),
        Route(PREFIX, events),
        Route(PAGES, PageEvents(hub)),
    ]
    return Router(routes, redirect_slashes=False)
