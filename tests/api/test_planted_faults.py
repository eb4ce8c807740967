"""Every fault that is planted is caught by a probe, and the run rolls back, or ends, by itself.

Operators are told which probe it was, over HTTP, as the server's own job process sends alerts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread

import pytest
from msgspec.structs import replace
from tests.api.probed import WORKERS, Rehearsal, Told, suspend

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import Forbidden
from rostra.domain.reinstatement import RunState
from rostra.ports import Context
from rostra.services import probing
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.fault_acts import SPENT
from rostra.testing.faults import Fault, plant, take_away
from rostra.testing.lost_edges import damage_chunk, lose
from rostra.testing.people import Person
from rostra.testing.server import serve

# What is planted, where, whether at the cut-over; by which probe it must be caught, and where the
# run ends then. Each has a star of its own, for what is lost on the disk stays lost.
FAULTS = {
    "stale mask": ("stale-mask", "worker-1", False, "lookup"),
    "chunk lost a member": ("follower-lost", "large", False, "sets"),
    "chunk lost a member later": ("follower-lost", "large", True, "sets"),
    "chunk that cannot be read later": ("chunk-damaged", "large", True, "sets"),
    "memory lost a member": ("lost-in-memory", "worker-0", False, "preview"),
    "memory of a chunk lost a member": ("lost-in-memory", "large", False, "preview"),
    "memory of a chunk lost a member later": ("lost-in-memory", "large", True, "preview"),
    "mirror missing at the follower": ("mirror-lost", "worker-0", False, "mirrors"),
    "mirror missing at the follower later": ("mirror-lost", "worker-0", True, "mirrors"),
    "mirror missing at the account": ("follower-lost", "worker-0", False, "mirrors"),
    "mirror missing at the account later": ("follower-lost", "worker-0", True, "mirrors"),
    "old count": ("old-count", "worker-1", False, "preview"),
    "old count later": ("old-count", "worker-1", True, "lookup"),
    "follow does not stick": ("follow-lost", "worker-1", False, "follow"),
    "home without the statuses": ("home-without", "worker-0", False, "home"),
    "media still refused": ("media-refused", "worker-1", False, "media"),
    "stale cache": ("stale-cache", "worker-0", False, "lookup"),
}


# What is lost on the disk at the cut-over may be told before that by a probe which asks workers for
# the edge: they may have it in memory still when the audit does not find it any more.
LOST = frozenset({"mirror-lost", "follower-lost", "chunk-damaged"})
ASK_FOR_EDGES = frozenset(
    {"lookup", "profile", "page", "followers", "plan", "relationships", "following", "preview"}
)

PROCESSES = (*WORKERS, "jobs")


def _star(name: str) -> str:
    prefix = "large" if FAULTS[name][1] == "large" else "star"
    return f"{prefix}{list(FAULTS).index(name)}"


class Inbox(ThreadingHTTPServer):
    """Where alerts come in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.alerts: list[dict[str, str]] = []

    async def about(self, ctx: Context, run: int, *, grave: str) -> str:
        """Wait for what is told of a run under a subject with some words, and return it.

        Alerts are jobs of the commit that they tell of: when none is left, no more will come.
        """
        while True:
            with ctx.store.read() as snap:
                left = snap.jobs.due(2**60, limit=1, only=("send_alert", "deliver_alert"))
            for one in list(self.alerts):
                if grave in one["title"] and f"(run {run})" in one["title"]:
                    return one["message"]
            assert left, [one["title"] for one in self.alerts]
            await asyncio.sleep(0.05)


class Taking(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.alerts.append(json.loads(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        Thread(target=inbox.serve_forever, daemon=True).start()
        yield inbox
        inbox.shutdown()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[Rehearsal]:
    survivors = [f"survivor{number}" for number in range(len(SURVIVED))]
    stars = [*map(_star, FAULTS), *survivors, "large"]
    found = Rehearsal(tmp_path_factory.mktemp("faults") / "data", stars)
    place = f"json://127.0.0.1:{inbox.server_port}"
    with serve(found.folder, workers=2, alert_urls=place) as server:
        found.server = server
        yield found


def _see_hidden(world: Rehearsal, star: Person) -> None:
    """See that every worker shows an account as suspended."""
    with world.server.client_of_each_worker() as clients:
        for client in clients.values():
            assert client.get(f"/api/v1/accounts/{star.id}").data["suspended"]


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_caught_and_rolled_back(world: Rehearsal, inbox: Inbox, name: str) -> None:
    kind, process, later, caught_by = FAULTS[name]
    star, fan = world.stars[_star(name)], world.fans[7]
    fault = Fault(
        kind=kind,
        process="worker-0" if process == "large" else process,
        account=star.ordinal,
        member=fan.ordinal,
        decided=later,
    )
    async with world.context() as ctx:
        await suspend(ctx, star)
        _see_hidden(world, star)
        plant(world.folder, [fault], processes=WORKERS)
        try:
            run, probes = await world.reinstate(ctx, star)
        finally:
            take_away(world.folder, processes=WORKERS)
        failed = [probe for probe in probes if not probe.passed]
        earlier = ASK_FOR_EDGES if later and kind in LOST else frozenset()
        assert {probe.name for probe in failed} & {caught_by, *earlier}, failed
        ended = [step for step in run.steps if step.passed is False]
        assert f"the probe {failed[0].name}" in f"{run.said} {ended}", run.steps
        staged = any(step.name == RunState.CONFIRMING for step in run.steps)
        assert run.state == (RunState.ROLLED_BACK if staged else RunState.FAILED)
        how = "suspended again" if staged else "not reinstated"
        told = await inbox.about(ctx, run.id, grave=how)
        assert f"the probe {failed[0].name}" in told
        with ctx.store.read() as snap:
            assert snap.gate.state(star.ordinal).suspended
        _see_hidden(world, star)


SURVIVED = {
    "worker killed": Fault(kind="worker-killed", process="worker-1"),
    "disk slow": Fault(kind="disk-slow", ms=30),
    "packer behind": Fault(kind="packer-behind", process="jobs"),
}


@pytest.mark.parametrize("name", SURVIVED)
async def test_what_harms_nobody_is_survived(world: Rehearsal, name: str) -> None:
    star = world.stars[f"survivor{list(SURVIVED).index(name)}"]
    async with world.context() as ctx:
        await suspend(ctx, star)
        _see_hidden(world, star)
        plant(world.folder, [replace(SURVIVED[name], account=star.ordinal)], processes=PROCESSES)
        try:
            run, probes = await world.reinstate(ctx, star)
        finally:
            take_away(world.folder, processes=PROCESSES)
        assert run.state == RunState.DONE, [probe for probe in probes if not probe.passed]
        if name == "worker killed":
            assert (world.folder / SPENT).exists()


async def test_a_set_that_cannot_be_read_ends_the_staging(world: Rehearsal) -> None:
    star, told = world.stars["large"], Told()
    damage_chunk(world.folder, SetKey(star.ordinal, SetKind.FOLLOWERS), world.fans[7].ordinal)
    async with world.context() as ctx:
        staged = await probing.stage(ctx, account=star.ordinal, tell=told)
        assert (staged.passed, staged.followers) == (False, 0)
        assert told.failed[0].name == "sets"
        assert "rostra doctor --repair" in told.failed[0].said
        told = Told()
        assert not await probing.confirm(
            ctx, account=star.ordinal, plan_followers=None, sample=5, tell=told
        )
        assert told.failed[0].name == "sets"


async def test_nothing_else_is_lost_by_runs_that_were_rolled_back(world: Rehearsal) -> None:
    lost = {
        world.stars[_star(name)].ordinal
        for name, (kind, *_) in FAULTS.items()
        if kind in ("follower-lost", "mirror-lost", "chunk-damaged")
    } | {world.stars["large"].ordinal}
    database = Database(world.folder / DATABASE_FILE, writable=False)
    found = list(verify(database, random=Random(1)))
    database.close()
    fan = world.fans[7].ordinal
    for difference in found:
        assert difference.set is not None, difference
        assert difference.set.owner in lost or difference.set == SetKey(fan, SetKind.FOLLOWING)


def test_a_folder_that_is_no_rehearsal_can_have_no_fault(tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        plant(tmp_path, [Fault(kind="disk-slow", ms=1)])
    with pytest.raises(Forbidden):
        lose(tmp_path, SetKey(1, SetKind.FOLLOWERS), 2)
