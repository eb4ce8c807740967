"""Notifications in groups: listed once, counted exactly, opened, dismissed, counted as unread."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.world import Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.notifications import NotificationType
from rostra.ports import Transaction
from rostra.services.notifying import notifications

PATH = "/api/v2/notifications"
DAY_MS = 86_400_000


async def like(world: World, person: Person, status: Any) -> None:
    world.tick()
    await person.post(f"/api/v1/statuses/{status['id']}/favourite")


async def listed(person: Person, **params: Any) -> list[Any]:
    found: list[Any] = (await person.get(PATH, **params))["notification_groups"]
    return found


async def test_likes_and_boosts_of_a_status_are_each_one_group(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    first, second = await alice.status("first"), await alice.status("second")
    for person in (bob, carol):
        await like(world, person, first)
    await like(world, bob, second)
    world.tick()
    await carol.post(f"/api/v1/statuses/{first['id']}/reblog")
    world.tick()
    reply = await bob.status("@alice hail")
    found = await alice.get(PATH)
    assert [each["type"] for each in found["notification_groups"]] == [
        "mention",
        "reblog",
        "favourite",
        "favourite",
    ]
    mention, boost, other, likes = found["notification_groups"]
    assert likes["notifications_count"] == 2
    assert likes["sample_account_ids"] == [carol.id, bob.id]
    assert likes["status_id"] == boost["status_id"] == first["id"]
    assert other["status_id"] == second["id"]
    assert mention["group_key"] == f"ungrouped-{mention['most_recent_notification_id']}"
    assert set(likes) == {
        "group_key",
        "notifications_count",
        "type",
        "most_recent_notification_id",
        "page_min_id",
        "page_max_id",
        "latest_page_notification_at",
        "sample_account_ids",
        "status_id",
    }
    assert sorted(one["id"] for one in found["accounts"]) == sorted([bob.id, carol.id])
    assert {one["id"] for one in found["statuses"]} == {first["id"], second["id"], reply["id"]}
    assert "partial_accounts" not in found
    single = await alice.get("/api/v1/notifications")
    by_key: dict[str, list[str]] = {}
    for one in single:
        by_key.setdefault(one["group_key"], []).append(one["id"])
    for each in found["notification_groups"]:
        ids = by_key[each["group_key"]]
        assert each["most_recent_notification_id"] == each["page_max_id"] == ids[0]
        assert each["notifications_count"] == len(ids)
    # The page reaches down to the newest like of ``first``, so the older one is not of it.
    assert likes["page_min_id"] == by_key[likes["group_key"]][0]


async def test_pages_meet_each_group_once(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    posted = [await alice.status(f"number {number}") for number in range(5)]
    for person in (bob, carol):
        for status in posted:
            await like(world, person, status)
    world.tick()
    await bob.follow(alice)
    whole = await listed(alice)
    assert [each["notifications_count"] for each in whole] == [1, 2, 2, 2, 2, 2]
    seen: list[str] = []
    response = await alice.call("GET", PATH, params={"limit": 2})
    while response.json()["notification_groups"]:
        seen += [each["group_key"] for each in response.json()["notification_groups"]]
        response = await alice.call("GET", response.links["next"]["url"])
    assert seen == [each["group_key"] for each in whole]
    up: list[str] = []
    low = 0
    while lot := await listed(alice, limit=4, min_id=low):
        up = [each["group_key"] for each in lot] + up
        low = lot[0]["page_max_id"]
    assert up == seen
    newest = whole[1]["most_recent_notification_id"]
    assert [one["type"] for one in await listed(alice, since_id=newest)] == ["follow"]


async def test_follows_are_grouped_by_the_day(world: World) -> None:
    alice = await world.person("alice")
    for number in range(2):
        for one in await world.people(f"a{number}", f"b{number}"):
            world.tick()
            await one.follow(alice)
        world.clock.advance(DAY_MS)
    found = await listed(alice)
    assert [(one["type"], one["notifications_count"]) for one in found] == [("follow", 2)] * 2
    assert found[0]["group_key"] != found[1]["group_key"]
    key = found[0]["group_key"]
    one = await alice.get(f"{PATH}/{key}")
    assert "page_min_id" not in one["notification_groups"][0]
    assert one["notification_groups"][0]["notifications_count"] == 2
    names = [each["username"] for each in await alice.get(f"{PATH}/{key}/accounts")]
    assert names == ["b1", "a1"]
    assert await alice.post(f"{PATH}/{key}/dismiss") == {}
    assert [one["group_key"] for one in await listed(alice)] == [found[1]["group_key"]]
    assert (await alice.call("GET", f"{PATH}/{key}")).status_code == 404
    assert len(await alice.get("/api/v1/notifications")) == 2


async def test_types_that_are_not_to_be_grouped_stand_alone(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    posted = await alice.status("hello")
    for person in (bob, carol):
        await like(world, person, posted)
        world.tick()
        await person.follow(alice)
    found = await listed(alice, **{"grouped_types[]": ["follow"]})
    counts = [(one["type"], one["notifications_count"]) for one in found]
    assert counts == [("follow", 2), ("favourite", 1), ("favourite", 1)]
    assert found[1]["group_key"].startswith("ungrouped-")
    found = await listed(alice, **{"types[]": ["favourite"]})
    assert [one["notifications_count"] for one in found] == [2]
    found = await listed(alice, **{"exclude_types[]": ["favourite"]})
    assert [one["type"] for one in found] == ["follow"]
    found = await listed(alice, account_id=bob.id)
    assert [one["type"] for one in found] == ["follow", "favourite"]


async def test_accounts_as_pictures_alone(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    posted = await alice.status("hello")
    for person in (bob, carol):
        await like(world, person, posted)
    found = await alice.get(PATH, expand_accounts="partial_avatars")
    assert [one["id"] for one in found["accounts"]] == [carol.id]
    assert [set(one) for one in found["partial_accounts"]] == [
        {"id", "acct", "url", "avatar", "avatar_static", "locked", "bot"}
    ]
    assert found["partial_accounts"][0]["id"] == bob.id
    response = await alice.call("GET", PATH, params={"expand_accounts": "none"})
    assert response.status_code == 422


async def test_an_unlike_a_block_and_a_suspension_count_less(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    posted = await alice.status("hello")
    for person in (bob, carol, dave):
        await like(world, person, posted)
    await like(world, alice, posted)
    assert (await listed(alice))[0]["notifications_count"] == 3
    await world.suspend(dave)
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (2, [carol.id, bob.id])
    await alice.post(f"/api/v1/accounts/{carol.id}/mute")
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (1, [bob.id])
    await bob.post(f"/api/v1/statuses/{posted['id']}/unfavourite")
    assert await listed(alice) == []
    await alice.post(f"/api/v1/accounts/{carol.id}/unmute")
    await world.reinstate(dave)
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (2, [dave.id, carol.id])


async def test_dismissing(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    posted = await alice.status("hello")
    for person in (bob, carol):
        await like(world, person, posted)
    newest = (await alice.get("/api/v1/notifications"))[0]
    await alice.post(f"/api/v1/notifications/{newest['id']}/dismiss")
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (1, [bob.id])
    assert group["most_recent_notification_id"] != newest["id"]
    await alice.post(f"{PATH}/{group['group_key']}/dismiss")
    assert await listed(alice) == []
    assert await alice.get("/api/v1/notifications") == []
    assert (await alice.call("POST", f"{PATH}/{group['group_key']}/dismiss")).status_code == 404
    await like(world, dave, posted)
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (1, [dave.id])
    reply = await bob.status("@alice hail")
    mention = (await listed(alice))[0]
    assert mention["status_id"] == reply["id"]
    await alice.post(f"{PATH}/{mention['group_key']}/dismiss")
    assert [one["type"] for one in await listed(alice)] == ["favourite"]
    world.tick()
    await alice.post(f"{PATH}/clear")
    assert await listed(alice) == []
    world.tick()
    await like(world, bob, await alice.status("again"))
    assert [one["notifications_count"] for one in await listed(alice)] == [1]


@pytest.mark.parametrize(
    "key",
    ["favourite-1", "favourite", "follow-0", "follow-99999999999", "ungrouped-0", "mention-1", "-"],
)
async def test_groups_there_are_not(world: World, key: str) -> None:
    alice = await world.person("alice")
    for method, path in (("GET", ""), ("GET", "/accounts"), ("POST", "/dismiss")):
        assert (await alice.call(method, f"{PATH}/{key}{path}")).status_code == 404


async def test_groups_of_others_are_not_found(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    await like(world, bob, posted)
    key = (await listed(alice))[0]["group_key"]
    assert (await bob.call("GET", f"{PATH}/{key}")).status_code == 404


async def test_what_is_unread(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    posted = await alice.status("hello")
    await like(world, bob, posted)
    world.tick()
    await bob.follow(alice)
    assert await alice.get(f"{PATH}/unread_count") == {"count": 2}
    newest = (await alice.get("/api/v1/notifications"))[0]["id"]

    await alice.post("/api/v1/markers", notifications={"last_read_id": newest})
    assert await alice.get(f"{PATH}/unread_count") == {"count": 0}
    assert await alice.get("/api/v1/notifications/unread_count") == {"count": 0}
    await like(world, carol, posted)
    assert await alice.get(f"{PATH}/unread_count") == {"count": 1}
    assert await alice.get("/api/v1/notifications/unread_count") == {"count": 1}
    assert await alice.get(f"{PATH}/unread_count", **{"types[]": "follow"}) == {"count": 0}


async def test_a_crowd_is_one_group_of_which_few_are_read(world: World) -> None:
    """Twenty thousand likes, most by accounts suspended since, and of some the owner hears not."""
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    world.tick()

    def crowd(tx: Transaction) -> None:
        fans = [bob.ordinal, *range(1000, 21_000)]
        tx.sets.add_many(SetKey(int(posted["id"]), SetKind.LIKES), fans)
        notifications.touch(tx, alice.ordinal, NotificationType.FAVOURITE, int(posted["id"]))

    await world.store.write(crowd)
    assert (await listed(alice))[0]["notifications_count"] == 20_001
    await alice.call("PATCH", f"{PATH}/policy", json={"for_not_following": "filter"})
    assert await listed(alice) == []
    await alice.follow(bob)
    group = (await listed(alice))[0]
    assert (group["notifications_count"], group["sample_account_ids"]) == (1, [bob.id])
    assert (await listed(alice, include_filtered=True))[0]["notifications_count"] == 20_001
    single = await alice.get("/api/v1/notifications")
    assert [one["account"]["id"] for one in single] == [bob.id]
