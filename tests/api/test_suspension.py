"""What clients see of accounts against which an action is in force."""

from __future__ import annotations

import httpx2
from tests.api.world import Person, World

HOME = "/api/v1/timelines/home"


async def shown(world: World, person: Person) -> httpx2.Response:
    return await world.get(f"/api/v1/accounts/{person.id}")


async def test_a_suspended_account_is_blank(world: World) -> None:
    alice = await world.person("alice", display_name="Alice", note="hi", bot=True)
    bob = await world.person("bob")
    await bob.follow(alice)
    await alice.status("hello")
    await world.suspend(alice)
    entity = (await shown(world, alice)).json()
    assert entity["suspended"] is True
    assert entity["username"] == entity["acct"] == "alice"
    assert entity["display_name"] == entity["note"] == ""
    assert entity["bot"] is entity["locked"] is entity["discoverable"] is False
    assert entity["fields"] == entity["roles"] == []
    counts = ("followers_count", "following_count", "statuses_count")
    assert [entity[name] for name in counts] == [0, 0, 0]
    assert entity["avatar"].endswith("/avatars/default.png")
    await world.reinstate(alice)
    entity = (await shown(world, alice)).json()
    assert "suspended" not in entity
    assert entity["display_name"] == "Alice"
    assert [entity[name] for name in counts] == [1, 0, 1]


async def test_everything_of_it_is_gone_and_comes_back(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await bob.follow(alice)
    await alice.follow(carol)
    theirs = await carol.status("of carol")
    world.tick()
    posted = await alice.status("of alice")
    world.tick()
    boost = await bob.post(f"/api/v1/statuses/{posted['id']}/reblog")
    await alice.post(f"/api/v1/statuses/{theirs['id']}/favourite")

    async def everything() -> dict[str, object]:
        paths = {
            "status": f"/api/v1/statuses/{posted['id']}",
            "boost": f"/api/v1/statuses/{boost['id']}",
            "followers": f"/api/v1/accounts/{alice.id}/followers",
            "following of bob": f"/api/v1/accounts/{bob.id}/following",
            "statuses": f"/api/v1/accounts/{alice.id}/statuses",
            "public": "/api/v1/timelines/public",
            "home": HOME,
            "liked by": f"/api/v1/statuses/{theirs['id']}/favourited_by",
        }
        found: dict[str, object] = {}
        for name, path in paths.items():
            response = await bob.call("GET", path)
            body = response.json()
            listed = [one["id"] for one in body] if isinstance(body, list) else None
            found[name] = (response.status_code, listed)
        likes = (await world.get(f"/api/v1/statuses/{theirs['id']}")).json()
        found["likes"] = likes["favourites_count"]
        found["following"] = (await shown(world, bob)).json()["following_count"]
        found["followers of carol"] = (await shown(world, carol)).json()["followers_count"]
        found["relationship"] = await bob.relationship(alice)
        return found

    before = await everything()
    await world.suspend(alice)
    assert await everything() == {
        "status": (404, None),
        "boost": (404, None),
        "followers": (200, []),
        "following of bob": (200, []),
        "statuses": (200, []),
        "public": (200, [theirs["id"]]),
        "home": (200, []),
        "liked by": (200, []),
        "likes": 0,
        "following": 0,
        "followers of carol": 0,
        "relationship": None,
    }
    assert (await bob.relationship(alice, with_suspended="true"))["following"] is True
    await world.reinstate(alice)
    assert await everything() == before


async def test_its_tokens_end(world: World) -> None:
    alice = await world.person("alice")
    assert await alice.get(HOME) == []
    await world.suspend(alice)
    for path in (HOME, "/api/v1/accounts/verify_credentials"):
        response = await alice.call("GET", path)
        assert response.status_code == 401
        assert response.json() == {"error": "The access token is invalid"}


async def test_the_clock_begins_and_ends_it(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.follow(alice)
    posted = await alice.status("hello")
    home = f"/api/v1/statuses/{posted['id']}"
    await world.suspend(alice, until=world.clock.now() + 60_000)
    for _ in range(2):
        assert (await bob.call("GET", home)).status_code == 404
        assert await bob.get(HOME) == []
        assert (await shown(world, alice)).json()["followers_count"] == 0
    world.clock.advance(seconds=61)
    for _ in range(2):
        assert (await bob.call("GET", home)).status_code == 200
        assert [one["id"] for one in await bob.get(HOME)] == [posted["id"]]
        assert (await shown(world, alice)).json()["followers_count"] == 1


async def test_a_frozen_account_may_not_act(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/action", type="disable", text="spam")
    response = await alice.call("GET", HOME)
    assert response.status_code == 403
    assert response.json()["error"].startswith("Your login is currently disabled")
    response = await alice.call("POST", "/api/v1/statuses", json={"status": "x"})
    assert response.status_code == 403
    assert (await shown(world, alice)).status_code == 200
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/enable")
    assert await alice.get(HOME) == []


async def test_a_limited_account_says_so(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    await alice.status("hello")
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/action", type="silence")
    assert (await shown(world, alice)).json()["limited"] is True
    assert (await world.get("/api/v1/timelines/public")).json() == []
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/unsilence")
    assert "limited" not in (await shown(world, alice)).json()


async def test_sensitive_marks_what_it_posts(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    posted = await alice.status("hello")
    path = f"/api/v1/statuses/{posted['id']}"
    assert (await world.get(path)).json()["sensitive"] is False
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/action", type="sensitive")
    assert (await world.get(path)).json()["sensitive"] is True
    await mod.post(f"/api/v1/admin/accounts/{alice.id}/unsensitive")
    assert (await world.get(path)).json()["sensitive"] is False
