"""Taking the ledger away, so that others can check it alone.

Lines come as they are read, so that no export is too long to hold. The last one is the *end*: how
many lines there are, the hash of the last, and the SHA-256 of all bytes before. With it a reader
tells a cut file from a whole one, and the chain from a chain that was written anew elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct

from rostra.domain import ledger
from rostra.domain.errors import StoreCorrupt
from rostra.domain.ledger import START, UNREADABLE, Entry
from rostra.domain.spreadsheets import csv_row
from rostra.domain.times import timestamp
from rostra.ports import Snapshot

FORMAT: Final = "rostra-ledger-1"
NAMES: Final = 100_000
"""How many handles are kept while an export is written."""
COLUMNS: Final = (
    "number",
    "at",
    "kind",
    "account",
    "account_name",
    "moderator",
    "moderator_name",
    "action",
    "type",
    "ground",
    "text",
    "reason",
    "until",
    "content",
    "previous",
    "hash",
)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which entries: about an account, from ``since`` to before ``until`` (ms since 1970).

    With ``proof`` what is left out is given by its digests, so that the whole chain can be checked.
    """

    account: int | None = None
    since: int | None = None
    until: int | None = None
    proof: bool = False

    @property
    def everything(self) -> bool:
        """Whether no entry is left out."""
        return self.account is None and self.since is None and self.until is None

    def has(self, entry: Entry) -> bool:
        """Return whether an entry is wanted."""
        return (
            (self.account is None or entry.account == self.account)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


def chosen(snap: Snapshot, wanted: Wanted) -> Iterator[tuple[Entry, bool]]:
    """Yield the entries wanted, oldest first, and with ``proof`` all others too: the flag says
    whether an entry may be told.

    Raises:
        StoreCorrupt: an entry is damaged.
    """
    account = None if wanted.proof else wanted.account
    for entry in snap.ledger.iterate(account=account):
        if entry.kind == UNREADABLE:
            raise StoreCorrupt(
                f"Entry {entry.number} of the ledger is damaged: run rostra doctor, and compare "
                "with a backup"
            )
        told = wanted.has(entry)
        if told or wanted.proof:
            yield entry, told


class _Written:
    """What was written so far, for the end."""

    def __init__(self) -> None:
        self.lines = 0
        self.entries = 0
        self.number = 0
        self.hash = START
        self.bytes = sha256()

    def line(self, data: bytes, entry: Entry, told: bool) -> bytes:
        self.lines += 1
        self.entries += told
        self.number, self.hash = entry.number, entry.hash
        return self.raw(data)

    def raw(self, data: bytes) -> bytes:
        self.bytes.update(data)
        return data

    def end(self, snap: Snapshot, wanted: Wanted, server: str) -> str:
        account = None if wanted.account is None else snap.accounts.get(wanted.account)
        return ledger.canonical(
            {
                "format": FORMAT,
                "server": server,
                "exported_at": timestamp(snap.now),
                "account": None if account is None else str(account.id),
                "since": None if wanted.since is None else timestamp(wanted.since),
                "until": None if wanted.until is None else timestamp(wanted.until),
                "whole": wanted.everything or wanted.proof,
                "lines": self.lines,
                "entries": self.entries,
                "number": self.number,
                "hash": self.hash.hex(),
                "sha256": self.bytes.hexdigest(),
            }
        )


def json_lines(snap: Snapshot, wanted: Wanted, *, server: str) -> Iterator[bytes]:
    """Yield the ledger as JSON Lines: ``entry`` (or, of one that is not told, its digest as
    ``sealed``), ``previous`` and ``hash`` in each, and at last the end.

    Args:
        snap: the view to read.
        wanted: which entries.
        server: the domain of the server, for the end.
    """
    written = _Written()
    for entry, told in chosen(snap, wanted):
        what = (
            f'"entry":{entry.content}'
            if told
            else f'"sealed":"{ledger.digest(entry.content).hex()}"'
        )
        line = f'{{{what},"hash":"{entry.hash.hex()}","previous":"{entry.previous.hex()}"}}\n'
        yield written.line(line.encode(), entry, told)
    yield (written.end(snap, wanted, server) + "\n").encode()


def csv_lines(snap: Snapshot, wanted: Wanted, *, server: str) -> Iterator[bytes]:
    """Yield the ledger as CSV (RFC 4180, UTF-8) that a spreadsheet opens without harm.

    Nothing in it is taken for a formula: such a cell begins with an apostrophe. Ids begin with #
    and hashes with ``sha256:``, so that none is rounded as a number. The last row is the end: its
    number is ``end``, its content what ``json_lines`` ends with.
    """
    written = _Written()
    names: dict[int, tuple[str, str]] = {}
    yield written.raw(csv_row(COLUMNS))
    for entry, told in chosen(snap, wanted):
        yield written.line(csv_row(_cells(snap, entry, told, names)), entry, told)
    end = written.end(snap, wanted, server)
    yield csv_row(
        ["end" if name == "number" else end if name == "content" else "" for name in COLUMNS]
    )


def _cells(
    snap: Snapshot, entry: Entry, told: bool, names: dict[int, tuple[str, str]]
) -> list[str]:
    chain = [f"sha256:{entry.previous.hex()}", f"sha256:{entry.hash.hex()}"]
    if not told:
        sealed = f"sealed:{ledger.digest(entry.content).hex()}"
        return [str(entry.number), *[""] * (len(COLUMNS) - 4), sealed, *chain]
    about = entry.about
    action = about.get("action")
    return [
        str(entry.number),
        timestamp(entry.at),
        entry.kind,
        *_name(snap, entry.account, names),
        *_name(snap, entry.moderator, names),
        "" if action is None else f"#{action}",
        *(_text(about.get(name)) for name in ("type", "ground", "text", "reason", "until")),
        entry.content,
        *chain,
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(
    snap: Snapshot, ordinal: int | None, names: dict[int, tuple[str, str]]
) -> tuple[str, str]:
    """Return the id and the handle of an account, for two cells."""
    if ordinal is None:
        return "", ""
    if ordinal not in names:
        if len(names) > NAMES:
            names.clear()
        account = snap.accounts.get(ordinal)
        known = ("", "") if account is None else (f"#{account.id}", account.username)
        names[ordinal] = known
    return names[ordinal]
