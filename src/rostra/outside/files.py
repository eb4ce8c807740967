"""Files of media in a folder of this machine; fulfils ``ports.MediaFiles``.

What belongs together lies in one folder named by its key, which cannot be guessed; the first two
letters of the key name the folder around it. A file is there whole or not at all, and on the disk
before anything tells of it.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rostra.domain.errors import Unavailable

INCOMING: Final = "incoming"
KEY: Final = re.compile(r"[0-9a-f]{32}\Z")
NAME: Final = re.compile(r"[a-z0-9-]{1,60}(\.[a-z0-9]{1,5})?\Z")


class OpenFile:
    """A file that is being read; fulfils ``ports.OpenFile``."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.size = os.fstat(self._file).st_size

    async def read(self, start: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``start`` on."""
        return await asyncio.to_thread(os.pread, self._file, length, start)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


class LocalFiles:
    """Files below a folder.

    Args:
        folder: where; made when it is first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def temporary(self) -> Path:
        """Return a path at which nothing is, for a file to be worked on."""
        try:
            (self.folder / INCOMING).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        return self.folder / INCOMING / secrets.token_hex(16)

    async def workplace(self) -> Path:
        """Make an empty folder to work in, and return its path."""
        folder = self.temporary()
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        return folder

    def new_key(self) -> str:
        """Return a key that nobody can guess."""
        return secrets.token_hex(16)

    async def put(self, key: str, files: Mapping[str, Path]) -> None:
        """Move files to where they stay, under their names; they are on the disk afterwards."""
        try:
            await asyncio.to_thread(self._put, key, files)
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _put(self, key: str, files: Mapping[str, Path]) -> None:
        folder = self._folder(key)
        around = folder.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, path in files.items():
            self._move(path, self._path(key, name))
        for one in (folder, around, self.folder):
            _sync_folder(one)

    def _move(self, path: Path, target: Path) -> None:
        """Move a file, from another disk as well, so that it is at its target whole or not."""
        if path.stat().st_dev != target.parent.stat().st_dev:
            copy = self.temporary()
            shutil.copyfile(path, copy)
            path.unlink()
            path = copy
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(target)

    async def open(self, key: str, name: str) -> OpenFile | None:
        """Return a file to read, or None when there is none."""
        if not KEY.match(key) or not NAME.match(name):
            return None
        try:
            return await asyncio.to_thread(OpenFile, self._path(key, name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self.folder, error) from error

    async def local(self, key: str, name: str) -> Path:
        """Return where a file can be read by programs of this machine; not to be changed there."""
        return self._path(key, name)

    async def remove(self, key: str, name: str | None = None) -> None:
        """Remove a file, or all under a key; what is not there is removed already."""
        await asyncio.to_thread(self._remove, key, name)

    def _remove(self, key: str, name: str | None) -> None:
        if name is not None:
            self._path(key, name).unlink(missing_ok=True)
        else:
            shutil.rmtree(self._folder(key), ignore_errors=True)

    async def discard(self, path: Path) -> None:
        """Remove a temporary file or a workplace, if it is there."""
        await asyncio.to_thread(_discard, path)

    async def old(self, seconds: float) -> list[str]:
        """Return the keys of folders nothing was put in for so long; clear away old work."""
        return await asyncio.to_thread(lambda: list(self._old(time.time() - seconds)))

    def _old(self, before: float) -> Iterator[str]:
        if not self.folder.is_dir():
            return
        for around in self.folder.iterdir():
            for one in around.iterdir():
                if one.stat().st_mtime >= before:
                    continue
                if around.name == INCOMING:
                    _discard(one)
                elif KEY.match(one.name):
                    yield one.name

    def _folder(self, key: str) -> Path:
        if not KEY.match(key):
            raise ValueError(f"{key!r} is no key")
        return self.folder / key[:2] / key

    def _path(self, key: str, name: str) -> Path:
        if not NAME.match(name):
            raise ValueError(f"{name!r} is no name of a file")
        return self._folder(key) / name


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unusable(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(
        "The server cannot keep or read files now; nothing was changed. Try again later",
        log=f"{folder}: {error.strerror}; check that this user may write there and the disk is "
        "not full",
    )
