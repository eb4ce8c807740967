"""Streams over a WebSocket: https://docs.joinmastodon.org/methods/streaming/#websocket"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Message, Receive, Scope, Send

from rostra.api.messages import encode, pairs
from rostra.api.streaming import channels
from rostra.api.streaming.channels import NOTIFICATIONS, USER, Wanted
from rostra.api.streaming.events import join, require_token
from rostra.api.streaming.frames import Form
from rostra.api.streaming.hub import Hub
from rostra.api.streaming.outlets import Outlet
from rostra.domain.errors import RostraError, Unauthenticated
from rostra.ports import Token
from rostra.services.authentication.oauth import sha256

MAX_TOKEN: Final = 512
MOST_CHANNELS: Final = 100
"""How many channels one connection may listen to."""
MAX_ASKED: Final = 4_096

GOING_AWAY: Final = 1001
UNSUPPORTED: Final = 1003
POLICY: Final = 1008

_log = structlog.get_logger("rostra.api")


class Sockets:
    """Answers ``/api/v1/streaming`` with a WebSocket (an ASGI app).

    Args:
        hub: tells what happens.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        try:
            given = dict(pairs(scope["query_string"]))
            protocols: list[str] = scope.get("subprotocols") or []
            token = self._authenticate(scope, given, protocols)
        except RostraError:
            await send({"type": "websocket.close", "code": POLICY})  # the server answers 403
            return
        accept: dict[str, Any] = {"type": "websocket.accept", "headers": []}
        if protocols:  # a browser wants to hear the one it named
            accept["subprotocol"] = protocols[0]
        await Conversation(self._hub, send, token).run(accept, receive, given)

    def _authenticate(self, scope: Scope, given: dict[str, str], protocols: list[str]) -> Token:
        if self._hub.draining:
            raise Unauthenticated(channels.NO_TOKEN)
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        text = given.get("access_token") or (protocols[0] if protocols else "")
        if authorization:
            kind, _, value = authorization.partition(" ")
            text = value.strip() if kind.lower() == "bearer" else ""
        with self._hub.api.ctx.store.read() as snap:
            usable = text and len(text) <= MAX_TOKEN
            return require_token(snap.access.token(sha256(text)) if usable else None, snap)


class Conversation:
    """One WebSocket: what its client asks for, and what it is told.

    Args:
        hub: tells what happens.
        send: of the ASGI server.
        token: who it is.
    """

    def __init__(self, hub: Hub, send: Send, token: Token) -> None:
        self._hub = hub
        self._send = send
        self._token = token
        self._outlet = Outlet(send, Form.SOCKET, token.account or 0, token.hash)

    async def run(self, accept: Message, receive: Receive, given: dict[str, str]) -> None:
        """Accept it, and listen and tell until either side ends it."""
        outlet, code = self._outlet, GOING_AWAY
        self._hub.open(outlet)
        try:
            if given.get("stream"):
                self._ask("subscribe", given["stream"], given)
            await self._send(accept)
            outlet.begin()
            while not outlet.is_cut:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not self._heard(message):
                    code = UNSUPPORTED
                    break
        except asyncio.CancelledError:
            if not outlet.is_cut:
                raise
        finally:
            stuck = outlet.is_stuck
            self._hub.close(outlet)
        if not stuck:
            await self._close(code)

    async def _close(self, code: int) -> None:
        try:
            await self._send({"type": "websocket.close", "code": code})
        # The other side was quicker; the server may say so by cancelling what was to be sent.
        except (Exception, asyncio.CancelledError) as error:
            _log.debug("a socket was closed already", error=repr(error))

    def _heard(self, message: Message) -> bool:
        """Do what a message asks for; return whether the connection goes on."""
        text = message.get("text")
        if text is None:
            return False  # bytes: nobody who knows this protocol sends them
        try:
            asked = msgspec.json.decode(text[:MAX_ASKED])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return True
        if isinstance(asked, dict):
            given = {name: _first(value) for name, value in asked.items() if isinstance(name, str)}
            self._ask(given.pop("type", ""), given.pop("stream", ""), given)
        return True

    def _ask(self, act: str, name: str, given: dict[str, str]) -> None:
        """Begin or end listening to a channel; anything else is passed over, as Mastodon does."""
        try:
            if act == "subscribe":
                self._subscribe(channels.wanted(name, given))
            elif act == "unsubscribe":
                self._unsubscribe(channels.wanted(name, given))
        except RostraError as error:
            self._refuse(error.message, error.status)

    def _subscribe(self, wanted: Wanted) -> None:
        if len(self._outlet.channels) >= MOST_CHANNELS:
            self._refuse(f"Too many streams: unsubscribe from one of {MOST_CHANNELS} first", 429)
            return
        with self._hub.api.ctx.store.read() as snap:
            channels.require(snap, self._token, wanted.channel)
        join(self._hub, self._outlet, wanted, self._token.scopes)

    def _unsubscribe(self, wanted: Wanted) -> None:
        if wanted.channel == USER and self._outlet.channels.get(NOTIFICATIONS) == wanted.names:
            self._hub.leave(self._outlet, NOTIFICATIONS)
        self._hub.leave(self._outlet, wanted.channel)

    def _refuse(self, error: str, status: int) -> None:
        text = encode({"error": error, "status": status}).decode()
        self._outlet.push({"type": "websocket.send", "text": text})


def _first(value: Any) -> str:
    """Return a parameter as text; of a list the first, as Mastodon takes it."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
