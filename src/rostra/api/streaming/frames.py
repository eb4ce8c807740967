"""Frames: an event as it goes down the wire, made once for all who are sent the same."""

from __future__ import annotations

import enum
from typing import Final

from starlette.types import Message

from rostra.api.messages import encode


class Form(enum.Enum):
    """How events are framed."""

    EVENTS = "server-sent events (https://html.spec.whatwg.org/#server-sent-events)"
    SOCKET = "a message of a WebSocket, as Mastodon forms it"


THUMP: Final[Message] = {"type": "http.response.body", "body": b":thump\n", "more_body": True}
"""What an idle stream of server-sent events is sent now and then: a comment."""


class Payload:
    """What an event says, and the frames made of it so far.

    Args:
        event: its name.
        body: what it says, None for nothing.
    """

    __slots__ = ("_frames", "_text", "body", "event")

    def __init__(self, event: str, body: bytes | None) -> None:
        self.event = event
        self.body = body
        self._text: bytes | None = None
        self._frames: dict[tuple[Form, tuple[str, ...]], Message] = {}

    def frame(self, form: Form, names: tuple[str, ...]) -> Message:
        """Return the ASGI message of this event for a stream.

        Args:
            form: how the stream frames events.
            names: the channel as the one who listens named it; told in a WebSocket alone.
        """
        key = (form, names if form is Form.SOCKET else ())
        frame = self._frames.get(key)
        if frame is None:
            made = self._socket(names) if form is Form.SOCKET else self._events()
            frame = self._frames[key] = made
        return frame

    def _events(self) -> Message:
        body = b"event: %b\ndata: %b\n\n" % (self.event.encode(), self.body or b"undefined")
        return {"type": "http.response.body", "body": body, "more_body": True}

    def _socket(self, names: tuple[str, ...]) -> Message:
        head = b'{"stream":%b,"event":%b' % (encode(names), encode(self.event))
        if self.body is None:
            return {"type": "websocket.send", "text": (head + b"}").decode()}
        if self._text is None:
            self._text = encode(self.body.decode())
        text = b'%b,"payload":%b}' % (head, self._text)
        return {"type": "websocket.send", "text": text.decode()}
