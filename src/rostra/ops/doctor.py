"""The doctor: tells of every difference between what is in a data folder and what should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.errors import RostraError
from rostra.ops.opening import require_data
from rostra.storage.database.sqlite import MIGRATIONS, Database, translated
from rostra.storage.repair import repair
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import Difference, verify

MIN_FREE_BYTES: Final = 256 * 2**20
FAILURES_TO_TELL: Final = 5

Progress = Callable[[int, int], None]
"""Told how many rows of account sets are read, and how many there are."""


class Finding(Struct, frozen=True, kw_only=True):
    """One difference: found by ``check``, about ``subject``.

    ``difference`` is what the verifier said, when it was the verifier that found it.
    """

    check: str
    subject: str
    problem: str
    difference: Difference | None = None

    @property
    def repairable(self) -> bool:
        """Whether a repair can put it right."""
        return self.difference is not None and self.difference.repairable


def examine(
    settings: Settings, *, sample: float, random: Random, progress: Progress
) -> Iterator[Finding]:
    """Yield each difference found in a data folder; a server may be running on it.

    Args:
        settings: which folder.
        sample: the share of the account sets to look at, above 0 and up to 1.
        random: chance, for which sets a sample takes.
        progress: told how far it is.

    Raises:
        NotFound: there is no data in the folder.
    """
    require_data(settings)
    yield from _disk(settings.data)
    try:
        database = Database(settings.data / DATABASE_FILE, writable=False)
    except RostraError as error:
        yield Finding(check="file", subject=DATABASE_FILE, problem=str(error))
        return
    try:
        layout = _layout(database)
        if layout is not None:
            yield layout
            return  # nothing else can be read rightly
        for difference in verify(database, random=random, sample=sample, progress=progress):
            yield Finding(
                check=str(difference.problem),
                subject=str(difference.set or DATABASE_FILE),
                problem=difference.detail,
                difference=difference,
            )
        yield from _jobs(database)
    except RostraError as error:
        yield Finding(check="file", subject=DATABASE_FILE, problem=str(error))
    finally:
        database.close()


def mend(settings: Settings, found: Sequence[Finding], *, now: int) -> list[str]:
    """Repair what can be repaired; return what was done, a line each. A server may be running.

    Args:
        settings: which folder.
        found: what ``examine`` found.
        now: the time in ms.

    Raises:
        Unavailable: the folder cannot be written now.
    """
    return repair(
        settings.data, [one.difference for one in found if one.difference is not None], now=now
    )


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        problem = f"only {free // 2**20:,} MiB are free: make room, or writes will be refused"
        yield Finding(check="disk", subject=str(folder), problem=problem)


def _layout(database: Database) -> Finding | None:
    latest = max(int(script.name[:4]) for script in MIGRATIONS.glob("*.sql"))
    with translated():
        version = int(database.value("PRAGMA user_version"))
    if version > latest:
        problem = f"layout {version} is of a newer version of Rostra: examine it with that"
    elif version < latest:
        problem = f"layout {version} is older than {latest}: starting the server brings it forward"
    else:
        return None
    return Finding(check="layout", subject=DATABASE_FILE, problem=problem)


def _jobs(database: Database) -> Iterator[Finding]:
    for job, name, attempts, error in database.rows(
        "SELECT id, name, attempts, error FROM jobs WHERE attempts >= ? ORDER BY id",
        (FAILURES_TO_TELL,),
    ):
        problem = f"failed {attempts} times, the last time with {error}"
        yield Finding(check="job", subject=f"{name} ({job})", problem=problem)
