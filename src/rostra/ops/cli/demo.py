"""``rostra demo``: a server with a small world in it, made from a real log and the cast."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from rich.console import Console

from rostra.config import Settings
from rostra.domain.errors import Conflict, Unavailable
from rostra.ops.cli.common import Folder

if TYPE_CHECKING:
    from rostra.ports import Context
    from rostra.testing.cast import Cast

DEFAULT_FOLDER: Final = Path("demo-data")
NOTES: Final = "demo.json"
LOCAL: Final = "127.0.0.1"
CROWD: Final = 400
MOST_FOLLOWED: Final = "88"
# How many of the crowd like what is said, at most, and what they vote for, in parts of a hundred.
LIKES: Final = {"seen": 180, "class": 70, "tomorrow": 60, "drawing": 45, "sigma-answer": 40}
VOTES: Final = (18, 61, 21)


class Notes(Struct, frozen=True, kw_only=True):
    """What a demonstration's folder says of itself: the accounts its visitor can sign in as.

    ``url`` is the address it was made for, which the links in its statuses carry.
    """

    url: str
    moderator: str
    user: str
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
    from rostra.testing import cast as people

    ctx = context_of(settings, open_store(settings))
    try:
        _import_head(ctx)
        password = secrets.token_urlsafe(9)
        cast = await people.assemble(ctx, password=password)
        said = await people.perform(ctx, cast)
        await _gather_crowd(ctx, cast, said)
        await _show_pictures(ctx, cast)
        await _suspend_one(ctx, cast)
    finally:
        await ctx.store.close()
    return Notes(
        url=settings.url,
        moderator=cast.moderator.username,
        user=cast.teacher.username,
        password=password,
    )


def _import_head(ctx: Context) -> None:
    from rostra.ops.activity_log import survey
    from rostra.services.portability.activity import ActivityImport

    packed = resources.files("rostra.testing") / "data" / "activity_head.txt.gz"
    with resources.as_file(packed) as path:
        log = survey(path, ctx.clock.now() // 1000)
        ActivityImport(ctx, fingerprint=log.fingerprint, follow_implied=True).run(log.text())


async def _gather_crowd(ctx: Context, cast: Cast, said: dict[str, int]) -> None:
    """Let people from the log follow, like and vote, the same ones in every demonstration."""
    from rostra.services import statuses
    from rostra.services.publishing import polls
    from rostra.services.social_graph import relationships

    chance = Random(MOST_FOLLOWED)
    with ctx.store.read() as snap:
        accounts = snap.accounts.page(limit=CROWD + len(cast.by_name))
        most_followed = snap.accounts.ordinals([MOST_FOLLOWED])[MOST_FOLLOWED]
    known = {account.ordinal for account in cast.by_name.values()}
    crowd = [account.ordinal for account in accounts if account.ordinal not in known]
    for actor in (cast.teacher, cast.owner, cast.reader):
        await relationships.follow(ctx, actor=actor.ordinal, target=most_followed)
    await asyncio.gather(
        *(
            relationships.follow(ctx, actor=actor, target=cast.celebrity.ordinal)
            for actor in chance.sample(crowd, len(crowd) * 3 // 4)
        ),
        *(
            statuses.favourite(ctx, actor=actor, status_id=said[key])
            for key, likes in LIKES.items()
            for actor in chance.sample(crowd, likes)
        ),
        *(
            polls.vote(
                ctx,
                actor=actor,
                poll_id=said["poll"],
                choices=chance.choices(range(len(VOTES)), weights=VOTES),
            )
            for actor in chance.sample(crowd, 137)
        ),
    )


# Who shows which pictures, with what words and descriptions, and how many minutes ago.
GALLERY: Final = (
    ("ines", 380, "The terrace at ten. Bring a jumper. #lisbon", False, ("night",)),
    ("kofi", 260, "Rearranged by the colour of the spine. I regret nothing. #library", False,
     ("shelves", "hills")),
    ("nadia", 95, "The same cutaway, this time with tracks in it. #physics #drawing", True,
     ("detector",)),
)  # fmt: skip
DESCRIPTIONS: Final = {
    "night": "A clear night sky full of stars over the roofs of a town, with lit windows",
    "shelves": "Four shelves of books in many colours",
    "hills": "Hills behind hills in the evening sun",
    "detector": "A round detector cut open: eleven coloured rings, and bright tracks from its core",
}


async def _show_pictures(ctx: Context, cast: Cast) -> None:
    """Give the cast faces, and let some of them post pictures."""
    from rostra.services import statuses
    from rostra.services.attachments import uploads
    from rostra.services.statuses import Draft
    from rostra.testing import pictures

    async def face(name: str, which: str, picture: Path) -> None:
        made = await uploads.prepare_picture(ctx, which=which, file=picture)
        await uploads.use_picture(ctx, actor=cast.named(name).ordinal, prepared=made)

    async def post(name: str, ago: int, text: str, sensitive: bool, shown: tuple[str, ...]) -> None:
        actor = cast.named(name).ordinal
        media = []
        for what in shown:
            picture = pictures.saved(getattr(pictures, what)(), folder / f"{name}-{what}")
            made = await uploads.upload(
                ctx, actor=actor, file=picture, description=DESCRIPTIONS[what]
            )
            media.append(made.id)
        draft = Draft(
            text=text,
            sensitive=sensitive,
            language="en",
            media=tuple(media),
            created_at=ctx.clock.now() - ago * 60_000,
        )
        await statuses.post(ctx, actor=actor, draft=draft)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await asyncio.gather(
            *(
                face(who, "avatar", pictures.saved(pictures.portrait(who), folder / who))
                for who in pictures.PORTRAITS
            ),
            *(
                face(who, "header", pictures.saved(draw(), folder / f"{who}-header"))
                for who, draw in pictures.HEADERS.items()
            ),
            *(post(*shown) for shown in GALLERY),
        )


async def _suspend_one(ctx: Context, cast: Cast) -> None:
    """Suspend the one who only asks questions, so that there is somebody to bring back."""
    from rostra.services.moderation import enforcing

    await enforcing.suspend(
        ctx,
        moderator=cast.second_moderator.ordinal,
        target=cast.troll.ordinal,
        ground="Harassment",
        text="Eleven replies within an hour to somebody who had asked you to stop.",
    )


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
    moved = ""
    if notes.url != settings.url:
        moved = f"Links within its statuses still lead to {notes.url}, where it was made.\n"
    console.print(
        f"""
The demonstration is at [bold]{settings.url}[/bold]
  the most-followed of the log      {settings.url}/@{MOST_FOLLOWED}
  accounts, suspend and reinstate   {settings.url}/admin

Sign in at {settings.url}/auth/sign_in (accounts of this demonstration only)
  as a moderator   [bold]{notes.moderator}[/bold]   password   [bold]{notes.password}[/bold]
  as anybody else  [bold]{notes.user}[/bold]   the same password

Ctrl-C stops it; {settings.data} keeps what you change.
{moved}""",
        soft_wrap=True,
    )
    sys.stdout.flush()
