"""``bench profile``: where the CPU time of a request goes, layer by layer, without a socket.

The app of a worker is called in this process, many requests at a time so that writes share their
commits. The time is CPU time without a profiler; the shares are those of ``cProfile``, which makes
small functions look dearer than they are.
"""

from __future__ import annotations

import asyncio
import cProfile
import hashlib
import pstats
import time
from collections import defaultdict
from collections.abc import Callable
from random import Random
from typing import Any, Final

from msgspec import Struct
from starlette.types import ASGIApp, Message

from bench.harness import Bench
from rostra import app as composition
from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.ids import snowflake
from rostra.ports import Context, Token
from rostra.services import statuses
from rostra.storage.store import SqliteStore, SystemClock
from rostra.storage.views import WriteView

LAYERS: Final = (
    ("apsw", "SQLite"),
    ("rostra/storage", "storage"),
    ("rostra/domain", "domain"),
    ("rostra/services", "services"),
    ("rostra/api", "rendering and binding"),
    ("starlette", "Starlette"),
    ("asyncio", "the event loop"),
)


class Sizes(Struct, frozen=True, kw_only=True):
    """How large: ``accounts`` that follow 50 others each; ``requests``, ``together`` at a time."""

    accounts: int = 4_000
    requests: int = 4_000
    together: int = 64
    seed: int = 1


SMALL = Sizes(accounts=120, requests=120, together=30)

Request = tuple[str, str, bytes]
"""A method, a path with its query, and a form."""


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure and add the figures."""
    asyncio.run(_run(bench, sizes))


async def _run(bench: Bench, sizes: Sizes) -> None:
    folder = bench.folder / "data"
    store = SqliteStore.open(folder)
    ctx = Context(
        settings=Settings(data=folder), store=store, clock=SystemClock(), random=Random(sizes.seed)
    )
    rng = Random(sizes.seed)
    with bench.step(f"{sizes.accounts:,} accounts"):
        store.write_now(lambda tx: _people(tx, sizes.accounts, rng))
        hot = await statuses.post(ctx, actor=1, draft=statuses.Draft(text="The hot one"))
        for actor in range(2, 42):
            await statuses.post(ctx, actor=actor, draft=statuses.Draft(text=f"Hello from {actor}"))
    with store.read() as snap:
        ids = [account.id for account in snap.accounts.page(limit=sizes.accounts)]
    api = "/api/v1"
    kinds: dict[str, Callable[[int], Request]] = {
        "account lookup": lambda n: ("GET", f"{api}/accounts/lookup?acct=u1", b""),
        "one status": lambda n: ("GET", f"{api}/statuses/{hot}", b""),
        "home timeline": lambda n: ("GET", f"{api}/timelines/home", b""),
        "like": lambda n: ("POST", f"{api}/statuses/{hot}/favourite", b""),
        "follow of a stranger": lambda n: ("POST", f"{api}/accounts/{rng.choice(ids)}/follow", b""),
        "post": lambda n: ("POST", f"{api}/statuses", b"status=Hello+again"),
    }
    app = composition.build(ctx)
    for name, request in kinds.items():
        with bench.step(name):
            await _measure(bench, sizes, app, name, request)
    await store.close()


def _people(tx: WriteView, count: int, rng: Random) -> None:
    for ordinal in range(1, count + 1):
        account_id = snowflake(tx.now, ordinal)
        tx.accounts.create(
            Account(ordinal=ordinal, id=account_id, username=f"u{ordinal}", created_at=tx.now)
        )
        tx.access.create_token(
            Token(
                hash=hashlib.sha256(_secret(ordinal).encode()).digest(),
                account=ordinal,
                application=None,
                scopes="read write follow",
                created_at=tx.now,
            )
        )
    for ordinal in range(1, count + 1):
        others = [other for other in rng.sample(range(1, count + 1), 50) if other != ordinal]
        tx.sets.add_many(SetKey(ordinal, SetKind.FOLLOWING), others)


def _secret(ordinal: int) -> str:
    return f"token-{ordinal}"


async def _measure(
    bench: Bench, sizes: Sizes, app: ASGIApp, name: str, request: Callable[[int], Request]
) -> None:
    async def some(first: int, count: int) -> None:
        for start in range(first, first + count, sizes.together):
            batch = range(start, min(start + sizes.together, first + count))
            await asyncio.gather(*(_call(app, 1 + n % sizes.accounts, *request(n)) for n in batch))

    half = sizes.requests // 2
    began = time.process_time()
    await some(0, half)
    micros = (time.process_time() - began) / half * 1e6
    profile = cProfile.Profile()
    profile.enable()
    await some(half, half)
    profile.disable()
    shares = ", ".join(f"{layer} {share:.0%}" for layer, share in _shares(profile) if share >= 0.01)
    bench.figures.add(
        name.replace(" ", "_"), f"{name}: CPU a request", micros, "µs", note=f"{name}: {shares}"
    )


def _shares(profile: cProfile.Profile) -> list[tuple[str, float]]:
    """Return (layer, share of the time in its own functions), largest first."""
    spent: dict[str, float] = defaultdict(float)
    stats: Any = pstats.Stats(profile)
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():
        if "poll" in function:
            continue  # waiting for the disk
        place = f"{file} {function}"
        spent[next((layer for mark, layer in LAYERS if mark in place), "the rest")] += own
    total = sum(spent.values())
    return sorted(((k, v / total) for k, v in spent.items()), key=lambda item: -item[1])


async def _call(app: ASGIApp, ordinal: int, method: str, target: str, form: bytes) -> None:
    path, _, query = target.partition("?")
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": form, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = [
        (b"authorization", f"Bearer {_secret(ordinal)}".encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(form)).encode()),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    if status not in (200, 403):  # 403: one may not follow oneself
        raise RuntimeError(f"{method} {target} answered {status}")
