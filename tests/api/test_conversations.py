"""Direct conversations: GET /api/v1/conversations, read, unread, remove."""

from __future__ import annotations

from typing import Any

from tests.api.world import Person, World

PATH = "/api/v1/conversations"


async def tell(person: Person, text: str, **body: Any) -> str:
    status = await person.status(text, visibility="direct", **body)
    found: str = status["id"]
    return found


async def seen(person: Person) -> list[tuple[str, bool]]:
    """Return the last status and whether it is unread, of each conversation."""
    return [(one["last_status"]["id"], one["unread"]) for one in await person.get(PATH)]


async def test_a_conversation_is_unread_for_others_until_read(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    first = await tell(alice, "@bob a word")
    await alice.status("not direct @bob")
    assert await seen(alice) == [(first, False)]
    assert await seen(bob) == [(first, True)]
    assert await seen(carol) == []
    [conversation] = await bob.get(PATH)
    assert [account["username"] for account in conversation["accounts"]] == ["alice"]
    read = await bob.post(f"{PATH}/{conversation['id']}/read")
    assert (read["unread"], read["id"]) == (False, conversation["id"])
    answer = await tell(bob, "@alice @carol two", in_reply_to_id=first)
    assert await seen(alice) == await seen(carol) == [(answer, True)]
    assert await seen(bob) == [(answer, False)]
    assert (await bob.post(f"{PATH}/{conversation['id']}/unread"))["unread"]
    assert (await carol.call("POST", f"{PATH}/5/read")).status_code == 404


async def test_the_newest_conversation_comes_first_and_pages_follow(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    roots = []
    for number in range(3):
        world.tick()
        roots.append(await tell(alice, f"@bob number {number}"))
    world.tick()
    answer = await tell(bob, "@alice back to the first", in_reply_to_id=roots[0])
    assert [last for last, _ in await seen(bob)] == [answer, roots[2], roots[1]]
    first = await bob.call("GET", PATH, params={"limit": 2})
    assert f"max_id={roots[2]}" in first.headers["link"]
    rest = await bob.get(PATH, max_id=roots[2])
    assert [one["last_status"]["id"] for one in rest] == [roots[1]]


async def test_removing_and_deleting(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first = await tell(alice, "@bob one")
    second = await tell(alice, "@bob two", in_reply_to_id=first)
    assert await seen(bob) == [(second, True)]
    await alice.call("DELETE", f"/api/v1/statuses/{second}")
    assert await seen(bob) == [(first, True)]
    gone = await bob.call("DELETE", f"{PATH}/{first}")
    assert (gone.status_code, gone.json()) == (200, {})
    assert await seen(bob) == []
    assert await seen(alice) == [(first, False)]
    assert (await bob.call("DELETE", f"{PATH}/{first}")).status_code == 404
    third = await tell(alice, "@bob three", in_reply_to_id=first)
    assert await seen(bob) == [(third, True)]
    for status_id in (first, third):
        await alice.call("DELETE", f"/api/v1/statuses/{status_id}")
    assert await seen(bob) == await seen(alice) == []


async def test_what_is_hidden_is_passed_over_and_back(world: World) -> None:
    """Row "Statuses, boosts of them, likes by it": direct ones too."""
    alice, bob, carol = await world.people("alice", "bob", "carol")
    first = await tell(bob, "@alice @carol one")
    second = await tell(carol, "@alice @bob two", in_reply_to_id=first)
    alone = await tell(carol, "@alice something else")
    await world.suspend(carol)
    assert await seen(alice) == [(first, True)]
    assert [one["username"] for one in (await alice.get(PATH))[0]["accounts"]] == ["bob"]
    await world.reinstate(carol)
    assert await seen(alice) == [(alone, True), (second, True)]
    await alice.post(f"/api/v1/accounts/{carol.id}/block")
    assert await seen(alice) == [(first, True)]
    await tell(carol, "@alice unheard")
    assert await seen(alice) == [(first, True)]


async def test_an_edit_changes_who_is_in_it(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    said = await tell(alice, "@bob a word")
    answer = await alice.call("PUT", f"/api/v1/statuses/{said}", json={"status": "@carol a word"})
    assert answer.status_code == 200
    assert await seen(bob) == []
    assert await seen(carol) == [(said, True)]


async def test_a_note_to_oneself(world: World) -> None:
    [alice] = await world.people("alice")
    said = await tell(alice, "remember the milk")
    assert await seen(alice) == [(said, False)]
    [conversation] = await alice.get(PATH)
    assert [account["username"] for account in conversation["accounts"]] == ["alice"]
