"""The routes asked for most, answered ahead of the router; everything else passes through to it.

The operations are the same ones the router leads to: only finding them, and keeping whole answers
between two writes, happens here.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rostra.api.errors import INTERNAL, error_reply, unexpected_reply
from rostra.api.mastodon import (
    accounts,
    grouped_notifications,
    notifications,
    relationships,
    statuses,
    timelines,
)
from rostra.api.messages import Call, ClientGone, Reply, conditional, send_reply
from rostra.api.operation import Operation, Read, respond
from rostra.api.state import Answer, Api
from rostra.api.streaming import routes as streams
from rostra.api.streaming.hub import Hub
from rostra.domain.errors import RostraError

_log = structlog.get_logger("rostra.api")

PREFIX: Final = "/api/v1/"
LONGEST_QUERY: Final = 200
LONGEST_CREDENTIALS: Final = 200

READS: Final[dict[str, Read[Any]]] = {
    "timelines/home": timelines.home,
    "timelines/public": timelines.public,
    "accounts/lookup": accounts.lookup,
    "accounts/verify_credentials": accounts.verify_credentials,
    "notifications": notifications.many,
    "notifications/unread_count": notifications.unread_count,
}
READS_V2: Final[dict[str, Read[Any]]] = {
    "/api/v2/notifications": grouped_notifications.many,
    "/api/v2/notifications/unread_count": grouped_notifications.unread_count,
}
READS_OF_ONE: Final[dict[str, Read[Any]]] = {
    "statuses": statuses.show,
    "accounts": accounts.show,
}
WRITES_OF_ONE: Final[dict[tuple[str, str], Operation[Any]]] = {
    ("statuses", "favourite"): statuses.favourite,
    ("statuses", "unfavourite"): statuses.unfavourite,
    ("accounts", "follow"): relationships.follow,
    ("accounts", "unfollow"): relationships.unfollow,
}


def find_read(path: str) -> tuple[Read[Any], dict[str, str]] | None:
    """Return what answers a GET of ``path``, and the ids in the path, if it is here."""
    rest = path[len(PREFIX) :]
    operation = READS.get(rest)
    if operation is not None:
        return operation, {}
    resource, _, id_ = rest.partition("/")
    operation = READS_OF_ONE.get(resource)
    if operation is not None and id_.isdigit():
        return operation, {"id": id_}
    return None


def find_write(path: str) -> tuple[Operation[Any], dict[str, str]] | None:
    """Return what answers a POST to ``path``, and the ids in the path, if it is here."""
    parts = path[len(PREFIX) :].split("/")
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    operation = WRITES_OF_ONE.get((parts[0], parts[2]))
    return (operation, {"id": parts[1]}) if operation is not None else None


class Front:
    """The outermost ASGI app of a worker.

    Args:
        api: what calls are answered with.
        app: answers what is not answered here.
        hub: the open streams.
    """

    def __init__(self, api: Api, app: ASGIApp, hub: Hub) -> None:
        self.api = api
        self.app = app
        self.hub = hub
        self._streams = streams.router(hub)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["rostra"] = self.api
        if scope["type"] != "http":
            await self._streams(scope, receive, send)
            return
        path: str = scope["path"]
        if path.endswith("/") and len(path) > 1:
            # Mastodon answers both, and some apps send one, to /oauth/authorize/ for example.
            path = scope["path"] = path.rstrip("/") or "/"
        if path.startswith(PREFIX):
            method = scope["method"]
            if method == "GET":
                read = find_read(path)
                if read is not None:
                    await self._read(read, Call(self.api, scope, receive), send)
                    return
            elif method == "POST":
                write = find_write(path)
                if write is not None:
                    await self._write(write, Call(self.api, scope, receive), send)
                    return
        if path in READS_V2 and scope["method"] == "GET":
            await self._read((READS_V2[path], {}), Call(self.api, scope, receive), send)
            return
        if streams.is_stream(path):
            await self._streams(scope, receive, send)
            return
        await self._pass(scope, receive, send)

    async def _read(self, found: tuple[Read[Any], dict[str, str]], call: Call, send: Send) -> None:
        api = self.api
        credentials = call.header(b"authorization")
        key = (call.scope["path"], call.query, credentials)
        answer = api.answers.get(key)
        if answer is not None and self._holds(answer) and not self._has_already(call, answer):
            await send(answer.start)
            await send(answer.body)
            return
        operation, call.path_params = found
        reply = self._answer(operation, call, key)
        await send_reply(send, conditional(call, reply), api.headers)

    def _holds(self, answer: Answer) -> bool:
        try:
            return self.api.answers.holds(answer, self.api.ctx.clock.now())
        except RostraError:
            return False  # the operation will say why

    @staticmethod
    def _has_already(call: Call, answer: Answer) -> bool:
        return bool(answer.tag) and answer.tag in call.header(b"if-none-match")

    def _answer(self, operation: Read[Any], call: Call, key: tuple[str, bytes, bytes]) -> Reply:
        try:
            reply, seq = operation.answer_now(call)
        except RostraError as error:
            return error_reply(error)
        except Exception as error:
            return unexpected_reply(error, call.scope["path"])
        lent = call.token is not None and call.token.probe
        if len(call.query) <= LONGEST_QUERY and len(key[2]) <= LONGEST_CREDENTIALS and not lent:
            self.api.answers.keep(key, reply, self.api.headers, seq)
        return reply

    async def _write(
        self, found: tuple[Operation[Any], dict[str, str]], call: Call, send: Send
    ) -> None:
        operation, call.path_params = found
        try:
            reply = await respond(operation, call)
        except ClientGone:
            return
        await send_reply(send, reply, self.api.headers)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the router answer; whatever it sends carries the number of this worker."""
        worker = self.api.worker
        started = False

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message.get("headers") or []
                if worker not in headers:
                    message["headers"] = [*headers, worker]
            await send(message)

        try:
            await self.app(scope, receive, marked)
        except ClientGone:
            return
        except Exception as error:
            _log.error("failed", path=scope["path"], exc_info=error)
            if not started:
                await send_reply(send, INTERNAL, self.api.headers)
