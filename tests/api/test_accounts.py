"""Accounts: finding them, what they have, and one's own."""

from __future__ import annotations

from tests.api.world import URL, World

ACCOUNT_FIELDS = {
    "id",
    "username",
    "acct",
    "display_name",
    "locked",
    "bot",
    "discoverable",
    "indexable",
    "group",
    "created_at",
    "note",
    "url",
    "uri",
    "avatar",
    "avatar_static",
    "header",
    "header_static",
    "followers_count",
    "following_count",
    "statuses_count",
    "last_status_at",
    "hide_collections",
    "noindex",
    "emojis",
    "roles",
    "fields",
}


async def test_no_identity_proofs_are_told(world: World) -> None:
    alice = await world.person("alice")
    answer = await world.get(f"/api/v1/accounts/{alice.id}/identity_proofs")
    assert (answer.status_code, answer.json()) == (200, [])
    assert (await world.get("/api/v1/accounts/9/identity_proofs")).status_code == 404


async def test_an_account_has_every_field(world: World) -> None:
    alice = await world.person("alice", display_name="Alice", note="I like\nships")
    entity = (await world.get(f"/api/v1/accounts/{alice.id}")).json()
    assert set(entity) == ACCOUNT_FIELDS
    assert entity["id"] == alice.id
    assert entity["acct"] == "alice"
    assert entity["url"] == f"{URL}/@alice"
    assert entity["uri"] == f"{URL}/users/alice"
    assert entity["note"] == "<p>I like<br />ships</p>"
    assert entity["created_at"] == "2026-01-01T00:00:00.000Z"
    assert entity["followers_count"] == entity["statuses_count"] == 0
    assert entity["last_status_at"] is None


async def test_counts_follow_what_happens(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = f"/api/v1/accounts/{bob.id}"
    assert (await world.get(path)).json()["followers_count"] == 0
    await alice.follow(bob)
    assert (await world.get(path)).json()["followers_count"] == 1
    assert (await alice.get(f"/api/v1/accounts/{alice.id}"))["following_count"] == 1
    await bob.status("hello")
    entity = (await world.get(path)).json()
    assert entity["statuses_count"] == 1
    assert entity["last_status_at"] == "2026-01-01"
    await alice.post(f"{path}/unfollow")
    assert (await world.get(path)).json()["followers_count"] == 0


async def test_lookup_and_many(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    for acct in ("alice", "@alice", "Alice", "alice@here.example"):
        response = await world.get("/api/v1/accounts/lookup", acct=acct)
        assert response.json()["id"] == alice.id
    for acct in ("nobody", "alice@elsewhere.example", "", "@"):
        assert (await world.get("/api/v1/accounts/lookup", acct=acct)).status_code == 404
    params = {"id[]": [bob.id, "77", "x", alice.id, bob.id]}
    found = await world.client.get("/api/v1/accounts", params=params)
    assert [one["id"] for one in found.json()] == [bob.id, alice.id]


async def test_search_needs_an_account(world: World) -> None:
    alice, bob = await world.people("alice", "alicia")
    response = await world.get("/api/v1/accounts/search", q="ali")
    assert response.status_code == 401
    found = await bob.get("/api/v1/accounts/search", q="ali")
    assert {one["id"] for one in found} == {alice.id, bob.id}
    assert len(await bob.get("/api/v1/accounts/search", q="ali", limit=1)) == 1


async def test_unknown_accounts_are_not_found(world: World) -> None:
    for wrong in ("1", "0", "-1", "abc", "9" * 19, "9" * 300, "١٢", "1.5"):
        for path in ("", "/statuses", "/followers", "/following"):
            response = await world.get(f"/api/v1/accounts/{wrong}{path}")
            assert response.status_code == 404, (wrong, path)
            assert response.json() == {"error": "Record not found"}


async def test_ones_own_account(world: World) -> None:
    alice = await world.person("alice", note="plain", locked=True)
    bob = await world.person("bob")
    await bob.follow(alice)
    entity = await alice.get("/api/v1/accounts/verify_credentials")
    assert set(entity) == ACCOUNT_FIELDS | {"source", "role"}
    assert entity["source"] == {
        "privacy": "public",
        "sensitive": False,
        "language": None,
        "quote_policy": "public",
        "note": "plain",
        "fields": [],
        "follow_requests_count": 1,
        "hide_collections": False,
        "discoverable": True,
        "indexable": False,
        "attribution_domains": [],
    }
    assert entity["role"]["name"] == ""


async def test_updating_in_each_form_of_body(world: World) -> None:
    alice = await world.person("alice")
    path = "/api/v1/accounts/update_credentials"
    fields = {"fields_attributes[0][name]": "Home", "fields_attributes[0][value]": "Rome"}
    form = {"display_name": "Alice A.", "bot": "true", "source[privacy]": "unlisted", **fields}
    response = await alice.call("PATCH", path, data=form)
    assert response.status_code == 200, response.text
    entity = response.json()
    assert entity["display_name"] == "Alice A."
    assert entity["bot"] is True
    assert entity["source"]["privacy"] == "unlisted"
    assert entity["fields"] == [{"name": "Home", "value": "Rome", "verified_at": None}]

    body = {"note": "hi", "fields_attributes": {"0": {"name": "a", "value": "b"}}, "bot": False}
    entity = (await alice.call("PATCH", path, json=body)).json()
    assert entity["source"]["note"] == "hi"
    assert entity["source"]["fields"] == [{"name": "a", "value": "b", "verified_at": None}]
    assert entity["bot"] is False
    assert entity["display_name"] == "Alice A."

    multipart = {"display_name": (None, "Ally"), "locked": (None, "1")}
    entity = (await alice.call("PATCH", path, files=multipart)).json()
    assert entity["display_name"] == "Ally"
    assert entity["locked"] is True

    picture = {"avatar": ("me.png", b"\x89PNG", "image/png")}
    response = await alice.call("PATCH", path, files=picture)
    assert response.status_code == 422
    response = await alice.call("PATCH", path, json={"display_name": "x" * 31})
    assert response.status_code == 422
    assert response.json()["error"].startswith("Validation failed: ")


async def test_lists_are_paged_by_link_headers(world: World) -> None:
    star = await world.person("star")
    fans = [await world.person(f"fan{number}") for number in range(7)]
    for fan in fans:
        world.tick()
        await fan.follow(star)
    address = f"{URL}/api/v1/accounts/{star.id}/followers?limit=3"
    seen: list[str] = []
    response = await world.client.get(address)
    while True:
        seen += [one["username"] for one in response.json()]
        if "next" not in response.links:
            break
        assert response.links["next"]["url"].startswith(f"{address}&max_id=")
        response = await world.client.get(response.links["next"]["url"])
    assert seen == [fan.name for fan in reversed(fans)]

    first = await world.client.get(address)
    late = await world.person("late")
    world.tick()
    await late.follow(star)
    newer = await world.client.get(first.links["prev"]["url"])
    assert [one["username"] for one in newer.json()] == ["late"]


async def test_hidden_collections_are_empty_for_others(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.follow(alice)
    await alice.call(
        "PATCH", "/api/v1/accounts/update_credentials", json={"hide_collections": True}
    )
    path = f"/api/v1/accounts/{alice.id}/followers"
    assert await bob.get(path) == []
    assert [one["id"] for one in await alice.get(path)] == [bob.id]


async def test_statuses_of_an_account(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first = await alice.status("one #ships")
    world.tick()
    reply = await alice.status("two", in_reply_to_id=first["id"])
    world.tick()
    theirs = await bob.status("three")
    world.tick()
    boost = await alice.post(f"/api/v1/statuses/{theirs['id']}/reblog")
    private = await alice.status("for followers", visibility="private")
    path = f"/api/v1/accounts/{alice.id}/statuses"

    async def ids(**params: object) -> list[str]:
        return [one["id"] for one in (await world.get(path, **params)).json()]

    assert await ids() == [boost["id"], reply["id"], first["id"]]
    assert await ids(exclude_reblogs="true") == [reply["id"], first["id"]]
    assert await ids(tagged="ships") == [first["id"]]
    assert await ids(pinned="1") == []
    assert await ids(limit=1) == [boost["id"]]
    assert await ids(max_id=reply["id"]) == [first["id"]]
    assert await ids(min_id=first["id"], limit=1) == [reply["id"]]
    mine = await alice.get(path)
    assert mine[0]["id"] == private["id"]


async def test_familiar_followers(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await alice.follow(bob)
    await bob.follow(carol)
    found = await alice.get("/api/v1/accounts/familiar_followers", **{"id[]": carol.id})
    assert [one["id"] for one in found] == [carol.id]
    assert [one["id"] for one in found[0]["accounts"]] == [bob.id]
