"""``rostra demo``: a server with a small world in it, made from a real log and the cast."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console

from rostra.config import Settings
from rostra.domain.errors import Conflict, Unavailable
from rostra.domain.words import how_many
from rostra.ops.cli.common import Folder

if TYPE_CHECKING:
    from rostra.ports import Context

DEFAULT_FOLDER: Final = Path("demo-data")
NOTES: Final = "demo.json"
LOCAL: Final = "127.0.0.1"
MOST_FOLLOWED: Final = "88"


class Notes(Struct, frozen=True, kw_only=True):
    """What a demonstration's folder says of itself: the accounts its visitor can sign in as.

    ``url`` is the address it was made for, which the links in its statuses carry. Those made by
    earlier versions have nobody in them who was suspended by mistake (``swept_up``).
    """

    url: str
    moderator: str
    second_moderator: str = "otto"
    user: str
    suspended: str = "rufus"
    swept_up: int = 0
    password: str


@Parameter(name="*")
@dataclass(frozen=True)
class DemoFolder(Folder):
    """Where the demonstration is, unless the settings say otherwise."""

    data: Path | None = None
    """The data folder (default: demo-data)."""


def demo(
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    folder: DemoFolder = DemoFolder(),
) -> int:
    """Run a server with a small world in it, on this machine alone unless asked otherwise.

    The world is made the first time: 3,000 recorded interactions around the announcement of the
    Higgs boson, and a cast of twelve who talk about it. Its passwords are made with it and printed
    at each start; what you change in it stays.

    Args:
        host: The address to listen on (default: 127.0.0.1).
        port: The port (default: 8000; 0 takes a free one).
        workers: How many processes answer (default: one a core).
    """
    data = folder.data or DEFAULT_FOLDER
    if port == 0:
        port = _free_port(host or LOCAL)  # taken before the world is made, whose links carry it
    # Said outright, so that no setting elsewhere opens a world of known accounts to the network.
    settings = folder.settings(
        data=data, host=host or LOCAL, port=port, workers=workers, title="Rostra, a demo"
    )
    notes = prepare(settings)
    from rostra.ops import supervisor  # what only a server needs

    return supervisor.serve(settings, on_ready=lambda taken: _welcome(taken, notes))


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port


def prepare(settings: Settings) -> Notes:
    """Return the notes of the demonstration in the data folder, making it when there is none.

    It is made beside the folder and put in place as a whole, so that one cut short leaves nothing.

    Raises:
        Conflict: the folder holds something else.
        Unavailable: it cannot be written.
    """
    folder = settings.data
    known = _read_notes(folder)
    if known is not None:
        return known
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            return _read_notes(folder) or _prepare_anew(settings)
    except OSError as error:
        raise Unavailable(
            f"The demonstration cannot be made in {folder}: {error.strerror or error}"
        ) from error


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Wait until nobody else makes a demonstration in a folder, and hold others back meanwhile."""
    held = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _prepare_anew(settings: Settings) -> Notes:
    folder = settings.data
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(
            f"{folder} holds something that is not a demonstration: name another folder with --data"
        )
    draft = folder.with_name(f"{folder.name}.unfinished")
    started = time.monotonic()
    print(f"Making a small world in {folder} …", file=sys.stderr, flush=True)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(mode=0o700)
        notes = asyncio.run(_make(msgspec.structs.replace(settings, data=draft)))
        _write_notes(draft, notes)
        draft.replace(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    print(f"Made in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)
    return notes


async def _make(settings: Settings) -> Notes:
    """Fill an empty data folder: the log, the cast, and a crowd that likes and votes."""
    from rostra.ops.opening import context_of, open_store
    from rostra.testing import demonstration

    ctx = context_of(settings, open_store(settings))
    try:
        _import_head(ctx)
        cast = await demonstration.perform(ctx, password=secrets.token_urlsafe(9))
    finally:
        await ctx.store.close()
    return Notes(
        url=settings.url,
        moderator=cast.moderator.username,
        second_moderator=cast.second_moderator.username,
        user=cast.teacher.username,
        suspended=cast.troll.username,
        swept_up=demonstration.SWEPT_UP,
        password=cast.password,
    )


def _import_head(ctx: Context) -> None:
    from rostra.ops.activity_log import survey
    from rostra.services.portability.activity import ActivityImport

    packed = resources.files("rostra.testing") / "data" / "activity_head.txt.gz"
    with resources.as_file(packed) as path:
        log = survey(path, ctx.clock.now() // 1000)
        ActivityImport(ctx, fingerprint=log.fingerprint, follow_implied=True).run(log.text())


# -- the notes -------------------------------------------------------------------------------------


def _read_notes(folder: Path) -> Notes | None:
    try:
        return msgspec.json.decode((folder / NOTES).read_bytes(), type=Notes)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Unavailable(
            f"{folder / NOTES} cannot be read: {error}; remove the folder to begin anew"
        ) from error


def _write_notes(folder: Path, notes: Notes) -> None:
    path = folder / NOTES
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(notes), indent=2))


def _welcome(settings: Settings, notes: Notes) -> None:
    """Print where to look and how to sign in."""
    console = Console(highlight=False)
    waits, moved = "", ""
    if notes.swept_up:
        waits = (
            f"\n  an appeal that waits for an answer  {settings.url}/admin/appeals"
            f"\n  {how_many(notes.swept_up, 'account')} suspended by mistake    "
            f'{settings.url}/admin/amnesties (ground = "Spam")'
        )
    if notes.url != settings.url:
        moved = f"Links within its statuses still lead to {notes.url}, where it was made.\n"
    console.print(
        f"""
The demonstration is at [bold]{settings.url}[/bold]
  the most-followed of the log        {settings.url}/@{MOST_FOLLOWED}
  accounts, suspend and reinstate     {settings.url}/admin{waits}

Sign in at {settings.url}/auth/sign_in (accounts of this demonstration only)
  as a moderator           [bold]{notes.moderator}[/bold]   password   [bold]{notes.password}[/bold]
  as the one who approves  [bold]{notes.second_moderator}[/bold]   the same password
  as a suspended one       [bold]{notes.suspended}[/bold]   the same password
  as anybody else          [bold]{notes.user}[/bold]   the same password

Ctrl-C stops it; {settings.data} keeps what you change.
{moved}""",
        soft_wrap=True,
    )
    sys.stdout.flush()
