"""Who may not sign up, as moderators decide it; and those who wait to be let in."""

from __future__ import annotations

import pytest
from tests.api.world import Person, World

PATH = "/api/v1/admin"
PASSWORD = "a platform of ships' prows"


async def test_blocking_a_network(world: World) -> None:
    mod = await world.moderator()
    made = await mod.post(
        f"{PATH}/ip_blocks",
        ip="192.0.2.7/24",
        severity="sign_up_block",
        comment="a farm",
        expires_in=3600,
    )
    assert (made["ip"], made["severity"]) == ("192.0.2.0/24", "sign_up_block")
    assert made["expires_at"] is not None
    one = f"{PATH}/ip_blocks/{made['id']}"
    assert await mod.get(f"{PATH}/ip_blocks") == [made] == [await mod.get(one)]
    changed = (await mod.call("PUT", one, json={"severity": "no_access"})).json()
    assert changed == made | {"severity": "no_access"}
    assert (await mod.call("DELETE", one)).json() == {}
    assert (await mod.call("GET", one)).status_code == 404
    assert (await mod.call("DELETE", one)).status_code == 404


async def test_blocking_a_domain_of_addresses(world: World) -> None:
    mod = await world.moderator()
    path = f"{PATH}/email_domain_blocks"
    made = await mod.post(path, domain="Spam.Example")
    assert made["domain"] == "spam.example"
    assert len(made["history"]) == 7
    assert (await mod.call("POST", path, json={"domain": "spam.example"})).status_code == 422
    assert await mod.get(path) == [made]
    answer = await sign_up(world, "ann", "ann@spam.example")
    assert answer.status_code == 422
    assert (await mod.call("DELETE", f"{path}/{made['id']}")).json() == {}
    assert (await sign_up(world, "ann", "ann@spam.example")).status_code == 200


async def test_blocking_a_mailbox_under_all_its_spellings(world: World) -> None:
    mod = await world.moderator()
    path = f"{PATH}/canonical_email_blocks"
    made = await mod.post(path, email="Some.One+tag@mail.example")
    assert await mod.post(f"{path}/test", email="someone@mail.example") == [made]
    assert await mod.post(f"{path}/test", email="someone.else@mail.example") == []
    assert (await sign_up(world, "ann", "some.one@mail.example")).status_code == 422
    again = await mod.post(path, canonical_email_hash=made["canonical_email_hash"])
    assert again == made
    assert (await mod.call("DELETE", f"{path}/{made['id']}")).json() == {}
    assert await mod.get(path) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ip_blocks", {"ip": "nowhere", "severity": "no_access"}),
        ("ip_blocks", {"ip": "192.0.2.1", "severity": "much"}),
        ("ip_blocks", {"ip": "192.0.2.1", "severity": "no_access", "expires_in": -1}),
        ("ip_blocks", {"ip": "192.0.2.1", "severity": "no_access", "expires_in": 10**15}),
        ("email_domain_blocks", {"domain": ""}),
        ("canonical_email_blocks", {}),
        ("canonical_email_blocks/test", {}),
    ],
)
async def test_what_is_no_block(world: World, path: str, body: dict[str, object]) -> None:
    mod = await world.moderator()
    answer = await mod.call("POST", f"{PATH}/{path}", json=body)
    assert answer.status_code == 422, answer.text


async def test_nobody_but_moderators_blocks(world: World) -> None:
    ann = await world.person("ann")
    for path in ("ip_blocks", "email_domain_blocks", "canonical_email_blocks"):
        assert (await ann.call("GET", f"{PATH}/{path}")).status_code == 403
        assert (await ann.call("POST", f"{PATH}/{path}", json={})).status_code == 403


# -- approval --------------------------------------------------------------------------------------


async def sign_up(world: World, name: str, email: str) -> object:
    return await world.client.post(
        "/api/v1/accounts",
        json={
            "username": name,
            "email": email,
            "password": PASSWORD,
            "agreement": True,
            "reason": "I speak well",
        },
        headers=await world.application_token(),
    )


@pytest.fixture
async def closed(tmp_path_factory: pytest.TempPathFactory) -> object:
    world = World(tmp_path_factory.mktemp("closed"), registrations="approval")
    yield world
    await world.close()


async def waiting(world: World, mod: Person, name: str) -> dict[str, object]:
    answer = await sign_up(world, name, f"{name}@mail.example")
    assert answer.status_code == 200, answer.text  # type: ignore[attr-defined]
    found = await mod.get("/api/v2/admin/accounts", status="pending")
    (account,) = [each for each in found if each["username"] == name]
    return account  # type: ignore[no-any-return]


async def test_a_moderator_lets_somebody_in(closed: World) -> None:
    mod = await closed.moderator()
    account = await waiting(closed, mod, "ann")
    assert (account["approved"], account["invite_request"]) == (False, "I speak well")
    assert account["created_by_application_id"]
    done = await mod.post(f"{PATH}/accounts/{account['id']}/approve")
    assert done["approved"] is True
    assert await mod.get("/api/v2/admin/accounts", status="pending") == []
    assert (await closed.get(f"/api/v1/accounts/{account['id']}")).status_code == 200
    again = await mod.call("POST", f"{PATH}/accounts/{account['id']}/approve")
    assert again.status_code == 403


async def test_a_moderator_turns_somebody_down(closed: World) -> None:
    mod = await closed.moderator()
    account = await waiting(closed, mod, "ann")
    done = await mod.post(f"{PATH}/accounts/{account['id']}/reject")
    assert done["username"] == "ann"
    assert await mod.get("/api/v2/admin/accounts", status="pending") == []
    assert (await closed.get("/api/v1/accounts/lookup", acct="ann")).status_code == 404


async def test_reinstatement_row_the_email_block_is_lifted_in_the_same_transaction(
    world: World,
) -> None:
    """Handle: same handle; e-mail block lifted in the same transaction."""
    mod = await world.moderator()
    ann = await world.citizen("ann")
    path = f"{PATH}/canonical_email_blocks"
    one = f"{PATH}/accounts/{ann.id}"
    await mod.post(f"{one}/action", type="suspend", text="Spam")
    assert (await sign_up(world, "eve", "a.n.n+x@here.example")).status_code == 422
    assert len(await mod.get(path)) == 1
    with world.store.read() as snap:
        before = snap.seq
    await mod.post(f"{one}/unsuspend")
    with world.store.read() as snap:
        assert snap.seq == before + 1
    assert await mod.get(path) == []
    assert (await sign_up(world, "eve", "a.n.n+x@here.example")).status_code == 200


async def test_a_moderators_own_block_of_an_address_stays(world: World) -> None:
    mod = await world.moderator()
    ann = await world.citizen("ann")
    path = f"{PATH}/canonical_email_blocks"
    made = await mod.post(path, email="ann@here.example")
    await mod.post(f"{PATH}/accounts/{ann.id}/action", type="suspend", text="Spam")
    await mod.post(f"{PATH}/accounts/{ann.id}/unsuspend")
    assert await mod.get(path) == [made]
