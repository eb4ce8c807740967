"""Measures, dimensions and retention (https://docs.joinmastodon.org/methods/admin/measures/)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field
from rich import filesize
from starlette.routing import BaseRoute

from rostra.api.messages import Call, Reply, json_reply
from rostra.api.operation import at, writes
from rostra.domain.errors import Invalid
from rostra.services.server import statistics

READ: Final = "admin:read"
DEFAULT: Final = 10


class OfTag(Struct, frozen=True):
    id: str = ""


class OfDomain(Struct, frozen=True):
    domain: str = ""


class Asked(Struct, frozen=True):
    keys: list[str] = field(default_factory=list)
    start_at: str | None = None
    end_at: str | None = None


class Measures(Asked, frozen=True):
    tag_accounts: OfTag = OfTag()
    tag_uses: OfTag = OfTag()
    tag_servers: OfTag = OfTag()
    instance_accounts: OfDomain = OfDomain()
    instance_media_attachments: OfDomain = OfDomain()
    instance_reports: OfDomain = OfDomain()
    instance_statuses: OfDomain = OfDomain()
    instance_follows: OfDomain = OfDomain()
    instance_followers: OfDomain = OfDomain()


class Dimensions(Asked, frozen=True):
    limit: int = DEFAULT
    tag_servers: OfTag = OfTag()
    tag_languages: OfTag = OfTag()
    instance_accounts: OfDomain = OfDomain()
    instance_languages: OfDomain = OfDomain()


class Retention(Struct, frozen=True):
    start_at: str | None = None
    end_at: str | None = None
    frequency: str = "day"


def _moment(day: datetime) -> str:
    return f"{day.date().isoformat()}T00:00:00.000Z"


def _of(given: Struct, prefix: str, name: str) -> str | None:
    """Return the tag or domain given for any of the keys with a prefix."""
    for key in given.__struct_fields__:
        if key.startswith(prefix) and (value := getattr(getattr(given, key), name)):
            return str(value)
    return None


@writes(Measures, scope=READ)
async def measures(call: Call, given: Measures) -> Reply:
    found = await statistics.measures(
        call.api.ctx,
        moderator=call.actor,
        keys=given.keys,
        start=given.start_at,
        end=given.end_at,
        tag=_of(given, "tag_", "id"),
        domain=_of(given, "instance_", "domain"),
    )
    return json_reply(
        [
            {
                "key": each.key,
                "unit": None,
                "total": str(each.total),
                "human_value": f"{each.total:,}",
                "previous_total": str(each.previous),
                "data": [{"date": _moment(day), "value": str(n)} for day, n in each.days],
            }
            for each in found
        ]
    )


@writes(Dimensions, scope=READ)
async def dimensions(call: Call, given: Dimensions) -> Reply:
    found = await statistics.dimensions(
        call.api.ctx,
        moderator=call.actor,
        keys=given.keys,
        start=given.start_at,
        end=given.end_at,
        limit=given.limit,
        tag=_of(given, "tag_", "id"),
        domain=_of(given, "instance_", "domain"),
    )
    return json_reply(
        [{"key": each.key, "data": [_row(row) for row in each.rows]} for each in found]
    )


def _row(row: statistics.Row) -> dict[str, Any]:
    entity: dict[str, Any] = {"key": row.key, "human_key": row.name, "value": row.value}
    if row.unit is not None:
        entity["unit"] = row.unit
    entity["human_value"] = _human(row)
    return entity


def _human(row: statistics.Row) -> str:
    if row.unit != "bytes":
        return row.value
    return filesize.decimal(int(row.value))


@writes(Retention, scope=READ)
async def retention(call: Call, given: Retention) -> Reply:
    if given.frequency not in ("day", "month"):
        raise Invalid("Validation failed: Frequency must be day or month")
    found = await statistics.retention(
        call.api.ctx,
        moderator=call.actor,
        start=given.start_at,
        end=given.end_at,
        monthly=given.frequency == "month",
    )
    return json_reply(
        [
            {
                "period": _moment(cohort.period),
                "frequency": given.frequency,
                "data": [
                    {"date": _moment(later), "rate": round(share, 4), "value": str(number)}
                    for later, share, number in cohort.rows
                ],
            }
            for cohort in found
        ]
    )


ROUTES: Final[list[BaseRoute]] = [
    at("/admin/measures", POST=measures),
    at("/admin/dimensions", POST=dimensions),
    at("/admin/retention", POST=retention),
]
