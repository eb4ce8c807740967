"""Capacity over the API: for moderators, of an account or of so many followers."""

from __future__ import annotations

from tests.api.world import World

from rostra.domain.capacity import Traffic
from rostra.testing.machines import like

CAPACITY = "/api/rostra/v1/capacity"


async def test_moderators_learn_what_an_audience_asks_and_what_is_left(world: World) -> None:
    mod = await world.moderator()
    star, *fans = await world.people("star", "ann", "bob", "cleo")
    for fan in fans:
        await fan.follow(star)
    await world.suspend(star)
    found = await mod.get(CAPACITY, account_id=str(star.id))
    assert (found["followers"], found["verdict"], found["enough"]) == (3, "ok", True)
    assert (found["busiest_hour"], len(found["assumed"])) == (None, 2)
    world.machine.seen = like(idle=0.0, available=0)
    world.store.write_now(lambda tx: tx.traffic.add(Traffic(at=tx.now, requests=7, busiest=7)))
    found = await mod.get(CAPACITY, followers=1_000_000)
    assert (found["verdict"], found["enough"]) == ("short", False)
    assert found["said"].startswith("short: memory:")
    assert found["busiest_hour"]["requests"] == 7
    assert found["busiest_hour"]["at"].endswith("Z")


async def test_nobody_else_does(world: World) -> None:
    ann = await world.person("ann")
    assert (await ann.call("GET", CAPACITY)).status_code == 403
    assert (await world.get(CAPACITY)).status_code == 401
    mod = await world.moderator()
    assert (await mod.call("GET", f"{CAPACITY}?followers=-1")).status_code == 422
    assert (await mod.call("GET", f"{CAPACITY}?account_id=1")).status_code == 404
