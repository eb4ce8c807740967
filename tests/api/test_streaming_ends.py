"""How streams begin and end: suspensions, revoked tokens, slow readers, workers that stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message
from tests.api.listening import USER, Events, Socket, silence, user
from tests.api.world import World

from rostra.api.streaming import events
from rostra.api.streaming import hub as hubs
from rostra.api.streaming.outlets import MOST_WAITING
from rostra.services.authentication import oauth


async def test_streams_of_a_suspended_account_are_cut_and_nothing_old_comes_back(
    world: World,
) -> None:
    """Row "Sessions, tokens, streams": cut at once; row "Home timelines of followers": no
    stream events for old statuses; row "Notifications": none made afterwards for old acts.
    """
    star, fan = await world.people("star", "fan")
    await fan.follow(star)
    posted = await star.status("before")
    await star.post(f"/api/v1/statuses/{posted['id']}/favourite")
    own = await user(world, star)
    socket = await Socket(world, token=star.token, stream="user").opened()
    followers = await user(world, fan)
    await world.suspend(star)
    await own.ended()
    await socket.ended()
    assert (await Events(world, USER, token=star.token).refused())[0] == 401
    await world.reinstate(star)
    world.tick()
    await silence(world, followers)
    again = await user(world, star)
    after = await star.status("after")
    for stream in (followers, again):
        assert (await stream.event())[1]["id"] == after["id"]
    await followers.close()
    await again.close()


async def test_a_suspension_by_the_clock_cuts_as_well(world: World) -> None:
    star = await world.person("star")
    stream = await user(world, star)
    await world.suspend(star, until=world.clock.now() + 60_000)
    await stream.ended()


async def test_a_revoked_token_cuts_its_streams_alone(world: World) -> None:
    alice = await world.person("alice")
    second = await world.token(alice.ordinal)
    first_stream = await user(world, alice)
    second_stream = await Events(world, USER, token=second).opened()
    await world.store.write(lambda tx: tx.access.revoke_token(oauth.sha256(second)))
    await second_stream.ended()
    posted = await alice.status("still here")
    assert (await first_stream.event())[1]["id"] == posted["id"]
    await first_stream.close()


async def test_who_reads_too_slowly_is_cut_and_holds_up_nobody(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    slow = await user(world, alice)
    slow.reading.clear()
    quick = await user(world, bob)
    await bob.follow(alice)
    hub = world.app.hub
    (outlet,) = (one for one in hub.outlets if one.listener == alice.ordinal)
    posted = await alice.status("hello")
    assert (await quick.event())[1]["id"] == posted["id"]
    for number in range(MOST_WAITING + 2):
        outlet.push({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
    await slow.task
    assert [one.listener for one in hub.outlets] == [bob.ordinal]
    await quick.close()


async def test_draining_ends_streams_and_takes_no_new_ones(world: World) -> None:
    alice = await world.person("alice")
    stream, socket = await user(world, alice), await Socket(world, token=alice.token).opened()
    leaving = world.app.hub.drain()
    await asyncio.wait(leaving)  # whoever stops the server then leaves nobody without a word
    assert socket.come() == [{"type": "websocket.close", "code": 1001}]
    assert stream.come() == [events.END]
    assert (await Events(world, USER, token=alice.token).refused())[0] == 503
    assert await Socket(world, token=alice.token).refused()
    assert (await world.client.get("/api/v1/streaming/health")).status_code == 503


class Left(Socket):
    """One that the HTTP server closes first, which then cancels what is sent to it."""

    async def _take(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            raise asyncio.CancelledError
        await super()._take(message)


async def test_a_server_that_closes_a_socket_first_is_no_fault(world: World) -> None:
    alice = await world.person("alice")
    socket = await Left(world, token=alice.token).opened()
    await asyncio.wait(world.app.hub.drain())
    assert not socket.task.cancelled()
    assert socket.task.exception() is None


class Prompt(Events):
    """Somebody who does something in the instant the stream is seen to be open."""

    act: Callable[[], Awaitable[object]]

    async def _take(self, message: Message) -> None:
        await super()._take(message)
        if message == events.GREETING:
            await self.act()


class PromptSocket(Socket):
    """The same with a WebSocket."""

    act: Callable[[], Awaitable[object]]

    async def _take(self, message: Message) -> None:
        await super()._take(message)
        if message["type"] == "websocket.accept":
            await self.act()


async def test_what_is_done_as_soon_as_a_stream_is_open_is_told(world: World) -> None:
    alice = await world.person("alice")
    prompt = Prompt(world, USER, token=alice.token)
    socket = PromptSocket(world, token=alice.token, stream="user")
    prompt.act = lambda: alice.status("at once, to events")
    socket.act = lambda: alice.status("at once, to the socket")
    await prompt.opened()
    await socket.opened()
    await alice.status("later")
    assert (await prompt.event())[1]["content"] == "<p>at once, to events</p>"
    heard = [(await socket.event())["payload"]["content"] for _ in range(2)]
    assert "<p>at once, to the socket</p>" in heard
    for listener in (prompt, socket):
        await listener.close()


async def test_streams_that_open_in_the_instant_of_draining_end_too(world: World) -> None:
    alice = await world.person("alice")
    prompt = Prompt(world, USER, token=alice.token)
    socket = PromptSocket(world, token=alice.token, stream="user")

    async def drain() -> None:
        world.app.hub.drain()

    prompt.act = socket.act = drain
    for _ in range(100):  # turns of the loop, however long they take
        await asyncio.sleep(0)
    assert (prompt.task.done(), socket.task.done()) == (True, True)
    assert world.app.hub.outlets == set()


async def test_heartbeats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "THUMP_SECONDS", 0.01)
    alice = await world.person("alice")
    stream = await user(world, alice)
    for _ in range(3):
        assert (await stream.next())["body"] == b":thump\n"
    await stream.close()
