"""What one likes and keeps: GET /api/v1/favourites and /api/v1/bookmarks."""

from __future__ import annotations

import re

from tests.api.world import Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.services.work import HANDLERS

FAVOURITES = "/api/v1/favourites"
BOOKMARKS = "/api/v1/bookmarks"


async def ids(person: Person, path: str, **params: object) -> list[str]:
    return [one["id"] for one in await person.get(path, **params)]


async def acted(person: Person, act: str, status_id: str) -> None:
    await person.post(f"/api/v1/statuses/{status_id}/{act}")


async def test_the_lists_are_in_the_order_of_the_acts(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = [(await alice.status(f"number {n}"))["id"] for n in range(4)]
    for status_id in (said[2], said[0], said[3]):
        world.tick()
        await acted(bob, "favourite", status_id)
    await acted(bob, "bookmark", said[1])
    assert await ids(bob, FAVOURITES) == [said[3], said[0], said[2]]
    assert await ids(bob, BOOKMARKS) == [said[1]]
    assert await ids(alice, FAVOURITES) == []
    await acted(bob, "unfavourite", said[0])
    await acted(bob, "unbookmark", said[1])
    assert await ids(bob, FAVOURITES) == [said[3], said[2]]
    assert await ids(bob, BOOKMARKS) == []
    listed = await bob.get(FAVOURITES)
    assert all(one["favourited"] for one in listed)


async def test_pages_are_linked_by_position(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = [(await alice.status(f"number {n}"))["id"] for n in range(5)]
    for status_id in said[::-1]:  # in one tick: each has a place of its own all the same
        await acted(bob, "favourite", status_id)
    seen: list[str] = []
    path = FAVOURITES + "?limit=2"
    while path:
        answer = await bob.call("GET", path)
        seen += [one["id"] for one in answer.json()]
        link = answer.headers.get("link", "")
        following = re.search(r'<([^>]*)>; rel="next"', link)
        path = following.group(1) if following else ""
    assert seen == said
    first = await bob.call("GET", FAVOURITES + "?limit=2")
    previous = re.search(r'<([^>]*)>; rel="prev"', first.headers["link"])
    assert previous is not None
    assert (await bob.call("GET", previous.group(1))).json() == []


async def test_what_is_hidden_is_left_out_and_comes_back(world: World) -> None:
    """Row "Statuses, boosts of them, likes by it": in the lists of those who like and keep them."""
    alice, bob, carol = await world.people("alice", "bob", "carol")
    hers, his = (await alice.status("hers"))["id"], (await carol.status("his"))["id"]
    for status_id in (hers, his):
        await acted(bob, "favourite", status_id)
        await acted(bob, "bookmark", status_id)
    await world.suspend(alice)
    assert await ids(bob, FAVOURITES) == await ids(bob, BOOKMARKS) == [his]
    await world.reinstate(alice)
    assert await ids(bob, FAVOURITES) == await ids(bob, BOOKMARKS) == [his, hers]
    await bob.post(f"/api/v1/accounts/{alice.id}/mute")
    await carol.post(f"/api/v1/accounts/{bob.id}/block")
    assert await ids(bob, FAVOURITES) == []


async def test_a_deleted_status_goes_from_the_lists(world: World) -> None:
    alice, *others = await world.people("alice", "bob", "carol", "dan")
    said = (await alice.status("soon gone"))["id"]
    for one in others:
        await acted(one, "favourite", said)
        await acted(one, "bookmark", said)
        await acted(one, "reblog", said)
    await alice.call("DELETE", f"/api/v1/statuses/{said}")
    assert await ids(others[0], FAVOURITES) == []
    assert await ids(others[0], f"/api/v1/accounts/{others[0].id}/statuses") == []
    await world.jobs()
    with world.store.read() as snap:
        for kind in (SetKind.LIKES, SetKind.BOOKMARKS, SetKind.BOOSTS):
            assert snap.sets.size(SetKey(int(said), kind)) == 0
        assert snap.collected.page(others[0].ordinal, SetKind.LIKES, limit=5) == []
        assert snap.statuses.boosts(int(said), limit=5) == []


async def test_sets_from_before_there_were_lists_are_brought_in(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = [int((await alice.status(f"number {n}"))["id"]) for n in range(3)]
    await world.store.write(
        lambda tx: [tx.sets.add(SetKey(one, SetKind.LIKES), bob.ordinal) for one in said]
    )
    await acted(bob, "favourite", str(said[0]))
    assert await ids(bob, FAVOURITES) == []
    assert await HANDLERS["collect_again"](world.ctx) == 3
    assert await HANDLERS["collect_again"](world.ctx) == 0
    assert sorted(await ids(bob, FAVOURITES)) == [str(one) for one in said]


async def test_who_may_ask(world: World) -> None:
    [alice] = await world.people("alice")
    assert (await world.get(FAVOURITES)).status_code == 401
    narrow = await world.person("narrow", scopes="read:statuses")
    assert (await narrow.call("GET", BOOKMARKS)).status_code == 403
    assert await ids(alice, BOOKMARKS, limit=0) == []
