"""Throttling: how long to wait, what counts together, and in line."""

import asyncio

import pytest
from tests.unit.world import World

from rostra.domain.errors import TooMany, Unauthenticated, Unavailable
from rostra.domain.throttle import Limit, Tries
from rostra.services import accounts
from rostra.services.authentication import passwords, throttling
from rostra.services.authentication.sign_in import by_password

LIMIT = Limit(free=3, first=1000, longest=8000, memory=60_000)
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("cheap_hashes")


@pytest.fixture
async def world(world: World) -> World:
    """A world with one account that signs in with ``PASSWORD``."""
    await accounts.register(world.ctx, username="ann", email="ann@mail.example", password=PASSWORD)
    return world


def test_each_wait_is_twice_the_last_up_to_the_longest() -> None:
    assert [LIMIT.pause(count) for count in range(1, 9)] == [
        0,
        0,
        1000,
        2000,
        4000,
        8000,
        8000,
        8000,
    ]
    assert LIMIT.pause(10**6) == 8000


def test_tries_are_forgotten_after_a_while() -> None:
    tries = Tries()
    for now in (1000, 1001, 1002):
        assert tries.wait(LIMIT, now) == 0
        tries = tries.after(LIMIT, now)
    assert tries.wait(LIMIT, 1002) == 1000
    assert tries.wait(LIMIT, 2002) == 0
    assert tries.wait(LIMIT, 1002 + LIMIT.memory) == 0
    assert tries.after(LIMIT, 1002 + LIMIT.memory).count == 1


async def fail(world: World, login: str, address: str = "") -> str:
    with pytest.raises((Unauthenticated, TooMany)) as refused:
        await by_password(world.ctx, login=login, password="wrong", address=address)
    return refused.value.message


async def test_a_known_and_an_unknown_name_are_slowed_down_alike(world: World) -> None:
    told = {
        login: [await fail(world, login, "192.0.2.1") for _ in range(9)]
        for login in ("ann", "nobody", "no@mail.example", "ann@mail.example")
    }
    assert len({tuple(texts) for texts in told.values()}) == 1
    assert told["ann"][-1] == "Too many attempts. Try again in 2 seconds."
    with pytest.raises(TooMany) as refused:
        await by_password(world.ctx, login="ANN ", password=PASSWORD)
    assert refused.value.retry_after == 2
    world.tick(2000)
    assert (await by_password(world.ctx, login="ann", password=PASSWORD)).username == "ann"
    assert "Invalid" in await fail(world, "ann")  # it was forgotten with that


async def test_tries_from_one_network_count_together(world: World) -> None:
    told = [await fail(world, f"name{i}", f"2001:db8::{i}") for i in range(41)]
    assert told[39] != told[40]
    assert told[40].startswith("Too many attempts")
    assert "Invalid" in await fail(world, "ann", "2001:db8:0:1::1")


async def test_tries_made_at_once_do_not_slip_through(world: World) -> None:
    told = await asyncio.gather(*(fail(world, "ann") for _ in range(30)))
    assert sum(text.startswith("Invalid") for text in told) == throttling.LOGIN.free


async def test_the_table_of_tries_does_not_grow_for_ever(world: World) -> None:
    for i in range(50):
        await fail(world, f"name{i}")
        world.tick(throttling.HOUR)
    count = world.store.write_now(lambda tx: tx.database.value("SELECT COUNT(*) FROM tries"))
    assert count < 10


async def test_a_storm_waits_in_line_and_the_line_has_an_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "WAITING", 5)
    results = await asyncio.gather(
        *(passwords.hashed(PASSWORD) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(result, Unavailable) for result in results) == 3
    assert not await passwords.matches(None, PASSWORD)
