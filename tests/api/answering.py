"""Every answer beyond Mastodon's API, of any test, is held to what its operation says."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
from starlette.routing import Match, Router

from rostra.api.extension import routes as extension
from rostra.api.extension.answers.common import Refusal
from rostra.api.openapi.document import OWN
from rostra.api.operation import Operation, Resource, group

_ROUTES = group("/api", *group("/rostra/v1", *extension.routes()))


def operation_of(method: str, path: str) -> Operation[Any] | None:
    """Return the operation that answers an address beyond Mastodon's."""
    routes, scope = _ROUTES, {"type": "http", "method": method, "path": path, "headers": []}
    while True:
        found = [(route, *route.matches(scope)) for route in routes]
        route, match, child = next(
            (one for one in found if one[1] is not Match.NONE), (None, Match.NONE, {})
        )
        if route is None or match is Match.NONE:
            return None
        scope |= child
        endpoint = child.get("endpoint")
        if isinstance(endpoint, Resource):
            return endpoint.operations.get("GET" if method == "HEAD" else method)
        assert isinstance(endpoint, Router)
        routes = endpoint.routes


async def held_to_its_word(response: httpx2.Response) -> None:
    """Compare an answer with what its operation says it answers."""
    path, method = response.request.url.path, response.request.method
    if not path.startswith(OWN) or response.status_code == 304 or method == "HEAD":
        return
    operation = operation_of(method, path)
    if operation is None or operation.answers is None:
        return
    told = operation.answers
    media = response.headers["content-type"].partition(";")[0]
    if response.is_success and media != "application/json":
        assert media in told.forms, f"{method} {path} answers {media} as well: Answers(forms=)"
        return
    kind = told.body if response.is_success else told.also.get(response.status_code, Refusal)
    await response.aread()
    try:
        msgspec.json.decode(response.content, type=kind)
    except msgspec.ValidationError as error:
        raise AssertionError(
            f"{method} {path} answered {response.status_code} with what is not the {kind} it "
            f"says it answers: {error}. Put the two right in api/extension and its answers/"
        ) from error
