"""Locks on a data folder: one server, one job runner.

The kernel lets go of a lock when its holder dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from rostra.domain.errors import RostraError, Unavailable

_POLL_SECONDS: Final = 0.01


class Taken(RostraError):
    """Another process holds the lock; ``holder`` is what it wrote about itself."""

    def __init__(self, path: Path, holder: dict[str, Any]) -> None:
        super().__init__(f"{path} is locked by process {holder.get('pid', '(unknown)')}")
        self.holder = holder


class FolderLock:
    """An exclusive lock (flock) on a file that says who holds it.

    Processes forked while it is held hold it too, until the last of them is gone.

    Args:
        path: the file; made when it is not there.
        patience: for how many seconds to try again while somebody else holds it.
        about: what others are told of this holder; its pid is added.

    Raises:
        Taken: somebody else holds it.
        Unavailable: the file cannot be written.
    """

    def __init__(self, path: Path, *, patience: float = 0, about: dict[str, Any]) -> None:
        self._about = {"pid": os.getpid(), **about}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be written: {error.strerror}; let this user write there"
            ) from error
        deadline = time.monotonic() + patience
        while not self._try():
            if time.monotonic() >= deadline:
                holder = self._holder()
                os.close(self._file)
                raise Taken(path, holder)
            time.sleep(_POLL_SECONDS)
        self._write()

    def describe(self, **about: Any) -> None:
        """Change what others are told of this holder."""
        self._about |= about
        self._write()

    def release(self) -> None:
        """Let go of the lock in this process."""
        os.close(self._file)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _write(self) -> None:
        data = json.dumps(self._about).encode()
        try:
            os.pwrite(self._file, data, 0)
            os.ftruncate(self._file, len(data))
        except OSError as error:
            raise Unavailable(f"The data folder cannot be written: {error.strerror}") from error

    def _holder(self) -> dict[str, Any]:
        return _told_in(self._file)


def _told_in(file: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(file, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def holder_of(path: Path) -> dict[str, Any]:
    """Return what the holder of a lock says about itself; nothing while nobody holds it."""
    if not is_held(path):
        return {}
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return _told_in(file)
    finally:
        os.close(file)


def is_held(path: Path) -> bool:
    """Return whether somebody holds a lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)
