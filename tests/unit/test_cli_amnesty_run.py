"""``rostra amnesty run`` and what comes after it, on a data folder whose jobs a test does."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.world import World

from rostra.domain.probes import Probe
from rostra.ops import cli
from rostra.ops.cli import amnesty_run
from rostra.services.amnesty import driving
from rostra.services.work import ASIDE
from rostra.testing.amnesties import frozen


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, int]:
    """A data folder with an approved amnesty of three accounts, and its id."""

    async def confirm(ctx: Any, *, tell: Any, **_: Any) -> bool:
        await tell(Probe("profile", "0", True, "200", 1.5))
        return True

    monkeypatch.setattr(driving.probing, "confirm", confirm)
    folder = tmp_path / "data"

    async def make() -> int:
        world = World(folder)
        mod, accounts = world.moderator(), world.people("ann", "ben", "cas")
        for account in accounts:
            await world.suspend(account)
        amnesty = await world.store.write(
            lambda tx: frozen(tx, accounts=accounts, planner=mod, approver=mod, waves=("1", "100%"))
        )
        await world.store.close()
        return amnesty.id

    return folder, asyncio.run(make())


def work(folder: Path, id_: int) -> None:
    async def do() -> None:
        world = World(folder)
        aside = {*ASIDE, "send_alert"}
        await driving.work(world.ctx, amnesty=id_, aside=aside)
        await world.store.close()

    asyncio.run(do())


def test_an_amnesty_is_run_and_rolled_back_by_commands(
    made: tuple[Path, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, id_ = made

    def rostra(verb: str, *options: str) -> tuple[int, str]:
        code = cli.run(["amnesty", verb, str(id_), *options, "--data", str(folder)])
        return code, capsys.readouterr().out

    assert cli.run(["amnesty", "run", str(id_), "--by", "mod", "--data", str(folder)]) == 0
    told = capsys.readouterr()
    assert told.out == "Running. 3 accounts: 3 pending.\n"
    assert told.err.endswith(f"when you start one (rostra serve --data {folder})\n")
    assert rostra("pause", "--by", "@mod")[1].startswith("Paused. 3 accounts")
    assert rostra("resume", "--by", "mod")[0] == 0
    assert rostra("run", "--by", "mod")[0] == 1
    work(folder, id_)
    code, shown = rostra("status")
    assert code == 0
    assert "Done. 3 accounts: 3 lifted." in shown
    assert "resumed by @mod" in shown
    assert rostra("status", "--follow")[1].splitlines()[-1] == "done: 3 of 3 accounts"
    assert json.loads(rostra("status", "--json")[1])["outcomes"] == {"lifted": 3}
    followed = rostra("status", "--follow", "--json")
    assert (followed[0], json.loads(followed[1])["outcomes"]) == (0, {"lifted": 3})
    assert len(json.loads(rostra("report", "--format", "json")[1])["accounts"]) == 3
    assert "Done. 3 accounts: 3 lifted." in rostra("report")[1]
    assert rostra("report", "--out", str(tmp_path / "report"))[0] == 1
    missing = tmp_path / "nowhere" / "report.json"
    told = ["amnesty", "report", str(id_), "--out", str(missing), "--data", str(folder)]
    assert cli.run(told) == 1
    assert f"{missing} cannot be written" in capsys.readouterr().err
    page = tmp_path / "report.html"
    assert rostra("report", "--out", str(page))[0] == 0
    assert "Done. 3 accounts: 3 back." in page.read_text()
    assert rostra("report", "--out", str(page), "--language", "de")[0] == 0
    assert "Fertig. 3 Konten: 3 zurück." in page.read_text()
    assert rostra("report", "--out", str(page), "--language", "xx")[0] == 1
    assert len(rostra("report", "--format", "csv")[1].splitlines()) == 4
    assert rostra("rollback", "--by", "mod")[0] == 0
    work(folder, id_)
    assert rostra("status", "--follow")[1].splitlines()[-1] == "rolled back: 3 of 3 accounts"
    assert rostra("stop", "--by", "mod")[0] == 1
    assert cli.run(["amnesty", "status", "12", "--data", str(folder)]) == 1
    assert cli.run(["amnesty", "status", "x", "--data", str(folder)]) == 1


def test_interrupted_it_says_that_the_amnesty_goes_on(
    made: tuple[Path, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, id_ = made
    assert cli.run(["amnesty", "run", str(id_), "--by", "mod", "--data", str(folder)]) == 0
    standing = amnesty_run._standing

    looks = []

    def looked(*args: Any) -> Any:
        looks.append(args)
        if len(looks) == 2:  # the first while it is followed
            signal.raise_signal(signal.SIGINT)
        return standing(*args)

    monkeypatch.setattr(amnesty_run, "_standing", looked)
    monkeypatch.setattr(amnesty_run, "is_held", lambda _: True)
    assert cli.run(["amnesty", "status", str(id_), "--follow", "--data", str(folder)]) == 130
    told = capsys.readouterr()
    assert "running: 0 of 3 accounts" in told.out
    assert f"rostra amnesty status {id_} --follow --data {folder}\n" in told.err
    assert f"rostra amnesty pause {id_} --by MODERATOR --data {folder}\n" in told.err
