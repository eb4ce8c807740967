"""Measures, dimensions and retention, against figures counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.world import Person, World

MEASURES = "/api/v1/admin/measures"
DIMENSIONS = "/api/v1/admin/dimensions"
RETENTION = "/api/v1/admin/retention"


def days(world: World) -> dict[str, str]:
    """Return yesterday and today as parameters."""
    today = datetime.fromtimestamp(world.clock.now() / 1000, UTC)
    return {
        "start_at": (today - timedelta(days=1)).date().isoformat(),
        "end_at": today.date().isoformat(),
    }


async def two_days(world: World) -> Person:
    """Let things happen yesterday and today, and return a moderator."""
    ann, bob = await world.people("ann", "bob")
    status = await ann.status("first #rome", language="la")
    await bob.status("salve", in_reply_to_id=status["id"], language="la")
    await bob.post("/api/v1/reports", account_id=ann.id)
    world.clock.advance(seconds=86_400)
    mod = await world.moderator()
    await ann.status("second #rome #ships", language="en")
    await ann.status("third #rome", language="la")
    await bob.post(f"/api/v1/statuses/{status['id']}/reblog")
    (report,) = await mod.get("/api/v1/admin/reports")
    await mod.post(f"/api/v1/admin/reports/{report['id']}/resolve")
    return mod


async def test_measures_by_day(world: World) -> None:
    mod = await two_days(world)
    expected = {
        "active_users": ("2", ["2", "2"]),
        "new_users": ("3", ["2", "1"]),
        "interactions": ("2", ["1", "1"]),
        "opened_reports": ("1", ["1", "0"]),
        "resolved_reports": ("1", ["0", "1"]),
        "tag_uses": ("3", ["1", "2"]),
        "tag_accounts": ("1", ["1", "1"]),
        "tag_servers": ("1", ["1", "1"]),
        "instance_statuses": ("5", ["2", "3"]),
        "instance_followers": ("0", ["0", "0"]),
    }
    of: dict[str, Any] = {key: {"id": "Rome"} for key in expected if key.startswith("tag_")}
    of |= {key: {"domain": "here.example"} for key in expected if key.startswith("instance_")}
    found = await mod.post(MEASURES, keys=list(expected), **days(world), **of)
    assert {
        each["key"]: (each["total"], [day["value"] for day in each["data"]]) for each in found
    } == expected
    assert {each["previous_total"] for each in found} == {"0"}
    assert found[0]["data"][1]["date"] == f"{days(world)['end_at']}T00:00:00.000Z"


async def test_the_span_before(world: World) -> None:
    mod = await two_days(world)
    today = days(world)["end_at"]
    (found,) = await mod.post(MEASURES, keys=["new_users"], start_at=today, end_at=today)
    assert (found["total"], found["previous_total"]) == ("1", "2")


async def test_dimensions(world: World) -> None:
    mod = await two_days(world)
    found = await mod.post(
        DIMENSIONS,
        keys=["languages", "tag_languages", "servers", "software_versions", "space_usage"],
        tag_languages={"id": "rome"},
        **days(world),
    )
    rows = {each["key"]: {row["key"]: row["value"] for row in each["data"]} for each in found}
    assert rows["languages"] == {"la": "2", "en": "1"}
    assert rows["tag_languages"] == {"en": "1", "la": "1"}
    assert rows["servers"] == {"here.example": "5"}
    assert set(rows["software_versions"]) == {"rostra", "python", "sqlite"}
    assert int(rows["space_usage"]["database"]) > 8192


@pytest.mark.parametrize("frequency", ["day", "month"])
async def test_retention(world: World, frequency: str) -> None:
    mod = await two_days(world)
    found = await mod.post(RETENTION, frequency=frequency, **days(world))
    rows = [[(row["value"], row["rate"]) for row in cohort["data"]] for cohort in found]
    one_day = days(world)["start_at"][:7] == days(world)["end_at"][:7]
    if frequency == "day":
        assert rows == [[("2", 1.0), ("2", 1.0)], [("1", 1.0)]]
    else:
        assert one_day
        assert rows == [[("3", 1.0)]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (MEASURES, {"keys": ["nothing"]}),
        (MEASURES, {"keys": ["tag_uses"]}),
        (MEASURES, {"keys": ["instance_accounts"]}),
        (MEASURES, {"keys": ["new_users"], "start_at": "soon"}),
        (MEASURES, {"keys": ["new_users"], "start_at": "2026-01-02", "end_at": "2026-01-01"}),
        (MEASURES, {"keys": ["new_users"], "start_at": "0001-01-01", "end_at": "9999-12-31"}),
        (MEASURES, {"keys": ["new_users"], "end_at": "0001-01-01"}),
        (DIMENSIONS, {"keys": ["languages"], "end_at": "9999-12-31"}),
        (RETENTION, {"frequency": "month", "start_at": "9999-12-31", "end_at": "9999-12-31"}),
        (DIMENSIONS, {"keys": ["nothing"]}),
        (DIMENSIONS, {"keys": ["tag_languages"]}),
        (RETENTION, {"frequency": "hour"}),
    ],
)
async def test_what_cannot_be_counted(world: World, path: str, body: dict[str, Any]) -> None:
    mod = await world.moderator()
    answer = await mod.call("POST", path, json=body)
    assert answer.status_code == 422, answer.text
    assert "Validation failed" in answer.json()["error"]


async def test_nobody_but_moderators_counts(world: World) -> None:
    ann = await world.person("ann")
    for path in (MEASURES, DIMENSIONS, RETENTION):
        assert (await ann.call("POST", path, json={"keys": []})).status_code == 403
