"""Markers, preferences, blocked domains, endorsements."""

from __future__ import annotations

import pytest
from tests.api.world import World

from rostra.domain.account_set import SetKey, SetKind
from rostra.services import accounts


async def test_markers(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = "/api/v1/markers"
    assert await alice.get(path) == {}
    first = await alice.post(path, home={"last_read_id": "103"})
    assert first["home"]["last_read_id"] == "103"
    assert first["home"]["version"] == 1
    assert first["home"]["updated_at"].endswith("Z")
    form = {"home[last_read_id]": "105", "notifications[last_read_id]": "9"}
    after = (await alice.call("POST", path, data=form)).json()
    assert (after["home"]["version"], after["notifications"]["version"]) == (2, 1)
    params = {"timeline[]": ["home", "notifications"]}
    assert (await alice.call("GET", path, params=params)).json() == after
    found = await alice.get(path, **{"timeline[]": "home"})
    assert found == {"home": after["home"]}
    assert await alice.get(path, **{"timeline[]": "other"}) == {}
    assert await bob.get(path, **{"timeline[]": "home"}) == {}
    stale = {"home": {"last_read_id": "110", "version": 1}, "notifications": {"last_read_id": "9"}}
    response = await alice.call("POST", path, json=stale)
    assert response.status_code == 409
    assert (await alice.call("GET", path, params=params)).json() == after
    for wrong in ({}, {"last_read_id": "x"}):
        assert (await alice.call("POST", path, json={"home": wrong})).status_code == 422
    assert await alice.post(path) == {}


async def test_preferences_are_what_was_set(world: World) -> None:
    alice = await world.person("alice")
    path = "/api/v1/preferences"
    assert await alice.get(path) == {
        "posting:default:visibility": "public",
        "posting:default:sensitive": False,
        "posting:default:language": None,
        "posting:default:quote_policy": "public",
        "reading:expand:media": "default",
        "reading:expand:spoilers": False,
        "reading:autoplay:gifs": False,
    }
    source = {"privacy": "unlisted", "sensitive": True, "language": "la"}
    body = {"source": source}
    answer = await alice.call("PATCH", "/api/v1/accounts/update_credentials", json=body)
    assert answer.status_code == 200
    assert {name: answer.json()["source"][name] for name in source} == source
    reading = {"reading:expand:media": "show_all", "reading:expand:spoilers": True}
    after = (await alice.call("PATCH", path, json=reading)).json()
    assert after == await alice.get(path)
    assert after == {
        "posting:default:visibility": "unlisted",
        "posting:default:sensitive": True,
        "posting:default:language": "la",
        "posting:default:quote_policy": "public",
        "reading:expand:media": "show_all",
        "reading:expand:spoilers": True,
        "reading:autoplay:gifs": False,
    }
    posted = await alice.status("hail")
    assert (posted["visibility"], posted["sensitive"], posted["language"]) == (
        "unlisted",
        True,
        "la",
    )
    response = await alice.call("PATCH", path, json={"reading:expand:media": "some"})
    assert response.status_code == 422
    form = {"source[privacy]": "private", "source[language]": ""}
    answer = await alice.call("PATCH", "/api/v1/accounts/update_credentials", data=form)
    found = await alice.get(path)
    assert found["posting:default:visibility"] == "private"
    assert found["posting:default:sensitive"] is True


async def test_blocked_domains(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    path = "/api/v1/domain_blocks"
    assert await alice.get(path) == []
    for domain in ("Spam.Example", "büro.example", "spam.example.", "third.example"):
        assert await alice.post(path, domain=domain) == {}
    names = ["third.example", "xn--bro-hoa.example", "spam.example"]
    assert await alice.get(path) == names
    assert await bob.get(path) == []
    answer = await alice.call("GET", path, params={"limit": 2})
    assert answer.json() == names[:2]
    rest = await alice.call("GET", answer.links["next"]["url"])
    assert rest.json() == names[2:]
    for wrong in ("", "nothing", "a b.example", "x" * 300 + ".example", "here.example", "-.-"):
        assert (await alice.call("POST", path, json={"domain": wrong})).status_code == 422
    for _ in range(2):
        answer = await alice.call("DELETE", path, params={"domain": "SPAM.example"})
        assert answer.json() == {}
    assert await alice.get(path) == names[:2]
    assert (await world.get(path)).status_code == 401


@pytest.mark.parametrize(("on", "off"), [("pin", "unpin"), ("endorse", "unendorse")])
async def test_endorsements(world: World, on: str, off: str) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    path = f"/api/v1/accounts/{bob.id}"
    response = await alice.call("POST", f"{path}/{on}")
    assert response.status_code == 422
    assert "must be already following" in response.json()["error"]
    for other in (bob, carol):
        await alice.follow(other)
        answer = await alice.post(f"/api/v1/accounts/{other.id}/{on}")
        assert answer["endorsed"] is True
    assert (await alice.post(f"{path}/{on}"))["endorsed"] is True
    assert (await alice.relationship(bob))["endorsed"] is True
    assert (await bob.relationship(alice))["endorsed"] is False
    found = await alice.get("/api/v1/endorsements")
    assert [one["username"] for one in found] == ["carol", "bob"]
    public = (await world.get(f"/api/v1/accounts/{alice.id}/endorsements")).json()
    assert [one["id"] for one in public] == [carol.id, bob.id]
    answer = await alice.call("GET", "/api/v1/endorsements", params={"limit": 1})
    assert [one["username"] for one in answer.json()] == ["carol"]
    rest = await alice.call("GET", answer.links["next"]["url"])
    assert [one["username"] for one in rest.json()] == ["bob"]
    await alice.post(f"/api/v1/accounts/{carol.id}/unfollow")
    assert (await alice.relationship(carol))["endorsed"] is False
    assert (await alice.post(f"{path}/{off}"))["endorsed"] is False
    assert await alice.get("/api/v1/endorsements") == []
    assert (await alice.call("POST", f"/api/v1/accounts/{alice.id}/{on}")).status_code == 403


async def test_reinstatement_of_endorsed_accounts(world: World) -> None:
    """Row "Lists, notes, pins, filters": membership kept, hidden, and back."""
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    await alice.post(f"/api/v1/accounts/{bob.id}/endorse")
    await world.suspend(bob)
    assert await alice.get("/api/v1/endorsements") == []
    assert (await alice.call("POST", f"/api/v1/accounts/{bob.id}/endorse")).status_code == 404
    await world.reinstate(bob)
    assert [one["id"] for one in await alice.get("/api/v1/endorsements")] == [bob.id]
    await world.suspend(alice)
    assert (await world.get(f"/api/v1/accounts/{alice.id}/endorsements")).json() == []
    await world.reinstate(alice)
    assert len((await world.get(f"/api/v1/accounts/{alice.id}/endorsements")).json()) == 1


async def test_deleting_an_account_forgets_what_it_arranged_and_where_it_was(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await alice.follow(bob)
    await bob.follow(alice)
    ids = {}
    for owner, other in ((alice, bob), (bob, alice)):
        made = await owner.post("/api/v1/lists", title="x")
        ids[owner.name] = int(made["id"])
        await owner.post(f"/api/v1/lists/{made['id']}/accounts", account_ids=[other.id])
        await owner.post(f"/api/v1/accounts/{other.id}/endorse")
        await owner.post("/api/v1/tags/ships/follow")
        await owner.post("/api/v1/featured_tags", name="ships")
        await owner.post("/api/v2/filters", title="x", context=["home"])
        await owner.post("/api/v1/markers", home={"last_read_id": "1"})
        await owner.post("/api/v1/domain_blocks", domain="spam.example")
        await owner.call("PATCH", "/api/v1/preferences", json={"reading:autoplay:gifs": True})
    await accounts.delete_account(world.ctx, by=None, target=bob.ordinal)
    await world.jobs()
    gone = bob.ordinal
    with world.store.read() as snap:
        assert not snap.lists.of(gone)
        assert not snap.filters.of(gone)
        assert not snap.tags.followed(gone, limit=9)
        assert not snap.tags.featured(gone)
        assert not snap.personal.markers(gone)
        assert not snap.personal.blocked_domains(gone, limit=9)
        assert not snap.personal.preferences(gone).autoplay_gifs
        number = snap.tags.number("ships")
        assert number is not None
        for key in (
            (ids["alice"], SetKind.LIST_MEMBERS),
            (ids["bob"], SetKind.LIST_MEMBERS),
            (alice.ordinal, SetKind.ENDORSING),
            (gone, SetKind.ENDORSING),
        ):
            assert snap.sets.size(SetKey(*key)) == 0, key
        assert list(snap.sets.bitmap(SetKey(number, SetKind.TAG_FOLLOWERS))) == [alice.ordinal]
        assert snap.lists.of(alice.ordinal)
