"""What commands share: options, opening the data folder, reading times and ids, and printing."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TextIO, TypeVar

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from rostra import config
from rostra.config import Settings
from rostra.domain.accounts import Account, local_name
from rostra.domain.errors import Invalid, NotFound, Unavailable
from rostra.domain.ids import parse_id
from rostra.domain.words import how_many
from rostra.language import i18n
from rostra.language.i18n import Language
from rostra.ops import logging
from rostra.ops.opening import context_of, make_folder, open_store, require_data
from rostra.ports import Accounts, Context
from rostra.services.server.stuck import Stuck

T = TypeVar("T")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,9})\s*([smhdw])")

WIDE: Final = 240
"""How many characters a line of a table has when no terminal says."""

Flag = Annotated[bool, Parameter(negative="")]
"""An option that is given or not, with no opposite."""


Limit = Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))]
"""How many of something are listed. None would read as if there were none."""

Place = Annotated[int, Parameter(validator=Number(gte=0, lte=2**62))]
"""A number of something in a list that may be long, or none of it."""


@Parameter(name="*")
@dataclass(frozen=True)
class Folder:
    """Where the data is; every command has these options."""

    data: Path | None = None
    """The data folder (default: data)."""
    config: Path | None = None
    """The file of settings (default: rostra.toml in the data folder or here)."""

    def settings(self, **overrides: Any) -> Settings:
        """Return the settings with what the command line says over them.

        Raises:
            SettingsError: a setting is unknown or wrong.
        """
        return config.load(self.config, os.environ, {"data": self.data, **overrides})

    def options(self) -> list[str]:
        """Return the options that name this folder again."""
        given = (("--data", self.data), ("--config", self.config))
        return [part for name, path in given if path is not None for part in (name, str(path))]


HERE: Final = Folder()
_FOLDER: Final = ContextVar("folder", default=HERE)
"""The folder that the command at work was given."""


def command(*words: object) -> str:
    """Return a command to be pasted into the shell where this one was typed.

    It names the folder that this command was given, since without it the same words would be about
    another server.
    """
    return shlex.join(["rostra", *map(str, words), *_FOLDER.get().options()])


@asynccontextmanager
async def opened(folder: Folder, *, create: bool = False) -> AsyncIterator[Context]:
    """Open the data folder for one command and close it afterwards; a server may be running on it.

    Args:
        folder: the options that say which.
        create: make the folder when it is not there.

    Raises:
        NotFound: there is no data in the folder, and none is to be made.
    """
    _FOLDER.set(folder)
    settings = folder.settings()
    logging.configure("warning")
    logging.hide(settings.secrets)
    if create:
        make_folder(settings.data)
    else:
        require_data(settings)
    store = open_store(settings)
    try:
        yield context_of(settings, store)
    finally:
        await store.close()


def with_data(folder: Folder, work: Callable[[Context], Awaitable[int]]) -> int:
    """Do the work of a command on the data folder; return its exit code."""

    async def run() -> int:
        async with opened(folder) as ctx:
            return await work(ctx)

    return asyncio.run(run())


async def decided(decision: Awaitable[T]) -> T:
    """Wait for a decision to be written, and be interrupted only then.

    Ctrl-C in the instant it is committed would otherwise leave somebody without a word of what they
    have begun. It is heard at the next wait, when what was decided can be told.
    """
    task = asyncio.ensure_future(decision)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        written = await task
        if this := asyncio.current_task():
            this.uncancel()
            this.cancel()
        return written


def agreed(question: str) -> bool:
    """Ask somebody at a terminal; return whether they said yes. The end of what they type is a no.

    asyncio takes Ctrl-C for itself and tells its tasks of it, which cannot hear it while one of
    them waits for what is typed; so it interrupts the question itself for as long as that stands.

    Raises:
        KeyboardInterrupt: they pressed Ctrl-C.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
    finally:
        signal.signal(signal.SIGINT, before)


def local(ctx: Context, name: str) -> str:
    """Return the username that ``name``, ``@name`` or ``@name@domain`` says.

    Raises:
        NotFound: it is of another server.
    """
    try:
        return local_name(name, ctx.settings.domain)
    except NotFound as error:
        raise NotFound(f"{name}: {error.message}") from error


def named(ctx: Context, accounts: Accounts, name: str) -> Account:
    """Return the account that ``name``, ``@name`` or ``@name@domain`` says, in whatever case.

    Raises:
        NotFound: there is none, or it is of another server.
    """
    account = accounts.by_username(local(ctx, name))
    if account is None:
        raise NotFound(f"There is no account called {name}")
    return account


def required_id(text: str, what: str, group: str | None = None) -> int:
    """Return the id that ``text`` is.

    Args:
        text: what was typed.
        what: what has such ids, as in ``amnesty``.
        group: the commands among which is the one that lists them, where they have another name.

    Raises:
        NotFound: nothing can have that id.
    """
    found = parse_id(text)
    if found is None:
        raise NotFound(f'There is no {what} "{text}": see {command(group or what, "list")}')
    return found


def parse_time(text: str, now: int) -> int:
    """Return the time (ms since 1970) meant by an ISO 8601 text, or by a duration from ``now``.

    A time without an offset is UTC; a date alone is its first moment. Durations are whole numbers
    with a unit: s, m, h, d or w.

    Raises:
        Invalid: the text is neither, or the time is not after ``now``.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            moment = now + int(duration[1]) * _SECONDS[duration[2]] * 1000
        else:
            moment = _named_time(text)
        shown_time(moment)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid(
            f'"{text}" is not a time: write 2027-01-31, 2027-01-31T12:00:00+01:00, '
            "or a duration such as 12h, 30d, 4w"
        ) from error
    if moment <= now:
        raise Invalid(f'"{text}" is not in the future')
    return moment


def required_language(tag: str) -> Language:
    """Return the language of a tag.

    Raises:
        Invalid: there are no texts in it.
    """
    if tag not in i18n.languages():
        raise Invalid(f'There is nothing in "{tag}": name one of {", ".join(i18n.languages())}')
    return i18n.language(tag)


def parse_past_time(text: str | None) -> int | None:
    """Return the time (ms since 1970) an ISO 8601 text names, in UTC without an offset.

    Raises:
        Invalid: the text is none.
    """
    if text is None:
        return None
    try:
        return _named_time(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f'"{text}" is not a time: write 2027-01-31 or 2027-01-31T12:00:00+01:00'
        ) from error


def _named_time(text: str) -> int:
    named = datetime.fromisoformat(text.strip())
    return int((named if named.tzinfo else named.replace(tzinfo=UTC)).timestamp() * 1000)


def parse_seconds(text: str) -> int:
    """Return how many seconds a duration is: a whole number with a unit (s, m, h, d, w) or without.

    Raises:
        Invalid: the text is none.
    """
    duration = _DURATION.fullmatch(text.strip())
    if duration:
        return int(duration[1]) * _SECONDS[duration[2]]
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise Invalid(f'"{text}" is no duration: write 45s, 10m, 2h, or a number of seconds')
    return int(text)


def shown_time(ms: int | None) -> str:
    """Return a time as people and programs read it, in UTC; a dash for none."""
    if ms is None:
        return "-"
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def tell_unserved() -> None:
    """Say that nobody is there to go on with what is shown."""
    serve = command("serve")
    print(
        f"No server runs on this data folder: it goes on when you start one ({serve})",
        file=sys.stderr,
    )


def told_stuck(found: Stuck) -> str:
    """Return what is in the way of work that does not get on, in a line."""
    again = "" if found.again_at is None else f", and again at {shown_time(found.again_at)}"
    tried = f" Tried {how_many(found.tries, 'time')}{again}." if found.tries else ""
    return f"IT DOES NOT GET ON: {found.why}.{tried} {found.do}."


def write_file(out: Path, data: bytes) -> None:
    """Write what a command was asked to write into a file.

    Raises:
        Unavailable: it cannot be written there.
    """
    try:
        out.write_bytes(data)
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror}; name another") from error


def print_json(data: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json_text(data))


def json_text(data: Any) -> str:
    """Return data as JSON that people can read too."""
    return msgspec.json.format(msgspec.json.encode(data)).decode()


def terminal(file: TextIO | None = None) -> Console:
    """Return what tables and lines are printed to; nothing in them is taken for markup.

    Args:
        file: where they go; standard output when not given. What is piped into a file or a program
            has no edge to wrap at.
    """
    out = file or sys.stdout
    width = None if out.isatty() else WIDE
    return Console(
        file=out, highlight=False, markup=False, soft_wrap=width is not None, width=width
    )
