"""What is kept must never show: a warm process answers as one that has everything to look up."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx2
import pytest
from tests.api.world import URL, Person, World

from rostra import app
from rostra.api.hot import Front
from rostra.api.mastodon import accounts, statuses, timelines
from rostra.api.operation import Read
from rostra.api.state import Answers
from rostra.services import freshness
from rostra.web import profiles
from rostra.web import timelines as web_timelines

STEPS = 100
NAMES = ("alice", "bob", "carol", "dora", "emil", "faye")
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
    "options",
    "unfollow",
    "mute",
    "block",
    "profile",
    "filter",
    "tag",
    "arrange",
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
        self.front.api.answers = Answers(self.front.api.ctx.store)
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

    async def options(self, actor: Person) -> None:
        other = self.random.choice(self.people)
        wanted = self.random.random() < 0.5
        await self.send(actor, f"/api/v1/accounts/{other.id}/follow", reblogs=wanted)

    async def mute(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("mute", "unmute")))

    async def block(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("block", "unblock")))

    async def profile(self, actor: Person) -> None:
        name = f"name {self.random.randrange(100)}"
        path = "/api/v1/accounts/update_credentials"
        await actor.call("PATCH", path, json={"display_name": name, "note": f"I am {name}"})

    async def filter(self, actor: Person) -> None:
        answer = await actor.call("GET", "/api/v2/filters")
        if answer.status_code == 200 and len(answer.json()) > 1:
            await actor.call("DELETE", f"/api/v2/filters/{answer.json()[0]['id']}")
            return
        words = [{"keyword": self.random.choice(("hail", "bob", "nothing"))}]
        body = {"title": "x", "context": ["home"], "keywords_attributes": words}
        ends = self.random.choice((None, 30, 300))
        answer = await self.send(actor, "/api/v2/filters", expires_in=ends, **body)
        if answer.status_code == 200 and self.posted:
            path = f"/api/v2/filters/{answer.json()['id']}/statuses"
            await self.send(actor, path, status_id=self.random.choice(self.posted))

    async def tag(self, actor: Person) -> None:
        await self.send(actor, f"/api/v1/tags/ships/{self.random.choice(('follow', 'unfollow'))}")

    async def arrange(self, actor: Person) -> None:
        answer = await self.send(
            actor, "/api/v1/lists", title="x", exclusive=self.random.random() < 0.7
        )
        if answer.status_code == 200:
            other = self.random.choice(self.people)
            path = f"/api/v1/lists/{answer.json()['id']}"
            await self.send(actor, f"{path}/accounts", account_ids=[other.id])
            if self.random.random() < 0.4:
                await actor.call("DELETE", path)

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


class Counted:
    """Counts how often an operation is really run."""

    def __init__(self, operation: Read[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        run = operation.run

        def counted(call: Any, snap: Any, given: Any) -> Any:
            self.times += 1
            return run(call, snap, given)

        monkeypatch.setattr(operation, "run", counted)


async def test_a_kept_answer_outlives_what_does_not_concern_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, carol, dora = [await world.person(name) for name in NAMES[:4]]
    await alice.follow(bob)
    shown = await bob.status("shown")
    await world.person("reader")
    other = await carol.status("elsewhere")
    home = Counted(timelines.home, monkeypatch)
    one = Counted(statuses.show, monkeypatch)
    lookup = Counted(accounts.lookup, monkeypatch)

    async def read() -> None:
        assert [each["id"] for each in await alice.get("/api/v1/timelines/home")] == [shown["id"]]
        await alice.get(f"/api/v1/statuses/{shown['id']}")
        await alice.get("/api/v1/accounts/lookup", acct="bob")

    await read()
    await dora.follow(carol)
    await dora.post(f"/api/v1/statuses/{other['id']}/favourite")
    await carol.status("more elsewhere")
    await read()
    assert (home.times, one.times, lookup.times) == (1, 1, 1)
    await dora.post(f"/api/v1/statuses/{shown['id']}/favourite")
    await read()
    assert (home.times, one.times, lookup.times) == (2, 2, 1)
    await carol.follow(bob)
    await read()
    assert (home.times, one.times, lookup.times) == (3, 3, 2)
    await world.suspend(dora)  # a mask moves
    await read()
    assert (home.times, one.times, lookup.times) == (4, 4, 3)


async def test_an_answer_not_asked_for_during_many_events_is_made_anew(world: World) -> None:
    alice, bob = [await world.person(name) for name in NAMES[:2]]
    path = f"/api/v1/accounts/{alice.id}"
    before = await alice.get(path)
    await bob.follow(alice)
    status = (await bob.status("mine"))["id"]
    for number in range(freshness.REMEMBERED):
        act = ("favourite", "unfavourite")[number % 2]
        await bob.post(f"/api/v1/statuses/{status}/{act}")
    after = await alice.get(path)
    assert (before["followers_count"], after["followers_count"]) == (0, 1)


async def test_a_kept_page_outlives_what_does_not_concern_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, carol, dora = [await world.person(name) for name in NAMES[:3]]
    shown = await bob.status("shown")
    made = []
    rendered = profiles.render, web_timelines.render

    def counted(number: int) -> Any:
        def render(*given: Any, **words: Any) -> Any:
            made.append(number)
            return rendered[number](*given, **words)

        return render

    monkeypatch.setattr(profiles, "render", counted(0))
    monkeypatch.setattr(web_timelines, "render", counted(1))

    async def read() -> list[int]:
        made.clear()
        for path in (f"/@{bob.name}", f"/@{bob.name}/{shown['id']}"):
            assert "shown" in (await world.get(path)).text
        return list(made)

    assert await read() == [0, 1]
    assert await read() == []
    await carol.status("elsewhere")
    await dora.follow(carol)
    assert await read() == []
    await dora.post(f"/api/v1/statuses/{shown['id']}/favourite")
    assert await read() == [0, 1]
    await carol.status("an answer", in_reply_to_id=shown["id"])
    assert await read() == [0, 1]
    await world.suspend(dora)
    assert await read() == [0, 1]
