"""``rostra serve``: one data folder, one port, the workers and the job runner."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from rostra import __version__
from rostra.config import Settings
from rostra.domain.errors import Unavailable
from rostra.ops import job_runner, logging, worker
from rostra.ops.locks import FolderLock, Taken
from rostra.ops.opening import (
    METRICS_FOLDER,
    SERVE_LOCK,
    check_alerts,
    make_folder,
    open_store,
    with_port,
)
from rostra.ops.processes import Processes, Run, die_with

PATIENCE_SECONDS: Final = 2.0
"""How long to wait for what a server that was just killed still holds."""

KILL_AFTER_SECONDS: Final = 5.0
"""How much longer than a drain a process may take to end."""


def serve(settings: Settings, *, on_ready: Callable[[Settings], None] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT and return the exit code.

    Args:
        settings: how; port 0 takes a free one, 0 workers mean one a core.
        on_ready: called with the settings, the port being the one taken, when all accept requests.

    Raises:
        Unavailable: the data folder or the port cannot be had; the message says who has it.
    """
    logging.configure(settings.log_level, process="supervisor")
    logging.hide(settings.secrets)  # in all that are forked from here, too
    check_alerts(settings)
    make_folder(settings.data)
    lock = _lock(settings)
    with _reserved_port(settings) as port:
        settings = with_port(settings, port)
        lock.describe(address=settings.address, url=settings.url)
        _clear_metrics(settings.data / METRICS_FOLDER)
        _prepare(settings)
        gc.collect()
        gc.freeze()  # what is imported stays shared with the children
        children: list[tuple[str, Run]] = [
            (f"worker-{index}", partial(_be_worker, settings, index))
            for index in range(settings.workers or os.cpu_count() or 1)
        ]
        children.append(("jobs", partial(_be_job_runner, settings)))
        log = logging.logger()
        log.info(
            "starting", version=__version__, data=str(settings.data), workers=len(children) - 1
        )

        def announce() -> None:
            _announce(settings)
            if on_ready is not None:
                on_ready(settings)

        code = Processes(
            children, drain=settings.drain_seconds + KILL_AFTER_SECONDS, on_ready=announce
        ).run()
        log.info("stopped")
    lock.release()
    return code


def _be_worker(settings: Settings, index: int, ready: Callable[[], None]) -> int:
    logging.configure(settings.log_level, process=f"worker-{index}")
    return worker.run(settings, index, ready)


def _be_job_runner(settings: Settings, ready: Callable[[], None]) -> int:
    logging.configure(settings.log_level, process="jobs")
    return job_runner.run(settings, ready)


def _announce(settings: Settings) -> None:
    logging.logger().info("ready", url=settings.url, address=settings.address)
    if sys.stdout.isatty():
        Console().print(
            f"Rostra is running at [bold]{settings.url}[/bold] (Ctrl-C stops it)", highlight=False
        )


# -- what only one server may have -----------------------------------------------------------------


def _lock(settings: Settings) -> FolderLock:
    """Return the lock on the data folder.

    Raises:
        Unavailable: another server has it.
    """
    try:
        return FolderLock(
            settings.data / SERVE_LOCK,
            patience=PATIENCE_SECONDS,
            about={"address": settings.address},
        )
    except Taken as taken:
        holder = taken.holder
        raise Unavailable(
            f"Another server runs on the data folder {settings.data}: process "
            f"{holder.get('pid', 'unknown')}, at {holder.get('address', 'an unknown address')}. "
            "Stop it first, or name another folder with --data"
        ) from taken


@contextlib.contextmanager
def _reserved_port(settings: Settings) -> Iterator[int]:
    """Hold the port for the workers, who share it, and yield its number.

    Raises:
        Unavailable: somebody else listens on it, or it may not be had.
    """
    family, address = _resolve(settings)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _try_alone(family, address)
            break
        except OSError as error:
            # The sockets of a server that was just killed are gone a moment after its locks.
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise _no_port(settings, error) from error
            time.sleep(0.02)
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind(address)
        except OSError as error:
            raise _no_port(settings, error) from error
        # Bound, but never listening: it gets no connections, and keeps strangers off the port.
        yield held.getsockname()[1]


def _resolve(settings: Settings) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise Unavailable(
            f"The host {settings.host} is no address of this machine: {error.strerror}; "
            "name one with --host, such as 127.0.0.1 or 0.0.0.0"
        ) from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _try_alone(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    """Bind as one who shares with nobody, so that a server that shares its port is noticed."""
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(address)


def _no_port(settings: Settings, error: OSError) -> Unavailable:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {settings.port} on {settings.host} is taken by another program; "
            "stop that, or name another port with --port or ROSTRA_PORT"
        )
    if error.errno == errno.EACCES:
        return Unavailable(
            f"This user may not listen on port {settings.port}; name one above 1023 with --port "
            "or ROSTRA_PORT"
        )
    return Unavailable(f"{settings.address} cannot be listened on: {error.strerror}")


# -- before the first child ------------------------------------------------------------------------


def _clear_metrics(folder: Path) -> None:
    """Begin with no counts of an earlier run."""
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)


def _prepare(settings: Settings) -> None:
    """Bring the data folder to this version's layout, in a process of its own.

    The supervisor itself never opens the database: SQLite does not survive a fork.

    Raises:
        Unavailable: it could not be done; the message is the reason.
    """
    read, write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            die_with(parent)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            open_store(settings).close_now()
            code = 0
        except BaseException as error:
            os.write(write, str(error).encode()[:4_000])
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        reason = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise Unavailable(reason or "The data folder could not be opened")
