"""Plans as files in the data folder, named by the SHA-256 of what they hold."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

from rostra.domain.errors import NotFound, StoreCorrupt, Unavailable

PLANS_FOLDER: Final = "plans"
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_UNFINISHED: Final = ".part"


class PlanFiles:
    """The plans of a data folder; fulfils ``ports.Plans``.

    Args:
        folder: the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / PLANS_FOLDER

    def keep(self, data: bytes) -> str:
        """Write a plan, durably and whole or not at all, and return its hash.

        Raises:
            Unavailable: the disk is full or cannot be written.
        """
        name = hashlib.sha256(data).hexdigest()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if not self._holds(name, data):
                self._write(self._path(name), data)
        except OSError as error:
            raise Unavailable(
                "The plan cannot be written to the server's disk: make room on it, then plan again",
                log=f"plan {name}: {error.strerror}",
            ) from error
        return name

    def _holds(self, name: str, data: bytes) -> bool:
        try:
            return self._path(name).read_bytes() == data
        except FileNotFoundError:
            return False

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = self._folder / f"{secrets.token_hex(8)}{_UNFINISHED}"
        try:
            opened = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(opened, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def find(self, prefix: str) -> list[str]:
        """Return the hashes of the plans that begin so."""
        return sorted(name for name in self._names() if name.startswith(prefix))

    def read(self, hash_: str) -> bytes:
        """Return a plan.

        Raises:
            NotFound: there is none of this hash.
            StoreCorrupt: the file does not hold what its name says.
        """
        try:
            data = self._path(hash_).read_bytes()
        except FileNotFoundError:
            raise NotFound("There is no such plan any more: make a new one") from None
        if hashlib.sha256(data).hexdigest() != hash_:
            raise StoreCorrupt(
                "This plan was changed after it was made: make a new one",
                log=f"the plan {self._path(hash_)} does not hold what its name says",
            )
        return data

    def prune(self, before: int) -> int:
        """Remove the plans kept before a time (ms) and what a killed process left; return how many.

        A run has its plan by itself.
        """
        old = 0
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            known = path.suffix == _UNFINISHED or self._plan_name(path)
            if known and path.stat().st_mtime * 1000 < before:
                path.unlink(missing_ok=True)
                old += 1
        return old

    def _names(self) -> list[str]:
        found = self._folder.glob("*.json") if self._folder.is_dir() else ()
        return [name for path in found if (name := self._plan_name(path))]

    @staticmethod
    def _plan_name(path: Path) -> str:
        return path.stem if path.suffix == ".json" and _NAME.fullmatch(path.stem) else ""

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
