"""The mark of a data folder that is a rehearsal: faults are planted nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MARK: Final = "REHEARSAL"
TEXT: Final = (
    "This is a rehearsal: nobody in it is real. It may be removed when no server runs on it.\n"
)


def mark(data: Path) -> None:
    """Mark a data folder as a rehearsal."""
    (data / MARK).write_text(TEXT, encoding="utf-8")


def is_marked(data: Path) -> bool:
    """Return whether a data folder is a rehearsal."""
    return (data / MARK).is_file()
