"""Media: what accounts uploaded, where its files are, and who makes what is served of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from rostra.domain.media import Media, MediaKind


class MediaRows(Protocol):
    """What accounts uploaded, and whose the files are."""

    def get(self, media_id: int) -> Media | None:
        """Return one by its id."""

    def many(self, ids: Iterable[int]) -> dict[int, Media]:
        """Return the media there are of ``ids``, in their order."""

    def of_account(self, owner: int, *, above: int, limit: int) -> list[Media]:
        """Return media of an account with ids above a bound, rising."""

    def free_since(self, before: int, *, limit: int) -> list[Media]:
        """Return media that have belonged to nothing since before a time (ms), oldest first."""

    def count_bound(self, owner: int) -> int:
        """Return how many media of an account belong to a status, scheduled ones included."""

    def files_owner(self, key: str) -> tuple[bool, int | None]:
        """Return whether there are files under a key, and whose; None is the server itself."""

    def files_of(self, owner: int, *, limit: int) -> list[str]:
        """Return some of the keys under which an account has files."""


class MediaRowsWriter(MediaRows, Protocol):
    """Changes to what accounts uploaded."""

    def put(self, media: Media) -> None:
        """Add one, or replace what is stored of it; a status that shows it is for the caller."""

    def delete(self, media: Media) -> None:
        """Forget one; its files are for ``disown_files`` and ``MediaFiles``."""

    def own_files(self, key: str, owner: int | None, created_at: int) -> None:
        """Note whose the files under a key are, so that they are served."""

    def disown_files(self, key: str) -> None:
        """Serve the files under a key no longer."""


class OpenFile(Protocol):
    """A stored file that is being read."""

    size: int

    async def read(self, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start`` on."""

    def close(self) -> None:
        """Let the file go."""


class MediaFiles(Protocol):
    """Where the files of media are kept: a folder now, other stores behind the same functions.

    What belongs together lies under one key. A file is there whole or not at all.
    """

    def temporary(self) -> Path:
        """Return a path of this machine at which nothing is, for a file of one's own.

        Raises:
            Unavailable: nothing can be written.
        """

    async def workplace(self) -> Path:
        """Make an empty folder on this machine to work in, and return its path.

        Raises:
            Unavailable: nothing can be written.
        """

    def new_key(self) -> str:
        """Return a key that nobody can guess."""

    async def put(self, key: str, files: Mapping[str, Path]) -> None:
        """Move files under a key, by name; they are durable afterwards.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """

    async def open(self, key: str, name: str) -> OpenFile | None:
        """Return a file to read, or None when there is none; any text may be asked for."""

    async def local(self, key: str, name: str) -> Path:
        """Return where programs of this machine can read a file; not to be changed there."""

    async def remove(self, key: str, name: str | None = None) -> None:
        """Remove a file, or all under a key; what is not there is removed already."""

    async def discard(self, path: Path) -> None:
        """Remove a temporary file or a workplace, if it is there."""

    async def old(self, seconds: float) -> list[str]:
        """Return keys under which nothing was put for so long; clear away old temporary files."""


class Made(Struct, frozen=True, kw_only=True):
    """What was made of an uploaded file: files by name, and which of them is which.

    ``moving`` says that a picture has several frames, of which the first was taken.
    """

    kind: MediaKind
    files: Mapping[str, Path]
    file: str = ""
    preview: str = ""
    blurhash: str | None = None
    meta: dict[str, Any] = {}
    moving: bool = False


class MediaMaker(Protocol):
    """Makes what is served of what was uploaded, in other processes with limits.

    Each is given the file, its type by content, a folder to work in, and what to call what it
    makes. ``Invalid`` says in a clause ("it is damaged") why a file cannot be taken.
    """

    @property
    def types(self) -> tuple[str, ...]:
        """The media types that can be uploaded."""

    @property
    def films(self) -> bool:
        """Whether films and sounds can be made."""

    async def picture(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a picture and its preview.

        Raises:
            Invalid: why not.
        """

    async def preview(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a preview alone.

        Raises:
            Invalid: why not.
        """

    async def fitted(
        self, source: Path, type_: str, folder: Path, stem: str, size: tuple[int, int]
    ) -> Made:
        """Make a picture of exactly one size; of one that moves also ``<stem>-static.png``.

        Raises:
            Invalid: why not.
        """

    async def film(self, source: Path, type_: str, folder: Path, stem: str) -> Made:
        """Make a film or sound, and the preview of a film. Takes long.

        Raises:
            Invalid: why not.
        """
