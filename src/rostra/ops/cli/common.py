"""What commands share: options for the data folder, opening it, and reading times."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cyclopts import Parameter

from rostra import config
from rostra.config import Settings
from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid, NotFound
from rostra.ops import logging
from rostra.ops.opening import context_of, make_folder, open_store, require_data
from rostra.ports import Accounts, Context

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,9})\s*([smhdw])")


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


HERE: Final = Folder()


@asynccontextmanager
async def opened(folder: Folder, *, create: bool = False) -> AsyncIterator[Context]:
    """Open the data folder for one command and close it afterwards; a server may be running on it.

    Args:
        folder: the options that say which.
        create: make the folder when it is not there.

    Raises:
        NotFound: there is no data in the folder, and none is to be made.
    """
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


def named(accounts: Accounts, name: str) -> Account:
    """Return the account called ``name``, with or without a leading @.

    Raises:
        NotFound: there is none.
    """
    account = accounts.by_username(name.removeprefix("@"))
    if account is None:
        raise NotFound(f"There is no account called {name}")
    return account


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
            parsed = datetime.fromisoformat(text.strip())
            parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
            moment = int(parsed.timestamp() * 1000)
        shown_time(moment)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid(
            f'"{text}" is not a time: write 2027-01-31, 2027-01-31T12:00:00+01:00, '
            "or a duration such as 12h, 30d, 4w"
        ) from error
    if moment <= now:
        raise Invalid(f'"{text}" is not in the future')
    return moment


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
