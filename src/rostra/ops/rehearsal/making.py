"""Making the world of a rehearsal, or taking one that was kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from rostra.domain.errors import Conflict, Unavailable
from rostra.domain.words import how_many
from rostra.ops.locks import FolderLock, Taken
from rostra.ops.rehearsal import world
from rostra.ops.rehearsal.world import Sizes, World
from rostra.testing.server import SOURCES

Tell = Callable[[str, int, int], None]


@contextmanager
def prepared(
    folder: Path | None, beside: Path, wanted: Sizes, *, keep: bool, tell: Tell
) -> Iterator[tuple[Path, World]]:
    """Yield the folder of a world and who is who in it; what was not to be kept goes at the end.

    Args:
        folder: where a world is kept, or shall be; None for one that goes away.
        beside: the live data folder; a folder that goes away is made next to it.
        wanted: how large, when it is to be built.
        keep: leave a folder that would go away.
        tell: called with (what is built, how much of it, of how much).

    Raises:
        Conflict: the folder is the live one, holds something else, or is in use.
        Unavailable: it cannot be made, or the machine has no room.
    """
    place = folder or _temporary(beside)
    try:
        _require_apart(place, beside)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {place} cannot be made: {error.strerror}; name another with --world"
        ) from error
    try:
        _known(place, wanted)  # whatever else is there is left alone, without a lock in it
        with _alone(place):
            yield place, _known(place, wanted) or _build(place, wanted, tell)
    finally:
        if folder is None and not keep:
            shutil.rmtree(place, ignore_errors=True)


def _known(place: Path, wanted: Sizes) -> World | None:
    """Return the world that is kept in a folder; None when there is none.

    Raises:
        Conflict: there is another, or something else.
    """
    found = world.read(place)
    if found is not None and found.sizes.followers != wanted.followers:
        raise Conflict(
            f"The world in {place} has {how_many(found.sizes.followers, 'follower')}, not "
            f"{wanted.followers:,}: name that number with --followers, or another folder with "
            "--world"
        )
    return found


def _temporary(beside: Path) -> Path:
    parent = beside.absolute().parent
    try:
        return Path(tempfile.mkdtemp(prefix="rostra-rehearsal-", dir=parent))
    except OSError as error:
        raise Unavailable(
            f"No rehearsal can be made in {parent}: {error.strerror}; name a folder with --world"
        ) from error


def _require_apart(place: Path, live: Path) -> None:
    """Refuse the live data folder, and whatever is in it or has it in it."""
    here, there = place.resolve(), live.resolve()
    if here == there or there in here.parents or (there.exists() and here in there.parents):
        if here in there.parents and not (there / "rostra.db").exists():
            return
        raise Conflict(
            f"{place} is not apart from the live data in {live}: name another folder with --world"
        )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold a world against a second rehearsal.

    Raises:
        Conflict: one is going on in it.
    """
    try:
        lock = FolderLock(place / world.LOCK, about={})
    except Taken as taken:
        raise Conflict(
            f"Process {taken.holder.get('pid', 'unknown')} rehearses in {place} already: wait for "
            "it, or name another folder with --world"
        ) from taken
    try:
        yield
    finally:
        (place / world.LOCK).unlink(missing_ok=True)
        lock.release()


def _build(place: Path, wanted: Sizes, tell: Tell) -> World:
    """Build a world in a process of its own, so that what it takes of memory is given back."""
    shutil.rmtree(place / world.DATA, ignore_errors=True)  # of one that was killed
    world.require_room(world.needs(wanted), place)
    numbers = map(str, (wanted.followers, wanted.people, wanted.seed))
    environment = {name: value for name, value in os.environ.items() if "ROSTRA_" not in name}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rostra.ops.rehearsal.build", str(place), *numbers],
            env=environment | {"PYTHONPATH": str(SOURCES), "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for this process to hear
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                step: dict[str, Any] = msgspec.json.decode(line)
                tell(step["what"], step["done"], step["total"])
        finally:
            if process.stdout is not None:
                process.stdout.close()
            if process.poll() is None:
                process.kill()
            process.wait()
            if not (place / world.FACTS).exists():
                shutil.rmtree(place / world.DATA, ignore_errors=True)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    found = world.read(place) if process.returncode == 0 else None
    if found is None:
        reason = said.splitlines()[-1] if said else f"its process ended with {process.returncode}"
        raise Unavailable(f"The world of the rehearsal could not be built: {reason}")
    return found
