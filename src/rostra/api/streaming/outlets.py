"""An outlet: one open connection that is told what happens."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from starlette.types import Message, Send

from rostra.api.streaming.channels import Channel
from rostra.api.streaming.frames import Form

MOST_WAITING: Final = 200
"""How many events wait for somebody who reads slowly, before the connection is given up."""


class Outlet:
    """A connection somebody listens at.

    What it is told waits in line while the one before is on its way, so that who reads slowly holds
    up nobody else; too long a line, and the connection is cut: its owner connects anew and reads
    what it missed. Idle, it is one task that waits for the other side to hang up.

    Args:
        send: of the ASGI server.
        form: how events are framed.
        listener: an ordinal, or ``streams.ANYBODY``.
        credential: the SHA-256 of the token or session it was opened with; empty for none.
        compact: tell that something happened and its id alone, as pages need it.
    """

    __slots__ = (
        "_begun",
        "_line",
        "_send",
        "_sending",
        "channels",
        "compact",
        "credential",
        "form",
        "is_cut",
        "listener",
        "owner",
    )

    def __init__(
        self, send: Send, form: Form, listener: int, credential: bytes, *, compact: bool = False
    ) -> None:
        self._send = send
        self.owner = asyncio.current_task()
        self._begun = False
        self._line: deque[Message] = deque()
        self._sending: asyncio.Task[None] | None = None
        self.form = form
        self.listener = listener
        self.credential = credential
        self.compact = compact
        self.channels: dict[Channel, tuple[str, ...]] = {}
        self.is_cut = False

    def push(self, message: Message) -> None:
        """Put a message in line; never waits."""
        if self.is_cut:
            return
        if len(self._line) >= MOST_WAITING:
            self.cut()
            return
        self._line.append(message)
        self._go_on()

    def begin(self) -> None:
        """Send what is in line, and comes into it, from now on: the answer has begun.

        A connection is told of from before its client knows that it is there, so that nothing is
        missed by who acts on that.
        """
        self._begun = True
        self._go_on()

    def _go_on(self) -> None:
        if self._begun and self._line and self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._line and not self.is_cut:
                await self._send(self._line.popleft())
        except Exception:  # whatever the server calls a connection that broke
            self.cut()
        finally:
            self._sending = None

    def cut(self) -> None:
        """End the connection from this side."""
        if self.is_cut:
            return
        self.is_cut = True
        self._line.clear()
        # While the answer begins nothing waits to be told: its beginning is sent, and then its end.
        if self._begun and self.owner is not None and self.owner is not asyncio.current_task():
            self.owner.cancel()

    @property
    def is_stuck(self) -> bool:
        """Whether a message is still on its way, so that nothing more can be sent."""
        return self._sending is not None

    def leave(self) -> None:
        """Let go of what is on its way, as nobody reads it any more."""
        self.is_cut = True
        self._line.clear()
        if self._sending is not None:
            self._sending.cancel()
