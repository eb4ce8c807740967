"""``rostra ledger``: checking the record of all decisions, looking at it, and taking it away."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec
from cyclopts import App

from rostra.domain.errors import Invalid
from rostra.domain.ledger import UNREADABLE, Entry
from rostra.domain.statement_of_reasons import Statement
from rostra.domain.words import how_many
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    Limit,
    named,
    opened,
    parse_past_time,
    print_json,
    shown_time,
    terminal,
)
from rostra.ops.cli.listing import Listing
from rostra.ops.opening import require_data
from rostra.services.moderation import ledger_export
from rostra.services.moderation import statements as of_decisions
from rostra.services.moderation.ledger_export import Wanted
from rostra.storage.database.sqlite import Database, require_latest, translated
from rostra.storage.integrity.ledger_checks import chain_breaks
from rostra.storage.ledger import LedgerStore
from rostra.storage.store import DATABASE_FILE
from rostra.web import record
from rostra.web.record import Line

app = App(name="ledger", help="Check, show and export the record of all decisions.")

Format = Literal["jsonl", "csv"]
_HEAD: Final = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{64})")
MAX_SHOWN: Final = 100


@app.command
def verify(
    *,
    head: str | None = None,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Follow the chain of the ledger from its first entry; exit code 1 when it does not hold.

    Args:
        head: What an earlier run printed or an export ended with, as NUMBER:HASH: the ledger must
            still have that hash there.
        json: Print what was found as JSON.
    """
    noted = _head(head)
    settings = folder.settings()
    require_data(settings)
    database = Database(settings.data / DATABASE_FILE, writable=False)
    try:
        with translated():
            database.run("BEGIN")
            require_latest(database)
            found = list(chain_breaks(database, noted))
            number, hash_ = LedgerStore(database).head()
    finally:
        database.close()
    if json:
        answer = {
            "ok": not found,
            "entries": number,
            "head": f"{number}:{hash_.hex()}",
            "breaks": [
                {"number": one.number, "fault": str(one.fault), "detail": one.detail}
                for one in found
            ],
        }
        print_json(answer)
    else:
        for one in found[:MAX_SHOWN]:
            print(one.detail)
        count = how_many(len(found), "break")
        what = count if found else "The chain holds"
        print(f"{what}: {how_many(number, 'entry', 'entries')}, the head is {number}:{hash_.hex()}")
    return 1 if found else 0


def _head(text: str | None) -> tuple[int, bytes] | None:
    if text is None:
        return None
    match = _HEAD.fullmatch(text.strip().lower())
    if match is None:
        raise Invalid(
            "--head is NUMBER:HASH, as rostra ledger verify printed it or an export ended with"
        )
    return int(match[1]), bytes.fromhex(match[2])


def _span(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    start, end = parse_past_time(since), parse_past_time(until)
    if start is not None and end is not None and end <= start:
        raise Invalid("--until has to be after --since: nothing is in between")
    return start, end


@app.command
def export(
    *,
    format: Format = "jsonl",
    account: str | None = None,
    since: str | None = None,
    until: str | None = None,
    proof: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Print the ledger, oldest entry first; its last line lets others check it alone.

    Args:
        format: JSON Lines, or CSV that is safe to open in a spreadsheet.
        account: Only what is about this account.
        since: Only entries from this time on (ISO 8601; UTC when it has no offset).
        until: Only entries before this time.
        proof: Give what is left out by its digests, so that the whole chain can be checked.
    """
    start, end = _span(since, until)
    lines = ledger_export.json_lines if format == "jsonl" else ledger_export.csv_lines

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                who = None if account is None else named(ctx, snap.accounts, account).ordinal
                wanted = Wanted(account=who, since=start, until=end, proof=proof)
                for line in lines(snap, wanted, server=ctx.settings.domain):
                    sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    asyncio.run(work())
    return 0


@app.command
def show(
    name: str | None = None,
    /,
    *,
    limit: Limit = 40,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Print the newest entries in words, newest first.

    Args:
        name: The handle of the account they are about; all accounts when it is not given.
        limit: How many at most.
        json: Print them as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                who = None if name is None else named(ctx, snap.accounts, name).ordinal
                entries = snap.ledger.page(account=who, limit=limit)
                lines = record.lines(snap, entries)
        if json:
            told = [_as_data(entry) for entry in entries]
            print_json(told)
        else:
            _print_lines(lines)

    asyncio.run(work())
    return 0


def _as_data(entry: Entry) -> dict[str, Any]:
    said = msgspec.json.decode(entry.content) if entry.kind != UNREADABLE else {}
    return {**said, "number": entry.number, "hash": entry.hash.hex()}


def _print_lines(lines: list[Line]) -> None:
    console = terminal()
    if not lines:
        console.print("The ledger has no such entry.")
        return
    table = Listing("no.", "when", "about", "what", "by")
    for line in lines:
        part = [text for text, _ in line.links]
        chips = ", ".join(chip.text for chip in line.chips)
        what = [line.title, chips, *line.said, *line.noted, *part]
        table.add_row(
            str(line.number),
            shown_time(line.at),
            f"@{line.about.username}" if line.about is not None else "-",
            "\n".join(part for part in what if part),
            line.by,
        )
    console.print(table)


@app.command
def statements(
    *,
    format: Literal["json"] = "json",
    since: str | None = None,
    until: str | None = None,
    incomplete: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Print the statements of reasons of decisions, one request to the EU's database a line.

    Args:
        format: JSON as POST /api/v1/statements takes it, 100 statements a line at most.
        since: Only decisions written down from this time on (ISO 8601; UTC without an offset).
        until: Only decisions before this time.
        incomplete: List those that lack what the law asks for instead, and what they lack.
    """
    start, end = _span(since, until)

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                found = of_decisions.between(snap, since=start, until=end)
                if incomplete:
                    _print_incomplete(found)
                    return
                lacking = 0

                def complete() -> Iterator[Statement]:
                    nonlocal lacking
                    for _, statement in found:
                        lacking += bool(statement.lacking)
                        yield statement

                for lot in of_decisions.batches(complete()):
                    print(msgspec.json.encode({"statements": lot}).decode())
            if lacking:
                which = "--incomplete says which, and what they lack"
                count = "1 statement is" if lacking == 1 else f"{lacking:,} statements are"
                print(f"rostra: {count} left out: {which}", file=sys.stderr)

    asyncio.run(work())
    return 0


def _print_incomplete(found: Iterable[tuple[Entry, Statement]]) -> None:
    for entry, statement in found:
        if statement.lacking:
            lacks = [{"field": flaw.field, "problem": str(flaw.text)} for flaw in statement.lacking]
            line = {"puid": statement.puid, "entry": entry.number, "lacks": lacks}
            print(msgspec.json.encode(line).decode())
