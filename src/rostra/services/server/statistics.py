"""What moderators can have counted: measures by day, dimensions, and who stayed.

Everything is counted as stored, hidden accounts included: moderators see true figures. Posting and
boosting are the signs of life that are recorded, so an account is *active* on a day when it did.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from rostra import __version__
from rostra.domain.errors import Invalid
from rostra.domain.ids import snowflake
from rostra.domain.text import normal_tag
from rostra.ports import Context, Counted, Statistics
from rostra.services.roles import require_moderator

MAX_DAYS: Final = 400
YEARS: Final = (1970, 2999)
MAX_ROWS: Final = 100
DAY: Final = timedelta(days=1)


class Span(Struct, frozen=True):
    """Days from ``first`` to ``last`` (UTC), both included."""

    first: datetime
    last: datetime

    @property
    def ids(self) -> tuple[int, int]:
        """The snowflakes of the span: from, and to before."""
        return _snowflake(self.first), _snowflake(self.last + DAY)

    @property
    def before(self) -> Span:
        """As many days just before."""
        return Span(self.first - (self.last - self.first) - DAY, self.first - DAY)

    def days(self) -> list[datetime]:
        """Return the beginnings of the days, oldest first."""
        return [self.first + DAY * n for n in range((self.last - self.first).days + 1)]


def _snowflake(moment: datetime) -> int:
    return snowflake(max(0, int(moment.timestamp() * 1000)))


def span(start: str | None, end: str | None, now: int) -> Span:
    """Return the days asked for; without an end up to today, without a start thirty of them.

    Args:
        start: a date or time in ISO 8601.
        end: likewise.
        now: ms since 1970.

    Raises:
        Invalid: one is no date, they are in the wrong order or too far apart.
    """
    today = datetime.fromtimestamp(now / 1000, UTC)
    last = _day(end, "End at") if end else _midnight(today)
    first = _day(start, "Start at") if start else last - 29 * DAY
    if first > last:
        raise Invalid("Validation failed: Start at must be before end at")
    if (last - first).days >= MAX_DAYS:
        raise Invalid(
            "Validation failed: Start at and end at are over %(num)s days apart", num=MAX_DAYS
        )
    return Span(first, last)


def _day(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if not YEARS[0] <= moment.year <= YEARS[1]:  # days before and after must be dates as well
            raise ValueError("no year of this server")
        return _midnight(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC))
    except (ValueError, OverflowError):
        raise Invalid(
            "Validation failed: %(name)s must be a date such as 2026-01-31", name=name
        ) from None


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _bucket(day: datetime) -> str:
    return day.date().isoformat()


# -- measures --------------------------------------------------------------------------------------


class Measure(Struct, frozen=True):
    """A figure over a span: in all, in the span before, and (day, value) for each day."""

    key: str
    total: int
    previous: int
    days: tuple[tuple[datetime, int], ...]


Count = Callable[[Statistics, int, int], dict[str, int]]

_MEASURES: Final[Mapping[str, Count]] = {
    "active_users": lambda stats, low, high: stats.active_accounts(low, high),
    "new_users": lambda stats, low, high: stats.new_accounts(low, high),
    "interactions": lambda stats, low, high: stats.interactions(low, high),
    "opened_reports": lambda stats, low, high: stats.reports(low, high, resolved=False),
    "resolved_reports": lambda stats, low, high: stats.reports(low, high, resolved=True),
}
_TAG_MEASURES: Final = ("tag_accounts", "tag_uses", "tag_servers")
_DOMAIN_MEASURES: Final[Mapping[str, Count]] = {
    "instance_accounts": lambda stats, low, high: stats.new_accounts(low, high),
    "instance_statuses": lambda stats, low, high: stats.new_statuses(low, high),
    "instance_reports": lambda stats, low, high: stats.reports(low, high, resolved=False),
    # Media and ties with accounts of another server: nothing comes from others yet.
    "instance_media_attachments": lambda stats, low, high: {},
    "instance_follows": lambda stats, low, high: {},
    "instance_followers": lambda stats, low, high: {},
}
MEASURES: Final = (*_MEASURES, *_TAG_MEASURES, *_DOMAIN_MEASURES)


def _nothing(stats: Statistics, low: int, high: int) -> dict[str, int]:
    return {}


def _counting(key: str, tag: str | None, domain: str | None, here: str) -> Count:
    """Return what counts a measure.

    Raises:
        Invalid: there is no such measure, or it needs to know of which tag or domain.
    """
    if key in _MEASURES:
        return _MEASURES[key]
    if key in _TAG_MEASURES:
        if not tag:
            raise Invalid("Validation failed: %(name)s needs the id of a hashtag", name=key)
        return _counting_tag(key, normal_tag(tag))
    if key in _DOMAIN_MEASURES:
        if not domain:
            raise Invalid("Validation failed: %(name)s needs a domain", name=key)
        return _DOMAIN_MEASURES[key] if domain.lower() == here else _nothing
    raise Invalid("Validation failed: Keys must be among %(among)s", among=", ".join(MEASURES))


def _counting_tag(key: str, tag: str) -> Count:
    def count(stats: Statistics, low: int, high: int) -> dict[str, int]:
        found = stats.tag(tag, low, high, accounts=key == "tag_accounts")
        # All who use it are on this one server.
        return {day: min(1, n) for day, n in found.items()} if key == "tag_servers" else found

    return count


def _measure(stats: Statistics, key: str, count: Count, asked: Span) -> Measure:
    found, earlier = count(stats, *asked.ids), count(stats, *asked.before.ids)
    return Measure(
        key=key,
        total=_total(found),
        previous=_total(earlier),
        days=tuple((day, found.get(_bucket(day), 0)) for day in asked.days()),
    )


def _total(found: dict[str, int]) -> int:
    """Return the whole: its own where days cannot be added up, since one account has many days."""
    return found[""] if "" in found else sum(found.values())


async def measures(
    ctx: Context,
    *,
    moderator: int,
    keys: list[str],
    start: str | None,
    end: str | None,
    tag: str | None = None,
    domain: str | None = None,
) -> list[Measure]:
    """Return figures by day (https://docs.joinmastodon.org/methods/admin/measures/).

    Args:
        ctx: the ports.
        moderator: who asks.
        keys: which, of ``MEASURES``.
        start: the first day, ISO 8601.
        end: the last day.
        tag: the hashtag of those that are of one.
        domain: the domain of those that are of one.

    Raises:
        Invalid: a key or a day is not valid.
        Forbidden: the account is no moderator.
    """
    _authorise(ctx, moderator)
    asked = span(start, end, ctx.clock.now())
    here = ctx.settings.domain.lower()
    counts = [(key, _counting(key, tag, domain, here)) for key in dict.fromkeys(keys)]
    return await ctx.store.analyse(
        lambda stats: [_measure(stats, key, count, asked) for key, count in counts]
    )


def _authorise(ctx: Context, moderator: int) -> None:
    with ctx.store.read() as snap:
        require_moderator(snap, moderator)


# -- dimensions ------------------------------------------------------------------------------------


class Row(Struct, frozen=True):
    """One of a dimension; ``name`` is for people, and the value a number or a version."""

    key: str
    name: str
    value: str
    unit: str | None = None


class Dimension(Struct, frozen=True):
    """What is most common, most first."""

    key: str
    rows: tuple[Row, ...]


DIMENSIONS: Final = (
    "languages",
    "sources",
    "servers",
    "space_usage",
    "software_versions",
    "tag_servers",
    "tag_languages",
    "instance_accounts",
    "instance_languages",
)


def _plain(rows: list[Counted]) -> tuple[Row, ...]:
    return tuple(Row(name, name, str(value)) for name, value in rows)


def _versions(stats: Statistics) -> tuple[Row, ...]:
    database, _, version = stats.database_version().partition(" ")
    found = {
        "rostra": ("Rostra", __version__),
        "python": ("Python", platform.python_version()),
        database.lower(): (database, version),
    }
    return tuple(Row(key, name, text) for key, (name, text) in found.items())


async def dimensions(
    ctx: Context,
    *,
    moderator: int,
    keys: list[str],
    start: str | None,
    end: str | None,
    limit: int,
    tag: str | None = None,
    domain: str | None = None,
) -> list[Dimension]:
    """Return what is most common (https://docs.joinmastodon.org/methods/admin/dimensions/).

    Raises:
        Invalid: a key or a day is not valid.
        Forbidden: the account is no moderator.
    """
    _authorise(ctx, moderator)
    asked = span(start, end, ctx.clock.now())
    low, high = asked.ids
    limit = min(max(limit, 1), MAX_ROWS)
    here = ctx.settings.domain.lower()
    at_home = domain is None or domain.lower() == here
    tag = normal_tag(tag) if tag else None
    for key in keys:
        if key not in DIMENSIONS:
            raise Invalid(
                "Validation failed: Keys must be among %(among)s", among=", ".join(DIMENSIONS)
            )
        if key.startswith("tag_") and tag is None:
            raise Invalid("Validation failed: %(name)s needs the id of a hashtag", name=key)
        if key.startswith("instance_") and domain is None:
            raise Invalid("Validation failed: %(name)s needs a domain", name=key)

    def one(stats: Statistics, key: str) -> Dimension:
        match key:
            case "languages":
                return Dimension(key, _plain(stats.languages(low, high, tag=None, limit=limit)))
            case "instance_languages":
                found = stats.languages(low, high, tag=None, limit=limit) if at_home else []
                return Dimension(key, _plain(found))
            case "tag_languages":
                return Dimension(key, _plain(stats.languages(low, high, tag=tag, limit=limit)))
            case "sources":
                return Dimension(key, _plain(stats.applications(low, high, limit=limit)))
            case "servers":
                total = sum(stats.new_statuses(low, high).values())
                return Dimension(key, _plain([(here, total)]))
            case "tag_servers":
                uses = stats.tag(tag or "", low, high, accounts=False)[""]
                return Dimension(key, _plain([(here, uses)] if uses else []))
            case "space_usage":
                size = stats.database_bytes()
                return Dimension(key, (Row("database", "Database", str(size), "bytes"),))
            case "instance_accounts":
                return Dimension(key, ())  # of those followed elsewhere: no server is, yet
            case _:
                return Dimension(key, _versions(stats))

    return await ctx.store.analyse(lambda stats: [one(stats, key) for key in dict.fromkeys(keys)])


# -- retention -------------------------------------------------------------------------------------


class Cohort(Struct, frozen=True):
    """Accounts that joined in one period, and (period, share, number) of those active later."""

    period: datetime
    rows: tuple[tuple[datetime, float, int], ...]


async def retention(
    ctx: Context, *, moderator: int, start: str | None, end: str | None, monthly: bool
) -> list[Cohort]:
    """Return who stayed (https://docs.joinmastodon.org/methods/admin/retention/).

    The first row of a cohort is its own period: all who joined in it.

    Raises:
        Invalid: a day is not valid.
        Forbidden: the account is no moderator.
    """
    _authorise(ctx, moderator)
    asked = span(start, end, ctx.clock.now())
    low, high = asked.ids
    periods = sorted({day.replace(day=1) if monthly else day for day in asked.days()})

    def read(stats: Statistics) -> list[Cohort]:
        joined = stats.joined(low, high, monthly=monthly)
        stayed = {(a, b): n for a, b, n in stats.cohorts(low, high, monthly=monthly)}
        return [_cohort(period, periods, joined, stayed) for period in periods]

    return await ctx.store.analyse(read)


def _cohort(
    period: datetime,
    periods: list[datetime],
    joined: dict[str, int],
    stayed: dict[tuple[str, str], int],
) -> Cohort:
    size = joined.get(_bucket(period), 0)
    rows = []
    for later in periods:
        if later < period:
            continue
        there = size if later == period else stayed.get((_bucket(period), _bucket(later)), 0)
        rows.append((later, there / size if size else 0.0, there))
    return Cohort(period, tuple(rows))
