"""Running programs on files of strangers: few at once, each killed when its time is over."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rostra.domain.errors import Invalid, Unavailable

HERE: Final = Path(__file__).parent
LIMITED: Final = HERE / "limited.py"
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
MAX_WAITING: Final = 64


def python(script: Path, *arguments: str) -> list[str]:
    """Return the command that runs a script of this folder, nothing of it on the module path."""
    return [sys.executable, "-P", "-B", str(script), *arguments]


class Programs:
    """Runs programs, so many at once; others wait for their turn.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting = 0
        self._turns: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    async def run(self, command: Sequence[str], *, seconds: float, output: Path) -> int:
        """Run a program and return its exit code; a negative one is the signal that ended it.

        Args:
            command: the program and its arguments.
            seconds: after how long it is killed.
            output: the file that gets what it prints.

        Raises:
            Invalid: it was killed for taking too long.
            Unavailable: too many wait already.
        """
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many files are being worked on. Try again in a minute")
        self._waiting += 1
        try:
            async with self._turn():
                return await _run(command, seconds, output)
        finally:
            self._waiting -= 1

    def _turn(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._turns is None or self._turns[0] is not loop:
            self._turns = (loop, asyncio.Semaphore(self._at_once))
        return self._turns[1]


async def _run(command: Sequence[str], seconds: float, output: Path) -> int:
    with output.open("wb") as printed:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed,
            stderr=asyncio.subprocess.DEVNULL,
            env=ENVIRONMENT,
            start_new_session=True,
            close_fds=True,
        )
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        raise Invalid("it takes too long to work on") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
