"""Lists of accounts in a CSV file: which accounts they name, and which lines name none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid
from rostra.domain.ids import parse_id
from rostra.ports import View

MAX_BYTES: Final = 64 * 2**20
TOLD: Final = 20
"""How many bad lines an error names."""

HANDLES: Final = ("handle", "username", "name", "account", "account address")
IDS: Final = ("id", "account_id")
LOT: Final = 500


class Row(Struct, frozen=True):
    """A line of a list: its number, what names the account, and whether that is an id."""

    line: int
    text: str
    by_id: bool


def read_list(view: View, data: bytes, *, domain: str) -> list[int]:
    """Return the ordinals of the accounts that a CSV file names, each once.

    The first line names the columns; that of the account is called ``id``, or ``handle`` or one of
    its other names. Further columns are for people.

    Args:
        view: where the accounts are.
        data: the file.
        domain: of this server, which may stand after a handle.

    Raises:
        Invalid: the file is no such list, or lines of it name nobody; they are told by number.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(f"The list is too large: at most {MAX_BYTES // 2**20} MiB are taken")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid(f"The list is not in UTF-8: look at line {line}") from error
    rows = list(_rows(text))
    if not rows:
        raise Invalid("The list has no accounts: each line after the first names one")
    found: dict[int, None] = {}
    bad: list[str] = []
    for start in range(0, len(rows), LOT):
        _look_up(view, rows[start : start + LOT], domain, found, bad)
    if bad:
        more = f"\n  and {len(bad) - TOLD:,} more" if len(bad) > TOLD else ""
        told = "".join(f"\n  {one}" for one in bad[:TOLD])
        raise Invalid(f"{len(bad):,} of {len(rows):,} lines name no account:{told}{more}")
    return list(found)


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        named = [at for at, name in enumerate(header) if name in (*IDS, *HANDLES)]
        if not named:
            raise Invalid('The first line must name a column "handle" or "id"')
        column, by_id = named[0], header[named[0]] in IDS
        while (fields := next(reader, None)) is not None:
            if any(field.strip() for field in fields):
                text = fields[column].strip() if column < len(fields) else ""
                yield Row(reader.line_num, text, by_id)
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} of the list cannot be read: {error}") from error


def _look_up(
    view: View, rows: list[Row], domain: str, found: dict[int, None], bad: list[str]
) -> None:
    names = view.accounts.ordinals(_handle(row.text, domain) for row in rows if not row.by_id)
    known = {name.lower(): ordinal for name, ordinal in names.items()}
    for row in rows:
        if row.by_id:
            number = parse_id(row.text)
            account = view.accounts.by_id(number) if number is not None else None
            ordinal = account.ordinal if account is not None else None
        else:
            ordinal = known.get(_handle(row.text, domain).lower())
        if ordinal is not None:
            found[ordinal] = None
        elif not row.text:
            bad.append(f"line {row.line}: there is nothing in the column of the account")
        else:
            what = "with the id" if row.by_id else "called"
            bad.append(f"line {row.line}: there is no account {what} {row.text[:60]}")


def _handle(text: str, domain: str) -> str:
    name, _, server = text.removeprefix("@").partition("@")
    return name if server.lower() in ("", domain.lower()) else text
