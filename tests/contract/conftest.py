"""A database in memory, with the layout of this version."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract import sets_worlds

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


@pytest.fixture(params=list(sets_worlds.WORLDS))
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sets_worlds.SetsWorld]:
    """Each adapter of account sets, with no sets in it."""
    made = sets_worlds.made(request.param, tmp_path / "data", monkeypatch)
    yield made
    made.close()
