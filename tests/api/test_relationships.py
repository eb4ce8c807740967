"""What accounts are to each other: follows, requests, blocks, mutes, notes."""

from __future__ import annotations

from tests.api.world import World

RELATIONSHIP_FIELDS = {
    "id",
    "following",
    "showing_reblogs",
    "notifying",
    "languages",
    "followed_by",
    "blocking",
    "blocked_by",
    "muting",
    "muting_notifications",
    "requested",
    "requested_by",
    "domain_blocking",
    "endorsed",
    "note",
}


async def test_following(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    answer = await alice.follow(bob)
    assert set(answer) == RELATIONSHIP_FIELDS
    assert answer["id"] == bob.id
    assert answer["following"] is answer["showing_reblogs"] is True
    assert answer["requested"] is answer["notifying"] is False
    assert answer["languages"] is None
    assert await alice.relationship(bob) == answer
    assert (await bob.relationship(alice))["followed_by"] is True
    answer = await alice.follow(bob, reblogs=False, notify=True, languages=["la", "el"])
    assert (answer["showing_reblogs"], answer["notifying"]) == (False, True)
    assert answer["languages"] == ["la", "el"]
    for wrong in (["latin"], [f"a{one}-{two}x" for one in "abcdefghijk" for two in "abcdefghijk"]):
        path = f"/api/v1/accounts/{bob.id}/follow"
        assert (await alice.call("POST", path, json={"languages": wrong})).status_code == 422
    assert (await alice.relationship(bob))["languages"] == ["la", "el"]
    answer = await alice.post(f"/api/v1/accounts/{bob.id}/unfollow")
    assert answer["following"] is answer["showing_reblogs"] is False


async def test_following_in_a_form(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = f"/api/v1/accounts/{bob.id}/follow"
    form = {"reblogs": "false", "languages[]": ["la", "el"]}
    answer = (await alice.call("POST", path, data=form)).json()
    assert answer["showing_reblogs"] is False
    assert answer["languages"] == ["la", "el"]
    answer = (await alice.call("POST", path, data={"reblogs": "1"})).json()
    assert answer["showing_reblogs"] is True


async def test_nobody_follows_themselves_or_who_blocks_them(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    response = await alice.call("POST", f"/api/v1/accounts/{alice.id}/follow")
    assert response.status_code == 403
    assert response.json() == {"error": "This action is not allowed"}
    await alice.post(f"/api/v1/accounts/{bob.id}/block")
    response = await bob.call("POST", f"/api/v1/accounts/{alice.id}/follow")
    assert response.status_code == 403
    response = await bob.call("POST", "/api/v1/accounts/123/follow")
    assert response.status_code == 404


async def test_a_locked_account_is_asked(world: World) -> None:
    alice = await world.person("alice", locked=True)
    bob, carol = await world.people("bob", "carol")
    for fan in (bob, carol):
        answer = await fan.follow(alice)
        assert (answer["requested"], answer["following"]) == (True, False)
    assert (await alice.relationship(bob))["requested_by"] is True
    waiting = await alice.get("/api/v1/follow_requests")
    assert [one["id"] for one in waiting] == [carol.id, bob.id]
    answer = await alice.post(f"/api/v1/follow_requests/{bob.id}/authorize")
    assert answer["followed_by"] is True
    await alice.post(f"/api/v1/follow_requests/{carol.id}/reject")
    assert await alice.get("/api/v1/follow_requests") == []
    assert (await bob.relationship(alice))["following"] is True
    assert (await carol.relationship(alice))["requested"] is False
    response = await alice.call("POST", f"/api/v1/follow_requests/{carol.id}/authorize")
    assert response.status_code == 404


async def test_blocking_ends_follows_and_lists_it(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    await bob.follow(alice)
    answer = await alice.post(f"/api/v1/accounts/{bob.id}/block")
    assert answer["blocking"] is True
    assert answer["following"] is answer["followed_by"] is False
    assert (await bob.relationship(alice))["blocked_by"] is True
    assert [one["id"] for one in await alice.get("/api/v1/blocks")] == [bob.id]
    answer = await alice.post(f"/api/v1/accounts/{bob.id}/unblock")
    assert answer["blocking"] is answer["following"] is False


async def test_muting_for_a_time(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = f"/api/v1/accounts/{bob.id}"
    answer = await alice.post(f"{path}/mute", notifications=False, duration=60)
    assert (answer["muting"], answer["muting_notifications"]) == (True, False)
    assert [one["id"] for one in await alice.get("/api/v1/mutes")] == [bob.id]
    world.clock.advance(seconds=61)
    assert (await alice.relationship(bob))["muting"] is False
    assert await alice.get("/api/v1/mutes") == []
    answer = await alice.post(f"{path}/mute")
    assert answer["muting_notifications"] is True
    answer = await alice.post(f"{path}/unmute")
    assert answer["muting"] is False


async def test_notes_and_removing_followers(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    answer = await alice.post(f"/api/v1/accounts/{bob.id}/note", comment="met in Ostia")
    assert answer["note"] == "met in Ostia"
    assert (await bob.relationship(alice))["note"] == ""
    await bob.follow(alice)
    answer = await alice.post(f"/api/v1/accounts/{bob.id}/remove_from_followers")
    assert answer["followed_by"] is False
    assert (await bob.relationship(alice))["following"] is False


async def test_relationships_to_many(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await alice.follow(carol)
    path = "/api/v1/accounts/relationships"
    for params in (
        {"id[]": [carol.id, bob.id]},
        {"id[0]": carol.id, "id[1]": bob.id},
    ):
        found = (await alice.call("GET", path, params=params)).json()
        assert [(one["id"], one["following"]) for one in found] == [
            (carol.id, True),
            (bob.id, False),
        ]
    assert [one["id"] for one in await alice.get(path, id=bob.id)] == [bob.id]
    assert await alice.get(path) == []
    assert (await world.get(path)).status_code == 401


async def test_the_muted_are_listed_with_the_end_of_their_mute(world: World) -> None:
    alice, *others = await world.people("alice", "bob", "carol", "dan")
    for other, duration in zip(others, (0, 60, 3600), strict=True):
        await alice.post(f"/api/v1/accounts/{other.id}/mute", duration=duration)
    found = await alice.get("/api/v1/mutes")
    assert [one["username"] for one in found] == ["dan", "carol", "bob"]
    assert found[2]["mute_expires_at"] is None
    assert found[1]["mute_expires_at"].endswith("Z")
    assert found[1]["mute_expires_at"] < found[0]["mute_expires_at"]
    assert "mute_expires_at" not in await alice.get(f"/api/v1/accounts/{others[0].id}")
    world.clock.advance(seconds=61)  # carol's ends, and leaves the page full
    answer = await alice.call("GET", "/api/v1/mutes", params={"limit": 2})
    assert [one["username"] for one in answer.json()] == ["dan", "bob"]
    await world.suspend(others[2])
    assert [one["username"] for one in await alice.get("/api/v1/mutes")] == ["bob"]
    assert "mute_expires_at" in (await alice.get("/api/v1/mutes"))[0]


async def test_blocks_page_by_page(world: World) -> None:
    alice, *others = await world.people("alice", "bob", "carol", "dan")
    for other in others:
        world.tick()
        await alice.post(f"/api/v1/accounts/{other.id}/block")
    seen = []
    path: str | None = "/api/v1/blocks?limit=2"
    while path:
        answer = await alice.call("GET", path)
        seen += [one["username"] for one in answer.json()]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == ["dan", "carol", "bob"]


async def test_familiar_followers(world: World) -> None:
    alice, bob, carol, dan, star = await world.people("alice", "bob", "carol", "dan", "star")
    shy = await world.person("shy", hide_collections=True)
    for one in (bob, carol):
        await alice.follow(one)
    for one in (bob, carol, dan):
        await one.follow(star)
        await one.follow(shy)
    path = "/api/v1/accounts/familiar_followers"
    params = {"id[]": [star.id, shy.id, "123"]}
    found = (await alice.call("GET", path, params=params)).json()
    assert [one["id"] for one in found] == [star.id, shy.id]
    assert {one["username"] for one in found[0]["accounts"]} == {"bob", "carol"}
    assert found[1]["accounts"] == []
    body = {"id": [star.id, shy.id]}  # as Mastodon.py sends it
    assert (await alice.call("GET", path, json=body)).json() == found
    assert (await world.client.request("GET", path, json=body)).status_code == 401
    await world.suspend(carol)
    found = (await alice.call("GET", path, params=params)).json()
    assert [one["username"] for one in found[0]["accounts"]] == ["bob"]
    await world.suspend(star)
    found = (await alice.call("GET", path, params=params)).json()
    assert [one["id"] for one in found] == [shy.id]


async def test_several_accounts_by_their_ids(world: World) -> None:
    _alice, bob, carol = await world.people("alice", "bob", "carol")
    params = {"id[]": [carol.id, bob.id, "123", "x", bob.id]}
    found = (await world.client.get("/api/v1/accounts", params=params)).json()
    assert [one["id"] for one in found] == [carol.id, bob.id]
    assert (await world.get("/api/v1/accounts")).json() == []


async def test_requests_page_by_page_and_of_the_suspended(world: World) -> None:
    alice = await world.person("alice", locked=True)
    fans = await world.people("bob", "carol", "dan")
    for fan in fans:
        await fan.follow(alice)
    answer = await alice.call("GET", "/api/v1/follow_requests", params={"limit": 2})
    assert [one["username"] for one in answer.json()] == ["dan", "carol"]
    rest = await alice.call("GET", answer.links["next"]["url"])
    assert [one["username"] for one in rest.json()] == ["bob"]
    await world.suspend(fans[0])
    assert len(await alice.get("/api/v1/follow_requests")) == 2
    path = f"/api/v1/follow_requests/{fans[0].id}"
    for act in ("authorize", "reject"):
        assert (await alice.call("POST", f"{path}/{act}")).status_code == 404
    await world.reinstate(fans[0])
    assert (await alice.post(f"{path}/authorize"))["followed_by"] is True
    mine = await alice.get("/api/v1/accounts/verify_credentials")
    assert mine["source"]["follow_requests_count"] == 2


async def test_notes_have_an_end(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = f"/api/v1/accounts/{bob.id}/note"
    assert (await alice.call("POST", path, json={"comment": "x" * 2001})).status_code == 422
    assert (await alice.post(path, comment="x"))["note"] == "x"
    assert (await alice.post(path))["note"] == ""
    response = await alice.call("POST", "/api/v1/accounts/123/note", json={"comment": "x"})
    assert response.status_code == 404
