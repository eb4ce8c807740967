"""What people import from elsewhere, and export: files of lines, one a thing.

The forms are those of Mastodon's exports
(https://docs.joinmastodon.org/user/moving/#export): UTF-8 CSV (RFC 4180), some with a first line
that names the columns.
"""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.errors import Invalid

MAX_LINES: Final = 20_000
MAX_FILE_BYTES: Final = 8 * 1024 * 1024


class TransferKind(enum.StrEnum):
    """What is brought in, or taken away."""

    FOLLOWING = "following"
    BLOCKING = "blocking"
    MUTING = "muting"
    DOMAIN_BLOCKING = "domain_blocking"
    LISTS = "lists"
    BOOKMARKS = "bookmarks"
    X_ARCHIVE = "x_archive"
    ARCHIVE = "archive"

    @property
    def is_lines(self) -> bool:
        """Whether it is brought as a file of lines."""
        return self in LINES


LINES: Final = (
    TransferKind.FOLLOWING,
    TransferKind.BLOCKING,
    TransferKind.MUTING,
    TransferKind.DOMAIN_BLOCKING,
    TransferKind.LISTS,
    TransferKind.BOOKMARKS,
)
FILE_NAMES: Final = {
    TransferKind.FOLLOWING: "following_accounts.csv",
    TransferKind.BLOCKING: "blocked_accounts.csv",
    TransferKind.MUTING: "muted_accounts.csv",
    TransferKind.DOMAIN_BLOCKING: "blocked_domains.csv",
    TransferKind.LISTS: "lists.csv",
    TransferKind.BOOKMARKS: "bookmarks.csv",
}
HEADINGS: Final = {
    TransferKind.FOLLOWING: ("Account address", "Show boosts", "Notify on new posts", "Languages"),
    TransferKind.BLOCKING: ("Account address",),
    TransferKind.MUTING: ("Account address", "Hide notifications"),
    TransferKind.DOMAIN_BLOCKING: ("#domain",),
    TransferKind.LISTS: ("List name", "Account address"),
    TransferKind.BOOKMARKS: ("#uri",),
}
"""The columns of each file; only some files are written with a line that names them."""

_HEADED: Final = frozenset({TransferKind.FOLLOWING, TransferKind.MUTING})


class TransferState(enum.StrEnum):
    """How an import or export stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (TransferState.DONE, TransferState.FAILED, TransferState.STOPPED)


class Transfer(Struct, frozen=True, kw_only=True):
    """An import or export that somebody asked for.

    ``done`` of ``total`` things are dealt with, ``failed`` of them in vain; ``place`` is where to
    go on. ``file`` is the key its file is kept under. ``overwrite`` removes what the file does not
    name; ``replies`` brings statuses that answer others as well, and ``visibility`` is who may see
    what is brought. Times are ms since 1970.
    """

    id: int
    account: int
    kind: TransferKind
    created_at: int
    state: TransferState = TransferState.WAITING
    name: str = ""
    file: str = ""
    overwrite: bool = False
    replies: bool = False
    visibility: int = 0
    total: int = 0
    done: int = 0
    failed: int = 0
    place: int = 0
    error: str = ""
    finished_at: int | None = None


class Line(Struct, frozen=True):
    """One thing of a file.

    ``subject`` is an address, a domain or a URL. A follow has ``boosts``, ``bell`` and
    ``languages``, a mute ``notifications``, the member of a list its ``list_name``.
    """

    subject: str
    boosts: bool = True
    bell: bool = False
    languages: tuple[str, ...] = ()
    notifications: bool = True
    list_name: str = ""


def parse(kind: TransferKind, data: bytes) -> list[Line]:
    """Return the things a file names, each once, in its order.

    Raises:
        Invalid: it is not a file of this kind; the text says what is wrong.
    """
    if len(data) > MAX_FILE_BYTES:
        raise Invalid(
            "The file is too large: at most %(num)s MiB are taken", num=MAX_FILE_BYTES // 2**20
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(
            "The file is not text in UTF-8: export it anew, or save it as UTF-8"
        ) from None
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(row)]
    except csv.Error as error:
        raise Invalid("The file is not valid CSV: %(error)s", error=error) from None
    columns = [cell.strip().lower() for cell in rows[0]] if rows else [""]
    order = [name.lower() for name in HEADINGS[kind]]
    if columns[0] in order or columns[0].startswith("#"):
        order, rows = columns, rows[1:]
    lines = dict.fromkeys(_line(kind, order, row) for row in rows)
    found = [line for line in lines if line is not None]
    if not found:
        raise Invalid("The file names nothing: choose the file that was exported")
    if len(found) > MAX_LINES:
        raise Invalid(
            "The file has %(num)s lines; at most %(limit)s are taken at once",
            num=len(found),
            limit=MAX_LINES,
        )
    return found


def _line(kind: TransferKind, order: Sequence[str], row: Sequence[str]) -> Line | None:
    cells = {name: cell.strip() for name, cell in zip(order, row, strict=False)}
    match kind:
        case TransferKind.LISTS:
            subject, name = cells.get("account address", ""), cells.get("list name", "")
            return Line(_address(subject), list_name=name) if subject and name else None
        case TransferKind.FOLLOWING | TransferKind.BLOCKING | TransferKind.MUTING:
            subject = _address(cells.get("account address", row[0].strip()))
        case _:
            subject = row[0].strip()
    if not subject:
        return None
    return Line(
        subject,
        boosts=_flag(cells.get("show boosts"), default=True),
        bell=_flag(cells.get("notify on new posts"), default=False),
        languages=tuple(_words(cells.get("languages", ""))),
        notifications=_flag(cells.get("hide notifications"), default=True),
    )


def _address(text: str) -> str:
    return text.removeprefix("@")


def _flag(text: str | None, *, default: bool) -> bool:
    return default if not text else text.lower() in ("true", "1", "yes")


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def write(kind: TransferKind, lines: Iterable[Line]) -> Iterator[str]:
    """Yield the text of a file of lines, in the form that Mastodon reads and ``parse`` does."""
    if kind in _HEADED:
        yield _row(HEADINGS[kind])
    for line in lines:
        match kind:
            case TransferKind.FOLLOWING:
                flags = (_told(line.boosts), _told(line.bell))
                yield _row((line.subject, *flags, ", ".join(line.languages)))
            case TransferKind.MUTING:
                yield _row((line.subject, _told(line.notifications)))
            case TransferKind.LISTS:
                yield _row((line.list_name, line.subject))
            case _:
                yield _row((line.subject,))


def _told(flag: bool) -> str:
    return "true" if flag else "false"


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
