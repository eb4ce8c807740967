"""Scheduled statuses: kept, changed, cancelled, published once, held while their author is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.api.world import Person, World

from rostra.services.publishing import scheduling
from rostra.services.work import HANDLERS

PATH = "/api/v1/scheduled_statuses"
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def at(world: World, minutes: float) -> str:
    moment = world.clock.now() / 1000 + minutes * 60
    return datetime.fromtimestamp(moment, UTC).isoformat()


async def later(world: World, person: Person, text: str, minutes: float, **body: Any) -> Any:
    return await person.status(text, scheduled_at=at(world, minutes), **body)


async def said(person: Person) -> list[str]:
    found = await person.get(f"/api/v1/accounts/{person.id}/statuses")
    return [status["content"] for status in found]


async def test_a_scheduled_status_is_listed_and_published_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    parent = (await bob.status("what do you say?"))["id"]
    poll = {"options": ["aye", "nay"], "expires_in": 600}
    kept = await later(
        world, alice, "Later @bob", 10, visibility="unlisted", in_reply_to_id=parent, poll=poll
    )
    assert await alice.get(PATH) == [kept]
    assert await alice.get(f"{PATH}/{kept['id']}") == kept
    assert (await bob.call("GET", f"{PATH}/{kept['id']}")).status_code == 404
    params = kept["params"]
    assert (params["text"], params["visibility"]) == ("Later @bob", "unlisted")
    assert params["in_reply_to_id"] == parent
    assert params["poll"]["options"] == ["aye", "nay"]
    assert kept["media_attachments"] == []
    await world.jobs()
    assert await said(alice) == []
    world.tick(10 * MINUTE)
    payload = {"account": alice.ordinal, "scheduled": int(kept["id"])}
    published = await HANDLERS["publish_scheduled"](world.ctx, **payload)
    assert await HANDLERS["publish_scheduled"](world.ctx, **payload) is None  # killed, done again
    await world.jobs()
    assert len(await said(alice)) == 1
    assert await alice.get(PATH) == []
    status = await alice.get(f"/api/v1/statuses/{published}")
    assert (status["visibility"], status["in_reply_to_id"]) == ("unlisted", parent)
    assert status["poll"]["expired"] is False
    assert [one["type"] for one in await bob.get("/api/v1/notifications")] == ["mention"]


async def sent(person: Person, key: str, text: str, at: str | None = None) -> Any:
    answer = await person.call(
        "POST",
        "/api/v1/statuses",
        json={"status": text, "scheduled_at": at},
        headers={"Idempotency-Key": key},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_sent_twice_is_scheduled_and_published_once(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    when = at(world, 10)
    kept = await sent(alice, "k", "once", when)
    assert await sent(alice, "k", "once", when) == kept
    assert (await sent(bob, "k", "mine", when))["id"] != kept["id"]
    assert await alice.get(PATH) == [kept]
    world.tick(10 * MINUTE)
    await world.jobs()
    assert await said(alice) == ["<p>once</p>"]
    again = await sent(alice, "k", "once", when)  # its time is over: as if it was for now
    assert again["content"] == "<p>once</p>"
    assert await said(alice) == ["<p>once</p>"]


async def test_a_key_used_for_another_status_loses_nothing(world: World) -> None:
    alice = await world.person("alice")
    await sent(alice, "k", "later", at(world, 10))
    now = await sent(alice, "k", "now")
    assert (await sent(alice, "k", "now"))["id"] == now["id"]
    await sent(alice, "k", "later still", at(world, 20))
    world.tick(30 * MINUTE)
    await world.jobs()
    assert sorted(await said(alice)) == ["<p>later still</p>", "<p>later</p>", "<p>now</p>"]


async def test_what_is_wanted_soon_is_posted_at_once(world: World) -> None:
    [alice] = await world.people("alice")
    for minutes in (-5, 0, 4.9):
        assert "content" in await later(world, alice, "now", minutes)
    assert "params" in await later(world, alice, "later", 5.1)


async def test_changing_and_cancelling(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    kept = await later(world, alice, "moved", 10)
    path = f"{PATH}/{kept['id']}"
    moved = await alice.call("PUT", path, json={"scheduled_at": at(world, 30)})
    assert moved.json()["scheduled_at"] > kept["scheduled_at"]
    for body, code in (({"scheduled_at": at(world, 2)}, 422), ({"scheduled_at": "soon"}, 422)):
        assert (await alice.call("PUT", path, json=body)).status_code == code
    assert (await alice.call("PUT", path, json={})).json() == moved.json()
    assert (await bob.call("PUT", path, json={"scheduled_at": at(world, 60)})).status_code == 404
    assert (await bob.call("DELETE", path)).status_code == 404
    world.tick(15 * MINUTE)  # the first time is over: its job finds nothing due
    await world.jobs()
    assert await said(alice) == []
    gone = await alice.call("DELETE", path)
    assert (gone.status_code, gone.json()) == (200, {})
    assert (await alice.call("GET", path)).status_code == 404
    world.tick(60 * MINUTE)
    await world.jobs()
    assert await said(alice) == []


async def test_limits_of_a_day_and_in_all(world: World) -> None:
    [alice] = await world.people("alice")
    start = (world.clock.now() // DAY + 1) * DAY
    minutes = (start - world.clock.now()) / MINUTE + 60
    for number in range(25):
        await later(world, alice, f"number {number}", minutes + number)
    body = {"status": "one more", "scheduled_at": at(world, minutes + 100)}
    refused = await alice.call("POST", "/api/v1/statuses", json=body)
    assert refused.status_code == 422
    assert "limit of 25 scheduled posts" in refused.json()["error"]
    for number in range(275):
        await later(world, alice, "another", minutes + (1 + number // 25) * 24 * 60)
    body["scheduled_at"] = at(world, minutes + 40 * 24 * 60)
    refused = await alice.call("POST", "/api/v1/statuses", json=body)
    assert "limit of 300 scheduled posts" in refused.json()["error"]
    listed = await alice.call("GET", PATH, params={"limit": 2})
    assert len(listed.json()) == 2
    assert 'rel="next"' in listed.headers["link"]


async def test_what_cannot_be_scheduled(world: World) -> None:
    [alice] = await world.people("alice")
    for body, code in (
        ({"status": " "}, 422),
        ({"status": "x", "in_reply_to_id": "5"}, 404),
        ({"status": "x", "quoted_status_id": "5"}, 404),
        ({"status": "x", "poll": {"options": ["a", "b"], "expires_in": 1}}, 422),
        ({"status": "x", "media_ids": ["5"]}, 422),
    ):
        body["scheduled_at"] = at(world, 10)
        answer = await alice.call("POST", "/api/v1/statuses", json=body)
        assert answer.status_code == code, (body, answer.text)
    for far in ("9999-12-31T23:59:59-23:59", "9999-12-31T00:00:00Z", "2099-01-01"):
        body = {"status": "x", "scheduled_at": far}
        answer = await alice.call("POST", "/api/v1/statuses", json=body)
        assert answer.status_code == 422, (far, answer.text)
        assert "too far into the future" in answer.json()["error"]
    assert await alice.get(PATH) == []


async def test_held_while_suspended(world: World) -> None:
    """Row "Scheduled statuses": held; past due ones are drafts then, future ones go out."""
    [alice] = await world.people("alice")
    due = await later(world, alice, "was due", 10)
    future = await later(world, alice, "still to come", 60)
    await world.suspend(alice)
    world.tick(20 * MINUTE)
    await world.jobs()
    await world.reinstate(alice)
    await world.jobs()
    assert await said(alice) == []
    held = {one["id"]: one["held"] for one in await alice.get(PATH)}
    assert held == {due["id"]: True, future["id"]: False}
    world.tick(60 * MINUTE)
    await world.jobs()
    assert await said(alice) == ["<p>still to come</p>"]
    again = await alice.call("PUT", f"{PATH}/{due['id']}", json={"scheduled_at": at(world, 6)})
    assert again.json()["held"] is False
    world.tick(7 * MINUTE)
    await world.jobs()
    assert await said(alice) == ["<p>was due</p>", "<p>still to come</p>"]


async def test_held_though_the_job_came_only_after_the_reinstatement(world: World) -> None:
    """Row "Scheduled statuses": what was due meanwhile is a draft, whenever the job runs."""
    [alice] = await world.people("alice")
    await later(world, alice, "was due", 10)
    await world.suspend(alice)
    world.tick(20 * MINUTE)
    await world.reinstate(alice)
    await world.jobs()
    assert await said(alice) == []
    assert [one["held"] for one in await alice.get(PATH)] == [True]


async def test_held_when_what_it_answers_is_gone(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    parent = (await bob.status("soon gone"))["id"]
    await later(world, alice, "but why", 10, in_reply_to_id=parent)
    await bob.call("DELETE", f"/api/v1/statuses/{parent}")
    world.tick(20 * MINUTE)
    await world.jobs()
    assert await said(alice) == []
    assert [one["held"] for one in await alice.get(PATH)] == [True]


async def test_a_deleted_account_leaves_nothing_scheduled(world: World) -> None:
    [alice] = await world.people("alice")
    await later(world, alice, "never", 10)
    from rostra.services import accounts

    await accounts.delete_account(world.ctx, by=None, target=alice.ordinal)
    with world.store.read() as snap:
        assert scheduling.page(snap, alice.ordinal, limit=5) == []
