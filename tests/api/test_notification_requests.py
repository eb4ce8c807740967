"""From whom one wants to hear: the policy, what it filters and drops, and requests."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.world import Person, World

from rostra.domain.enforcement import ActionKind
from rostra.services.moderation import enforcing

V1 = "/api/v1/notifications"
POLICY = "/api/v2/notifications/policy"
REQUESTS = f"{V1}/requests"
DAY_MS = 86_400_000
VERBS = {"blocked": "block", "muted": "mute"}
DEFAULT = {
    "for_not_following": "accept",
    "for_not_followers": "accept",
    "for_new_accounts": "accept",
    "for_private_mentions": "filter",
    "for_limited_accounts": "filter",
}


async def set_policy(person: Person, **rules: str) -> Any:
    response = await person.call("PATCH", POLICY, json=rules)
    assert response.status_code == 200, response.text
    return response.json()


async def types(person: Person, **params: Any) -> list[str]:
    return [one["type"] for one in await person.get(V1, **params)]


async def test_the_policy_is_kept(world: World) -> None:
    alice = await world.person("alice")
    nothing = {"pending_requests_count": 0, "pending_notifications_count": 0}
    assert await alice.get(POLICY) == DEFAULT | {"summary": nothing}
    after = await set_policy(alice, for_not_following="drop", for_private_mentions="accept")
    changed = DEFAULT | {"for_not_following": "drop", "for_private_mentions": "accept"}
    assert after == await alice.get(POLICY) == changed | {"summary": nothing}
    response = await alice.call("PATCH", POLICY, json={"for_new_accounts": "perhaps"})
    assert response.status_code == 422
    assert await alice.get(f"{V1}/policy") == {
        "filter_not_following": True,
        "filter_not_followers": False,
        "filter_new_accounts": False,
        "filter_private_mentions": False,
        "summary": nothing,
    }
    response = await alice.call("PUT", f"{V1}/policy", json={"filter_not_following": False})
    assert response.json()["filter_not_following"] is False
    assert (await alice.get(POLICY))["for_not_following"] == "accept"


async def test_those_not_followed(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    await bob.follow(alice)
    world.tick()
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    world.tick()
    said = await bob.status("@alice hail")
    everything = ["mention", "favourite", "follow"]
    assert await types(alice) == everything
    await set_policy(alice, for_not_following="filter")
    assert await types(alice) == []
    assert await types(alice, include_filtered=True) == everything
    assert await types(alice, account_id=bob.id) == everything
    summary = (await alice.get(POLICY))["summary"]
    assert summary == {"pending_requests_count": 1, "pending_notifications_count": 1}
    (request,) = await alice.get(REQUESTS)
    assert set(request) == {
        "id",
        "created_at",
        "updated_at",
        "account",
        "notifications_count",
        "last_status",
    }
    assert request["account"]["id"] == bob.id
    assert request["last_status"]["id"] == said["id"]
    assert request["notifications_count"] == "1"
    assert await alice.get(f"{REQUESTS}/{request['id']}") == request
    await set_policy(alice, for_not_following="drop")
    assert await types(alice, include_filtered=True) == []
    assert await alice.get(REQUESTS) == []
    await set_policy(alice, for_not_following="filter")
    await alice.follow(bob)
    assert await types(alice) == everything
    assert await alice.get(REQUESTS) == []


async def test_accepting_lets_through_for_good(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await set_policy(alice, for_not_following="filter")
    world.tick()
    await bob.status("@alice hail")
    (request,) = await alice.get(REQUESTS)
    assert await alice.post(f"{REQUESTS}/{request['id']}/accept") == {}
    assert await alice.get(f"{REQUESTS}/merged") == {"merged": True}
    assert await alice.get(REQUESTS) == []
    assert await types(alice) == ["mention"]
    world.tick()
    await bob.follow(alice)
    assert await types(alice) == ["follow", "mention"]
    await set_policy(alice, for_not_followers="drop", for_new_accounts="drop")
    assert await types(alice) == ["follow", "mention"]


async def test_dismissing_asks_no_more_until_the_next(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await set_policy(alice, for_not_following="filter")
    for person in (bob, carol):
        world.tick()
        await person.status("@alice hail")
    found = await alice.get(REQUESTS)
    assert [one["account"]["username"] for one in found] == ["carol", "bob"]
    await alice.post(f"{REQUESTS}/{found[0]['id']}/dismiss")
    assert [one["account"]["username"] for one in await alice.get(REQUESTS)] == ["bob"]
    assert (await alice.call("GET", f"{REQUESTS}/{found[0]['id']}")).status_code == 404
    assert (await alice.call("POST", f"{REQUESTS}/{found[0]['id']}/dismiss")).status_code == 404
    assert await types(alice) == []
    world.tick()
    await carol.status("@alice again")
    again = await alice.get(REQUESTS)
    assert [one["account"]["username"] for one in again] == ["carol", "bob"]
    assert again[0]["notifications_count"] == "1"
    both = [one["id"] for one in again]
    await alice.post(f"{REQUESTS}/dismiss", id=both)
    assert await alice.get(REQUESTS) == []
    for person in (bob, carol):
        world.tick()
        await person.status("@alice once more")
    await alice.post(f"{REQUESTS}/accept", id=both)
    assert len(await types(alice)) == 5
    assert (await alice.call("POST", f"{REQUESTS}/accept", json={"id": ["x"]})).status_code == 404
    assert (await alice.call("POST", f"{REQUESTS}/1/accept")).status_code == 404


async def test_requests_come_in_pages(world: World) -> None:
    alice, *others = await world.people("alice", "b", "c", "d", "e", "f")
    await set_policy(alice, for_not_following="filter")
    for person in others:
        world.tick()
        await person.status("@alice hail")
    seen: list[str] = []
    response = await alice.call("GET", REQUESTS, params={"limit": 2})
    while response.json():
        seen += [one["account"]["username"] for one in response.json()]
        response = await alice.call("GET", REQUESTS, params={"limit": 2, "max_id": _last(response)})
    assert seen == ["f", "e", "d", "c", "b"]
    response = await alice.call("GET", REQUESTS, params={"limit": 2})
    response = await alice.call("GET", response.links["next"]["url"])
    assert [one["account"]["username"] for one in response.json()] == ["d", "c"]
    response = await alice.call("GET", response.links["prev"]["url"])
    assert [one["account"]["username"] for one in response.json()] == ["f", "e"]


def _last(response: Any) -> str:
    last: str = response.json()[-1]["id"]
    return last


async def test_those_who_do_not_follow_or_since_lately(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await set_policy(alice, for_not_followers="filter")
    await bob.follow(alice)
    for person in (bob, carol):
        world.tick()
        await person.status("@alice hail")
    assert await types(alice) == []
    world.clock.advance(4 * DAY_MS)
    assert await types(alice) == ["mention", "follow"]


async def test_new_accounts(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await set_policy(alice, for_new_accounts="filter")
    await alice.follow(carol)
    for person in (bob, carol):
        world.tick()
        await person.status("@alice hail")
    assert [one["account"]["id"] for one in await alice.get(V1)] == [carol.id]
    world.clock.advance(31 * DAY_MS)
    assert len(await alice.get(V1)) == 2
    dave = await world.person("dave")
    await dave.status("@alice hail")
    assert len(await alice.get(V1)) == 2


async def test_private_mentions(world: World) -> None:
    alice, bob, mod = await world.person("alice"), await world.person("bob"), None
    said = await bob.status("@alice psst", visibility="direct")
    assert await types(alice) == []
    (request,) = await alice.get(REQUESTS)
    assert request["last_status"]["id"] == said["id"]
    world.tick()
    asked = await alice.status("@bob what is it?", visibility="direct")
    world.tick()
    await bob.status("@alice this", visibility="direct", in_reply_to_id=asked["id"])
    assert await types(alice) == ["mention"]
    mod = await world.moderator()
    await mod.status("@alice please change that", visibility="direct")
    assert await types(alice) == ["mention", "mention"]
    await alice.follow(bob)
    assert await types(alice) == ["mention"] * 3


async def test_limited_accounts(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    world.tick()
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    assert await types(alice) == ["favourite"]
    await enforcing.act(
        world.ctx, moderator=None, target=bob.ordinal, kind=ActionKind.LIMIT, ground="noise"
    )
    assert await types(alice) == []
    assert (await alice.get("/api/v2/notifications"))["notification_groups"] == []
    await alice.follow(bob)
    assert await types(alice) == ["favourite"]


@pytest.mark.parametrize("who", ["suspended", "blocked", "muted"])
async def test_who_is_hidden_asks_nothing(world: World, who: str) -> None:
    alice, bob = await world.people("alice", "bob")
    await set_policy(alice, for_not_following="filter")
    await bob.status("@alice hail")
    if who == "suspended":
        await world.suspend(bob)
    else:
        await alice.post(f"/api/v1/accounts/{bob.id}/{VERBS[who]}")
    assert await alice.get(REQUESTS) == []
    if who == "suspended":
        await world.reinstate(bob)
        assert len(await alice.get(REQUESTS)) == 1
