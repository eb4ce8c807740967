"""The key of a data folder: 32 random bytes in a file of their own, outside of the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from rostra.domain.errors import Unavailable

KEY_FILE: Final = "secret.key"
SIZE: Final = 32


def folder_key(folder: Path) -> bytes:
    """Return the key of a data folder, making it when there is none.

    Raises:
        Unavailable: it cannot be read or made, or is not whole.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(folder, path)
        key = path.read_bytes()
    except OSError as error:
        raise Unavailable(
            "The server cannot read its key; nothing was changed",
            log=f"{path} cannot be read or made: {error.strerror}",
        ) from error
    if len(key) != SIZE:
        raise Unavailable(
            "The server's key is damaged; nothing was changed",
            log=f"{path} must have {SIZE} bytes: restore it from a backup",
        )
    return key


def _make(folder: Path, path: Path) -> None:
    """Write a new key under a name of its own first, so that nobody ever reads half of one."""
    made = folder / f"{KEY_FILE}.{secrets.token_hex(8)}"
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, secrets.token_bytes(SIZE))
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(made, path)  # fails where another process was first
    except FileExistsError:
        pass
    finally:
        os.unlink(made)
