"""An amnesty in a real server whose job process is killed over and over."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

from rostra.domain.accounts import Role
from rostra.domain.amnesty import Limits, Outcome
from rostra.domain.enforcement import Action, ActionKind
from rostra.ops.opening import JOBS_LOCK
from rostra.ports import Transaction
from rostra.storage.store import SqliteStore
from rostra.testing.amnesties import frozen
from rostra.testing.people import Person, settle
from rostra.testing.server import Client, serve

ACCOUNTS = 1_500
KILLS = 4


def prepared(data: Path) -> tuple[Person, list[int], int]:
    """Make suspended accounts and an approved amnesty; return the moderator, them, and its id."""
    store = SqliteStore.open(data)
    (mod,) = settle(store, ["mod"], role=Role.MODERATOR)
    accounts = [one.ordinal for one in settle(store, [f"s{n}" for n in range(ACCOUNTS)])]

    def suspend(tx: Transaction) -> None:
        for account in accounts:
            action = Action(
                id=tx.next_id(),
                account=account,
                kind=ActionKind.SUSPEND,
                ground="a rule",
                moderator=None,
                taken_at=tx.now,
                starts_at=tx.now,
            )
            tx.enforcement.take(action)

    store.write_now(suspend)
    amnesty = store.write_now(
        lambda tx: frozen(
            tx,
            accounts=accounts,
            planner=mod.ordinal,
            approver=mod.ordinal,
            waves=("10", "50%", "100%"),
            limits=Limits(pause_s=0, lag_s=600),
        )
    )
    store.close_now()
    return mod, accounts, amnesty.id


def killed_until_over(client: Client, data: Path, path: str, random: Random) -> tuple[Any, int]:
    """Kill the job process while an amnesty goes on; return how it ended, and the kills."""
    kills = 0
    while True:
        told = client.get(f"{path}/status").data
        if told["state"] not in ("running", "rolling_back"):
            return told, kills
        if kills < KILLS and told["progress"]["done"]:
            time.sleep(random.uniform(0, 0.3))
            try:
                os.kill(json.loads((data / JOBS_LOCK).read_text())["pid"], signal.SIGKILL)
                kills += 1
            except (ProcessLookupError, ValueError):
                continue  # it died already, or the next has not written yet who it is
        time.sleep(0.1)


def test_a_job_process_that_is_killed_over_and_over_does_each_account_once(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    mod, accounts, id_ = prepared(data)
    path, random = f"/api/rostra/v1/amnesties/{id_}", Random(1)
    with serve(data, workers=2) as server, Client(server.port, mod.token) as client:
        assert client.post(f"{path}/run").status == 200
        told, kills = killed_until_over(client, data, path, random)
        assert (told["state"], told["outcomes"]) == ("done", {"lifted": ACCOUNTS}), told["why"]
        assert kills > 1
        assert all(probe["passed"] for wave in told["waves"] for probe in wave["probes"])
        assert {probe["worker"] for probe in told["waves"][-1]["probes"]} >= {"0", "1"}
        assert client.post(f"{path}/rollback").status == 200
        told, _ = killed_until_over(client, data, path, random)
        assert told["outcomes"] == {"rolled_back": ACCOUNTS}
    store = SqliteStore.open(data)
    with store.read() as snap:
        for account in accounts:
            actions, liftings = snap.enforcement.of_account(account)
            assert (len(actions), len(liftings)) == (2, 1)
            assert snap.gate.state(account).suspended
        assert snap.amnesties.tally(id_)[1] == {Outcome.ROLLED_BACK: 10}
    store.close_now()
