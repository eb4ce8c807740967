"""What commands ask somebody at a terminal, on a terminal of the test's own."""

import asyncio
import os
import pty
import select
import subprocess
import sys

import pytest

from rostra.ops.cli.common import decided

ASKS = """
import asyncio, os
from rostra.ops.cli import common

os.close(os.open(os.ttyname(0), os.O_RDWR))  # so that Ctrl-C on it is for this process

async def work():
    print(common.agreed("Go on?"))

try:
    asyncio.run(work())
except KeyboardInterrupt:
    print("interrupted")
"""
TOLD = ("True", "False", "interrupted")
AGAIN = 2.0
"""After how many seconds it is typed again: a key is lost just before the question waits. A second
Ctrl-C comes in the way of what follows the first, if that takes so long."""


def answered(typed: bytes) -> str:
    """Return what a terminal shows behind a question where something is typed, its echo included:
    what was typed again stands there a second time when the answer took its time."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASKS],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ):
        os.close(theirs)
        shown = b""
        while True:
            if select.select([ours], [], [], AGAIN)[0]:
                try:
                    shown += os.read(ours, 4096)
                except OSError:  # nobody has its other end any more
                    break
            elif b"[y/N] " in shown:
                os.write(ours, typed)
    os.close(ours)
    return shown.decode().partition("[y/N] ")[2]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (b"y\n", "True"),
        (b" YES \n", "True"),
        (b"n\n", "False"),
        (b"\n", "False"),
        (b"\x04", "False"),  # Ctrl-D
        (b"\x03", "interrupted"),  # Ctrl-C
    ],
)
def test_a_question_is_answered_refused_or_interrupted(typed: bytes, told: str) -> None:
    shown = answered(typed).splitlines()
    assert [word for line in shown for word in TOLD if line.endswith(word)] == [told]


def test_a_decision_is_written_and_told_before_an_interruption_is_heard() -> None:
    told: list[str] = []

    async def decide(halfway: asyncio.Event) -> str:
        halfway.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "begun"

    async def work(halfway: asyncio.Event) -> None:
        told.append(await decided(decide(halfway)))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            told.append("interrupted")
            raise

    async def main() -> None:
        halfway = asyncio.Event()
        task = asyncio.create_task(work(halfway))
        await halfway.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(main())
    assert told == ["begun", "interrupted"]
