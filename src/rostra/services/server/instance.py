"""What this server tells about itself: how many are here, and how busy it is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.accounts import Account
from rostra.domain.ids import snowflake
from rostra.ports import Snapshot

DAY_MS: Final = 24 * 60 * 60 * 1000
WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 30 * DAY_MS
HALF_YEAR_MS: Final = 180 * DAY_MS
WEEKS: Final = 12
_MONDAY_MS: Final = 4 * DAY_MS  # 1970 began on a Thursday


class Figures(Struct, frozen=True):
    """How many accounts that are active, and statuses, there are."""

    accounts: int
    statuses: int


class Icon(Struct, frozen=True):
    """A picture of the server; ``purpose`` is as in a web app manifest: any, or maskable."""

    address: str
    size: str
    purpose: str


class Week(Struct, frozen=True):
    """One week from its Monday on (ms, UTC): statuses, accounts that posted, and new accounts."""

    start: int
    statuses: int
    active: int
    registrations: int


def figures(snap: Snapshot) -> Figures:
    """Return how many accounts and statuses there are now."""
    return Figures(snap.gate.active_count(snap.accounts.count()), snap.statuses.count())


def active_month(snap: Snapshot) -> int:
    """Return how many accounts posted or boosted in the last thirty days."""
    return _active(snap, MONTH_MS)


def active_half_year(snap: Snapshot) -> int:
    """Return how many accounts posted or boosted in the last 180 days."""
    return _active(snap, HALF_YEAR_MS)


def _active(snap: Snapshot, span: int) -> int:
    return snap.recent.activity(above=snowflake(snap.now - span), below=snowflake(snap.now + 1))[1]


def contact(snap: Snapshot, settings: Settings) -> Account | None:
    """Return the account to write to, when there is one and it is not away."""
    name = settings.contact_account.removeprefix("@")
    account = snap.accounts.by_username(name) if name else None
    return account if account is not None and snap.gate.active(account.ordinal) else None


def languages(settings: Settings) -> list[str]:
    """Return the languages spoken here, the first of them most."""
    return [code.strip() for code in settings.languages.split(",")]


def icons(settings: Settings) -> list[Icon]:
    """Return the pictures of the server."""
    found = (("icon-192", "192x192", "any"), ("icon-512", "512x512", "any"))
    return [
        Icon(f"{settings.url}/static/now/icons/{name}.png", size, purpose)
        for name, size, purpose in (*found, ("icon-maskable-512", "512x512", "maskable"))
    ]


@cache
def _packaged_source() -> str:
    """Return where the package says its source is, or nothing."""
    try:
        addresses = metadata("rostra").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    named = (address.partition(", ") for address in addresses)
    return next((url for name, _, url in named if name.lower() in ("source", "repository")), "")


def source_url(settings: Settings) -> str:
    """Return where the source code of what runs here is, or nothing."""
    return settings.source_url or _packaged_source()


def activity(snap: Snapshot) -> list[Week]:
    """Return the last twelve weeks, the current one first.

    Posting is the only sign of life that is recorded, so ``active`` counts accounts that did.
    """
    this_week = (snap.now - _MONDAY_MS) // WEEK_MS * WEEK_MS + _MONDAY_MS
    return [_week(snap, this_week - n * WEEK_MS) for n in range(WEEKS)]


def _week(snap: Snapshot, start: int) -> Week:
    first, end = snowflake(start), snowflake(start + WEEK_MS)
    statuses, active = snap.recent.activity(above=first - 1, below=end)
    return Week(start, statuses, active, snap.accounts.created_between(first, end))
