"""Search as apps use it: who and what is found by whom, and what is hidden or deleted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.world import URL, Person, World

from rostra.services.discovery import search
from rostra.services.work import HANDLERS


async def found(person: Person, q: str, **params: Any) -> dict[str, Any]:
    """Return the results of a search."""
    result: dict[str, Any] = await person.get("/api/v2/search", q=q, **params)
    return result


async def texts(person: Person, q: str, **params: Any) -> list[str]:
    """Return the ids of the statuses that are found."""
    return [one["id"] for one in (await found(person, q, type="statuses", **params))["statuses"]]


async def names(person: Person, q: str, **params: Any) -> list[str]:
    """Return the handles that are found."""
    accounts = (await found(person, q, type="accounts", **params))["accounts"]
    return [one["acct"] for one in accounts]


# -- statuses --------------------------------------------------------------------------------------


async def test_only_those_who_let_themselves_be_found_are_found_by_others(world: World) -> None:
    open_, shy, reader = (
        await world.person("open", indexable=True),
        await world.person("shy"),
        await world.person("reader"),
    )
    public = await open_.status("A trireme at sea")
    await open_.status("A trireme for few", visibility="unlisted")
    await shy.status("My own trireme")
    assert await texts(reader, "trireme") == [public["id"]]
    assert len(await texts(shy, "trireme")) == 2
    assert len(await texts(shy, "trireme in:library")) == 1
    assert await texts(shy, "trireme in:public") == [public["id"]]
    anonymous = await world.get("/api/v2/search", q="trireme")
    assert anonymous.json()["statuses"] == []


async def test_what_one_had_to_do_with_is_found(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    liked = await alice.status("quinquereme one")
    kept = await alice.status("quinquereme two")
    boosted = await alice.status("quinquereme three")
    await alice.status("quinquereme four")
    told = await alice.status("@bob quinquereme five", visibility="direct")
    assert await texts(bob, "quinquereme") == [told["id"]]
    await bob.post(f"/api/v1/statuses/{liked['id']}/favourite")
    await bob.post(f"/api/v1/statuses/{kept['id']}/bookmark")
    await bob.post(f"/api/v1/statuses/{boosted['id']}/reblog")
    ids = [told["id"], boosted["id"], kept["id"], liked["id"]]
    assert await texts(bob, "quinquereme") == ids
    assert await texts(bob, "quinquereme", limit=2, offset=1) == ids[1:3]
    assert await texts(bob, "quinquereme", max_id=boosted["id"]) == ids[2:]
    assert await texts(bob, "quinquereme", min_id=kept["id"]) == ids[:2]
    assert await texts(bob, "quinquereme", account_id=bob.id) == []


async def test_operators(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    plain = await alice.status("harbour news", language="en")
    link = await alice.status("harbour map https://map.example/x", language="de")
    poll = await alice.status("harbour?", poll={"options": ["quay", "pier"], "expires_in": 3600})
    reply = await alice.status("harbour again", in_reply_to_id=plain["id"])
    warned = await alice.status("harbour rats", sensitive=True, spoiler_text="vermin")
    every = [warned["id"], reply["id"], poll["id"], link["id"], plain["id"]]
    for q, ids in (
        ("harbour", every),
        ("harbour from:me", every),
        ("from:@alice", every),
        ("harbour from:bob", []),
        ("harbour -from:alice", []),
        ("harbour has:link", [link["id"]]),
        ("harbour has:poll", [poll["id"]]),
        ("pier", [poll["id"]]),
        ("has:media", []),
        ("harbour is:reply", [reply["id"]]),
        ("harbour -is:reply is:sensitive", [warned["id"]]),
        ("vermin", [warned["id"]]),
        ("harbour language:de", [link["id"]]),
        ('"harbour news"', [plain["id"]]),
        ('"news harbour"', []),
        ("harbour -news -rats -map", [reply["id"], poll["id"]]),
        ("HARBOUR before:2001-01-01", []),
        ("harbour after:2001-01-01", every),
        ("harbour during:today", every),
        ("-news from:alice", every[:-1]),
    ):
        assert await texts(alice, q) == ids, q
    response = await bob.call("GET", "/api/v2/search", params={"q": "before:noon"})
    assert response.status_code == 422
    assert "2026-01-31" in response.json()["error"]


async def test_any_script_and_any_accent(world: World) -> None:
    alice = await world.person("alice")
    tower = await alice.status("昨日は東京タワーに行きました")
    cafe = await alice.status("Un café crème à Zürich")
    thai = await alice.status("ฉันรักกรุงเทพมาก")
    korean = await alice.status("서울에서 만나요")
    for q, one in (
        ("東京タワー", tower),
        ("京タ", tower),
        ("cafe creme", cafe),
        ("zurich", cafe),
        ("CAFÉ", cafe),
        ("กรุงเทพ", thai),
        ("서울", korean),
    ):
        assert await texts(alice, q) == [one["id"]], q
    assert await texts(alice, "京東") == []


HOSTILE = (
    '"',
    '""',
    '"unclosed',
    "*",
    "a*",
    "NEAR(a b)",
    "words : x",
    "{words facts} : x",
    "a AND",
    "OR OR",
    "NOT",
    "(",
    ")))",
    "^x",
    "a + b",
    "-",
    "--a",
    '-"',
    "from:",
    "from:\x00",
    "\x00",
    "a\x00b",
    "'; DROP TABLE statuses; --",
    "\ud7ff\u202e",
    "has:" * 200,
    "x " * 400,
    "facts:a1",
    "status_words",
    "\u0e31\u0e31",
    "#",
    "@",
    "@@",
    "https://here.example/",
    "https://here.example/users/",
    "https://here.example/@",
    "https://here.example/@alice/99999999999999999999",
)


@pytest.mark.parametrize("q", HOSTILE)
async def test_no_query_is_too_strange(world: World, q: str) -> None:
    alice = await world.person("alice")
    await alice.status("words : x NEAR ( a b ) #tag")
    for type_ in ("", "accounts", "statuses", "hashtags"):
        response = await alice.call("GET", "/api/v2/search", params={"q": q, "type": type_})
        assert response.status_code in (200, 422), response.text
    response = await alice.call("GET", "/api/v1/accounts/search", params={"q": q})
    assert response.status_code == 200


async def test_edits_and_deletions_are_followed(world: World) -> None:
    alice = await world.person("alice", indexable=True)
    first = await alice.status("galley")
    boost = await alice.post(f"/api/v1/statuses/{first['id']}/reblog")
    assert await texts(alice, "galley") == [first["id"]]
    response = await alice.call("DELETE", f"/api/v1/statuses/{first['id']}")
    assert response.status_code == 200
    assert await texts(alice, "galley") == []
    assert boost["id"] != first["id"]


async def test_the_index_can_be_made_anew(world: World) -> None:
    alice = await world.person("alice", display_name="Wonder")
    said = [(await alice.status(f"skiff {number}"))["id"] for number in range(5)]
    await search.rebuild(world.ctx)
    assert await texts(alice, "skiff") == []
    assert await names(alice, "wonder") == []
    later = await alice.status("skiff at last")
    await world.jobs()
    assert await texts(alice, "skiff") == [later["id"], *said[::-1]]
    assert await names(alice, "wonder") == ["alice"]
    assert HANDLERS["index_words"] is search.index_words


async def test_blocks_and_mutes_hold_in_search(world: World) -> None:
    alice, bob = await world.person("alice", indexable=True), await world.person("bob")
    said = await alice.status("brigantine")
    assert await texts(bob, "brigantine") == [said["id"]]
    await bob.post(f"/api/v1/accounts/{alice.id}/mute")
    assert await texts(bob, "brigantine") == []
    await bob.post(f"/api/v1/accounts/{alice.id}/unmute")
    await alice.post(f"/api/v1/accounts/{bob.id}/block")
    assert await texts(bob, "brigantine") == []
    assert await names(bob, "ali") == []
    assert await names(bob, "alice") == ["alice"]  # how one would block in turn


async def test_row_search_is_filtered_when_queried(world: World) -> None:
    """Row "Search, suggestions, trends": filtered when queried, at once; found at once after."""
    star, fan = await world.person("star", indexable=True), await world.person("fan")
    said = await star.status("corvette #regatta")
    assert await texts(fan, "corvette") == [said["id"]]
    assert await names(fan, "sta") == ["star"]
    assert len((await found(fan, "#regatta"))["hashtags"]) == 1
    await world.suspend(star)
    assert await texts(fan, "corvette") == []
    assert await names(fan, "sta") == []
    assert (await found(fan, "#regatta"))["hashtags"] == []
    assert (await found(fan, f"{URL}/@star"))["accounts"] == []
    await world.reinstate(star)
    assert await texts(fan, "corvette") == [said["id"]]
    assert await names(fan, "sta") == ["star"]
    assert len((await found(fan, "#regatta"))["hashtags"]) == 1


# -- accounts --------------------------------------------------------------------------------------


async def test_accounts_are_found_by_words_of_their_names_best_first(world: World) -> None:
    reader = await world.person("reader")
    exact = await world.person("mary")
    await world.person("mary_jane")
    popular = await world.person("other", display_name="Queen Mary")
    friend = await world.person("friend", display_name="Máry Ann")
    await reader.follow(popular)
    await exact.follow(popular)
    assert await names(reader, "mary") == ["mary", "other", "mary_jane", "friend"]
    await reader.follow(friend)
    assert await names(reader, "mary") == ["mary", "other", "friend", "mary_jane"]
    assert await names(reader, "mary", following="true") == ["other", "friend"]
    assert await names(reader, "mary", limit=1, offset=1) == ["other"]
    assert await names(reader, "jane mary") == ["mary_jane"]
    assert (await names(reader, "@mary@here.example"))[0] == "mary"
    assert await names(reader, "@mary@there.example") == []
    v1 = await reader.get("/api/v1/accounts/search", q="mar", following="true")
    assert [one["acct"] for one in v1] == ["other", "friend"]


async def test_a_new_name_is_found_and_the_old_one_is_not(world: World) -> None:
    alice = await world.person("alice", display_name="Liddell")
    assert await names(alice, "liddell") == ["alice"]
    response = await alice.call(
        "PATCH", "/api/v1/accounts/update_credentials", json={"display_name": "Pleasance"}
    )
    assert response.status_code == 200
    assert await names(alice, "liddell") == []
    assert await names(alice, "pleas") == ["alice"]


# -- addresses and hashtags ------------------------------------------------------------------------


async def test_addresses_of_this_server_lead_to_what_they_name(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    said = await alice.status("private words", visibility="private")
    for typed in (f"{URL}/@alice", f"{URL}/users/alice", f" {URL}/@ALICE/ "):
        result = await found(bob, typed)
        assert [one["acct"] for one in result["accounts"]] == ["alice"]
    assert (await found(alice, said["url"]))["statuses"][0]["id"] == said["id"]
    assert (await found(alice, said["uri"], resolve="true"))["statuses"][0]["id"] == said["id"]
    assert (await found(bob, said["url"]))["statuses"] == []
    assert (await found(bob, f"{URL}/@alice", type="statuses"))["accounts"] == []


async def test_hashtags_are_found_by_their_beginning(world: World) -> None:
    alice = await world.person("alice")
    await alice.status("#Sail #sailing #sails #other")
    await alice.status("#sailor", visibility="private")
    tags = (await found(alice, "#SAIL"))["hashtags"]
    assert [tag["name"] for tag in tags] == ["sail", "sailing", "sails"]
    assert tags[0]["url"] == f"{URL}/tags/sail"
    assert (await found(alice, "sai", type="hashtags", limit=1, offset=1))["hashtags"][0][
        "name"
    ] == "sailing"
