"""Reports: by people, and what moderators do with them."""

from __future__ import annotations

from tests.api.world import Person, World

from rostra.services.moderation import reports
from rostra.services.server import about

ADMIN = "/api/v1/admin/reports"


async def told(world: World) -> tuple[Person, Person, Person, dict[str, object]]:
    """Return who reported, whom, a moderator, and the report."""
    ann, bob, mod = await world.person("ann"), await world.person("bob"), await world.moderator()
    status = await bob.status("buy my amphorae")
    report = await ann.post(
        "/api/v1/reports",
        account_id=bob.id,
        status_ids=[status["id"]],
        comment="again and again",
        category="spam",
    )
    return ann, bob, mod, report


async def test_a_report_says_what_was_told(world: World) -> None:
    _, bob, _, report = await told(world)
    assert report["action_taken"] is False
    assert report["action_taken_at"] is None
    assert (report["category"], report["comment"]) == ("spam", "again and again")
    assert len(report["status_ids"]) == 1
    assert report["rule_ids"] == []
    assert report["forwarded"] is False
    assert report["target_account"]["id"] == bob.id


async def test_only_what_the_reporter_sees_of_the_reported_is_taken_along(world: World) -> None:
    ann, bob, cyd = await world.people("ann", "bob", "cyd")
    seen = await bob.status("public")
    hidden = await bob.status("for nobody", visibility="direct")
    others = await cyd.status("by another")
    report = await ann.post(
        "/api/v1/reports",
        account_id=bob.id,
        status_ids=[seen["id"], hidden["id"], others["id"], "7"],
    )
    assert report["status_ids"] == [seen["id"]]
    assert report["category"] == "other"


async def test_what_cannot_be_reported(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    for body, status in (
        ({}, 404),
        ({"account_id": "7"}, 404),
        ({"account_id": ann.id}, 422),
        ({"account_id": bob.id, "category": "taste"}, 422),
        ({"account_id": bob.id, "comment": "x" * 1001}, 422),
        ({"account_id": bob.id, "status_ids": ["1"] * 101}, 422),
    ):
        answer = await ann.call("POST", "/api/v1/reports", json=body)
        assert answer.status_code == status, (body, answer.text)


async def test_one_account_reports_so_often_a_day(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    for _ in range(reports.A_DAY):
        await reports.report(world.ctx, actor=ann.ordinal, target=bob.ordinal)
    answer = await ann.call("POST", "/api/v1/reports", json={"account_id": bob.id})
    assert answer.status_code == 429
    world.clock.advance(seconds=86_401)
    assert (await ann.call("POST", "/api/v1/reports", json={"account_id": bob.id})).is_success


async def test_a_moderator_takes_closes_and_opens_a_report(world: World) -> None:
    ann, bob, mod, report = await told(world)
    one = f"{ADMIN}/{report['id']}"
    (listed,) = await mod.get(ADMIN)
    assert listed == await mod.get(one)
    assert listed["account"]["account"]["id"] == ann.id
    assert listed["target_account"]["account"]["id"] == bob.id
    assert listed["statuses"][0]["content"] == "<p>buy my amphorae</p>"
    assert listed["assigned_account"] is None
    assert (await mod.post(f"{one}/assign_to_self"))["assigned_account"]["id"] == mod.id
    assert (await mod.post(f"{one}/unassign"))["assigned_account"] is None
    closed = await mod.post(f"{one}/resolve")
    assert closed["action_taken"] is True
    assert closed["action_taken_by_account"]["id"] == mod.id
    assert closed["action_taken_at"] is not None
    assert await mod.get(ADMIN) == []
    assert [each["id"] for each in await mod.get(ADMIN, resolved=True)] == [report["id"]]
    reopened = await mod.post(f"{one}/reopen")
    assert (reopened["action_taken"], reopened["action_taken_at"]) == (False, None)
    rule = await about.add_rule(world.ctx, text="No amphorae")
    given = {"category": "violation", "rule_ids": [str(rule.id), "77"]}
    changed = (await mod.call("PUT", one, json=given)).json()
    assert changed["category"] == "violation"
    assert changed["rules"] == [{"id": str(rule.id), "text": "No amphorae", "hint": ""}]


async def test_reports_are_listed_by_who_and_of_whom(world: World) -> None:
    ann, bob, mod, report = await told(world)
    for params, found in (
        ({"account_id": ann.id}, 1),
        ({"account_id": bob.id}, 0),
        ({"target_account_id": bob.id}, 1),
        ({"target_account_id": ann.id}, 0),
        ({"target_account_id": "7"}, 0),
        ({"max_id": report["id"]}, 0),
    ):
        assert len(await mod.get(ADMIN, **params)) == found, params


async def test_nobody_but_moderators_sees_reports(world: World) -> None:
    ann, _, _, report = await told(world)
    for method, path in (
        ("GET", ADMIN),
        ("GET", f"{ADMIN}/{report['id']}"),
        ("POST", f"{ADMIN}/{report['id']}/resolve"),
    ):
        assert (await ann.call(method, path)).status_code == 403


async def test_an_action_answers_its_report(world: World) -> None:
    ann, bob, mod, report = await told(world)
    path = f"/api/v1/admin/accounts/{bob.id}/action"
    wrong = await mod.call(
        "POST",
        f"/api/v1/admin/accounts/{ann.id}/action",
        json={"type": "silence", "report_id": report["id"]},
    )
    assert wrong.status_code == 404
    assert (await mod.get(f"/api/v1/admin/accounts/{ann.id}"))["silenced"] is False
    await mod.post(path, type="suspend", text="Spam", report_id=report["id"])
    found = await mod.get(f"{ADMIN}/{report['id']}")
    assert found["action_taken"] is True
    assert found["target_account"]["suspended"] is True


async def test_what_was_said_stays_when_the_status_goes(world: World) -> None:
    _, bob, mod, report = await told(world)
    (status,) = report["status_ids"]
    await bob.call("DELETE", f"/api/v1/statuses/{status}")
    assert (await mod.get(f"{ADMIN}/{report['id']}"))["statuses"] == []
    with world.store.read() as snap:
        kept = snap.reports.get(int(report["id"]))
        assert kept is not None
        assert [each.text for each in kept.evidence] == ["buy my amphorae"]


async def test_a_suspended_account_is_deleted_for_good(world: World) -> None:
    bob, mod = await world.person("bob"), await world.moderator()
    path = f"/api/v1/admin/accounts/{bob.id}"
    assert (await mod.call("DELETE", path)).status_code == 403
    await world.suspend(bob)
    assert (await mod.call("DELETE", path)).json()["suspended"] is True
    assert (await mod.call("POST", f"{path}/unsuspend")).status_code == 404


async def test_moderators_hear_of_a_report(world: World) -> None:
    ann, bob, mod, report = await told(world)
    await world.jobs()
    (heard,) = await mod.get("/api/v1/notifications")
    assert (heard["type"], heard["account"]["id"]) == ("admin.report", ann.id)
    assert heard["report"] == report
    assert heard["report"]["target_account"]["id"] == bob.id
    assert await bob.get("/api/v1/notifications") == []
