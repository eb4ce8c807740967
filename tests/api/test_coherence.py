"""What is kept must never show: a warm process answers as one that has everything to look up."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx2
import pytest
from tests.api.world import URL, Person, World

from rostra import app
from rostra.api.hot import Front
from rostra.api.state import Answers

STEPS = 100
NAMES = ("alice", "bob", "carol", "dora")
ACTS = [
    "post",
    "reply",
    "poll",
    "vote",
    "like",
    "unlike",
    "bookmark",
    "boost",
    "unboost",
    "delete",
    "follow",
    "unfollow",
    "block",
    "profile",
    "suspend",
    "limit",
    "later",
]


class Cold:
    """The same application on the same store, with nothing kept."""

    def __init__(self, world: World) -> None:
        built = app.build(world.ctx, worker_index=3)
        assert isinstance(built, Front)
        self.front = built
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=built), base_url=URL)

    async def get(self, path: str, headers: dict[str, str]) -> httpx2.Response:
        self.front.api.parts.clear()
        self.front.api.answers = Answers()
        return await self.client.get(path, headers=headers)


class Crowd:
    """People who do things at random."""

    def __init__(self, world: World, people: list[Person], random: Random) -> None:
        self.world = world
        self.people = people
        self.random = random
        self.posted: list[str] = []
        self.suspended: set[str] = set()

    async def act(self) -> None:
        """Do one thing."""
        self.world.tick(self.random.choice((1, 10, 1000)))
        actor = self.random.choice(self.people)
        await getattr(self, self.random.choice(ACTS))(actor)

    async def send(self, actor: Person, path: str, **body: Any) -> httpx2.Response:
        return await actor.call("POST", path, json=body)

    async def on_status(self, actor: Person, act: str) -> None:
        if self.posted:
            await self.send(actor, f"/api/v1/statuses/{self.random.choice(self.posted)}/{act}")

    async def publish(self, actor: Person, **body: Any) -> None:
        answer = await self.send(actor, "/api/v1/statuses", status="hail @bob #ships", **body)
        if answer.status_code == 200:
            self.posted.append(answer.json()["id"])

    async def post(self, actor: Person) -> None:
        await self.publish(actor, visibility=self.random.choice(("public", "private", "unlisted")))

    async def reply(self, actor: Person) -> None:
        if self.posted:
            await self.publish(actor, in_reply_to_id=self.random.choice(self.posted))

    async def poll(self, actor: Person) -> None:
        await self.publish(actor, poll={"options": ["a", "b"], "expires_in": 300})

    async def vote(self, actor: Person) -> None:
        if self.posted:
            path = f"/api/v1/polls/{self.random.choice(self.posted)}/votes"
            await self.send(actor, path, choices=[self.random.randrange(2)])

    async def like(self, actor: Person) -> None:
        await self.on_status(actor, "favourite")

    async def unlike(self, actor: Person) -> None:
        await self.on_status(actor, "unfavourite")

    async def bookmark(self, actor: Person) -> None:
        await self.on_status(actor, "bookmark")

    async def boost(self, actor: Person) -> None:
        if self.posted:
            path = f"/api/v1/statuses/{self.random.choice(self.posted)}/reblog"
            answer = await self.send(actor, path)
            if answer.status_code == 200:
                self.posted.append(answer.json()["id"])

    async def unboost(self, actor: Person) -> None:
        await self.on_status(actor, "unreblog")

    async def delete(self, actor: Person) -> None:
        if self.posted:
            await actor.call("DELETE", f"/api/v1/statuses/{self.random.choice(self.posted)}")

    async def toward(self, actor: Person, act: str) -> None:
        other = self.random.choice(self.people)
        await self.send(actor, f"/api/v1/accounts/{other.id}/{act}")

    async def follow(self, actor: Person) -> None:
        await self.toward(actor, "follow")

    async def unfollow(self, actor: Person) -> None:
        await self.toward(actor, "unfollow")

    async def block(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("block", "unblock")))

    async def profile(self, actor: Person) -> None:
        name = f"name {self.random.randrange(100)}"
        path = "/api/v1/accounts/update_credentials"
        await actor.call("PATCH", path, json={"display_name": name, "note": f"I am {name}"})

    async def suspend(self, actor: Person) -> None:
        if actor.id in self.suspended:
            self.suspended.discard(actor.id)
            await self.world.reinstate(actor)
        elif not self.suspended:
            timed = self.random.random() < 0.3
            until = self.world.clock.now() + 5_000 if timed else None
            await self.world.suspend(actor, until=until)
            if until is None:
                self.suspended.add(actor.id)
            else:
                self.world.clock.advance(self.random.choice((10, 6_000)))
                actor.token = await self.token(actor)

    async def token(self, actor: Person) -> str:
        """Return a new token, once the account may have one again."""
        self.world.clock.advance(6_000)
        return await self.world.token(actor.ordinal)

    async def limit(self, actor: Person) -> None:
        mod = self.people[-1]
        path = f"/api/v1/admin/accounts/{actor.id}"
        if self.random.random() < 0.5:
            await self.send(
                mod, f"{path}/action", type=self.random.choice(("silence", "sensitive"))
            )
        else:
            await self.send(mod, f"{path}/{self.random.choice(('unsilence', 'unsensitive'))}")

    async def later(self, actor: Person) -> None:
        self.world.clock.advance(seconds=self.random.choice((1, 200, 400)))

    def paths(self) -> list[str]:
        """Return some addresses to read."""
        found = ["/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/notifications"]
        for person in self.people:
            account = f"/api/v1/accounts/{person.id}"
            found += [account, f"{account}/statuses", f"{account}/followers"]
        for status in self.posted[-4:]:
            found += [f"/api/v1/statuses/{status}", f"/api/v1/statuses/{status}/context"]
            found.append(f"/api/v1/polls/{status}")
        return self.random.sample(found, 8)


@pytest.mark.parametrize("seed", range(3))
async def test_a_warm_process_answers_as_a_cold_one(world: World, seed: int) -> None:
    people = [await world.person(name) for name in NAMES]
    crowd = Crowd(world, [*people, await world.moderator()], Random(seed))
    cold = Cold(world)
    for _ in range(STEPS):
        await crowd.act()
        reader = crowd.random.choice([None, *people])
        headers = {"Authorization": f"Bearer {reader.token}"} if reader else {}
        for path in crowd.paths():
            for _ in range(2):  # the second is answered from what the first left
                warm = await world.client.get(path, headers=headers)
                expected = await cold.get(path, headers)
                assert warm.status_code == expected.status_code, path
                assert warm.json() == expected.json(), path
                assert warm.headers.get("link") == expected.headers.get("link"), path
    await cold.client.aclose()
