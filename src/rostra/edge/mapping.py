"""Numbers in memory that processes share through a file."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path
from typing import Final

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_ACCESS: Final = frozenset({errno.EROFS, errno.EACCES})


def mapped(path: Path, size: int, *, alone: frozenset[int] = NO_ROOM) -> mmap.mmap:
    """Return a file mapped into memory, made when it is not there.

    Args:
        path: the file.
        size: in bytes.
        alone: on which errors (``errno``) the memory is this process's own instead.

    Raises:
        OSError: the file cannot be made or opened for another reason.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Room that is only promised, as ftruncate does, would end the process by SIGBUS when
            # it counts on a disk that has meanwhile filled up.
            os.posix_fallocate(file, 0, size)
            return mmap.mmap(file, size)
        finally:
            os.close(file)
    except OSError as error:
        if error.errno not in alone:
            raise
        return mmap.mmap(-1, size)
