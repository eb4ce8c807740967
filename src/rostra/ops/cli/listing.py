"""Lists on a terminal of any width: a table, or where its words have no room, each row as lines."""

from __future__ import annotations

from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

LONGEST_WORD: Final = 40
"""Longer ones (a hash, the address of something) are folded, wherever they stand."""

ID_DIGITS: Final = 18
"""How many an id has."""

_EDGES: Final = 3
"""What a column takes beside its words: a space on both sides, and a line."""


class Listing:
    """Rows with a value for each heading.

    A table breaks words where it has no room for them, and half an id, half a time or half a name
    is worth nothing. So a row whose words do not stand beside each other is lines instead, the
    first with what the row is about, the others with its other values.

    Args:
        first: the heading of what rows are about.
        others: the other headings.
    """

    def __init__(self, first: str, *others: str) -> None:
        self._headings = (first, *others)
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [
            max(_longest(text) for text in column)
            for column in zip(self._headings, *self._rows, strict=True)
        ]
        if sum(widths) + _EDGES * len(widths) + 1 <= options.max_width:
            yield self._table(widths)
        else:
            yield from self._lines()

    def _table(self, widths: list[int]) -> Table:
        table = Table(
            *(
                Column(heading, overflow="fold", min_width=width)
                for heading, width in zip(self._headings, widths, strict=True)
            )
        )
        for row in self._rows:
            table.add_row(*row)
        return table

    def _lines(self) -> list[Text]:
        first, *others = self._headings
        width = max(map(len, others), default=0)
        lines = []
        for number, (name, *values) in enumerate(self._rows):
            if number:
                lines.append(Text(""))
            lines.append(Text(f"{first} {name}".strip(), style="bold", overflow="fold"))
            for heading, value in zip(others, values, strict=True):
                for at, line in enumerate(value.splitlines()):
                    label = "" if at else heading
                    lines.append(Text(f"  {label:{width}}  {line}", overflow="fold"))
        return lines


def _longest(text: str) -> int:
    return min(LONGEST_WORD, max((len(word) for word in text.split()), default=0))
