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
