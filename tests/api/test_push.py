"""Web Push: apps subscribe, and are sent what only they can read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from mastodon import Mastodon
from tests.api.receiving import App, Receiver, claims
from tests.api.world import Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.notifications import NotificationType
from rostra.domain.push import MOST_AT_ONCE, REFILL_MS
from rostra.ops.pusher import Pusher
from rostra.outside.addresses import Allowed
from rostra.outside.fetcher import GuardedFetcher
from rostra.ports import Transaction
from rostra.services.authentication import oauth
from rostra.services.notifying import notifications
from rostra.services.probing import lending
from rostra.services.social_graph import relationships

PATH = "/api/v1/push/subscription"
EVERYTHING = dict.fromkeys(
    ("mention", "favourite", "reblog", "follow", "follow_request", "status", "poll"), True
)


class Pushing:
    """A world, its pusher, and the service it pushes to."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self.world = world
        self.receiver = receiver
        self.app = App()
        self.restart()

    def restart(self) -> None:
        """Begin anew with nothing in memory, as a process does."""
        fetcher = GuardedFetcher(Allowed([self.receiver.place]))
        self.pusher = Pusher(msgspec.structs.replace(self.world.ctx, fetcher=fetcher))

    async def subscribe(self, person: Person, **given: Any) -> Any:
        """Subscribe with the app's keys to everything, or as given."""
        subscription = {
            "endpoint": f"http://{self.receiver.place}/of/{person.name}",
            "keys": self.app.keys,
            "standard": given.pop("standard", True),
        }
        data = {"alerts": given.pop("alerts", EVERYTHING), **given}
        found = await person.post(PATH, subscription=subscription, data=data)
        self.world.tick()
        return found

    async def pushed(self) -> list[Any]:
        """Push what is due, and return what the app reads."""
        self.world.tick()
        before = len(self.receiver.received)
        await self.pusher.settle()
        return [self.app.read(head, body) for _, head, body in self.receiver.received[before:]]


@pytest.fixture
async def pushing(world: World) -> AsyncIterator[Pushing]:
    async with Receiver() as receiver:
        pushing = Pushing(world, receiver)
        yield pushing
        await pushing.pusher.close()


async def test_subscribing(pushing: Pushing) -> None:
    world = pushing.world
    alice = await world.person("alice")
    assert (await alice.call("GET", PATH)).status_code == 404
    assert (await alice.call("PUT", PATH, json={})).status_code == 404
    made = await pushing.subscribe(alice, alerts={"mention": True, "admin.sign_up": True})
    assert made == await alice.get(PATH)
    assert set(made) == {"id", "endpoint", "standard", "server_key", "alerts", "policy"}
    assert made["policy"] == "all"
    assert made["standard"] is True
    assert {name for name, on in made["alerts"].items() if on} == {"mention", "admin.sign_up"}
    key = made["server_key"]
    instance = (await world.get("/api/v2/instance")).json()
    assert instance["configuration"]["vapid"]["public_key"] == key
    assert (await world.application())["vapid_key"] == key
    form = "data[alerts][follow]=true&data[alerts][admin.report]=1&data[policy]=followed"
    changed = await alice.call(
        "PUT",
        PATH,
        content=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    body = changed.json()
    assert {name for name, on in body["alerts"].items() if on} == {"follow", "admin.report"}
    assert (body["policy"], body["id"]) == ("followed", made["id"])
    again = await pushing.subscribe(alice)
    assert again["id"] != made["id"]
    assert (await alice.call("DELETE", PATH)).json() == {}
    assert (await alice.call("DELETE", PATH)).json() == {}
    assert (await alice.call("GET", PATH)).status_code == 404
    narrow = await world.token(alice.ordinal, "read")
    headers = {"Authorization": f"Bearer {narrow}"}
    assert (await world.client.get(PATH, headers=headers)).status_code == 403
    assert (await world.client.get(PATH)).status_code == 401


async def test_what_is_no_subscription_is_refused(pushing: Pushing) -> None:
    alice = await pushing.world.person("alice")
    good = {"endpoint": "https://push.example/1", "keys": pushing.app.keys}
    for wrong in (
        {},
        {"endpoint": "", "keys": good["keys"]},
        {"endpoint": "ftp://push.example/1", "keys": good["keys"]},
        {"endpoint": "https://", "keys": good["keys"]},
        {"endpoint": "https://name@push.example/", "keys": good["keys"]},
        {"endpoint": "https://[::1", "keys": good["keys"]},
        {"endpoint": "https://push.example/" + "x" * 2048, "keys": good["keys"]},
        good | {"keys": {}},
        good | {"keys": pushing.app.keys | {"auth": "c2hvcnQ="}},
        good | {"keys": pushing.app.keys | {"p256dh": "BA=="}},
        good | {"keys": pushing.app.keys | {"p256dh": "B" + "A" * 86}},
        good | {"keys": pushing.app.keys | {"p256dh": "ü"}},
    ):
        answer = await alice.call("POST", PATH, json={"subscription": wrong})
        assert answer.status_code == 422, wrong
        assert answer.json()["error"].startswith("Validation failed: ")
    answer = await alice.call("POST", PATH, json={"subscription": good, "policy": "some"})
    assert answer.status_code == 422


async def test_a_probe_of_the_servers_own_is_pushed_to_nobody(pushing: Pushing) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice, alerts={"follow": True})
    service = await lending.service_account(world.ctx)
    await relationships.follow(world.ctx, actor=service.ordinal, target=alice.ordinal)
    await bob.follow(alice)
    (told,) = await pushing.pushed()
    assert "bob" in told["title"]


@pytest.mark.parametrize("standard", [True, False])
async def test_only_the_app_can_read_what_is_pushed(pushing: Pushing, standard: bool) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    made = await pushing.subscribe(alice, standard=standard)
    posted = await bob.status("@alice hail")
    (told,) = await pushing.pushed()
    (listed,) = await alice.get("/api/v1/notifications")
    assert told == {
        "access_token": alice.token,
        "preferred_locale": "en",
        "notification_id": int(listed["id"]),
        "notification_type": "mention",
        "icon": posted["account"]["avatar"],
        "title": "bob mentioned you",
        "body": "@alice hail",
    }
    ((path, headers, body),) = pushing.receiver.received
    assert path == "/of/alice"
    assert b"hail" not in body
    assert alice.token.encode() not in body
    assert headers["content-encoding"] == ("aes128gcm" if standard else "aesgcm")
    assert headers["content-type"] == "application/octet-stream"
    assert (int(headers["ttl"]), headers["urgency"]) == (172_800, "high")
    if not standard:
        private = {
            "privkey": pushing.app.key.private_numbers().private_value,
            "auth": pushing.app.auth,
        }
        read = Mastodon(api_base_url="https://here.example").push_subscription_decrypt_push(
            body, private, headers["encryption"], headers["crypto-key"]
        )
        assert (read.title, read.access_token) == ("bob mentioned you", alice.token)
    said = claims(headers, made["server_key"])
    now = world.clock.now() // 1000
    assert said["aud"] == f"http://{pushing.receiver.place}"
    assert now < said["exp"] <= now + 24 * 60 * 60
    assert said["sub"] == "https://here.example"
    assert await pushing.pushed() == []
    pushing.restart()
    assert await pushing.pushed() == []


async def test_each_kind_once_and_by_choice(pushing: Pushing) -> None:
    world = pushing.world
    alice, bob, carol = await world.people("alice", "bob", "carol")
    posted = await alice.status("hello")
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")  # before: not told
    await pushing.subscribe(alice)
    for act in ("reblog", "favourite"):
        world.tick()
        await carol.post(f"/api/v1/statuses/{posted['id']}/{act}")
    world.tick()
    await bob.follow(alice)
    told = await pushing.pushed()
    kinds = [(one["notification_type"], one["title"], one["body"]) for one in told]
    assert kinds == [
        ("reblog", "carol boosted your post", "hello"),
        ("favourite", "carol favourited your post", "hello"),
        ("follow", "bob followed you", ""),
    ]
    assert {headers["urgency"] for _, headers, _ in pushing.receiver.received} == {"normal"}
    # What is switched on later is told from then on.
    data = {"alerts": {"mention": True}, "policy": "follower"}
    assert (await alice.call("PUT", PATH, json={"data": data})).status_code == 200
    for person in (bob, carol):
        world.tick()
        await person.status("@alice hail")
        await person.post(f"/api/v1/statuses/{posted['id']}/unfavourite")
        await person.post(f"/api/v1/statuses/{posted['id']}/favourite")
    assert [one["title"] for one in await pushing.pushed()] == ["bob mentioned you"]
    data["policy"] = "followed"
    await alice.call("PUT", PATH, json={"data": data})
    await alice.follow(carol)
    world.tick()
    for person in (bob, carol):
        await person.status("@alice hail again")
    assert [one["title"] for one in await pushing.pushed()] == ["carol mentioned you"]
    data["policy"] = "none"
    await alice.call("PUT", PATH, json={"data": data})
    world.tick()
    await carol.status("@alice hail once more")
    assert await pushing.pushed() == []


async def test_who_is_blocked_or_muted_is_not_pushed_and_not_later_either(
    pushing: Pushing,
) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    await alice.post(f"/api/v1/accounts/{bob.id}/mute")
    await bob.status("@alice hail")
    assert await pushing.pushed() == []
    await alice.post(f"/api/v1/accounts/{bob.id}/unmute")
    world.tick(5_000)
    await bob.status("@alice hail again")
    assert [one["body"] for one in await pushing.pushed()] == ["@alice hail again"]


async def test_a_storm_of_likes_is_a_few_pushes(pushing: Pushing) -> None:
    """However many like a status: ten pushes at once, one more every six seconds, the newest."""
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    fans = [(await world.person(f"fan{number}")).ordinal for number in range(200)]
    await pushing.subscribe(alice)

    def storm(tx: Transaction, some: list[int]) -> None:
        tx.sets.add_many(SetKey(int(posted["id"]), SetKind.LIKES), some)
        notifications.touch(tx, alice.ordinal, NotificationType.FAVOURITE, int(posted["id"]))

    await world.store.write(lambda tx: storm(tx, fans[:100]))
    told = await pushing.pushed()
    assert len(told) == MOST_AT_ONCE
    assert told[-1]["title"] == "fan99 favourited your post"
    await world.store.write(lambda tx: storm(tx, fans[100:]))
    assert await pushing.pushed() == []
    await bob.status("@alice hail")
    assert await pushing.pushed() == []
    world.tick(REFILL_MS)
    assert [one["title"] for one in await pushing.pushed()] == ["bob mentioned you"]
    world.tick(REFILL_MS * 100)
    told = await pushing.pushed()
    assert len(told) == MOST_AT_ONCE - 1
    assert told[-1]["title"] == "fan199 favourited your post"
    world.tick(REFILL_MS * 100)
    assert await pushing.pushed() == []
    pushing.restart()
    assert await pushing.pushed() == []


async def test_a_service_that_is_away_is_tried_again(pushing: Pushing) -> None:
    world, receiver = pushing.world, pushing.receiver
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    receiver.answers = [503, 429]
    await bob.status("@alice hail")
    first = await pushing.pushed()
    assert len(first) == 1
    assert await pushing.pushed() == []
    world.tick(5_000)
    assert await pushing.pushed() == first
    world.tick(5_000)
    assert await pushing.pushed() == []
    pushing.restart()  # what waits is not in memory alone
    world.tick(5_000)
    assert await pushing.pushed() == first
    assert await pushing.pushed() == []
    receiver.answers = [400]
    await bob.status("@alice this one it does not like")
    assert len(await pushing.pushed()) == 1
    world.tick(3_600_000)
    assert await pushing.pushed() == []
    assert (await alice.call("GET", PATH)).status_code == 200


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_forgotten(pushing: Pushing, status: int) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    pushing.receiver.answers = [status]
    await bob.status("@alice hail")
    await pushing.pushed()
    assert (await alice.call("GET", PATH)).status_code == 404


async def test_one_that_fails_for_a_week_is_forgotten(pushing: Pushing) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    pushing.receiver.answers = [500] * 1000
    for _ in range(8):
        assert (await alice.call("GET", PATH)).status_code == 200
        await bob.status("@alice hail")
        await pushing.pushed()
        world.tick(24 * 3_600_000)
    assert (await alice.call("GET", PATH)).status_code == 404


async def test_private_addresses_are_not_asked(pushing: Pushing) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    pushing.pusher = Pusher(msgspec.structs.replace(world.ctx, fetcher=GuardedFetcher()))
    await bob.status("@alice hail")
    assert await pushing.pushed() == []
    assert pushing.receiver.received == []


async def test_a_reinstatement_pushes_nothing_old(pushing: Pushing) -> None:
    """Row "Notifications": none made afterwards for old acts; row "Sessions, tokens, streams":
    those of the suspended account are revoked, and what was pushed to with them.
    """
    world = pushing.world
    alice, star = await world.people("alice", "star")
    posted = await alice.status("hello")
    await pushing.subscribe(alice)
    await star.post(f"/api/v1/statuses/{posted['id']}/favourite")
    await star.follow(alice)
    await star.status("@alice hail")
    await world.suspend(star)
    world.tick(90_000)
    assert await pushing.pushed() == []
    await world.reinstate(star)
    assert await pushing.pushed() == []
    pushing.restart()
    assert await pushing.pushed() == []
    world.tick(5_000)
    await star.status("@alice I am back")
    assert [one["body"] for one in await pushing.pushed()] == ["@alice I am back"]
    await pushing.subscribe(star)
    await world.suspend(star)
    await alice.status("@star where are you?")
    assert await pushing.pushed() == []
    await world.reinstate(star)
    assert await pushing.pushed() == []
    assert (await star.call("GET", PATH)).status_code == 404


async def test_a_revoked_token_takes_its_subscription_along(pushing: Pushing) -> None:
    world = pushing.world
    alice, bob = await world.people("alice", "bob")
    await pushing.subscribe(alice)
    await world.store.write(lambda tx: tx.access.revoke_token(oauth.sha256(alice.token)))
    await bob.status("@alice hail")
    assert await pushing.pushed() == []
    with world.store.read() as snap:
        assert snap.push.accounts() == []
