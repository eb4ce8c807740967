"""A crowd that visits a server, in a process of its own.

``python -m rostra.ops.rehearsal.crowd`` reads one line of JSON (``Orders``) from its standard
input, and then lines ``returned SECONDS`` (from now on the star's audience comes back, for so
long) and ``stop``. It ends by itself when its input does or its time is over. What it did is
written as it goes, a line an act; who follows the star at the end comes last.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import IO, Final

import msgspec
from msgspec import Struct

from rostra.ops.processes import die_with
from rostra.ops.rehearsal.http import Connection
from rostra.ops.rehearsal.scenes import Actor, Scene, audience_scenes, quiet_scenes
from rostra.ops.rehearsal.shape import Shape
from rostra.ops.rehearsal.world import World

WAITING_AT_MOST: Final = 2_000
"""Requests that may wait for a connection; what comes beyond that is counted, not sent."""
FLUSH_S: Final = 0.25


class Orders(Struct, frozen=True, kw_only=True):
    """What one process of the crowd shall do.

    ``quiet`` requests a second have nothing to do with the star; ``audience`` a second are about
    it at the busiest, by ``shape``. It is process ``number`` of ``of``, which share the people.
    """

    port: int
    world: World
    shape: Shape
    quiet: float
    audience: float
    number: int
    of: int
    connections: int
    seconds_at_most: float
    seed: int
    out: str


class Act(Struct, frozen=True, array_like=True):
    """One request.

    When it was due (s since 1970), how long from then until it was answered (ms), what it was,
    what came (0: nothing), and whether it was about the star.
    """

    at: float
    ms: float
    what: str
    status: int
    star: bool


class Ending(Struct, frozen=True, kw_only=True):
    """What a process of the crowd says at its end: who follows the star now, and what was dropped.

    ``following`` are the ordinals of comers whose last answer leaves them following; ``unsure``
    those whose last request was not answered; ``dropped`` requests found no place to wait.
    """

    following: list[int]
    unsure: list[int]
    dropped: int


class Crowd:
    """The visits of one process."""

    def __init__(self, orders: Orders, out: IO[bytes]) -> None:
        self._orders = orders
        self._out = out
        self._random = Random(orders.seed * 1_000 + orders.number)
        self._returned: tuple[float, float] | None = None
        self._stop = asyncio.Event()
        self._waiting: deque[tuple[float, Scene]] = deque()
        self._arrived = asyncio.Semaphore(0)
        self._encode = msgspec.json.Encoder().encode
        self._lines: list[bytes] = []
        self._dropped = 0
        self.actor = Actor(orders.world, self._random, orders.number, orders.of)
        self._quiet = quiet_scenes()
        self._audience = audience_scenes()

    async def run(self, commands: asyncio.StreamReader) -> None:
        """Visit until told to stop, and write down how it ended."""
        listening = asyncio.create_task(self._listen(commands))
        hands = [asyncio.create_task(self._hand()) for _ in range(self._orders.connections)]
        writing = asyncio.create_task(self._write())
        try:
            await self._arrive()
        finally:
            await self._finish(hands)
            for task in (writing, listening):
                task.cancel()
            await asyncio.gather(writing, listening, return_exceptions=True)
            self._flush()
            following, unsure = self.actor.ending()
            ending = Ending(following=following, unsure=unsure, dropped=self._dropped)
            self._out.write(self._encode(ending) + b"\n")
            self._out.flush()

    async def _listen(self, commands: asyncio.StreamReader) -> None:
        while line := await commands.readline():
            word, *rest = line.decode().split()
            if word == "stop":
                break
            if word == "returned":
                self._returned = time.time(), float(rest[0])
            elif word == "left":
                self._returned = None
        self._stop.set()

    # -- when they come ----------------------------------------------------------------------------

    def _share(self, at: float) -> float:
        """Return what part of the audience's busiest rate is due at a time."""
        if self._returned is None:
            return self._orders.shape.waiting
        since, seconds = self._returned
        return self._orders.shape.at((at - since) / seconds)

    async def _arrive(self) -> None:
        """Let requests become due as independent visitors come, whether or not others wait.

        Both kinds come by a Poisson process; of the audience at its busiest rate a part stays away.
        """
        chance, orders = self._random, self._orders
        at = began = time.time()
        every = orders.quiet + orders.audience
        while not self._stop.is_set():
            at += chance.expovariate(every)
            if at - began > orders.seconds_at_most:
                return
            if (pause := at - time.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
            if chance.random() < orders.quiet / every:
                self._take((at, self._quiet.choose(chance)))
            elif chance.random() < self._share(at):
                self._take((at, self._audience.choose(chance)))

    def _take(self, due: tuple[float, Scene]) -> None:
        if len(self._waiting) >= WAITING_AT_MOST:
            self._dropped += 1
            return
        self._waiting.append(due)
        self._arrived.release()

    # -- what they do ------------------------------------------------------------------------------

    async def _finish(self, hands: list[asyncio.Task[None]]) -> None:
        """Have what is under way answered, and nothing begun, so that it is known what was done."""
        self._stop.set()
        self._waiting.clear()
        for _ in hands:
            self._arrived.release()
        await asyncio.gather(*hands)

    async def _hand(self) -> None:
        """Send what is due over one connection, one after the other."""
        connection = Connection(self._orders.port)
        try:
            while True:
                await self._arrived.acquire()
                if self._stop.is_set():
                    return
                at, scene = self._waiting.popleft()
                request = self.actor.begin(scene)
                if request is None:
                    continue
                status = await connection.send(
                    request.method, request.path, request.token, request.body
                )
                self.actor.end(request, status)
                act = Act(at, (time.time() - at) * 1e3, scene.name, status, scene.star)
                self._lines.append(self._encode(act))
        finally:
            connection.close()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._out.write(b"\n".join(self._lines) + b"\n")
            self._out.flush()
            self._lines = []


async def _visit(orders: Orders, out: IO[bytes]) -> None:
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    await Crowd(orders, out).run(commands)


def main() -> None:
    """Visit as ordered."""
    die_with(os.getppid())
    # Unbuffered: what comes after the first line is for whoever listens later.
    head = b""
    while not head.endswith(b"\n"):
        block = os.read(sys.stdin.fileno(), 1 << 16)
        if not block:
            return
        head += block
    orders = msgspec.json.decode(head, type=Orders)
    with Path(orders.out).open("wb") as out:
        asyncio.run(_visit(orders, out))


if __name__ == "__main__":
    main()
