"""Lists of accounts, in a CSV file or by their ids: whom they name, and what in them names nobody.

Many are looked up one after another, so that is done beside the event loop.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from rostra.domain.errors import Invalid, Told, told
from rostra.domain.ids import parse_id
from rostra.ports import Context, View
from rostra.services.roles import require_moderator

MAX_BYTES: Final = 64 * 2**20
TOLD: Final = 20
"""How many bad lines an error names."""

_UNKNOWN: Final = {
    False: told("line %(line)s: there is no account called %(words)s").text,
    True: told("line %(line)s: there is no account with the id %(words)s").text,
}

MOST_IDS: Final = 10_000
IDS_TOLD: Final = 10

HANDLES: Final = ("handle", "username", "name", "account", "account address")
IDS: Final = ("id", "account_id")
DELIMITERS: Final = ",;\t"
"""Spreadsheets write semicolons where a comma stands before the decimals."""

LOT: Final = 500


class Row(Struct, frozen=True):
    """A line of a list: its number, what names the account, and whether that is an id."""

    line: int
    text: str
    by_id: bool


async def by_ids(ctx: Context, *, moderator: int, ids: Sequence[str]) -> list[int]:
    """Return the ordinals of the accounts with some ids, each once.

    Raises:
        Forbidden: the one who asks is no moderator.
        Invalid: nobody has one of the ids, or they are too many.
    """
    with ctx.store.read() as snap:
        require_moderator(snap, moderator)
    if len(ids) > MOST_IDS:
        raise Invalid(
            "A list over the API has at most %(num)s accounts: plan a longer one with rostra "
            "amnesty plan --accounts FILE",
            num=f"{MOST_IDS:,}",
        )

    def read(view: View) -> dict[str, int | None]:
        found = {text: view.accounts.by_id(parse_id(text) or 0) for text in ids}
        return {text: one.ordinal if one else None for text, one in found.items()}

    async with ctx.store.audit(gently=True) as audit:
        found = await audit.read(read)
    unknown = [text for text, ordinal in found.items() if ordinal is None]
    if unknown:
        more = len(unknown) - IDS_TOLD
        known = ", ".join(unknown[:IDS_TOLD])
        if more > 0:
            raise Invalid(
                "There is no account with the id %(among)s and %(num)s more", among=known, num=more
            )
        raise Invalid(
            "There is no account with the id %(among)s",
            among=known,
        )
    return [ordinal for ordinal in found.values() if ordinal is not None]


async def in_file(ctx: Context, *, moderator: int, data: bytes) -> list[int]:
    """Return the ordinals of the accounts that a CSV file names, each once; see ``read_list``.

    Raises:
        Forbidden: the one who asks is no moderator.
        Invalid: the file is no such list, or lines of it name nobody.
    """
    with ctx.store.read() as snap:
        require_moderator(snap, moderator)
    domain = ctx.settings.domain
    async with ctx.store.audit(gently=True) as audit:
        return await audit.read(lambda view: read_list(view, data, domain=domain))


def read_list(view: View, data: bytes, *, domain: str) -> list[int]:
    """Return the ordinals of the accounts that a CSV file names, each once.

    The first line names the columns; that of the account is called ``id``, or ``handle`` or one of
    its other names. Further columns are for people. What stands between columns is a comma, or a
    semicolon or tab where the first line has more of those.

    Args:
        view: where the accounts are.
        data: the file.
        domain: of this server, which may stand after a handle.

    Raises:
        Invalid: the file is no such list, or lines of it name nobody; they are told by number.
    """
    if len(data) > MAX_BYTES:
        raise Invalid(
            "The list is too large: at most %(num)s MiB are taken", num=MAX_BYTES // 2**20
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid("The list is not in UTF-8: look at line %(line)s", line=line) from error
    rows = list(_rows(text))
    if not rows:
        raise Invalid("The list has no accounts: each line after the first names one")
    found: dict[int, None] = {}
    bad: list[Told] = []
    for start in range(0, len(rows), LOT):
        _look_up(view, rows[start : start + LOT], domain, found, bad)
    if bad:
        lines = bad[:TOLD]
        if len(bad) > TOLD:
            lines.append(told("and %(num)s more", num=f"{len(bad) - TOLD:,}"))
        values: dict[str, Any] = {
            "num": f"{len(bad):,}",
            "all": f"{len(rows):,}",
            "lines": _under_each_other(lines),
        }
        if len(rows) == 1:
            raise Invalid("%(num)s of %(all)s line names no account:%(lines)s", **values)
        if len(bad) == 1:
            raise Invalid("%(num)s of %(all)s lines names no account:%(lines)s", **values)
        raise Invalid("%(num)s of %(all)s lines name no account:%(lines)s", **values)
    return list(found)


def _rows(text: str) -> Iterator[Row]:
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
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
        raise Invalid(
            "Line %(line)s of the list cannot be read: %(error)s", line=reader.line_num, error=error
        ) from error


def _look_up(
    view: View, rows: list[Row], domain: str, found: dict[int, None], bad: list[Told]
) -> None:
    names = view.accounts.ordinals(_handle(row.text, domain) for row in rows if not row.by_id)
    known = {name.lower(): ordinal for name, ordinal in names.items()}
    for row in rows:
        if row.by_id:
            # As the exports of the server write ids, so that no spreadsheet rounds them.
            number = parse_id(row.text.removeprefix("#"))
            account = view.accounts.by_id(number) if number is not None else None
            ordinal = account.ordinal if account is not None else None
        else:
            ordinal = known.get(_handle(row.text, domain).lower())
        if ordinal is not None:
            found[ordinal] = None
        elif not row.text:
            bad.append(
                told("line %(line)s: there is nothing in the column of the account", line=row.line)
            )
        else:
            bad.append(told(_UNKNOWN[row.by_id], line=row.line, words=row.text[:60]))


def _under_each_other(lines: list[Told]) -> Told:
    """Return sentences as lines of their own below what they belong to."""
    values = {f"line{number}": one for number, one in enumerate(lines)}
    return Told("".join(f"\n  %({name})s" for name in values), values)


def _handle(text: str, domain: str) -> str:
    name, _, server = text.removeprefix("@").partition("@")
    return name if server.lower() in ("", domain.lower()) else text
