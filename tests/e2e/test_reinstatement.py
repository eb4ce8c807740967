"""Reinstating one account from the command line, on a real server whose processes are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs

from rostra.config import Settings
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Role
from rostra.domain.enforcement import LiftReason
from rostra.domain.reinstatement import Run, RunState
from rostra.ops.opening import JOBS_LOCK, context_of, open_store
from rostra.ops.rehearsal import marker
from rostra.ports import Transaction
from rostra.services import reinstatement
from rostra.services.moderation import enforcing
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE, SqliteStore
from rostra.storage.verifier import verify
from rostra.testing.faults import Fault, plant, take_away
from rostra.testing.people import settle
from rostra.testing.server import Server, command, environment, processes_below, serve

FOLLOWERS = 30
TRIES = 8
"""How often a moment is waited for that may pass between two looks; each lasts for many of them."""


class World:
    """A star with fans, suspended, on a server with two workers."""

    def __init__(self, folder: Path, server: Server, star: Any, mod: Any) -> None:
        self.folder, self.server, self.star, self.mod = folder, server, star, mod
        self.store = SqliteStore.open(folder)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("reinstate", *arguments),
            env=environment(data=self.folder, port=self.server.port),
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def json(self, *arguments: str) -> Any:
        told = self.cli(*arguments, "--json")
        assert told.stdout, told.stderr
        return json.loads(told.stdout)

    def suspend(self) -> None:
        ctx = context_of(Settings(data=self.folder), self.store)
        asyncio.run(enforcing.suspend(ctx, moderator=None, target=self.star.ordinal, ground="spam"))

    def suspended(self) -> set[tuple[bool, int]]:
        """Return what each worker shows of the account: whether it is away, and its followers."""
        found = set()
        with self.server.client_of_each_worker() as clients:
            for client in clients.values():
                told = client.get(f"/api/v1/accounts/{self.star.id}").data
                found.add((bool(told.get("suspended")), told["followers_count"]))
        return found

    def begin(self) -> int:
        ctx = context_of(Settings(data=self.folder), self.store)

        async def work() -> int:
            made = await reinstatement.plan(
                ctx, moderator=self.mod.ordinal, target=self.star.ordinal
            )
            run = await reinstatement.begin(
                ctx, moderator=self.mod.ordinal, plan=made.hash, reason=LiftReason.SERVED
            )
            return run.id

        return asyncio.run(work())

    def run(self, id_: int) -> Run:
        with self.store.read() as snap:
            found = snap.runs.get(id_)
        assert found is not None
        return found

    def over(self, id_: int) -> Run:
        while not (found := self.run(id_)).state.is_over:
            assert self.server.process.poll() is None, self.server.log.read_text()
            time.sleep(0.05)
        return found

    @contextmanager
    def jobs_at_rest(self) -> Iterator[None]:
        """Stop the job process meanwhile, in an instant in which it holds nothing up."""
        with self.store.exclusive():
            resting = job_process(self)
            os.kill(resting, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(resting, signal.SIGCONT)

    def clean(self) -> bool:
        database = Database(self.folder / DATABASE_FILE, writable=False)
        try:
            return not list(verify(database, random=Random(1)))
        finally:
            database.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("reinstatement") / "data"
    store = open_store(Settings(data=folder))
    star, mod, *fans = settle(store, ["star", "mod", *(f"fan{n}" for n in range(FOLLOWERS))])

    def change(tx: Transaction) -> None:
        for fan in fans:
            tx.sets.add(SetKey(star.ordinal, SetKind.FOLLOWERS), fan.ordinal)
        account = tx.accounts.get(mod.ordinal)
        assert account is not None
        tx.accounts.update(structs.replace(account, role=Role.MODERATOR))

    store.write_now(change)
    store.close_now()
    marker.mark(folder)
    with serve(folder, workers=2) as server:
        found = World(folder, server, star, mod)
        yield found
        found.store.close_now()


def test_it_is_planned_run_reported_and_rolled_back(world: World, tmp_path: Path) -> None:
    """Steps "Plan", "Stage", "Cut over", "Confirm" and "Report", from the command line."""
    world.suspend()
    told = world.cli("plan", "star")
    assert "nothing was changed" in told.stdout
    assert "would be lifted" in told.stdout
    plan = world.json("plan", "star", "--by", "mod")
    assert plan["figures"]["followers"] == FOLLOWERS
    named = ("star", "--plan", plan["hash"][:8], "--by", "mod", "--reason", "overturned")
    other = world.cli("run", "mod", *named[1:])
    assert (other.returncode, "is for @star" in other.stderr) == (1, True)
    told = world.cli("run", *named, "--ground", "somebody else")
    assert told.returncode == 0, told.stdout + told.stderr
    for part in ("staging: passed", "confirming: passed", "@star: done", "in worker 1"):
        assert part in told.stdout
    assert world.suspended() == {(False, FOLLOWERS)}
    run = world.json("list")[0]
    assert run["state"] == "done"
    assert "probes passed" in world.cli("status").stdout
    report = world.cli("report", run["id"]).stdout
    assert "somebody else" in report
    page = tmp_path / "report.html"
    assert world.cli("report", run["id"], "--format", "html", "--out", str(page)).returncode == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    told = world.cli("rollback", run["id"], "--by", "mod", "--why", "not yet")
    assert (told.returncode, "rolled back" in told.stdout) == (0, True), told.stderr
    assert world.suspended() == {(True, 0)}
    assert world.over(int(run["id"])).state == RunState.ROLLED_BACK
    told = world.cli("rollback", run["id"], "--by", "mod")
    assert (told.returncode, "nothing to roll back" in told.stderr) == (1, True)


def test_a_stale_plan_shows_the_difference(world: World) -> None:
    world.suspend()
    plan = world.json("plan", "star")
    world.store.write_now(
        lambda tx: tx.sets.remove(SetKey(world.star.ordinal, SetKind.FOLLOWERS), world.mod.ordinal)
    )
    world.suspend()
    named = ("run", "star", "--plan", plan["hash"], "--by", "mod", "--reason", "served")
    told = world.cli(*named)
    assert told.returncode == 1
    assert "Something changed since plan" in told.stdout
    assert "name plan" in told.stderr
    assert world.cli(*named, "--accept").returncode == 0
    assert world.suspended() == {(False, FOLLOWERS)}


def test_interrupted_it_says_that_the_run_goes_on(world: World) -> None:
    world.suspend()
    plan = world.json("plan", "star")
    known = {one["id"] for one in world.json("list")}
    with world.jobs_at_rest():  # the run cannot be over before the command is interrupted
        watching = subprocess.Popen(
            command(
                *("reinstate", "run", "star", "--plan", plan["hash"]),
                *("--by", "mod", "--reason", "served"),
            ),
            env=environment(data=world.folder, port=world.server.port),
            cwd=world.folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        new: list[Run] = []
        while not new:
            assert watching.poll() is None, watching.communicate()
            time.sleep(0.01)
            with world.store.read() as snap:
                new = [run for run in snap.runs.page(limit=1) if str(run.id) not in known]
        os.kill(watching.pid, signal.SIGINT)
        out, error = watching.communicate()
    assert (watching.returncode, f"status {new[0].id} --follow" in error) == (130, True), out
    assert world.over(new[0].id).state == RunState.DONE
    assert world.cli("status", str(new[0].id), "--follow").returncode == 0


def test_without_a_server_nothing_is_begun(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = open_store(Settings(data=folder))
    settle(store, ["star", "mod"])
    store.close_now()
    run = subprocess.run(
        command("reinstate", "run", "star", "--plan", "0" * 8, "--by", "mod", "--reason", "served"),
        env=environment(data=folder),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, "start rostra serve" in run.stderr) == (1, True)


# -- killed ----------------------------------------------------------------------------------------

Moment = Callable[[Run, int], bool]


def job_process(world: World) -> int:
    return int(json.loads((world.folder / JOBS_LOCK).read_text(encoding="utf-8"))["pid"])


def killed_at(world: World, id_: int, moment: Moment) -> RunState | None:
    """Kill the job process at a moment of a run, nobody committing meanwhile; None: it passed."""
    while True:
        with world.store.exclusive() as view:
            run = view.runs.get(id_)
            assert run is not None
            if run.state.is_over:
                return None
            seen = view.runs.probes(id_)
            if moment(run, sum(one.step == run.state.value for one in seen)):
                os.kill(job_process(world), signal.SIGKILL)
                return run.state
        time.sleep(0.002)


def before_the_cut_over(world: World) -> Moment:
    """Return the moment between two commits that follow each other at once, made to last."""
    late = Fault(kind="cut-over-late", process="jobs", ms=600_000)
    plant(world.folder, [late], processes=["jobs"])

    def moment(run: Run, _: int) -> bool:
        if run.state != RunState.CUTTING_OVER:
            return False
        take_away(world.folder)  # the next job process does not rest
        return True

    return moment


@pytest.mark.parametrize(
    ("state", "probes"),
    [
        (RunState.STAGING, 0),
        (RunState.STAGING, 2),
        (RunState.STAGED, 0),
        (RunState.CUTTING_OVER, 0),
        (RunState.CONFIRMING, 0),
        (RunState.CONFIRMING, 4),
    ],
)
def test_the_job_process_is_killed(world: World, state: RunState, probes: int) -> None:
    """Killed at any step the run goes on, and is never half done in public."""

    def reached(run: Run, seen: int) -> bool:
        return run.state == state and seen >= probes

    moment = before_the_cut_over(world) if state == RunState.CUTTING_OVER else reached
    for _ in range(TRIES):
        world.suspend()
        id_ = world.begin()
        killed = killed_at(world, id_, moment)
        if killed is not None:
            break
    assert killed == state
    shown = world.suspended()
    assert {told for _, told in shown} <= {0, FOLLOWERS, FOLLOWERS + 1}  # a probe may be following
    if world.run(id_).state == state:  # the next job process has not gone on before it was shown
        away = state != RunState.CONFIRMING
        assert {is_away for is_away, _ in shown} == {away}
    over = world.over(id_)
    assert over.state == RunState.DONE, over.said
    assert world.suspended() == {(False, FOLLOWERS)}
    assert world.clean()


def test_a_worker_that_answers_late_is_waited_for(world: World) -> None:
    """Step "Confirm": taken up anew, a run waits for a worker that does not answer yet."""
    late = processes_below(world.server.process.pid)[1]  # before it: the supervisor

    def stopped(run: Run, seen: int) -> bool:
        if run.state != RunState.CONFIRMING or seen:
            return False
        os.kill(late, signal.SIGSTOP)  # nobody commits just now, so it holds nothing up
        return True

    for _ in range(TRIES):
        world.suspend()
        id_ = world.begin()
        if killed_at(world, id_, stopped):
            break
    try:
        while "Waiting for worker 0 to answer" not in (run := world.run(id_)).last_said:
            assert not run.state.is_over, run.said
            time.sleep(0.05)
    finally:
        os.kill(late, signal.SIGCONT)
    over = world.over(id_)
    assert (over.state, over.attempts) == (RunState.DONE, 2), over.said
    assert world.suspended() == {(False, FOLLOWERS)}
