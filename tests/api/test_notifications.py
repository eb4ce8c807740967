"""Notifications of each type, listed, read, dismissed."""

from __future__ import annotations

from tests.api.world import World

PATH = "/api/v1/notifications"


async def test_each_type(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    world.tick()
    await bob.follow(alice)
    world.tick()
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    world.tick()
    await bob.post(f"/api/v1/statuses/{posted['id']}/reblog")
    world.tick()
    reply = await bob.status("@alice hail", in_reply_to_id=posted["id"])
    found = await alice.get(PATH)
    assert [one["type"] for one in found] == ["mention", "reblog", "favourite", "follow"]
    assert {one["account"]["id"] for one in found} == {bob.id}
    assert found[0]["status"]["id"] == reply["id"]
    assert found[1]["status"]["id"] == found[2]["status"]["id"] == posted["id"]
    assert "status" not in found[3]
    assert set(found[0]) == {"id", "type", "created_at", "group_key", "account", "status"}
    assert await bob.get(PATH) == []
    one = await alice.get(f"{PATH}/{found[1]['id']}")
    assert one == found[1]
    assert await alice.get(f"{PATH}/unread_count") == {"count": 4}

    names = await alice.get(PATH, **{"types[]": ["follow", "mention", "quote"]})
    assert [one["type"] for one in names] == ["mention", "follow"]
    names = await alice.get(PATH, **{"exclude_types[]": ["follow", "mention"]})
    assert [one["type"] for one in names] == ["reblog", "favourite"]
    assert await alice.get(PATH, account_id=alice.id) == []
    assert len(await alice.get(PATH, account_id=bob.id)) == 4


async def test_an_unlike_takes_its_notification_away(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    assert len(await alice.get(PATH)) == 1
    await bob.post(f"/api/v1/statuses/{posted['id']}/unfavourite")
    assert await alice.get(PATH) == []


async def test_dismissing(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await bob.follow(alice)
    world.tick()
    await carol.follow(alice)
    newest, oldest = await alice.get(PATH)
    assert (await alice.call("POST", f"{PATH}/{newest['id']}/dismiss")).json() == {}
    assert [one["id"] for one in await alice.get(PATH)] == [oldest["id"]]
    assert (await alice.call("GET", f"{PATH}/{newest['id']}")).status_code == 404
    assert (await alice.call("POST", f"{PATH}/{newest['id']}/dismiss")).status_code == 404
    world.tick()
    await alice.post(f"{PATH}/clear")
    assert await alice.get(PATH) == []


async def test_pages(world: World) -> None:
    alice = await world.person("alice")
    for number in range(5):
        fan = await world.person(f"fan{number}")
        world.tick()
        await fan.follow(alice)
    seen: list[str] = []
    response = await alice.call("GET", PATH, params={"limit": 2})
    while response.json():
        seen += [one["account"]["username"] for one in response.json()]
        response = await alice.call("GET", response.links["next"]["url"])
    assert seen == ["fan4", "fan3", "fan2", "fan1", "fan0"]
