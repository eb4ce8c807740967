"""What a worker tells machines about itself: ``/health``, its parts, and ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec

from rostra import __version__
from rostra.domain.errors import RostraError
from rostra.ops import metrics
from rostra.ops.metrics import App, Receive, Scope, Send
from rostra.ops.opening import METRICS_FOLDER
from rostra.ports import Context
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE, SqliteStore

JOURNAL_AGE_SECONDS: Final = 5.0
_LOOPBACK: Final = ("127.", "::1", "::ffff:127.")
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})


class Health:
    """The state of one worker, and the routes that tell of it.

    Args:
        context: the open data folder.
        store: the same, with what only operations look at.
        worker: the index of this worker.
    """

    def __init__(self, context: Context, store: SqliteStore, worker: int) -> None:
        self.draining = False
        self.streams: Callable[[], int] = lambda: 0
        self._context = context
        self._store = store
        self._worker = worker
        self._journal = JournalRows(context.settings.data / DATABASE_FILE)

    def routed(self, app: App) -> App:
        """Return ``app`` with these routes ahead of it."""
        routes = {
            "/health": self._health,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._metrics,
        }

        def route(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            answer = routes.get(scope["path"]) if scope["type"] == "http" else None
            if answer is None:
                return app(scope, receive, send)
            if scope["method"] not in ("GET", "HEAD"):
                return self._send(send, 405, {"error": "Only GET is answered here"})
            return answer(scope, send)

        return route

    def state(self) -> dict[str, Any]:
        """Return what ``/health`` says."""
        seq, problem = None, None
        try:
            with self._context.store.read() as snap:
                seq = snap.seq
        except RostraError as error:
            problem = error.message
        ready = problem is None and not self.draining
        return {
            "status": "UP" if ready else "DOWN",  # as Mastodon's manual has it
            "live": True,
            "ready": ready,
            "version": __version__,
            "worker": self._worker,
            "feed_position": seq,
            **({"draining": True} if self.draining else {}),
            **({"error": problem} if problem else {}),
        }

    async def _health(self, _: Scope, send: Send) -> None:
        await self._send(send, 200, self.state())

    async def _live(self, _: Scope, send: Send) -> None:
        await self._send(send, 200, {"live": True, "worker": self._worker})

    async def _ready(self, _: Scope, send: Send) -> None:
        state = self.state()
        await self._send(send, 200 if state["ready"] else 503, state)

    async def _metrics(self, scope: Scope, send: Send) -> None:
        settings = self._context.settings
        if not (settings.metrics_public or _from_this_machine(scope)):
            error = "Metrics are shown on this machine only; the setting metrics_public opens them"
            await self._send(send, 403, {"error": error})
            return
        body = metrics.exposition(
            settings.data / METRICS_FOLDER, await self._gauges(), self._worker
        )
        await self._answer(send, 200, metrics.CONTENT_TYPE, body)

    async def _gauges(self) -> Mapping[str, tuple[str, float]]:
        journal = await self._journal.count()
        with self._store.read() as snap:
            return {
                "feed_position": ("The last commit this worker has applied.", snap.seq),
                "mask_epoch": ("Changes of the masks this worker has seen.", snap.gate.epoch),
                "sets_cache_bytes": (
                    "Memory that account sets take in this worker, as last summed up.",
                    self._store.shared.sets.bytes,
                ),
                "accounts": ("Accounts, hidden ones included.", snap.accounts.count()),
                "jobs_waiting": ("Jobs that wait, due or not.", snap.jobs.waiting()),
                "streams_open": ("Streams that are open in this worker.", self.streams()),
                "journal_rows": ("Rows of the journal that wait to be packed.", journal),
            }

    async def _send(self, send: Send, status: int, value: Mapping[str, Any]) -> None:
        await self._answer(send, status, "application/json", msgspec.json.encode(value))

    async def _answer(self, send: Send, status: int, type_: str, body: bytes) -> None:
        headers = [
            (b"content-type", type_.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-rostra-worker", str(self._worker).encode()),
        ]
        start: MutableMapping[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _from_this_machine(scope: Scope) -> bool:
    """Return whether nobody stands between this process and a visitor on the same machine."""
    client = scope.get("client")
    if not client or not str(client[0]).startswith(_LOOPBACK):
        return False
    return not any(name in _FORWARDED for name, _ in scope["headers"])


class JournalRows:
    """How many rows the journal has: counted off the event loop, and at most every five seconds.

    Args:
        path: the database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None
        self._count = 0
        self._counted_at = -JOURNAL_AGE_SECONDS
        self._lock = asyncio.Lock()

    async def count(self) -> int:
        """Return the number of rows, up to five seconds old."""
        async with self._lock:
            if time.monotonic() - self._counted_at >= JOURNAL_AGE_SECONDS:
                self._count = await asyncio.to_thread(self._read)
                self._counted_at = time.monotonic()
        return self._count

    def _read(self) -> int:
        if self._database is None:
            self._database = Database(self._path, writable=False)
        return int(self._database.value("SELECT COUNT(*) FROM journal"))
