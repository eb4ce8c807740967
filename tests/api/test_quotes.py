"""Quotes: posting, who may, what is shown to whom, lists, counts, policies, revoking."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from tests.api.world import Person, World

from rostra.domain.statuses import QuotePolicy
from rostra.ports import Transaction


async def quote(person: Person, quoted: str, text: str = "see this", **body: Any) -> Any:
    return await person.status(text, quoted_status_id=quoted, **body)


async def one(person: Person, status_id: str) -> Any:
    return await person.get(f"/api/v1/statuses/{status_id}")


async def state(person: Person, status_id: str) -> str:
    """Return the state of a quote, and make sure that content is shown where it may be alone."""
    found = (await one(person, status_id))["quote"]
    with_content = found["state"] in ("accepted", "muted_account")
    assert (found["quoted_status"] is not None) == with_content
    return str(found["state"])


async def types(person: Person) -> list[str]:
    return [item["type"] for item in await person.get("/api/v1/notifications")]


async def test_a_quote_has_the_status_and_is_counted_and_listed(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    hers = (await alice.status("the source"))["id"]
    assert (await one(alice, hers))["quotes_count"] == 0
    his = await quote(bob, hers, "look at @alice")
    assert his["quote"]["state"] == "accepted"
    assert his["quote"]["quoted_status"]["content"] == "<p>the source</p>"
    assert his["quote"]["quoted_status"]["quote"] is None
    assert await types(alice) == ["quote"]
    again = await quote(carol, his["id"])
    inner = again["quote"]["quoted_status"]["quote"]
    assert inner == {"state": "accepted", "quoted_status_id": hers}
    boost = await carol.post(f"/api/v1/statuses/{his['id']}/reblog")
    assert boost["quote"] is None
    assert boost["reblog"]["quote"]["quoted_status"]["id"] == hers
    assert (await one(carol, hers))["quotes_count"] == 1
    listed = await carol.get(f"/api/v1/statuses/{hers}/quotes")
    assert [item["id"] for item in listed] == [his["id"]]
    anybody = (await world.get(f"/api/v1/statuses/{his['id']}")).json()
    assert anybody["quote"]["quoted_status"]["id"] == hers
    assert anybody["quote_approval"]["current_user"] == "denied"
    await bob.call("DELETE", f"/api/v1/statuses/{his['id']}")
    assert (await one(carol, hers))["quotes_count"] == 0


async def test_what_is_hidden_shows_its_state_and_no_content(world: World) -> None:
    """Row "Statuses, boosts of them, likes by it": in what quotes them as well."""
    alice, bob, carol = await world.people("alice", "bob", "carol")
    hers = (await alice.status("the source"))["id"]
    his = (await quote(bob, hers))["id"]
    assert await state(carol, his) == "accepted"
    await world.suspend(alice)
    assert await state(carol, his) == "unauthorized"
    await world.reinstate(alice)
    assert await state(carol, his) == "accepted"
    await carol.post(f"/api/v1/accounts/{alice.id}/mute")
    assert await state(carol, his) == "muted_account"
    await carol.post(f"/api/v1/accounts/{alice.id}/block")
    assert await state(carol, his) == "blocked_account"
    await carol.post(f"/api/v1/accounts/{alice.id}/unblock")
    await alice.post(f"/api/v1/accounts/{carol.id}/block")
    assert await state(carol, his) == "unauthorized"
    assert await state(bob, his) == "accepted"
    await alice.post(f"/api/v1/accounts/{bob.id}/block")
    assert await state(bob, his) == "unauthorized"
    await alice.call("DELETE", f"/api/v1/statuses/{hers}")
    assert await state(bob, his) == "deleted"


async def test_counts_follow_the_mask(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    hers = (await alice.status("the source"))["id"]
    await quote(bob, hers)
    await quote(bob, hers)
    await quote(carol, hers)
    assert (await one(alice, hers))["quotes_count"] == 3
    await world.suspend(bob)
    assert (await one(alice, hers))["quotes_count"] == 1
    assert len(await alice.get(f"/api/v1/statuses/{hers}/quotes")) == 1
    await world.reinstate(bob)
    assert (await one(alice, hers))["quotes_count"] == 3


async def test_who_may_quote(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await bob.follow(alice)

    async def said(**body: Any) -> tuple[str, Any]:
        status = await alice.status("x", **body)
        return status["id"], status["quote_approval"]

    for body, automatic, bobs, carols in (
        ({}, ["public"], "automatic", "automatic"),
        ({"quote_approval_policy": "followers"}, ["followers"], "automatic", "denied"),
        ({"quote_approval_policy": "nobody"}, [], "denied", "denied"),
        ({"visibility": "private", "quote_approval_policy": "public"}, [], "denied", None),
    ):
        status_id, own = await said(**body)
        assert own == {"automatic": automatic, "manual": [], "current_user": "automatic"}
        for person, expected in ((bob, bobs), (carol, carols)):
            if expected is not None:
                seen = (await one(person, status_id))["quote_approval"]["current_user"]
                assert seen == expected
            answer = await person.call(
                "POST", "/api/v1/statuses", json={"status": "y", "quoted_status_id": status_id}
            )
            code = {"automatic": 200, "denied": 422, None: 404}[expected]
            assert answer.status_code == code, (body, answer.text)
        assert (await quote(alice, status_id))["quote"]["state"] == "accepted"
    direct, approval = await said(visibility="direct")
    assert approval["current_user"] == "denied"
    answer = await alice.call(
        "POST", "/api/v1/statuses", json={"status": "y", "quoted_status_id": direct}
    )
    assert answer.status_code == 422


async def test_the_default_of_the_author(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = "/api/v1/accounts/update_credentials"
    source = {"quote_policy": "nobody"}
    mine = (await alice.call("PATCH", path, json={"source": source})).json()
    assert mine["source"]["quote_policy"] == "nobody"
    hers = (await alice.status("not this"))["id"]
    assert (await one(bob, hers))["quote_approval"]["current_user"] == "denied"
    open_ = await alice.status("but this", quote_approval_policy="public")
    assert open_["quote_approval"]["automatic"] == ["public"]
    refused = await alice.call("PATCH", path, json={"source": {"quote_policy": "friends"}})
    assert refused.status_code == 422


async def test_what_was_said_to_few_before_there_were_policies_is_quoted_by_nobody(
    world: World,
) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.follow(alice)
    said = int((await alice.status("for my own", visibility="private"))["id"])

    def change(tx: Transaction) -> None:
        status = tx.statuses.get(said)
        assert status is not None
        tx.statuses.update(status, replace(status, quote_policy=QuotePolicy.PUBLIC))

    await world.store.write(change)
    approval = (await one(bob, str(said)))["quote_approval"]
    assert approval == {"automatic": [], "manual": [], "current_user": "denied"}


async def test_a_quote_of_what_followers_see_is_for_no_more(world: World) -> None:
    [alice] = await world.people("alice")
    secret = (await alice.status("for my own", visibility="private"))["id"]
    assert (await quote(alice, secret))["visibility"] == "private"
    assert (await quote(alice, secret, visibility="direct"))["visibility"] == "direct"


async def test_changing_the_policy(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    hers = (await alice.status("the source"))["id"]
    his = (await quote(bob, hers))["id"]
    path = f"/api/v1/statuses/{hers}/interaction_policy"
    answer = await alice.call("PUT", path, json={"quote_approval_policy": "nobody"})
    assert answer.json()["quote_approval"]["automatic"] == []
    assert answer.json()["edited_at"] is None
    assert (await one(bob, hers))["quote_approval"]["current_user"] == "denied"
    assert await state(bob, his) == "accepted"
    body = {"quote_approval_policy": "public"}
    assert (await bob.call("PUT", path, json=body)).status_code == 403
    assert (await alice.call("PUT", path, json={})).status_code == 422
    assert (await alice.call("PUT", path, json=body)).status_code == 200


async def test_revoking(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    hers = (await alice.status("the source"))["id"]
    his = (await quote(bob, hers))["id"]
    path = f"/api/v1/statuses/{hers}/quotes/{his}/revoke"
    assert (await bob.call("POST", path)).status_code == 403
    assert (await alice.call("POST", path.replace(his, "5"))).status_code == 404
    revoked = await alice.post(path)
    assert revoked["id"] == his
    assert revoked["quote"] == {"state": "revoked", "quoted_status": None}
    await alice.post(path)  # again: harmless
    assert await state(bob, his) == "revoked"
    assert (await one(alice, hers))["quotes_count"] == 0
    assert await alice.get(f"/api/v1/statuses/{hers}/quotes") == []


async def test_who_quoted_is_told_of_an_edit(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    hers = (await alice.status("the source"))["id"]
    his = (await quote(bob, hers))["id"]
    world.tick(1000)
    answer = await alice.call("PUT", f"/api/v1/statuses/{hers}", json={"status": "changed"})
    assert answer.status_code == 200
    await world.jobs()
    [told] = await bob.get("/api/v1/notifications")
    assert (told["type"], told["status"]["id"]) == ("quoted_update", his)
    assert told["account"]["username"] == "alice"
    assert told["status"]["quote"]["quoted_status"]["content"] == "<p>changed</p>"


async def test_an_edit_keeps_the_quote(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    hers = (await alice.status("the source"))["id"]
    his = (await quote(bob, hers))["id"]
    answer = await bob.call("PUT", f"/api/v1/statuses/{his}", json={"status": "other words"})
    assert answer.json()["quote"]["quoted_status"]["id"] == hers
