"""A database in memory, with the layout of this version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rostra.domain.events import AnyEvent
from rostra.storage.database.sqlite import Database, migrate


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database, gone when the test is over."""
    database = Database(Path(":memory:"), writable=True)
    migrate(database, now=0)
    yield database
    database.close()


@pytest.fixture
def events() -> list[AnyEvent]:
    """What a writer that was given ``events.append`` announced."""
    return []
