"""The world of a rehearsal: how large, what it needs, who is who in it, and the folder it is in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.errors import Conflict, Invalid, Unavailable
from rostra.ops.rehearsal import marker
from rostra.testing.people import Person

FACTS: Final = "world.json"
DATA: Final = "data"
LOCK: Final = "rehearsal.lock"
FEWEST: Final = 1_000
MOST: Final = 200_000_000
SPREAD: Final = 5
"""Accounts there are for each that follows the star: sets are not dense in a real world either."""
HIDDEN_IN: Final = 440
"""One in so many accounts is suspended: a million among the 440 that 88 million followers imply."""
GIB: Final = 1 << 30

# Measured with 1, 10 and 88 million followers: the load holds arrays of all edges, and the database
# holds both sides of each edge beside a log of the one transaction that writes them.
_MEMORY_EACH: Final = 85
_MEMORY_BASE: Final = 600 * 1_000_000
_DISK_EACH: Final = 90
_DISK_BASE: Final = 300 * 1_000_000


class Sizes(Struct, frozen=True, kw_only=True):
    """How large a world is; ``people`` are full accounts that can sign in."""

    followers: int
    people: int
    seed: int = 1

    @property
    def ordinals(self) -> int:
        """How many accounts there are, most of them no more than a member of sets."""
        return self.followers * SPREAD + 10_000

    @property
    def hidden(self) -> int:
        """How many of them are suspended."""
        return self.ordinals // HIDDEN_IN


class Needs(Struct, frozen=True):
    """What building a world takes, in bytes."""

    memory: int
    disk: int

    def told(self) -> str:
        """Return it as people read it."""
        return f"{self.memory / GIB:.1f} GiB of memory and {self.disk / GIB:.1f} GiB of disk"


class World(Struct, frozen=True, kw_only=True):
    """Who is who in the data folder, and what is true of them by the arrays it was made from.

    ``fans`` follow the star and never leave; ``comers`` follow it and leave as they like;
    ``bystanders`` have nothing to do with it and follow ``authors``, as fans do; ``watchers``
    follow the star alone. ``visible`` counts its followers that are not suspended, comers left
    out; ``newest`` are the ids of the last of them, newest first; ``statuses`` are ids of the
    star's, newest first, and ``picture`` is the path of a file that one of them shows.
    """

    sizes: Sizes
    star: Person
    moderator: Person
    fans: tuple[Person, ...]
    comers: tuple[Person, ...]
    bystanders: tuple[Person, ...]
    watchers: tuple[Person, ...]
    authors: tuple[Person, ...]
    visible: int
    newest: tuple[int, ...]
    statuses: tuple[int, ...]
    others: tuple[int, ...]
    picture: str
    built_at: float
    built_seconds: float
    built_peak_mb: float
    bytes: int


def sizes(followers: int, seed: int = 1) -> Sizes:
    """Return the sizes of a world whose star has so many followers.

    Raises:
        Invalid: that is too few or too many.
    """
    if not FEWEST <= followers <= MOST:
        raise Invalid(f"--followers {followers:,} cannot be rehearsed: name {FEWEST:,} to {MOST:,}")
    return Sizes(followers=followers, people=min(3_000, followers // 5), seed=seed)


def needs(wanted: Sizes) -> Needs:
    """Return what building takes; measured, and rounded up."""
    return Needs(
        memory=_MEMORY_BASE + _MEMORY_EACH * wanted.followers,
        disk=_DISK_BASE + _DISK_EACH * wanted.followers,
    )


def require_room(wanted: Needs, folder: Path) -> None:
    """Refuse to begin what this machine has no room for.

    Raises:
        Unavailable: memory or disk are too small; the message says by how much.
    """
    free = disk_free(folder)
    if free < wanted.disk:
        raise Unavailable(
            f"The rehearsal takes {wanted.disk / GIB:.1f} GiB of disk in {folder.parent}, and "
            f"{free / GIB:.1f} GiB are free: make room, name a folder on another disk with "
            "--world, or rehearse with fewer --followers"
        )
    available = memory_available()
    if available < wanted.memory:
        raise Unavailable(
            f"Building this world takes {wanted.memory / GIB:.1f} GiB of memory, and "
            f"{available / GIB:.1f} GiB are to be had: end other programs, or rehearse with "
            "fewer --followers"
        )


def disk_free(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    found = folder.absolute()
    while not found.exists():
        found = found.parent
    return found


def memory_available() -> int:
    """Return how many bytes of memory programs can have without pushing others out."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# -- the folder ------------------------------------------------------------------------------------


def read(folder: Path) -> World | None:
    """Return the finished world in a folder; None when there is none.

    Raises:
        Conflict: what is there cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode((folder / FACTS).read_bytes(), type=World)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.DecodeError) as error:
        raise Conflict(
            f"{folder / FACTS} is no world of this version ({error}): remove the folder, "
            "or name another with --world"
        ) from error
    if folder.exists() and not _is_free(folder):
        raise Conflict(
            f"{folder} holds something that is not a rehearsal: name another folder with --world"
        )
    return None


def _is_free(folder: Path) -> bool:
    """Return whether a world may be built in a folder: it is empty, or one was begun in it."""
    if not folder.is_dir():
        return False
    return marker.is_marked(folder / DATA) or not {one.name for one in folder.iterdir()} - {LOCK}


def write(folder: Path, world: World) -> None:
    """Write down who is who, with their tokens: for this user's eyes alone."""
    path = folder / FACTS
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(world))
