"""``bench storm``: timelines read while a crowd signs in, each with a password to be hashed."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

from bench import wrk
from bench.harness import Bench
from bench.stars import expect
from bench.wrk import Load, Request
from rostra.domain.account_set import SetKey, SetKind
from rostra.storage.store import SqliteStore
from rostra.storage.views import WriteView
from rostra.testing.people import Person, settle
from rostra.testing.server import Client, Server, serve

# Each try is of another name and from another address, so that no brake but the line slows it.
SCRIPT: Final = """
local cookie, token, tries = nil, nil, 0
local number, threads = 0, 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(args)
  cookie, token = args[1], args[2]
  math.randomseed(number + 1)
end
function request()
  tries = tries + 1
  local name = string.format("guest%d_%d", number, tries)
  local address = string.format("10.%d.%d.%d", math.random(0, 255), math.random(0, 255),
    math.random(1, 254))
  return wrk.format("POST", "/auth/sign_in", {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Cookie"] = cookie, ["X-Forwarded-For"] = address,
  }, "csrf=" .. token .. "&login=" .. name .. "&password=correct+horse+battery")
end
function done(summary, latency, requests)
  io.write(string.format('\\nTRIED %d\\n', summary.requests))
end
"""
PROXIES: Final = "127.0.0.0/8"
MIDDLE: Final = 0.2
"""Share of a round before the storm is in full force, and after which it is measured."""


class Sizes(Struct, frozen=True, kw_only=True):
    """How large.

    ``viewers`` follow ``followed`` each and read over ``connections``, while ``guests`` sign in at
    once; ``rounds`` of ``seconds`` each way, quiet and stormy by turns.
    """

    viewers: int = 50
    followed: int = 50
    connections: int = 16
    guests: int = 64
    workers: int = 2
    rounds: int = 5
    seconds: float = 5
    seed: int = 1


SMALL = Sizes(viewers=3, followed=5, connections=2, guests=4, workers=1, rounds=1, seconds=1)


def run(bench: Bench, sizes: Sizes) -> None:
    """Measure and add the figures."""
    folder = bench.folder / "data"
    with bench.step(f"{sizes.viewers} viewers"):
        viewers = _world(folder, sizes)
    requests = [Request("GET", "/api/v1/timelines/home", one.token) for one in viewers]
    quiet: list[Load] = []
    stormy: list[Load] = []
    tried: list[float] = []
    with serve(folder, workers=sizes.workers, trusted_proxies=PROXIES) as server:
        _check(server, viewers)
        for number in range(sizes.rounds):
            quiet.append(_read(bench, sizes, server, requests))
            with _storm(bench, sizes, server) as rates:
                time.sleep(sizes.seconds * MIDDLE)
                stormy.append(_read(bench, sizes, server, requests))
            tried += rates
            bench.say(f"round {number + 1}: {stormy[-1].p99_us / quiet[-1].p99_us:.2f} ×")
    _report(bench, sizes, quiet, stormy, tried)


def _world(folder: Path, sizes: Sizes) -> list[Person]:
    store = SqliteStore.open(folder)
    authors = settle(store, [f"author{number}" for number in range(sizes.followed)])
    viewers = settle(store, [f"viewer{number}" for number in range(sizes.viewers)])
    for viewer in viewers:
        key = SetKey(viewer.ordinal, SetKind.FOLLOWING)
        store.write_now(partial(_follow, key=key, authors=[author.ordinal for author in authors]))
    store.close_now()
    return [*viewers, *authors]


def _follow(tx: WriteView, key: SetKey, authors: list[int]) -> None:
    tx.sets.add_many(key, authors)


def _check(server: Server, people: list[Person]) -> None:
    """Let everybody say something, and see that home timelines are full."""
    with Client(server.port) as client:
        for person in people:
            client.post("/api/v1/statuses", {"status": "Hail"}, token=person.token)
        page = client.get("/api/v1/timelines/home", token=people[0].token)
        expect(page.status == 200 and len(page.data) > 0, "a home timeline", page)


def _read(bench: Bench, sizes: Sizes, server: Server, requests: list[Request]) -> Load:
    return wrk.play(
        server.url,
        requests,
        folder=bench.folder,
        connections=sizes.connections,
        seconds=sizes.seconds,
    )


@contextmanager
def _storm(bench: Bench, sizes: Sizes, server: Server) -> Iterator[list[float]]:
    """Let guests sign in meanwhile; the list gets how many tries a second were answered."""
    cookie, token = _form(server)
    script = bench.folder / "storm.lua"
    script.write_text(SCRIPT)
    seconds = int(sizes.seconds * (1 + 2 * MIDDLE)) + 1
    began = time.monotonic()
    run = subprocess.Popen(
        [wrk.program(), "-t1", f"-c{sizes.guests}", f"-d{seconds}s", "--timeout=60s",
         f"--script={script}", server.url, "--", cookie, token],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    rates: list[float] = []
    try:
        yield rates
        printed, _ = run.communicate()
    finally:
        if run.poll() is None:
            run.kill()
            run.wait()
    found = re.search(r"TRIED (\d+)", printed)
    if run.returncode or found is None:
        raise wrk.Failed(f"wrk failed:\n{printed}")
    rates.append(int(found[1]) / (time.monotonic() - began))


def _form(server: Server) -> tuple[str, str]:
    """Return the cookie and the token of a form to sign in with."""
    with urllib.request.urlopen(f"{server.url}/auth/sign_in") as page:
        cookies = page.headers.get_all("Set-Cookie") or []
        found = re.search(r'name="csrf" value="([^"]+)"', page.read().decode())
    form = next((each.split(";")[0] for each in cookies if "form" in each), None)
    expect(form is not None and found is not None, "a form to sign in with", cookies)
    assert form is not None
    assert found is not None
    return form, found[1]


def _report(
    bench: Bench, sizes: Sizes, quiet: list[Load], stormy: list[Load], tried: list[float]
) -> None:
    ratios = [after.p99_us / before.p99_us for before, after in zip(quiet, stormy, strict=True)]
    where = f"home timeline, {sizes.connections} connections, {sizes.workers} workers"
    bench.figures.add(
        "p99_ratio",
        f"{where}: p99 in a storm of sign-ins over p99 without",
        median(ratios),
        "×",
        values=ratios,
        note=f"{sizes.guests} guests; {median(tried):.0f} passwords hashed a second",
    )
    for key, name, loads in (("quiet", "quiet", quiet), ("storm", "in the storm", stormy)):
        bench.figures.add(
            f"p99_{key}",
            f"{where}, {name}: p99",
            median(load.p99_us for load in loads) / 1e3,
            "ms",
            values=[load.p99_us / 1e3 for load in loads],
        )
        bench.figures.add(
            f"rate_{key}",
            f"{where}, {name}",
            median(load.rate for load in loads),
            "requests/s",
            more_is_better=True,
        )
