"""The smallest client that can keep many connections busy in one process."""

from __future__ import annotations

import asyncio
from typing import Final

from rostra.testing.server import HOST

PATIENCE_S: Final = 60.0
BROKEN: Final = 0
"""The status of a request that was not answered."""


class Connection:
    """One connection that is opened again when it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, path: str, token: str, body: bytes = b"") -> int:
        """Send a request, read the answer whole, and return its status; ``BROKEN`` without one."""
        try:
            return await asyncio.wait_for(self._exchange(method, path, token, body), PATIENCE_S)
        except (OSError, EOFError, ValueError, TimeoutError):
            self.close()
            return BROKEN

    async def _exchange(self, method: str, path: str, token: str, body: bytes) -> int:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
            f"Authorization: Bearer {token}\r\n"
        )
        if method == "POST":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lines = answer.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
        if "chunked" in headers.get("transfer-encoding", ""):
            await self._chunks(self._reader)
        else:
            await self._reader.readexactly(int(headers.get("content-length", "0")))
        status = int(lines[0].split()[1])
        if "close" in headers.get("connection", ""):
            self.close()
        return status

    async def _chunks(self, reader: asyncio.StreamReader) -> None:
        size = -1
        while size:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            await reader.readexactly(size + 2)

    def close(self) -> None:
        """Close it; the next request opens it again."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
