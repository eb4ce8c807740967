"""A worker: one process that answers HTTP on a port it shares with the other workers."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from rostra import app as composition
from rostra.api.streaming.routes import is_stream
from rostra.config import Settings
from rostra.domain.addresses import client_address
from rostra.domain.errors import RostraError, Unavailable
from rostra.domain.probes import PASS_PURPOSE
from rostra.edge.counters import Counters
from rostra.edge.rate_limits import RateLimits
from rostra.ops import logging, metrics, rehearsed
from rostra.ops.health import Health
from rostra.ops.metrics import App, Receive, RequestCounts, Scope, Send
from rostra.ops.opening import COUNTERS_FILE, METRICS_FOLDER, context_of, open_store
from rostra.storage.store import SqliteStore
from rostra.web.render import compile_templates

BACKLOG: Final = 2_048
MAX_CONNECTIONS: Final = 60_000
SPARE_FILES: Final = 256
"""Open files that are no connections of visitors: the data folder's, logs, listening sockets."""
FOLLOW_SECONDS: Final = 1.0
COMPILE_PAUSE_SECONDS: Final = 0.02
FAREWELL_SECONDS: Final = 2.0
"""How long streams have to tell their clients that this process ends, before it stops."""

_LISTEN_POLL_SECONDS: Final = 0.002

# Errors of the HTTP server go where all logs go; what it tells of its doings is not needed.
_SERVER_LOGS: Final[dict[str, Any]] = {
    "formatters": {},
    "handlers": {},
    "loggers": {name: {"propagate": True} for name in ("_granian", "granian.access")},
}


def run(settings: Settings, index: int, ready: Callable[[], None]) -> int:
    """Answer HTTP until SIGTERM, then let what has begun finish; return the exit code.

    Args:
        settings: the settings, with the port that is shared.
        index: which worker this is, from 0.
        ready: called when this worker accepts connections.
    """
    return uvloop.run(_run(settings, index, ready))


async def _run(settings: Settings, index: int, ready: Callable[[], None]) -> int:
    log = logging.logger()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    # From here on SIGTERM ends this process in order, however far it has come.
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    store = open_store(settings)
    context = context_of(settings, store)
    health = Health(context, store, index)
    app = composition.build(context, worker_index=index)
    health.streams = lambda: len(app.hub.outlets)
    counts = RequestCounts(metrics.counts_file(settings.data / METRICS_FOLDER, index))
    with store.read() as snapshot:
        snapshot.recent.public(None, limit=1)  # fills the index, so that no visitor waits for it
    own = store.secret(PASS_PURPOSE).hex() if settings.rate_limit else ""
    limited = _limited(settings, app, own)
    server = _server(settings, observed(health.routed(limited), counts), connections_at_most())
    logging.configure(settings.log_level, process=f"worker-{index}")  # the server changed it
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    serving = asyncio.create_task(server.serve())
    beside = [asyncio.create_task(_follow(store))]
    try:
        await _listening(serving)
        ready()
        beside.append(asyncio.create_task(_compile_templates()))
        with rehearsed.faults(store, f"worker-{index}"):
            await asyncio.wait(
                {serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        health.draining = True
        leaving = app.hub.drain()
        if leaving:  # a server that stops closes their connections, whether or not they know why
            await asyncio.wait(leaving, timeout=FAREWELL_SECONDS)
        stop_listening: Callable[[], None] = server.stop
        stop_listening()
        done, _ = await asyncio.wait({serving}, timeout=settings.drain_seconds)
        if not done:
            log.warning("requests were still running when their time to finish was over")
    finally:
        for task in beside:
            task.cancel()
        await store.close()
    return 0 if stop.is_set() else 1


async def _follow(store: SqliteStore) -> None:
    """Keep up with what others commit while nobody asks, so that who asks next need not wait."""
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        try:
            with store.read():
                pass
        except RostraError as error:
            logging.logger().warning("the data folder cannot be read", error=str(error))


async def _compile_templates() -> None:
    """Compile the templates of the pages between requests, so that no visitor waits for that."""
    for _ in compile_templates():
        await asyncio.sleep(COMPILE_PAUSE_SECONDS)


def _limited(settings: Settings, app: App, own: str) -> App:
    """Return ``app`` behind the rate limits, unless they are turned off."""
    if not settings.rate_limit:
        return app
    return RateLimits(
        app,
        Counters(settings.data / COUNTERS_FILE),
        requests=settings.rate_limit,
        address=client_address(settings.proxies),
        own=own.encode(),
    )


def connections_at_most() -> int:
    """Raise the limit of open files as far as is allowed, and return the connections it is for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_CONNECTIONS + SPARE_FILES
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, wanted - SPARE_FILES)


def _server(settings: Settings, app: App, connections: int) -> Server:
    return Server(
        app,
        settings.host,
        settings.port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        backpressure=connections,
        websockets=True,
        log_level=LogLevels.error,
        log_dictconfig=_SERVER_LOGS,
    )


def observed(app: App, counts: RequestCounts) -> App:
    """Return ``app`` with its requests counted and its failures logged and answered with a 500.

    Of a stream only what it took to open it is counted as its time.
    """
    clock = time.perf_counter_ns

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began = answered = clock()
        status = 0

        # Not a coroutine of its own: on the hottest routes that would be felt.
        def note_status(message: Any) -> Awaitable[None]:
            nonlocal status, answered
            if not status:
                status = message["status"]
                answered = clock()
            return send(message)

        try:
            await app(scope, receive, note_status)
        except Exception:
            method, path = scope["method"], scope["path"]
            logging.logger().exception("request failed", method=method, path=path)
            if not status:
                await _apologise(note_status)
        finally:
            ended = answered if is_stream(scope["path"]) else clock()
            counts.count(scope["path"], scope["method"], status, ended - began)

    return observe


async def _apologise(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"error":"Something went wrong here"}'})


async def _listening(serving: asyncio.Task[None]) -> None:
    """Wait until this process has a listening socket.

    Raises:
        Unavailable: the server ended before it had one.
    """
    while not _has_listener(_open_files()):
        if serving.done():
            await serving
            raise Unavailable("The HTTP server ended before it listened")
        await asyncio.sleep(_LISTEN_POLL_SECONDS)


def _open_files() -> Iterable[int]:
    return [int(name) for name in os.listdir("/proc/self/fd")]


def _has_listener(files: Iterable[int]) -> bool:
    for file in files:
        try:
            copy = socket.socket(fileno=os.dup(file))
        except OSError:  # no socket, or closed meanwhile
            continue
        with copy:
            if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return True
    return False
