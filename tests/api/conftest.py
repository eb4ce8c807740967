"""The world of the tests that speak HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An empty world."""
    world = World(tmp_path)
    yield world
    await world.close()
