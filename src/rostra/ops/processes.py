"""Child processes that are started again when they die.

Children are forked from one process that has imported everything and has no threads: one that dies
is back within milliseconds, and what was imported stands in memory once.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from rostra.ops import logging

Run = Callable[[Callable[[], None]], int]
"""What a child does: it is given a function to call when it is ready, and returns its exit code."""

MAX_PAUSE: Final = 5.0
FIRST_PAUSE: Final = 0.1
SETTLED_SECONDS: Final = 1.0
"""A child that dies within this time of being ready counts as one that did not come up."""

_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Child:
    """One child process, over all of its lives."""

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self.run = run
        self.pid: int | None = None
        self.pipe: int | None = None
        self.ready_at: float | None = None
        self.failures = 0
        self.due: float | None = 0.0


class Processes:
    """Runs children until it is told to stop, and starts again those that die.

    Args:
        children: what to run, by name.
        drain: how many seconds children may take to end after SIGTERM, before they are killed.
        on_ready: called once, when all are ready for the first time.
    """

    def __init__(
        self, children: Sequence[tuple[str, Run]], *, drain: float, on_ready: Callable[[], None]
    ) -> None:
        self._children = [Child(name, run) for name, run in children]
        self._drain = drain
        self._on_ready: Callable[[], None] | None = on_ready
        self._log = logging.logger()
        self._kill_at: float | None = None
        self._signals = 0

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, then let the children finish; return the exit code.

        A second signal kills the children at once.
        """
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        previous = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        handlers = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._asked_to_stop),
                (signal.SIGINT, self._asked_to_stop),
                (signal.SIGCHLD, lambda *_: None),
            )
        }
        try:
            while not self._finished():
                self._start_due()
                self._wait(read)
                self._reap()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous)
            os.close(read)
            os.close(write)
        return 0

    # -- stopping ----------------------------------------------------------------------------------

    def _asked_to_stop(self, number: int, _: object) -> None:
        self._signals += 1
        if self._signals == 1:
            self._kill_at = time.monotonic() + self._drain
            self._log.info("stopping", signal=signal.Signals(number).name)
            self._send(signal.SIGTERM)
        else:
            self._kill_at = time.monotonic()

    def _stopping(self) -> bool:
        return self._signals > 0

    def _finished(self) -> bool:
        return self._stopping() and all(child.pid is None for child in self._children)

    def _send(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, number)

    # -- one turn ----------------------------------------------------------------------------------

    def _start_due(self) -> None:
        if self._stopping():
            return
        now = time.monotonic()
        for child in self._children:
            if child.pid is None and child.due is not None and child.due <= now:
                self._start(child)
        if self._stopping():  # the signal came between two forks
            self._send(signal.SIGTERM)

    def _wait(self, wakeup: int) -> None:
        pipes = {child.pipe: child for child in self._children if child.pipe is not None}
        times = [child.due for child in self._children if child.pid is None and child.due]
        if self._stopping():
            times = [self._kill_at] if self._kill_at is not None else []
        pause = None if not times else max(0.0, min(times) - time.monotonic())
        readable, _, _ = select.select([wakeup, *pipes], [], [], pause)
        for fd in readable:
            if fd == wakeup:
                with suppress(BlockingIOError):
                    os.read(wakeup, 4096)
            else:
                self._hear(pipes[fd])
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._log.warning("not finished in time; killed")
            self._send(signal.SIGKILL)
            self._kill_at = None

    def _hear(self, child: Child) -> None:
        """Read from a child's pipe: a byte says it is ready; the end says nothing will come."""
        assert child.pipe is not None
        ready = bool(os.read(child.pipe, 1))
        os.close(child.pipe)
        child.pipe = None
        if not ready:
            return
        child.ready_at = time.monotonic()
        self._log.info("process is ready", process=child.name, child=child.pid)
        if self._on_ready and all(one.ready_at is not None for one in self._children):
            self._on_ready()
            self._on_ready = None

    def _reap(self) -> None:
        for child in self._children:
            if child.pid is None:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._buried(child, os.waitstatus_to_exitcode(status))

    def _buried(self, child: Child, code: int) -> None:
        now = time.monotonic()
        settled = child.ready_at is not None and now - child.ready_at >= SETTLED_SECONDS
        child.failures = 1 if settled else child.failures + 1
        pause = 0.0
        if child.failures > 2:
            pause = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** (child.failures - 3))
        how = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
        entry = {"process": child.name, "child": child.pid, **how}
        if self._stopping():
            self._log.info("process ended", **entry)
        else:
            self._log.error("process died; starting it again", pause_seconds=pause, **entry)
        if child.pipe is not None:
            os.close(child.pipe)
        child.pid = child.pipe = child.ready_at = None
        child.due = now + pause

    # -- starting ----------------------------------------------------------------------------------

    def _start(self, child: Child) -> None:
        read, write = os.pipe()
        # A signal that comes while forking waits: the child must not take it for its own.
        blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            others = [one.pipe for one in self._children if one.pipe is not None]
            _become(child, parent, write, others, blocked)
        os.close(write)
        child.pid, child.pipe, child.due = pid, read, None
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)


def _become(
    child: Child, parent: int, ready: int, others: Sequence[int], blocked: set[signal.Signals]
) -> None:
    """Be the child from here on; never returns."""
    code = 1
    try:
        die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all; the parent decides
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        for fd in others:
            os.close(fd)
        code = child.run(lambda: _tell(ready))
    except BaseException:
        logging.logger().exception("process failed", process=child.name)
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # what the parent registered to be done at its exit is not the child's to do


def _tell(ready: int) -> None:
    os.write(ready, b"1")
    os.close(ready)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was told
            os._exit(1)
