"""Opening a data folder: what a process needs to run use cases on it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

import msgspec

from rostra.config import Settings, SettingsError
from rostra.domain.errors import NotFound, Unavailable
from rostra.domain.probes import PASS_PURPOSE
from rostra.ops.locks import holder_of
from rostra.outside.addresses import Allowed
from rostra.outside.alerts import AppriseAlerts, misunderstood
from rostra.outside.fetcher import GuardedFetcher
from rostra.outside.files import LocalFiles
from rostra.outside.machine import LinuxMachine
from rostra.outside.media_maker import Maker
from rostra.outside.visitors import HttpVisitors
from rostra.ports import Alerts, Context
from rostra.ports.alerts import NoAlerts
from rostra.storage.store import DATABASE_FILE, SqliteStore, SystemClock

SERVE_LOCK: Final = "serve.lock"
JOBS_LOCK: Final = "jobs.lock"
METRICS_FOLDER: Final = "run/metrics"
MEDIA_FOLDER: Final = "media"
COUNTERS_FILE: Final = "run/requests.bin"


def open_store(settings: Settings) -> SqliteStore:
    """Open the data folder, making it when it is not there.

    Raises:
        Unavailable: it cannot be made, read or written.
        StoreTooNew: it was written by a newer version.
        StoreCorrupt: what is needed to open it is damaged.
    """
    return SqliteStore.open(settings.data, SystemClock())


def context_of(settings: Settings, store: SqliteStore) -> Context:
    """Return what use cases are given, for an open store."""
    # ``random.Random`` seeds itself from the system; forked processes do not share a sequence.
    return Context(
        settings=settings,
        store=store,
        clock=store.clock,
        random=random.Random(),
        fetcher=GuardedFetcher(_allowed(settings), agent=settings.url),
        files=LocalFiles(settings.data / MEDIA_FOLDER),
        maker=Maker(),
        visitors=HttpVisitors(settings, lambda: store.secret(PASS_PURPOSE).hex()),
        alerts=_alerts(settings, store),
        machines=machine_of(settings),
    )


def _allowed(settings: Settings) -> Allowed:
    try:
        return Allowed(settings.fetch_private.split())
    except ValueError as error:
        raise SettingsError(f"fetch_private must name addresses and ports: {error}") from error


def machine_of(settings: Settings) -> LinuxMachine:
    """Return the machine, and what the server on the data folder takes of it."""
    return LinuxMachine(
        settings.data / SERVE_LOCK, settings.data / JOBS_LOCK, workers=settings.workers
    )


def _alerts(settings: Settings, store: SqliteStore) -> Alerts:
    addresses = settings.alert_urls.split()
    return AppriseAlerts(addresses, store.secret("alerts")) if addresses else NoAlerts()


def check_alerts(settings: Settings) -> None:
    """Refuse addresses for alerts that nothing can be sent to.

    Raises:
        SettingsError: some are not understood; the message names them without telling them.
    """
    wrong = misunderstood(settings.alert_urls.split())
    if wrong:
        raise SettingsError(
            f"alert_urls: Apprise does not understand {', '.join(wrong)}, counted from the left; "
            "compare with the forms at https://appriseit.com/services/ (an address with spaces or "
            "quotes must have them encoded), or take it out"
        )


def make_folder(path: Path) -> None:
    """Make a folder that is this user's alone, unless it is there.

    Raises:
        Unavailable: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {path} cannot be made: {error.strerror}; "
            "choose another with --data, or make it and give it to this user"
        ) from error


def require_data(settings: Settings) -> None:
    """Refuse a folder that has no data.

    Raises:
        NotFound: there is nothing in it.
    """
    if not (settings.data / DATABASE_FILE).exists():
        raise NotFound(
            f"There is no data in {settings.data}: name the folder with --data, "
            "or begin one with rostra serve or rostra account create"
        )


def as_served(settings: Settings) -> Settings:
    """Return the settings with the address of the server that runs on the data folder, if one does:
    it may have been started with another than a command is.
    """
    url = holder_of(settings.data / SERVE_LOCK).get("url")
    return msgspec.structs.replace(settings, base_url=url) if isinstance(url, str) else settings


def with_port(settings: Settings, port: int) -> Settings:
    """Return the settings with the port that was really taken."""
    return msgspec.structs.replace(settings, port=port)
