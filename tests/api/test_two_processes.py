"""What one process commits of lists, filters and hashtags, another shows at its next read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.api.two import Other
from tests.api.world import World


@pytest.fixture
async def other(world: World) -> AsyncIterator[Other]:
    other = Other(world)
    yield other
    await other.close()


async def test_filters(world: World, other: Other) -> None:
    alice, bob = await world.people("alice", "bob")
    path = f"/api/v1/statuses/{(await bob.status('a ship'))['id']}"
    assert (await other.get(alice, path))["filtered"] == []
    body = {"context": ["home"], "keywords_attributes": [{"keyword": "ship"}]}
    made = await alice.post("/api/v2/filters", title="x", **body)
    assert len((await other.get(alice, path))["filtered"]) == 1
    await alice.call("PUT", f"/api/v2/filters/{made['id']}", json={"filter_action": "hide"})
    [found] = (await other.get(alice, path))["filtered"]
    assert found["filter"]["filter_action"] == "hide"
    await alice.call("DELETE", f"/api/v2/filters/{made['id']}")
    assert (await other.get(alice, path))["filtered"] == []


async def test_lists(world: World, other: Other) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    posted = (await bob.status("hail"))["id"]
    assert await other.home(alice) == [posted]
    made = await alice.post("/api/v1/lists", title="x", exclusive=True)
    path = f"/api/v1/timelines/list/{made['id']}"
    assert await other.get(alice, path) == []
    members = f"/api/v1/lists/{made['id']}/accounts"
    await alice.post(members, account_ids=[bob.id])
    assert await other.home(alice) == []
    assert [one["id"] for one in await other.get(alice, path)] == [posted]
    more = (await bob.status("more"))["id"]
    assert [one["id"] for one in await other.get(alice, path)] == [more, posted]
    await alice.call("DELETE", f"/api/v1/lists/{made['id']}")
    assert await other.home(alice) == [more, posted]


async def test_hashtags(world: World, other: Other) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = (await bob.status("#ships"))["id"]
    assert await other.home(alice) == []
    await alice.post("/api/v1/tags/ships/follow")
    assert await other.home(alice) == [posted]
    more = (await bob.status("more #ships"))["id"]
    assert await other.home(alice) == [more, posted]
    await bob.call("DELETE", f"/api/v1/statuses/{posted}")
    assert await other.home(alice) == [more]
    await bob.call("PUT", f"/api/v1/statuses/{more}", json={"status": "no more"})
    assert await other.home(alice) == []
    await alice.post("/api/v1/tags/ships/unfollow")
    assert (await other.get(alice, "/api/v1/tags/ships"))["following"] is False


async def test_edits_that_bring_a_status_into_a_home(world: World, other: Other) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await alice.follow(bob)
    await alice.post("/api/v1/tags/ships/follow")
    first = (await bob.status("@carol a word", visibility="direct"))["id"]
    second = (await carol.status("nothing"))["id"]
    for _ in range(2):
        assert await other.home(alice) == []
        assert await alice.get("/api/v1/timelines/home") == []
    await bob.call("PUT", f"/api/v1/statuses/{first}", json={"status": "@alice @carol a word"})
    assert await other.home(alice) == [first]
    assert [one["id"] for one in await alice.get("/api/v1/timelines/home")] == [first]
    await carol.call("PUT", f"/api/v1/statuses/{second}", json={"status": "#ships"})
    assert await other.home(alice) == [second, first]
    assert len(await alice.get("/api/v1/timelines/home")) == 2
    await bob.call("PUT", f"/api/v1/statuses/{first}", json={"status": "@carol a word"})
    assert await other.home(alice) == [second]
    assert len(await alice.get("/api/v1/timelines/home")) == 1
