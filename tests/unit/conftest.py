"""The world of the tests that call services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.unit.world import World

from rostra.services.authentication import passwords


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An empty world."""
    world = World(tmp_path)
    yield world
    await world.store.close()


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory: what a hash costs is not what is tested."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
