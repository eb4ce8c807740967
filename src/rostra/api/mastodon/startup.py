"""What apps ask for when they start, where an empty answer is the truth about this server today."""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.messages import Call, Reply, json_reply
from rostra.api.operation import Needs, Read, at, reads
from rostra.ports import Snapshot


def empty(value: Any, scope: str = "", needs: Needs = Needs.ACCOUNT) -> Read[Nothing]:
    """Return an operation that answers ``value``: there is nothing of this kind here."""

    @reads(Nothing, needs=needs, scope=scope)
    def nothing(call: Call, snap: Snapshot, given: Nothing) -> Reply:
        return json_reply(value)

    return nothing


ROUTES_V1: Final[list[BaseRoute]] = [
    at("/conversations", GET=empty([], "read:statuses")),
    at("/scheduled_statuses", GET=empty([], "read:statuses")),
]
