"""The admin API of accounts."""

from __future__ import annotations

from tests.api.world import World

FIELDS = {
    "id",
    "username",
    "domain",
    "created_at",
    "email",
    "ip",
    "ips",
    "locale",
    "invite_request",
    "role",
    "confirmed",
    "approved",
    "disabled",
    "silenced",
    "suspended",
    "sensitized",
    "account",
}
PATH = "/api/v1/admin/accounts"


async def test_suspending_and_reinstating(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    one = f"{PATH}/{alice.id}"
    entity = await mod.get(one)
    assert set(entity) == FIELDS
    assert entity["suspended"] is False
    assert entity["account"]["id"] == alice.id
    assert await mod.post(f"{one}/action", type="suspend", text="Spam\nagain and again") == {}
    assert (await mod.get(one))["suspended"] is True
    entity = await mod.post(f"{one}/unsuspend")
    assert set(entity) == FIELDS
    assert entity["suspended"] is False
    response = await mod.call("POST", f"{one}/unsuspend")
    assert response.status_code == 403
    assert response.json() == {"error": "This action is not allowed"}


async def test_a_warning_changes_nothing(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    assert await mod.post(f"{PATH}/{alice.id}/action", type="none", text="Mind the tone") == {}
    found = await alice.get("/api/v1/notifications")
    assert [one["type"] for one in found] == ["moderation_warning"]


async def test_accounts_of_some_roles(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    both = [alice.id, mod.id]
    for roles, expected in (["1"], [mod.id]), (["-99", "1"], both), (["3"], []), (["7"], []):
        found = await mod.get("/api/v2/admin/accounts", **{"role_ids[]": roles})
        assert sorted(one["id"] for one in found) == sorted(expected)


async def test_wrong_actions(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    for body in ({}, {"type": "delete"}, {"type": "explode"}, {"type": 5}):
        response = await mod.call("POST", f"{PATH}/{alice.id}/action", json=body)
        assert response.status_code == 422, body
    response = await mod.call("POST", f"{PATH}/9/action", json={"type": "suspend"})
    assert response.status_code == 404


async def test_listing(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    mod = await world.moderator()
    await mod.post(f"{PATH}/{alice.id}/action", type="suspend")
    world.tick()
    await mod.post(f"{PATH}/{bob.id}/action", type="suspend")
    await mod.post(f"{PATH}/{carol.id}/action", type="silence")

    async def names(path: str, **params: object) -> list[str]:
        return [one["username"] for one in await mod.get(path, **params)]

    assert await names(PATH) == ["mod", "carol", "bob", "alice"]
    assert await names(PATH, suspended="true") == ["bob", "alice"]
    assert await names("/api/v2/admin/accounts", status="suspended") == ["bob", "alice"]
    assert await names(PATH, silenced="true") == ["carol"]
    assert await names(PATH, active="true") == ["mod", "carol"]
    assert await names(PATH, staff="true") == ["mod"]
    assert await names("/api/v2/admin/accounts", permissions="staff") == ["mod"]
    assert await names(PATH, username="al") == ["alice"]
    assert await names(PATH, remote="true") == []
    assert await names(PATH, pending="true") == []
    seen: list[str] = []
    response = await mod.call("GET", PATH, params={"suspended": "true", "limit": 1})
    while response.json():
        seen += [one["username"] for one in response.json()]
        response = await mod.call("GET", response.links["next"]["url"])
    assert seen == ["bob", "alice"]


async def test_only_moderators_with_the_scope(world: World) -> None:
    alice, mod = await world.person("alice"), await world.moderator()
    plain = await world.moderator("plain", scopes="read write")
    reader = await world.moderator("reader", scopes="admin:read:accounts")
    for path in (PATH, f"{PATH}/{alice.id}", "/api/v2/admin/accounts"):
        assert (await world.get(path)).status_code == 401
        assert (await alice.call("GET", path)).status_code == 403
        assert (await plain.call("GET", path)).status_code == 403
        assert (await reader.call("GET", path)).status_code == 200
        assert (await mod.call("GET", path)).status_code == 200
    act = f"{PATH}/{alice.id}/action"
    for person in (alice, plain, reader):
        assert (await person.call("POST", act, json={"type": "suspend"})).status_code == 403
