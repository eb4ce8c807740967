"""Playing a log of activity against a running server over HTTP, at any multiple of its pace.

Each RT presses boost on the target's latest status, each MT posts a status that mentions the
target, each RE answers the target's latest status; where the target has none, it posts one first.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final, Protocol

import httpx2
import numpy as np

from rostra.domain.activity import Event, Kind
from rostra.domain.errors import Unavailable

AHEAD: Final = 1_000
"""For how many events at a time everybody is given a token."""
PATIENCE_S: Final = 30.0
LAST_ANSWERS_S: Final = 10.0


class Tokens(Protocol):
    """Where the players' access tokens come from."""

    async def prepare(self, names: Iterable[str]) -> None:
        """Make sure that everybody named has an account and a token, as far as that is possible."""
        ...

    def of(self, name: str) -> str | None:
        """Return somebody's token, or None when there is none to be had."""
        ...


class Figures:
    """What a replay measures; latencies in seconds, one for each request."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.events = 0
        self.failed = 0
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()
        self.behind = 0.0

    @property
    def seconds(self) -> float:
        """How long the replay has been going on."""
        return time.monotonic() - self.started

    def percentiles(self, which: Sequence[float] = (50, 90, 99, 100)) -> list[float]:
        """Return percentiles of the latencies in milliseconds; empty without any."""
        if not self.latencies:
            return []
        values = np.percentile(np.array(self.latencies), list(which)) * 1000
        return [float(value) for value in values]


class Failure(Exception):
    """A request that was not answered as it should; the message groups it with its like."""


class Player:
    """Acts on one server for many people.

    Args:
        client: sends to the server and nowhere else.
        tokens: the tokens of the people.
        figures: where requests are counted.
    """

    def __init__(self, client: httpx2.AsyncClient, tokens: Tokens, figures: Figures) -> None:
        self._client = client
        self._tokens = tokens
        self._figures = figures
        self._latest: dict[str, asyncio.Future[str]] = {}

    async def play(self, event: Event) -> None:
        """Do what an event tells of.

        Raises:
            Failure: the server did not do it.
        """
        if event.kind is Kind.BOOST:
            await self._boost(event)
            return
        form = {"status": f"@{event.target} ({event.kind.name.lower()}, replayed)"}
        if event.kind is Kind.REPLY:
            form["in_reply_to_id"] = await self._latest_of(event.target)
        posted = await self._send("POST", "/api/v1/statuses", event.actor, data=form)
        self._remember(event.actor, str(posted["id"]))

    async def _boost(self, event: Event) -> None:
        latest = await self._latest_of(event.target)
        try:
            await self._send("POST", f"/api/v1/statuses/{latest}/reblog", event.actor)
        except Failure:
            self._latest.pop(event.target, None)  # it may have been deleted: look again next time
            raise

    def _remember(self, name: str, status_id: str) -> None:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        future.set_result(status_id)
        self._latest[name] = future

    async def _latest_of(self, name: str) -> str:
        """Return the id of somebody's latest status; it is looked for once."""
        known = self._latest.get(name)
        if known is None:
            known = self._latest[name] = asyncio.ensure_future(self._find_latest(name))
            known.add_done_callback(lambda done: self._forget_failed(name, done))
        return await asyncio.shield(known)

    def _forget_failed(self, name: str, done: asyncio.Future[str]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._latest.get(name) is done:
            del self._latest[name]

    async def _find_latest(self, name: str) -> str:
        account = await self._send("GET", "/api/v1/accounts/lookup", name, params={"acct": name})
        found = await self._send(
            "GET",
            f"/api/v1/accounts/{account['id']}/statuses",
            name,
            params={"limit": "1", "exclude_reblogs": "true"},
        )
        if found:
            return str(found[0]["id"])
        form = {"status": "(Something others answer or boost, replayed)"}
        made = await self._send("POST", "/api/v1/statuses", name, data=form)
        return str(made["id"])

    async def _send(self, method: str, path: str, name: str, **options: Any) -> Any:
        token = self._tokens.of(name)
        if token is None:
            raise Failure("no token (the account is taken, or registration was refused)")
        started = time.monotonic()
        try:
            response = await self._client.request(
                method, path, headers={"Authorization": f"Bearer {token}"}, **options
            )
        except httpx2.HTTPError as error:
            raise Failure(type(error).__name__) from error
        finally:
            self._figures.latencies.append(time.monotonic() - started)
        if response.status_code != 200:
            raise Failure(f"{response.status_code} {_reason(response)}")
        return response.json()


def _reason(response: httpx2.Response) -> str:
    try:
        return str(response.json()["error"])[:100]
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


@asynccontextmanager
async def connected(url: str, connections: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a client of a server that answers.

    Raises:
        Unavailable: nothing answers there as a server of this kind does.
    """
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx2.AsyncClient(
        base_url=url.rstrip("/"), limits=limits, timeout=PATIENCE_S, follow_redirects=False
    ) as client:
        try:
            answer = await client.get("/api/v2/instance")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"No server answers at {url} ({str(error) or type(error).__name__}); "
                "start one with rostra serve, or name another with --url"
            ) from error
        if answer.status_code != 200:
            raise Unavailable(
                f"What answers at {url} is no server of this kind: "
                f"/api/v2/instance gave {answer.status_code}"
            )
        yield client


async def replay(
    events: Iterable[Event],
    *,
    client: httpx2.AsyncClient,
    tokens: Tokens,
    speed: float,
    concurrency: int,
    figures: Figures,
    stop: asyncio.Event,
    on_event: Callable[[], None] = lambda: None,
) -> None:
    """Play events at ``speed`` times their pace, each when its time has come.

    When the server cannot keep up, events wait for one of ``concurrency`` places: the pace falls
    behind (``figures.behind``, in seconds), and nothing is left out.

    Args:
        events: in order of time.
        client: as ``connected`` gives it.
        tokens: of everybody in the events.
        speed: how many times faster than they happened.
        concurrency: how many events may be under way at once.
        figures: filled while it goes on.
        stop: set it to end early; what is under way is still answered.
        on_event: called after each event.
    """
    player = Player(client, tokens, figures)
    places = asyncio.Semaphore(concurrency)
    under_way: set[asyncio.Task[None]] = set()

    async def act(event: Event) -> None:
        try:
            await player.play(event)
        except Failure as failure:
            figures.failed += 1
            figures.errors[str(failure)] += 1
        finally:
            figures.events += 1
            places.release()
            on_event()

    pace: Pace | None = None
    async for event in _prepared(events, tokens, stop):
        if pace is None:
            pace = Pace(event.seconds, speed)
            figures.started = time.monotonic()
        figures.behind = await pace.wait(event.seconds, stop)
        if not await _placed(places, stop):
            break
        task = asyncio.create_task(act(event))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=LAST_ANSWERS_S)
        for task in late:
            task.cancel()


async def _prepared(
    events: Iterable[Event], tokens: Tokens, stop: asyncio.Event
) -> AsyncIterator[Event]:
    """Yield events whose people have tokens, until asked to stop."""
    coming = iter(events)
    while lot := list(islice(coming, AHEAD)):
        await tokens.prepare({name for event in lot for name in (event.actor, event.target)})
        for event in lot:
            if stop.is_set():
                return
            yield event


class Pace:
    """When events are due: the first at once, the others as much later as ``speed`` makes of it."""

    def __init__(self, first: int, speed: float) -> None:
        self._first = first
        self._speed = speed
        self._began = time.monotonic()

    async def wait(self, seconds: int, stop: asyncio.Event) -> float:
        """Wait until an event of a second is due; return how late it is by now, in seconds."""
        due = self._began + (seconds - self._first) / self._speed
        left = due - time.monotonic()
        if left > 0:
            try:
                await asyncio.wait_for(stop.wait(), left)
            except TimeoutError:
                return 0.0
        return max(0.0, -left)


async def _placed(places: asyncio.Semaphore, stop: asyncio.Event) -> bool:
    """Take a place; return False, with none taken, when asked to stop first."""
    if stop.is_set():
        return False
    await places.acquire()
    if stop.is_set():
        places.release()
        return False
    return True
