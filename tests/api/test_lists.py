"""Lists: who is in them, and what their timelines and homes show."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.world import Person, World

from rostra.services.social_graph.lists import members_of


async def made(owner: Person, *members: Person, **fields: Any) -> str:
    """Make a list with some members and return its id."""
    answer = await owner.post("/api/v1/lists", title="friends", **fields)
    if members:
        ids = [member.id for member in members]
        await owner.post(f"/api/v1/lists/{answer['id']}/accounts", account_ids=ids)
    list_id: str = answer["id"]
    return list_id


async def shown(owner: Person, list_id: str, **params: Any) -> list[str]:
    """Return the ids of the timeline of a list."""
    return [one["id"] for one in await owner.get(f"/api/v1/timelines/list/{list_id}", **params)]


async def home(viewer: Person) -> list[str]:
    """Return the ids of a home timeline."""
    return [one["id"] for one in await viewer.get("/api/v1/timelines/home")]


async def listed(owner: Person, list_id: str, **params: Any) -> list[str]:
    """Return who is in a list, by name."""
    found = await owner.get(f"/api/v1/lists/{list_id}/accounts", **params)
    return [one["username"] for one in found]


async def test_making_changing_and_removing_lists(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first = await alice.post("/api/v1/lists", title=" Friends ")
    assert first == {
        "id": first["id"],
        "title": "Friends",
        "replies_policy": "list",
        "exclusive": False,
    }
    path = f"/api/v1/lists/{first['id']}"
    answer = await alice.call(
        "PUT", path, data={"title": "Kin", "replies_policy": "none", "exclusive": "true"}
    )
    after = {**first, "title": "Kin", "replies_policy": "none", "exclusive": True}
    assert answer.json() == after == await alice.get(path)
    answer = await alice.call("PUT", path, json={"title": "Kin"})
    assert answer.json() == after
    assert await alice.get("/api/v1/lists") == [after]
    assert await bob.get("/api/v1/lists") == []
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.call(method, path)).status_code == 404
    assert (await alice.call("DELETE", path)).json() == {}
    assert (await alice.call("GET", path)).status_code == 404
    assert (await alice.call("GET", f"/api/v1/timelines/list/{first['id']}")).status_code == 404
    assert await alice.get("/api/v1/lists") == []


async def test_lists_that_cannot_be(world: World) -> None:
    alice = await world.person("alice")
    for body, said in (
        ({}, "Title can't be blank"),
        ({"title": "  "}, "Title can't be blank"),
        ({"title": "x" * 300}, "Title is too long"),
        ({"title": "x", "replies_policy": "some"}, "Replies policy must be one of"),
    ):
        response = await alice.call("POST", "/api/v1/lists", json=body)
        assert response.status_code == 422
        assert said in response.json()["error"]
    reader = await world.person("reader", scopes="read:lists")
    assert await reader.get("/api/v1/lists") == []
    assert (await reader.call("POST", "/api/v1/lists", json={"title": "x"})).status_code == 403
    assert (await world.get("/api/v1/lists")).status_code == 401


async def test_members(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    shy = await world.person("shy", locked=True)
    for other in (bob, shy):
        await alice.follow(other)
    list_id = await made(alice, bob, shy, alice)
    path = f"/api/v1/lists/{list_id}/accounts"
    assert set(await listed(alice, list_id)) == {"alice", "bob", "shy"}
    assert len(await listed(alice, list_id, limit=0)) == 3
    answer = await alice.call("GET", path, params={"limit": 2})
    assert len(answer.json()) == 2
    assert 'rel="next"' in answer.headers["link"]
    for body, status, said in (
        ({"account_ids": [carol.id]}, 422, "must be followed"),
        ({"account_ids": [bob.id]}, 422, "already been taken"),
        ({"account_ids": ["123"]}, 404, "not found"),
    ):
        response = await alice.call("POST", path, json=body)
        assert response.status_code == status
        assert said in response.json()["error"]
    await alice.follow(carol)
    # All or none: carol is not added beside bob, who is in it.
    both = {"account_ids": [carol.id, bob.id]}
    assert (await alice.call("POST", path, json=both)).status_code == 422
    assert "carol" not in await listed(alice, list_id)
    assert (await bob.call("POST", path, json={"account_ids": [bob.id]})).status_code == 404
    lists = await alice.get(f"/api/v1/accounts/{bob.id}/lists")
    assert [one["id"] for one in lists] == [list_id]
    assert await alice.get(f"/api/v1/accounts/{carol.id}/lists") == []
    gone = {"account_ids": [bob.id, carol.id]}
    assert (await alice.call("DELETE", path, json=gone)).json() == {}
    assert set(await listed(alice, list_id)) == {"alice", "shy"}


@pytest.mark.parametrize("act", ["unfollow", "block"])
async def test_who_is_not_followed_any_more_leaves_the_lists(world: World, act: str) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    list_id = await made(alice, bob)
    await alice.post(f"/api/v1/accounts/{bob.id}/{act}")
    assert await listed(alice, list_id) == []
    await alice.post(f"/api/v1/accounts/{bob.id}/unblock")
    await alice.follow(bob)
    assert await listed(alice, list_id) == []


async def test_who_blocks_or_removes_its_owner_leaves_the_list(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    for other in (bob, carol):
        await alice.follow(other)
    list_id = await made(alice, bob, carol)
    await bob.post(f"/api/v1/accounts/{alice.id}/block")
    assert await listed(alice, list_id) == ["carol"]
    await carol.post(f"/api/v1/accounts/{alice.id}/remove_from_followers")
    assert await listed(alice, list_id) == []


async def test_a_timeline_of_a_list(world: World) -> None:
    alice, bob, carol, dan = await world.people("alice", "bob", "carol", "dan")
    for other in (bob, carol):
        await alice.follow(other)
    list_id = await made(alice, bob)
    mine = (await alice.status("mine"))["id"]
    other = (await carol.status("carol's"))["id"]
    stranger = (await dan.status("dan's"))["id"]
    first = (await bob.status("first"))["id"]
    answers = {
        name: (await bob.status(name, in_reply_to_id=parent))["id"]
        for name, parent in (
            ("to alice", mine),
            ("to carol", other),
            ("to dan", stranger),
            ("to bob", first),
        )
    }
    boost = (await bob.post(f"/api/v1/statuses/{stranger}/reblog"))["id"]
    always = [boost, answers["to bob"], answers["to alice"], first]
    assert await shown(alice, list_id) == always
    path = f"/api/v1/lists/{list_id}"
    for policy, expected in (
        ("none", always),
        ("list", always),
        (
            "followed",
            [boost, answers["to bob"], answers["to carol"], answers["to alice"], first],
        ),
    ):
        await alice.call("PUT", path, json={"replies_policy": policy})
        assert await shown(alice, list_id) == expected
    await alice.post(f"{path}/accounts", account_ids=[carol.id])
    await alice.call("PUT", path, json={"replies_policy": "list"})
    assert answers["to carol"] in await shown(alice, list_id)
    assert other in await shown(alice, list_id)
    assert await shown(alice, list_id, limit=2, max_id=boost) == [
        answers["to bob"],
        answers["to carol"],
    ]
    assert await shown(alice, list_id, limit=1, min_id=first) == [answers["to alice"]]
    answer = await alice.call("GET", f"/api/v1/timelines/list/{list_id}", params={"limit": 1})
    assert "max_id=" in answer.headers["link"]
    assert (await bob.call("GET", f"/api/v1/timelines/list/{list_id}")).status_code == 404


async def test_the_muted_and_what_names_them_stay_out_of_lists(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    for other in (bob, carol):
        await alice.follow(other)
    list_id = await made(alice, bob, carol)
    await carol.status("carol's")
    await bob.status("hail @carol")
    kept = (await bob.status("hail"))["id"]
    await alice.post(f"/api/v1/accounts/{carol.id}/mute")
    assert await shown(alice, list_id) == await home(alice) == [kept]
    await alice.post(f"/api/v1/accounts/{carol.id}/unmute")
    assert len(await shown(alice, list_id)) == len(await home(alice)) == 3


async def test_what_members_of_exclusive_lists_say_leaves_home(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    for other in (bob, carol):
        await alice.follow(other)
    posted = (await bob.status("bob's"))["id"]
    answer = (await carol.status("to bob", in_reply_to_id=posted))["id"]
    assert await home(alice) == [answer, posted]
    list_id = await made(alice, bob, exclusive=True)
    assert await home(alice) == [answer]
    assert await shown(alice, list_id) == [posted]
    boost = (await carol.post(f"/api/v1/statuses/{posted}/reblog"))["id"]
    assert await home(alice) == [boost, answer]
    await alice.call("PUT", f"/api/v1/lists/{list_id}", json={"exclusive": False})
    assert await home(alice) == [boost, answer]  # the boost stands for what it boosts
    await alice.call("PUT", f"/api/v1/lists/{list_id}", json={"exclusive": True})
    members = f"/api/v1/lists/{list_id}/accounts"
    await carol.post(f"/api/v1/statuses/{posted}/unreblog")
    assert await home(alice) == [answer]
    await alice.call("DELETE", members, json={"account_ids": [bob.id]})
    assert await home(alice) == [answer, posted]
    await alice.post(members, account_ids=[bob.id])
    assert await home(alice) == [answer]
    await alice.call("DELETE", f"/api/v1/lists/{list_id}")
    assert await home(alice) == [answer, posted]


async def test_the_members_of_a_removed_list_are_forgotten(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    list_id = await made(alice, bob)
    await alice.call("DELETE", f"/api/v1/lists/{list_id}")
    await world.jobs()
    with world.store.read() as snap:
        assert snap.sets.size(members_of(int(list_id))) == 0


async def test_reinstatement_of_members_of_lists(world: World) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    posted = (await bob.status("hail"))["id"]
    list_id = await made(alice, bob)
    await world.suspend(bob)
    assert await listed(alice, list_id) == []
    assert await shown(alice, list_id) == []
    assert await alice.get(f"/api/v1/accounts/{bob.id}/lists") == []
    await world.reinstate(bob)
    assert await listed(alice, list_id) == ["bob"]
    assert await shown(alice, list_id) == [posted]
    assert len(await alice.get(f"/api/v1/accounts/{bob.id}/lists")) == 1
