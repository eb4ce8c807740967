"""The tool runs in random worlds: whatever it plans, lifts, takes again and skips is the oracle's.

With each doing of the tool broken once, to show that the oracle notices.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs

from rostra.domain.amnesty_waves import to_lift
from rostra.services.amnesty import settling
from rostra.services.moderation import lifting
from rostra.services.reinstatement import operating
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify
from rostra.testing.random_world import Disagreement, Shape
from rostra.testing.tool_world import ToolWorld

SMALL = Shape(accounts=80, statuses=10, polls=2, crowd=40, lot=16)


async def live(world: ToolWorld, acts: int) -> None:
    """Let a world live for some acts, and take the tool to its ends."""
    async with world.opened():
        await world.populate()
        while world.operations < acts:
            await world.step()
        await world.end()


async def test_whatever_the_tool_does_is_what_the_oracle_says(tmp_path: Path) -> None:
    became: set[str] = set()
    for seed in range(4):
        folder = tmp_path / f"data{seed}"
        world = ToolWorld(folder, seed=seed, shape=SMALL)
        await live(world, 800)
        assert world.runs.planned
        assert world.amnesties.planned
        became |= {f"run {state}" for state in world.runs.ended}
        became |= {f"account {outcome}" for outcome in world.amnesties.became}
        database = Database(folder / DATABASE_FILE, writable=False)
        assert list(verify(database, random=Random(seed))) == []
        database.close()
    assert became >= {"run done", "run rolled_back", "account lifted", "account rolled_back"}


def _over_persons(amnesty: Any, *given: Any, **named: Any) -> Any:
    """Lift whatever was decided since."""
    return to_lift(structs.replace(amnesty, id=2**62), *given, **named)


def _nobody(*_: Any) -> list[int]:
    """Keep every follow, however long its follower was away."""
    return []


def _nothing(*_: Any, **__: Any) -> list[Any]:
    """Take nothing again."""
    return []


BROKEN: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "a wave lifts over a person's decision": (settling, "to_lift", _over_persons),
    "a rollback of waves forgets": (settling, "restore_in", _nothing),
    "a rollback of a run forgets": (lifting, "restore_in", _nothing),
    "a return keeps all follows": (lifting, "dormant_follows", _nobody),
    "a run is rolled back over a person": (operating, "decided_since", lambda *_, **__: ""),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_the_tool_does_wrong_is_noticed(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, broken = BROKEN[what]
    monkeypatch.setattr(module, name, broken)
    monkeypatch.setattr(ToolWorld, "jumps", 0.1)
    with pytest.raises(Disagreement):
        await live(ToolWorld(tmp_path / "data", seed=4, shape=SMALL), 20_000)
