"""CSV that people open in a spreadsheet: no cell of it is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = re.compile("[ ]*[=+\\-@\\t\\r\\n|%＝＋－＠]")  # noqa: RUF001
"""How a cell begins that a spreadsheet may take for a formula (OWASP, CSV injection)."""


def csv_row(cells: Iterable[str | int | None]) -> bytes:
    """Return a row of CSV (RFC 4180), ended; a cell that is None is empty."""
    buffer = io.StringIO()
    told = (harmless(cell) if isinstance(cell, str) else cell for cell in cells)
    csv.writer(buffer, lineterminator="\r\n").writerow(told)
    return buffer.getvalue().encode()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, whatever stands in it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
