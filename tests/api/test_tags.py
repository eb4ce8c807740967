"""Hashtags: their use, following them, featuring them."""

from __future__ import annotations

from tests.api.test_lists import home
from tests.api.world import URL, World

DAY_S = 86_400


async def test_a_tag_with_its_history(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.status("#Ships sail")
    world.tick(DAY_S * 1000)
    for text in ("#ships and", "more #ships"):
        await bob.status(text)
    await alice.status("#ships")
    await alice.status("#ships", visibility="unlisted")
    found = (await world.get("/api/v1/tags/SHIPS")).json()
    assert (found["name"], found["url"]) == ("ships", f"{URL}/tags/ships")
    assert "following" not in found
    history = found["history"]
    assert [(one["uses"], one["accounts"]) for one in history[:3]] == [
        ("3", "2"),
        ("1", "1"),
        ("0", "0"),
    ]
    days = [int(one["day"]) for one in history]
    assert len(days) == 7
    assert all(
        day % DAY_S == 0 and day == days[0] - place * DAY_S for place, day in enumerate(days)
    )
    await world.suspend(bob)
    history = (await world.get("/api/v1/tags/ships")).json()["history"]
    assert (history[0]["uses"], history[0]["accounts"]) == ("1", "1")
    mine = await alice.get("/api/v1/tags/ships")
    assert (mine["following"], mine["featuring"]) == (False, False)
    assert (await alice.get("/api/v1/tags/never"))["history"][0]["uses"] == "0"
    for wrong in ("123", "a b", "%23", "a-b"):
        assert (await world.get(f"/api/v1/tags/{wrong}")).status_code == 404


async def test_following_a_tag_brings_its_statuses_home(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    before = (await bob.status("#ships before"))["id"]
    assert await home(alice) == []
    answer = await alice.post("/api/v1/tags/Ships/follow")
    assert (answer["name"], answer["following"]) == ("ships", True)
    assert await home(alice) == [before]
    await alice.post("/api/v1/tags/ships/follow")
    after = (await bob.status("after #SHIPS #sails"))["id"]
    reply = (await carol.status("#ships too", in_reply_to_id=after))["id"]
    await bob.status("#ships", visibility="unlisted")
    await bob.status("#oars")
    await carol.post(f"/api/v1/statuses/{after}/reblog")
    assert await home(alice) == [reply, after, before]
    await alice.post("/api/v1/tags/sails/follow")
    own = (await alice.status("my #ships"))["id"]
    assert await home(alice) == [own, reply, after, before]
    page = await alice.get("/api/v1/timelines/home", limit=1, max_id=reply)
    assert [one["id"] for one in page] == [after]
    page = await alice.get("/api/v1/timelines/home", limit=2, min_id=before)
    assert [one["id"] for one in page] == [reply, after]
    await bob.call("DELETE", f"/api/v1/statuses/{after}")
    assert await home(alice) == [own, reply, before]
    await alice.post(f"/api/v1/accounts/{carol.id}/mute")
    assert await home(alice) == [own, before]
    answer = await alice.post("/api/v1/tags/ships/unfollow")
    assert answer["following"] is False
    assert await home(alice) == [own]


async def test_followed_tags_are_listed_page_by_page(world: World) -> None:
    alice = await world.person("alice")
    names = ["one", "two", "three"]
    for name in names:
        await alice.post(f"/api/v1/tags/{name}/follow")
    found = await alice.get("/api/v1/followed_tags")
    assert [one["name"] for one in found] == names[::-1]
    assert all(one["following"] for one in found)
    seen = []
    path: str | None = "/api/v1/followed_tags?limit=2"
    while path:
        answer = await alice.call("GET", path)
        seen += [one["name"] for one in answer.json()]
        path = answer.links["next"]["url"].removeprefix(URL) if "next" in answer.links else None
    assert seen == names[::-1]
    await alice.post("/api/v1/tags/two/unfollow")
    await alice.post("/api/v1/tags/two/unfollow")
    assert [one["name"] for one in await alice.get("/api/v1/followed_tags")] == ["three", "one"]
    response = await alice.call("POST", "/api/v1/tags/12/follow")
    assert response.status_code == 422
    assert (await world.get("/api/v1/followed_tags")).status_code == 401


async def test_featured_tags(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.status("#ships")
    await alice.status("#oars #ships", visibility="unlisted")
    await alice.status("#ships", visibility="private")
    made = await alice.post("/api/v1/featured_tags", name="#Ships")
    assert made == {
        "id": made["id"],
        "name": "ships",
        "url": f"{URL}/@alice/tagged/ships",
        "statuses_count": "2",
        "last_status_at": made["last_status_at"],
    }
    assert len(made["last_status_at"]) == len("2026-01-01")
    assert (await alice.post("/api/v1/featured_tags", name="ships"))["id"] == made["id"]
    never = await alice.post("/api/v1/featured_tags", name="never")
    assert (never["statuses_count"], never["last_status_at"]) == ("0", None)
    assert await alice.get("/api/v1/featured_tags") == [made, never]
    anonymous = (await world.get(f"/api/v1/accounts/{alice.id}/featured_tags")).json()
    assert anonymous == [made, never]
    suggested = await alice.get("/api/v1/featured_tags/suggestions")
    assert [one["name"] for one in suggested] == ["oars"]
    assert len(suggested[0]["history"]) == 7
    assert (await alice.post("/api/v1/tags/oars/feature"))["featuring"] is True
    assert (await alice.post("/api/v1/tags/oars/unfeature"))["featuring"] is False
    path = f"/api/v1/featured_tags/{made['id']}"
    assert (await bob.call("DELETE", path)).status_code == 404
    assert (await alice.call("DELETE", path)).json() == {}
    assert await alice.get("/api/v1/featured_tags") == [never]
    for wrong in ("", "1", "a b"):
        body = {"name": wrong}
        assert (await alice.call("POST", "/api/v1/featured_tags", json=body)).status_code == 422
    for number in range(9):
        await alice.post("/api/v1/featured_tags", name=f"t{number}x")
    response = await alice.call("POST", "/api/v1/featured_tags", json={"name": "eleventh"})
    assert response.status_code == 422
    await world.suspend(alice)
    assert (await world.get(f"/api/v1/accounts/{alice.id}/featured_tags")).json() == []
