"""Where the document is: ``/api/openapi.json``."""

from __future__ import annotations

import functools
import hashlib
from typing import Any, Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.extension import routes as extension
from rostra.api.mastodon.routes import routes as mastodon_routes
from rostra.api.messages import JSON, Call, Header, Reply, encode
from rostra.api.openapi.document import document
from rostra.api.operation import Needs, at, group, reads
from rostra.ports import Snapshot

KEPT: Final[Header] = (b"cache-control", b"public, max-age=300")


@functools.cache
def described(title: str, url: str) -> dict[str, Any]:
    """Return the document of a server with a name and an address."""
    routes = [*mastodon_routes(), *group("/rostra/v1", *extension.routes())]
    return document(group("/api", *routes), title=title, url=url)


@functools.cache
def _written(title: str, url: str) -> Reply:
    body = encode(described(title, url))
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'.encode()
    return Reply(body, 200, (JSON, KEPT, (b"etag", tag)), tag=tag)


@reads(Nothing, needs=Needs.NOTHING)
def openapi(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Return the document that describes this API."""
    settings = call.api.ctx.settings
    return _written(settings.title, settings.url)


ROUTES: Final[list[BaseRoute]] = [at("/openapi.json", GET=openapi)]
