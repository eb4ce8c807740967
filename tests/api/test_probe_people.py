"""Whom probes ask as: nobody notices, and nothing of it stays."""

from __future__ import annotations

import pytest
from tests.api.listening import Events
from tests.api.world import PASSWORD, Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.probes import SERVICE_HANDLE
from rostra.services.probing import lending
from rostra.services.social_graph import relationships


async def test_a_lent_token_reads_and_is_gone_afterwards(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    async with lending.lent(world.ctx, [ann.ordinal]) as tokens:
        lent = Person(world.client, ann.account, tokens[ann.ordinal])
        assert (await lent.get("/api/v1/accounts/verify_credentials"))["id"] == ann.id
        assert (await lent.get("/api/v1/timelines/home")) == []
        assert (await lent.call("POST", f"/api/v1/accounts/{bob.id}/follow")).status_code == 403
        with world.store.read() as snap:
            assert [one.scopes for one in snap.access.tokens(ann.ordinal)] != ["read"]
            assert len(snap.access.tokens(ann.ordinal)) == 1  # its own, and no other
    for _ in range(2):  # no answer that was made for it is kept
        assert (await lent.call("GET", "/api/v1/timelines/home")).status_code == 401


async def test_what_a_killed_probe_left_goes_by_itself(world: World) -> None:
    (ann,) = await world.people("ann")
    service = await lending.service_account(world.ctx)
    loan = lending.lent(world.ctx, [ann.ordinal], service=service.ordinal)
    tokens = await loan.__aenter__()
    await relationships.follow(world.ctx, actor=service.ordinal, target=ann.ordinal)
    await lending.sweep(world.ctx)
    lent = Person(world.client, ann.account, tokens[ann.ordinal])
    assert (await lent.call("GET", "/api/v1/timelines/home")).status_code == 200
    with world.store.read() as snap:  # the probe may be at work yet
        assert snap.sets.contains(SetKey(ann.ordinal, SetKind.FOLLOWERS), service.ordinal)
    world.tick(lending.LENT_MS)
    assert (await lent.call("GET", "/api/v1/timelines/home")).status_code == 401
    await lending.sweep(world.ctx)
    with world.store.read() as snap:
        assert not snap.sets.contains(SetKey(ann.ordinal, SetKind.FOLLOWERS), service.ordinal)
        assert not snap.access.is_lent(service.ordinal)
    assert not await lending.sweep(world.ctx)
    await loan.__aexit__(None, None, None)


async def test_who_may_not_act_is_lent_nothing(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    await world.suspend(bob)
    people = [ann.ordinal, bob.ordinal]
    async with lending.lent(world.ctx, people) as tokens:
        assert list(tokens) == [ann.ordinal]
        lent = Person(world.client, ann.account, tokens[ann.ordinal])
        await world.suspend(ann)
        assert (await lent.call("GET", "/api/v1/timelines/home")).status_code == 401


async def test_nobody_finds_the_servers_own_account_or_signs_in_to_it(world: World) -> None:
    (ann,) = await world.people("ann")
    service = await lending.service_account(world.ctx)
    assert (await lending.service_account(world.ctx)).id == service.id
    for query in (SERVICE_HANDLE, "rostra", "@rostra_probe"):
        found = await ann.get("/api/v2/search", q=query)
        assert found["accounts"] == [], query
    assert str(service.id) not in str(await ann.get("/api/v1/directory", order="new"))
    assert str(service.id) not in str(await ann.get("/api/v2/suggestions"))
    with world.store.read() as snap:
        assert snap.accounts.credentials(service.ordinal) is None
    signed = await world.client.post(
        "/auth/sign_in", data={"email": SERVICE_HANDLE, "password": PASSWORD}
    )
    assert signed.status_code != 303
    application = await world.application_token("read write")
    taken = await world.client.post(
        "/api/v1/accounts",
        headers=application,
        json={
            "username": f"{SERVICE_HANDLE.upper()}",
            "email": "probe@here.example",
            "password": PASSWORD,
            "agreement": True,
            "locale": "en",
        },
    )
    assert taken.status_code == 422
    assert "reserved" in taken.text


async def test_a_handle_somebody_had_before_is_left_to_them(world: World) -> None:
    await world.people(SERVICE_HANDLE)
    service = await lending.service_account(world.ctx)
    assert service.username == f"{SERVICE_HANDLE}_2"


@pytest.mark.parametrize("locked", [False, True])
async def test_a_follow_by_the_servers_own_account_is_told_to_nobody(
    world: World, locked: bool
) -> None:
    ann = await world.person("ann", locked=locked)
    (bob,) = await world.people("bob")
    await bob.follow(ann)
    service = await lending.service_account(world.ctx)
    async with lending.lent(world.ctx, [], service=service.ordinal) as tokens:
        own = Person(world.client, service, tokens[service.ordinal])
        related = await own.post(f"/api/v1/accounts/{ann.id}/follow")
        assert related["requested" if locked else "following"]
        told = await ann.get("/api/v1/notifications")
        assert [one["account"]["username"] for one in told] == ["bob"]
        counted = await ann.get("/api/v1/notifications/unread_count")
        assert counted["count"] == 1
        grouped = await ann.get("/api/v2/notifications")
        assert str(service.id) not in str(grouped)
        await own.post(f"/api/v1/accounts/{ann.id}/unfollow")


async def test_a_follow_by_the_servers_own_account_is_no_event_in_a_stream(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    service = await lending.service_account(world.ctx)
    stream = await Events(world, "/api/v1/streaming/user", token=ann.token).opened()
    await relationships.follow(world.ctx, actor=service.ordinal, target=ann.ordinal)
    await relationships.unfollow(world.ctx, actor=service.ordinal, target=ann.ordinal)
    await bob.follow(ann)
    name, told = await stream.event()
    assert (name, told["account"]["username"]) == ("notification", "bob")
    await stream.close()
