"""Streams of server-sent events: https://docs.joinmastodon.org/methods/streaming/#http"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from rostra.api.errors import NO_METHOD, error_reply, unexpected_reply
from rostra.api.messages import PREFLIGHT, Call, Header, Reply, json_reply, send_reply
from rostra.api.state import token_of
from rostra.api.streaming import channels
from rostra.api.streaming.channels import NOTIFICATIONS, USER, Wanted
from rostra.api.streaming.frames import Form
from rostra.api.streaming.hub import Hub
from rostra.api.streaming.outlets import Outlet
from rostra.domain.errors import RostraError, Unauthenticated, Unavailable
from rostra.domain.scopes import covers
from rostra.ports import Snapshot, Token

HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
GREETING: Final[Message] = {"type": "http.response.body", "body": b":)\n", "more_body": True}
END: Final[Message] = {"type": "http.response.body", "body": b""}
DRAINING: Final = "This server is about to restart. Connect again in a moment"

_PATHS: Final = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
    "hashtag": "hashtag",
    "hashtag/local": "hashtag:local",
    "list": "list",
    "direct": "direct",
    "moderation": "moderation",
}
_TRUE: Final = ("1", "true", "on", "t")


def require_token(token: Token | None, snap: Snapshot) -> Token:
    """Return the token of an account that may act.

    Raises:
        Unauthenticated: there is none, or it is an application's own.
        Forbidden: the account is suspended, deleted or frozen.
    """
    if token is None:
        raise Unauthenticated(channels.NO_TOKEN)
    if token.account is None:
        raise Unauthenticated(channels.WRONG_TOKEN)
    snap.gate.require_may_act(token.account)
    return token


def join(hub: Hub, outlet: Outlet, wanted: Wanted, scopes: str) -> None:
    """Let a connection listen to a channel; to what happens to oneself belong notifications."""
    hub.join(outlet, *wanted)
    if wanted.channel == USER and covers(scopes, "read:notifications"):
        hub.join(outlet, NOTIFICATIONS, wanted.names)


async def stream(
    hub: Hub,
    receive: Receive,
    send: Send,
    outlet: Outlet,
    wanted: Sequence[Wanted],
    scopes: str,
    headers: tuple[Header, ...],
) -> None:
    """Send what happens on some channels until either side ends it."""
    hub.open(outlet)
    try:
        for one in wanted:
            join(hub, outlet, one, scopes)
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]})
        await send(GREETING)
        outlet.begin()
        while not outlet.is_cut and (await receive())["type"] != "http.disconnect":
            pass
    except asyncio.CancelledError:
        if not outlet.is_cut:
            raise
    finally:
        stuck = outlet.is_stuck
        hub.close(outlet)
    if not stuck:
        await send(END)


class Events:
    """Answers ``/api/v1/streaming/…`` with a stream of server-sent events (an ASGI app).

    Args:
        hub: tells what happens.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(self._hub.api, scope, receive)
        headers = self._hub.api.headers
        refusal = _other_method(call)
        if refusal is None:
            try:
                token, wanted = self._asked(call)
            except RostraError as error:
                refusal = error_reply(error)
            except Exception as error:
                refusal = unexpected_reply(error, scope["path"])
        if refusal is not None:
            await send_reply(send, refusal, headers, head=call.method == "HEAD")
            return
        outlet = Outlet(send, Form.EVENTS, token.account or 0, token.hash)
        await stream(self._hub, receive, send, outlet, [wanted], token.scopes, headers)

    def _asked(self, call: Call) -> tuple[Token, Wanted]:
        given = dict(call.query_pairs())
        name = _PATHS.get(call.path_params.get("path", ""), given.get("stream", ""))
        if name.startswith("public") and given.get("only_media", "").lower() in _TRUE:
            name += ":media"
        wanted = channels.wanted(name, given)
        if self._hub.draining:
            raise Unavailable(DRAINING)
        with self._hub.api.ctx.store.read() as snap:
            try:
                token = token_of(call, snap)
            except Unauthenticated:
                raise Unauthenticated(channels.WRONG_TOKEN) from None
            token = require_token(token, snap)
            channels.require(snap, token, wanted.channel)
        return token, wanted


def _other_method(call: Call) -> Reply | None:
    """Return the answer to what is no GET."""
    if call.method == "GET":
        return None
    if call.method == "OPTIONS":
        asked = call.header(b"access-control-request-headers")
        headers = ((b"access-control-allow-headers", asked),) if asked else ()
        return Reply(b"", 200, (*PREFLIGHT, *headers))
    return json_reply({"error": NO_METHOD}, status=405, headers=((b"allow", b"GET, OPTIONS"),))


class Health:
    """Answers ``/api/v1/streaming/health`` (an ASGI app): whether streams can be opened here."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(self._hub.api, scope, receive)
        reply = _other_method(call) if call.method != "HEAD" else None
        if reply is None:
            status, body = (503, b"DRAINING") if self._hub.draining else (200, b"OK")
            reply = Reply(body, status, ((b"content-type", b"text/plain; charset=utf-8"),))
        await send_reply(send, reply, self._hub.api.headers, head=call.method == "HEAD")
