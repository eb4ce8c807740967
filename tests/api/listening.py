"""Those who listen, in tests: streams of the application itself, without a server between."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from starlette.types import Message
from tests.api.world import Person, World

from rostra.api.streaming import frames
from rostra.api.streaming import hub as hubs
from rostra.services.authentication import sessions

USER = "/api/v1/streaming/user"


class Listener:
    """One open connection; what it is sent comes in order.

    Args:
        world: whose application is listened to.
        scope: what the server would hand over.
    """

    def __init__(self, world: World, scope: dict[str, Any]) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.task = asyncio.create_task(world.app(scope, self._said.get, self._take))

    async def _take(self, message: Message) -> None:
        await self.reading.wait()
        self._heard.put_nowait(message)

    async def next(self) -> Message:
        """Return the next message of the application, or raise what ended it."""
        getting = asyncio.create_task(self._heard.get())
        await asyncio.wait({getting, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done() and self._heard.empty():
            getting.cancel()
            self.task.result()
            raise EOFError
        return await getting

    def come(self) -> list[Message]:
        """Take what has come by now; heartbeats, which come by the clock, say nothing."""
        found = [self._heard.get_nowait() for _ in range(self._heard.qsize())]
        return [one for one in found if one != frames.THUMP]

    def say(self, message: Message) -> None:
        """Say something to the application."""
        self._said.put_nowait(message)


class Events(Listener):
    """A stream of server-sent events."""

    def __init__(
        self, world: World, path: str, *, token: str = "", cookie: str = "", **params: Any
    ) -> None:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        if cookie:
            headers.append((b"cookie", f"{sessions.cookie(world.settings)}={cookie}".encode()))
        query = urlencode(params, doseq=True).encode()
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query}
        super().__init__(world, scope | {"headers": headers})
        self._text = ""

    async def opened(self) -> Events:
        """Wait until the stream has begun."""
        start = await self.next()
        body = await self.next()
        assert start["status"] == 200, body
        assert (b"content-type", b"text/event-stream") in start["headers"]
        assert body["body"] == b":)\n"
        return self

    async def refused(self) -> tuple[int, str]:
        """Return with what status and words the stream is refused."""
        start, body = await self.next(), await self.next()
        return start["status"], json.loads(body["body"])["error"]

    async def event(self) -> tuple[str, Any]:
        """Return the next event and what it says; heartbeats are passed over."""
        while True:
            message = await self.next()
            if not message.get("more_body"):
                raise EOFError
            if not message["body"].startswith(b":"):
                return told(message)

    async def ended(self) -> None:
        """Wait until the application ends the stream."""
        try:
            while True:
                await self.event()
        except EOFError:
            await self.task

    async def close(self) -> None:
        """Hang up."""
        self.say({"type": "http.disconnect"})
        await self.task


class Socket(Listener):
    """A WebSocket."""

    def __init__(
        self,
        world: World,
        *,
        token: str = "",
        protocol: str = "",
        header: str = "",
        **params: Any,
    ) -> None:
        given = params | ({"access_token": token} if token else {})
        headers = [(b"authorization", f"Bearer {header}".encode())] if header else []
        scope = {
            "type": "websocket",
            "path": "/api/v1/streaming",
            "query_string": urlencode(given).encode(),
            "headers": headers,
            "subprotocols": [protocol] if protocol else [],
        }
        super().__init__(world, scope)
        self.say({"type": "websocket.connect"})

    async def opened(self) -> Socket:
        """Wait until the socket is accepted."""
        self.accepted = await self.next()
        assert self.accepted["type"] == "websocket.accept"
        return self

    async def refused(self) -> bool:
        """Return whether the socket was not accepted."""
        return bool((await self.next())["type"] == "websocket.close")

    def ask(self, type_: str, stream: str, **given: Any) -> None:
        """Ask for something."""
        text = json.dumps({"type": type_, "stream": stream, **given})
        self.say({"type": "websocket.receive", "text": text})

    async def event(self) -> dict[str, Any]:
        """Return the next event, its payload read."""
        message = await self.next()
        if message["type"] == "websocket.close":
            raise EOFError
        found: dict[str, Any] = json.loads(message["text"])
        if "payload" in found:
            assert isinstance(found["payload"], str)
            found["payload"] = _read(found["payload"])
        return found

    async def ended(self) -> None:
        """Wait until the application ends the socket."""
        try:
            while True:
                await self.event()
        except EOFError:
            await self.task

    async def close(self) -> None:
        """Hang up."""
        self.say({"type": "websocket.disconnect", "code": 1000})
        await self.task


def told(message: Message) -> tuple[str, Any]:
    """Return the event in a message of a stream, and what it says."""
    name, data = message["body"].decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), _read(data.removeprefix("data: "))


def _read(text: str) -> Any:
    """Return what JSON says; an id alone is no JSON of an object and stays text."""
    return json.loads(text) if text[:1] in '{["' else text


async def user(world: World, person: Person) -> Events:
    """Open the stream of what concerns somebody."""
    return await Events(world, USER, token=person.token).opened()


async def silence(world: World, *listeners: Events | Socket) -> None:
    """Check that nothing is on its way to anybody: what comes next is what is asked for here."""
    for _ in range(3):
        await asyncio.sleep(hubs.LOOK_SECONDS * 2)
    for listener in listeners:
        assert listener.come() == []
