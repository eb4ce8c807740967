"""What a visitor looks at, and what is right: each view of the star, in each worker by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from msgspec import Struct

from rostra.ops.rehearsal.world import World
from rostra.testing.server import Client, Server

LOOKS: Final[Mapping[str, str]] = {
    "count": "follower count",
    "list": "list of followers",
    "button": "follow button",
    "home": "home timeline",
    "search": "search",
    "media": "media",
}
PAUSE_S: Final = 0.01
"""Between two looks while nothing has changed: watching shall not be what slows the server."""

PROBES: Final = 1
"""Accounts of the tool itself that follow for a moment, to see whether that works."""

Look = Callable[[Client], "bool | None"]
"""Returns True: as of an active account, False: as of a suspended one, None: neither."""


def looks(world: World) -> dict[str, Look]:
    """Return how to look at each view; comers may come and go meanwhile."""
    star, newest = world.star, [str(one) for one in world.newest]
    fans = {str(one.id) for one in (*world.fans, *world.watchers)}
    own = [str(one) for one in world.statuses]

    def count(client: Client) -> bool | None:
        data = client.get(f"/api/v1/accounts/{star.id}").data
        followers, gone = data["followers_count"], bool(data.get("suspended"))
        if gone:
            return False if followers == 0 else None
        return True if 0 <= followers - world.visible <= len(world.comers) + PROBES else None

    def listed(client: Client) -> bool | None:
        answer = client.get(f"/api/v1/accounts/{star.id}/followers?limit=80")
        if answer.status == 404 or answer.data == []:
            return False
        ids = [one["id"] for one in answer.data]
        known = [one for one in ids if one in fans][: len(newest)]
        return True if known == newest[: len(known)] else None

    def button(client: Client) -> bool | None:
        data = client.get(f"/api/v1/accounts/relationships?id[]={star.id}").data
        return False if data == [] else (True if data[0]["following"] else None)

    def home(client: Client) -> bool | None:
        ids = [one["id"] for one in client.get("/api/v1/timelines/home?limit=20").data]
        return False if ids == [] else (True if ids == own[:20] else None)

    def search(client: Client) -> bool | None:
        path = f"/api/v2/search?q={star.username}&type=accounts&limit=5"
        return str(star.id) in [one["id"] for one in client.get(path).data["accounts"]]

    def media(client: Client) -> bool | None:
        status = client.get(world.picture).status
        return True if status == 200 else (False if status in (403, 404, 410) else None)

    return dict(zip(LOOKS, (count, listed, button, home, search, media), strict=True))


class Sight(Struct, frozen=True):
    """When a view changed to what it should be (s since 1970), in one worker."""

    worker: str
    look: str
    at: float


class Watch:
    """Watches every view in every worker until all are right, or it is told to end.

    Args:
        world: who is who.
        server: what is watched; a worker that dies is met again when it is back.
        active: whether the account is to be seen.
    """

    def __init__(self, world: World, server: Server, *, active: bool) -> None:
        self.sights: list[Sight] = []
        self._looks = looks(world)
        self._server = server
        self._tokens = [one.token for one in world.watchers]
        self._active = active
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Watch:
        for worker in range(self._server.workers):
            thread = threading.Thread(target=self._follow, args=(str(worker),), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait(self, seconds: float) -> bool:
        """Wait until all is right everywhere; return whether it was in time."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return len(self.sights) == self._server.workers * len(self._looks)

    def missing(self) -> list[str]:
        """Return what is not right yet, as people read it."""
        seen = {(sight.worker, sight.look) for sight in self.sights}
        return [
            f"{LOOKS[look]} in worker {worker}"
            for worker in map(str, range(self._server.workers))
            for look in self._looks
            if (worker, look) not in seen
        ]

    def _follow(self, worker: str) -> None:
        waiting = dict(self._looks)
        token = self._tokens[int(worker) % len(self._tokens)]
        while waiting and not self._over.is_set():
            try:
                with connected(self._server, worker, token, self._over) as client:
                    while waiting and not self._over.is_set():
                        self._round(client, worker, waiting)
            except (OSError, KeyError, TypeError, IndexError):
                time.sleep(PAUSE_S)  # the worker died, or is about to: look again

    def _round(self, client: Client, worker: str, waiting: dict[str, Look]) -> None:
        """Look once at all that is not right yet; pause when nothing has begun to change."""
        for name, look in list(waiting.items()):
            if look(client) is self._active:
                with self._lock:
                    self.sights.append(Sight(worker, name, time.time()))
                del waiting[name]
            elif len(waiting) == len(self._looks):
                time.sleep(PAUSE_S)
            if self._over.is_set():
                return


@contextmanager
def connected(
    server: Server, worker: str, token: str, over: threading.Event | None = None
) -> Iterator[Client]:
    """Yield a connection to one worker, by its name.

    Raises:
        OSError: the server does not answer, or this worker was not met.
    """
    with ExitStack() as opened:
        for _ in range(200 * server.workers):
            client = opened.enter_context(Client(server.port, token))
            if client.get("/health/live").worker == worker:
                break
            if over is not None and over.is_set():
                break
        else:
            raise OSError(f"worker {worker} does not answer")
        yield client


def state(world: World, client: Client) -> dict[str, bool | None]:
    """Return what every view shows over one connection now."""
    return {name: look(client) for name, look in looks(world).items()}
