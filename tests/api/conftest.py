"""The world of the tests that speak HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.api.mailbox import Mailbox, mail_server
from tests.api.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An empty world."""
    world = World(tmp_path)
    yield world
    await world.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server."""
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
async def mailing(tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[World]:
    """A world that sends mail."""
    world = World(tmp_path, **mailbox.settings)
    yield world
    await world.close()
