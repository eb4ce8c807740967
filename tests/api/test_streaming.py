"""Streams: what happens is told at once to those who listen, and to nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.api.listening import USER, Events, Socket, silence, told, user
from tests.api.world import World

from rostra.api.streaming import hub as hubs
from rostra.domain.account_set import SetKey, SetKind
from rostra.services.authentication import sessions
from rostra.services.server import announcements


async def test_a_status_comes_to_its_followers_and_its_author(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await bob.follow(alice)
    streams = [await user(world, person) for person in (alice, bob, carol)]
    posted = await alice.status("hello")
    for stream, person in zip(streams[:2], (alice, bob), strict=True):
        event, told = await stream.event()
        assert event == "update"
        assert told == await person.get(f"/api/v1/statuses/{posted['id']}")
    await silence(world, streams[2])
    boost = await carol.post(f"/api/v1/statuses/{posted['id']}/reblog")
    event, told = await streams[2].event()
    assert (event, told["id"], told["reblog"]["id"]) == ("update", boost["id"], posted["id"])
    assert told["reblog"]["reblogged"] is True
    event, told = await streams[0].event()
    assert (event, told["type"], told["account"]["id"]) == ("notification", "reblog", carol.id)
    await alice.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert await streams[0].event() == ("delete", posted["id"])
    assert await streams[1].event() == ("delete", posted["id"])
    for stream in streams:
        await stream.close()


async def test_who_hears_of_what_at_home(world: World) -> None:
    alice, bob, carol, dave = await world.people("alice", "bob", "carol", "dave")
    for person in (bob, carol):
        await person.follow(alice)
    await carol.follow(bob)
    streams = {person.name: await user(world, person) for person in (bob, carol, dave)}
    parent = await bob.status("a word")
    for name in ("bob", "carol"):
        assert (await streams[name].event())[1]["id"] == parent["id"]
    # An answer goes home to those who follow both.
    answer = await alice.status("indeed", in_reply_to_id=parent["id"])
    for name in ("bob", "carol"):
        assert (await streams[name].event())[1]["id"] == answer["id"]
    other = await dave.status("nobody follows me")
    assert (await streams["dave"].event())[1]["id"] == other["id"]
    aside = await alice.status("to dave alone", in_reply_to_id=other["id"])
    await silence(world, *streams.values())
    # Followers-only and direct statuses.
    closed = await alice.status("for followers", visibility="private")
    for name in ("bob", "carol"):
        assert (await streams[name].event())[1]["id"] == closed["id"]
    direct = await alice.status("@bob between us", visibility="direct")
    told = [await streams["bob"].event() for _ in range(2)]
    assert {event for event, _ in told} == {"update", "notification"}
    assert {(one.get("status") or one)["id"] for _, one in told} == {direct["id"]}
    await silence(world, *streams.values())
    assert aside["id"]
    for stream in streams.values():
        await stream.close()


async def test_blocks_mutes_and_options_are_honoured(world: World) -> None:
    alice, bob, carol, dave, erin = await world.people("alice", "bob", "carol", "dave", "erin")
    for person in (bob, carol, dave, erin):
        await person.follow(alice)
    await bob.post(f"/api/v1/accounts/{alice.id}/mute")
    await alice.post(f"/api/v1/accounts/{carol.id}/block")
    await dave.follow(alice, languages=["de"])
    await erin.follow(alice, reblogs=False)
    streams = [await user(world, person) for person in (bob, carol, dave, erin)]
    await alice.status("in English", language="en")
    event, told = await streams[3].event()
    assert (event, told["content"]) == ("update", "<p>in English</p>")
    german = await alice.status("auf Deutsch", language="de")
    for stream in streams[2:]:
        assert (await stream.event())[1]["id"] == german["id"]
    fay = await world.person("fay")
    said = await fay.status("to boost", language="de")
    boost = await alice.post(f"/api/v1/statuses/{said['id']}/reblog")
    assert (await streams[2].event())[1]["id"] == boost["id"]
    await silence(world, *streams)
    for stream in streams:
        await stream.close()


async def test_public_and_hashtag_streams(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    paths: list[tuple[str, dict[str, Any]]] = [
        ("public", {}),
        ("public/local", {}),
        ("hashtag", {"tag": "Ships"}),
        ("hashtag/local", {"tag": "#ships"}),
        ("public/remote", {}),
        ("public", {"only_media": "true"}),
    ]
    streams = [
        await Events(world, f"/api/v1/streaming/{path}", token=bob.token, **given).opened()
        for path, given in paths
    ]
    posted = await alice.status("of #ships")
    for stream in streams[:4]:
        event, told = await stream.event()
        assert (event, told["id"]) == ("update", posted["id"])
    answer = await bob.status("more of #Ships", in_reply_to_id=posted["id"])
    for stream in streams[2:4]:
        assert (await stream.event())[1]["id"] == answer["id"]
    await alice.status("not #ships for all", visibility="unlisted")
    await alice.post(f"/api/v1/accounts/{bob.id}/block")
    await alice.status("#ships not for bob")
    await bob.post(f"/api/v1/statuses/{answer['id']}/reblog")
    await silence(world, *streams)
    await bob.call("DELETE", f"/api/v1/statuses/{answer['id']}")
    for stream in streams[2:4]:
        assert await stream.event() == ("delete", answer["id"])
    for stream in streams:
        await stream.close()


async def test_each_is_told_a_status_as_it_is_to_that_one(world: World) -> None:
    alice, bob, carol, dave, erin = await world.people("alice", "bob", "carol", "dave", "erin")
    for person in (bob, carol, dave, erin):
        await person.follow(alice)
    keyword = {"keyword": "ships", "whole_word": True}
    await carol.post(
        "/api/v2/filters",
        title="No ships",
        context=["home"],
        filter_action="warn",
        keywords_attributes=[keyword],
    )
    quoted = await bob.status("to be quoted")
    await erin.post(f"/api/v1/accounts/{bob.id}/mute")
    await dave.post(f"/api/v1/statuses/{quoted['id']}/favourite")
    streams = [await user(world, person) for person in (alice, bob, carol, dave, erin)]
    for body in (
        {"text": "of ships"},
        {"text": "a quote", "quoted_status_id": quoted["id"]},
        {"text": "for few", "visibility": "private"},
        {"text": "not to be quoted", "quote_approval_policy": "nobody"},
        {"text": "a question", "poll": {"options": ["aye", "nay"], "expires_in": 600}},
    ):
        posted = await alice.status(body.pop("text"), **body)
        for stream, person in zip(streams, (alice, bob, carol, dave, erin), strict=True):
            event, told = await stream.event()
            while event == "notification":
                event, told = await stream.event()
            assert event == "update"
            assert told == await person.get(f"/api/v1/statuses/{posted['id']}"), person.name
    edited = f"/api/v1/statuses/{posted['id']}"
    answer = await alice.call("PUT", edited, json={"status": "another question about ships"})
    assert answer.status_code == 200, answer.text
    event, told = await streams[2].event()
    assert (event, told["id"]) == ("status.update", posted["id"])
    assert [found["keyword_matches"] for found in told["filtered"]] == [["ships"]]
    for stream in streams:
        await stream.close()


async def test_conversations_filters_announcements_and_requests(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    direct = await Socket(world, token=bob.token, stream="direct").opened()
    stream = await user(world, bob)
    posted = await alice.status("@bob between us", visibility="direct")
    told = await direct.event()
    assert (told["stream"], told["event"]) == (["direct"], "conversation")
    assert told["payload"] == (await bob.get("/api/v1/conversations"))[0]
    assert told["payload"]["last_status"]["id"] == posted["id"]
    await silence(world, stream)  # the policy holds back what strangers send alone
    heeding = SetKey(bob.ordinal, SetKind.HEEDING)  # as accepting a request does
    await world.store.write(lambda tx: tx.sets.add(heeding, alice.ordinal))
    assert await stream.event() == ("notifications_merged", "1")
    await bob.post("/api/v2/filters", title="Nothing", context=["home"])
    assert await stream.event() == ("filters_changed", "undefined")
    announcement = await announcements.publish(world.ctx, text="A feast")
    event, told = await stream.event()
    assert event == "announcement"
    (listed,) = await bob.get("/api/v1/announcements")
    assert told == listed
    path = f"/api/v1/announcements/{listed['id']}/reactions/%F0%9F%91%8D"
    assert (await alice.call("PUT", path)).status_code == 200
    for count, method in ((1, None), (0, "DELETE")):
        if method:
            assert (await alice.call(method, path)).status_code == 200
        event, told = await stream.event()
        assert (event, told["name"], told["count"]) == (
            "announcement.reaction",
            "\N{THUMBS UP SIGN}",
            count,
        )
        assert told["announcement_id"] == listed["id"]
    await announcements.withdraw(world.ctx, announcement_id=announcement.id)
    assert await stream.event() == ("announcement.delete", listed["id"])
    await silence(world, stream, direct)
    await stream.close()
    await direct.close()


async def test_a_list_has_its_members_and_its_rules(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    for person in (alice, carol):
        await bob.follow(person)
    made = await bob.post("/api/v1/lists", title="Ships", replies_policy="none", exclusive=True)
    await bob.post(f"/api/v1/lists/{made['id']}/accounts", account_ids=[alice.id])
    path = "/api/v1/streaming/list"
    stream = await Events(world, path, token=bob.token, list=made["id"]).opened()
    at_home = await user(world, bob)
    error = (401, "Not authorized to stream this list")
    assert await Events(world, path, token=alice.token, list=made["id"]).refused() == error
    said = await carol.status("not in the list")
    assert (await at_home.event())[1]["id"] == said["id"]
    await alice.status("an answer", in_reply_to_id=said["id"])
    posted = await alice.status("in the list")
    assert (await stream.event())[1]["id"] == posted["id"]
    await alice.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert await stream.event() == ("delete", posted["id"])
    assert await at_home.event() == ("delete", posted["id"])
    await silence(world, stream, at_home)
    await stream.close()
    await at_home.close()


async def test_followed_hashtags_come_home(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.post("/api/v1/tags/ships/follow")
    stream = await user(world, bob)
    posted = await alice.status("of #ships")
    assert (await stream.event())[1]["id"] == posted["id"]
    await stream.close()


async def test_notifications_of_each_kind(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    stream = await Events(world, f"{USER}/notification", token=alice.token).opened()
    await bob.follow(alice)
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    await bob.post(f"/api/v1/statuses/{posted['id']}/reblog")
    await bob.status("@alice hail")
    told = [await stream.event() for _ in range(4)]
    assert {event for event, _ in told} == {"notification"}
    listed = await alice.get("/api/v1/notifications")
    heard = {one["id"]: (one["type"], one["account"]["id"], one.get("status")) for _, one in told}
    assert heard.keys() == {one["id"] for one in listed}
    for one in listed:
        kind, source, status = heard[one["id"]]
        assert (kind, source) == (one["type"], bob.id)
        assert (status and status["id"]) == (one.get("status") or {}).get("id")
    # What is taken back before the next look is not told.
    await bob.post(f"/api/v1/statuses/{posted['id']}/unfavourite")
    await bob.post(f"/api/v1/accounts/{alice.id}/mute")
    await alice.post(f"/api/v1/accounts/{bob.id}/mute")
    await bob.post(f"/api/v1/statuses/{posted['id']}/favourite")
    await bob.status("@alice are you there?")
    await silence(world, stream)
    await stream.close()


async def test_many_likes_at_once_are_told_up_to_a_number(world: World) -> None:
    alice = await world.person("alice")
    posted = await alice.status("hello")
    fans = await world.people(*(f"fan{number}" for number in range(30)))
    stream = await Events(world, f"{USER}/notification", token=alice.token).opened()
    await asyncio.gather(*(fan.post(f"/api/v1/statuses/{posted['id']}/favourite") for fan in fans))
    heard = [await stream.event()]
    for _ in range(5):
        await asyncio.sleep(hubs.LOOK_SECONDS)
        heard += map(told, stream.come())
    assert 20 <= len({one["id"] for _, one in heard}) <= 30
    await stream.close()


async def test_refusals(world: World) -> None:
    alice = await world.person("alice")
    narrow = await world.token(alice.ordinal, "read:accounts")
    listening = await world.token(alice.ordinal, "read:statuses")
    application = await world.application()
    given = {
        "grant_type": "client_credentials",
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
    }
    own = (await world.client.post("/oauth/token", json=given)).json()["access_token"]
    for path, options, status, error in (
        ("user", {}, 401, "Missing access token"),
        ("user", {"token": "wrong"}, 401, "Invalid access token"),
        ("user", {"token": own}, 401, "Invalid access token"),
        ("user", {"token": narrow}, 401, "Access token does not have the required scopes"),
        ("direct", {"token": narrow}, 401, "Access token does not have the required scopes"),
        (
            "user/notification",
            {"token": listening},
            401,
            "Access token does not have the required scopes",
        ),
        ("hashtag", {"token": alice.token}, 400, "Missing tag name parameter"),
        ("list", {"token": alice.token}, 400, "Missing list name parameter"),
        ("list", {"token": alice.token, "list": "1"}, 401, "Not authorized to stream this list"),
        ("nowhere", {"token": alice.token}, 400, "Unknown stream type"),
        ("", {"token": alice.token}, 400, "Unknown stream type"),
    ):
        listener = Events(world, f"/api/v1/streaming/{path}".rstrip("/"), **options)
        assert await listener.refused() == (status, error), path
    public = await Events(world, "/api/v1/streaming/public", token=narrow).opened()
    await public.close()
    # Without the scope for notifications the stream has statuses alone.
    quiet = await Events(world, USER, token=listening).opened()
    bob = await world.person("bob")
    await bob.follow(alice)
    await alice.status("hello")
    assert (await quiet.event())[0] == "update"
    await silence(world, quiet)
    await quiet.close()
    answer = await world.client.post("/api/v1/streaming/user")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
    answer = await world.client.options("/api/v1/streaming/user")
    assert answer.status_code == 200
    for method in ("GET", "HEAD"):
        answer = await world.client.request(method, "/api/v1/streaming/health")
        assert (answer.status_code, answer.text) == (200, "OK" if method == "GET" else "")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_socket_carries_many_streams(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.follow(alice)
    socket = await Socket(world, token=bob.token, stream="user").opened()
    posted = await alice.status("of #ships")
    body = await bob.get(f"/api/v1/statuses/{posted['id']}")
    assert await socket.event() == {"stream": ["user"], "event": "update", "payload": body}
    socket.ask("subscribe", "hashtag", tag="Ships")
    socket.ask("subscribe", "hashtag", tag="ships")  # again changes nothing
    socket.ask("subscribe", "public:local")
    socket.ask("subscribe", "nowhere")
    assert await socket.event() == {"error": "Unknown stream type", "status": 400}
    socket.ask("subscribe", "list", list="1")
    error = {"error": "Not authorized to stream this list", "status": 401}
    assert await socket.event() == error
    socket.ask("subscribe", "hashtag")
    assert await socket.event() == {"error": "Missing tag name parameter", "status": 400}
    posted = await alice.status("more of #ships")
    told = [await socket.event() for _ in range(3)]
    assert {tuple(one["stream"]) for one in told} == {
        ("user",),
        ("hashtag", "Ships"),
        ("public:local",),
    }
    assert {one["payload"]["id"] for one in told} == {posted["id"]}
    socket.ask("unsubscribe", "user")
    socket.ask("unsubscribe", "hashtag", tag="ships")
    socket.ask("unsubscribe", "hashtag", tag="never")
    for nonsense in ("{", "[]", '"x"', '{"type": 1}', '{"type":"subscribe","stream":["public"]}'):
        socket.say({"type": "websocket.receive", "text": nonsense})
    await alice.follow(bob)
    await alice.call("DELETE", f"/api/v1/statuses/{posted['id']}")
    told = [await socket.event() for _ in range(2)]
    assert {one["stream"][0] for one in told} == {"public", "public:local"}
    assert {(one["event"], one["payload"]) for one in told} == {("delete", posted["id"])}
    await silence(world, socket)
    await socket.close()


async def test_a_socket_knows_its_token_by_three_ways(world: World) -> None:
    alice = await world.person("alice")
    for given in ({"token": alice.token}, {"header": alice.token}, {"protocol": alice.token}):
        socket = await Socket(world, **given, stream="user").opened()
        assert socket.accepted.get("subprotocol") == given.get("protocol")
        await socket.close()
    for wrong in ({}, {"token": "wrong"}, {"header": "wrong"}, {"protocol": "x" * 600}):
        assert await Socket(world, **wrong).refused()
    socket = await Socket(world, token=alice.token).opened()
    socket.say({"type": "websocket.receive", "bytes": b"\x00"})
    await socket.ended()


# -- pages -----------------------------------------------------------------------------------------


async def test_pages_hear_that_something_is_new(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    await bob.follow(alice)
    cookie = await sessions.create(world.ctx, bob.ordinal)
    first = await alice.status("a thread")
    names = ["home", "notifications", "tag", "thread", "local"]
    page = await Events(
        world, "/events", cookie=cookie, stream=names, tag="ships", thread=first["id"]
    ).opened()
    visitor = await Events(world, "/events", stream=["local"]).opened()
    posted = await alice.status("of #ships")
    told = [await page.event() for _ in range(3)]
    assert sorted(told, key=json.dumps) == [
        ("status", {"stream": name, "id": posted["id"]}) for name in ("home", "local", "tag")
    ]
    assert await visitor.event() == ("status", {"stream": "local", "id": posted["id"]})
    answer = await alice.status("@bob an answer", in_reply_to_id=first["id"])
    told = [await page.event() for _ in range(4)]
    seen = {(event, one["stream"]) for event, one in told}
    assert seen == {
        ("status", "home"),
        ("status", "local"),
        ("status", "thread"),
        ("notification", "notifications"),
    }
    await alice.call("DELETE", f"/api/v1/statuses/{answer['id']}")
    told = [await page.event() for _ in range(3)]
    assert {(event, one["stream"]) for event, one in told} == {
        ("delete", "home"),
        ("delete", "local"),
        ("delete", "thread"),
    }
    await sessions.delete(world.ctx, cookie)
    await page.ended()
    await visitor.close()
    for params, status in (
        ({}, 400),
        ({"stream": "nowhere"}, 400),
        ({"stream": "home"}, 401),
        ({"stream": "thread", "thread": "1"}, 404),
        ({"stream": "tag"}, 400),
    ):
        assert (await Events(world, "/events", **params).refused())[0] == status


async def test_nonsense_is_refused_and_breaks_nothing(world: World) -> None:
    alice = await world.person("alice")
    for path in ("/api/v1/streaming/user", "/api/v1/streaming/list", "/events"):
        for params in (
            {"list": "٣", "tag": "\x00", "stream": "list"},
            {"list": "9" * 400, "stream": ["tag", "thread", "list"], "tag": "a" * 300},
            {"stream": ["home"] * 30, "access_token": "\ud7ff"},
            {"thread": "-1", "stream": "thread"},
            {"only_media": "maybe", "stream": "public:media:media"},
        ):
            for cookie in ("", "x" * 500, "ü;=", '"'):
                listener = Events(world, path, token=cookie or "", cookie=cookie, **params)
                status, error = await listener.refused()
                assert 400 <= status < 500, (path, params, status)
                assert error
    for query in ("%ff=1", "stream=%ff", "stream=user&" * 1100):
        answer = await world.client.get(f"/api/v1/streaming/user?{query}")
        assert answer.status_code in (400, 401)
    socket = await Socket(world, token=alice.token, stream="list", list="٣").opened()
    assert (await socket.event())["status"] == 401
    for text in (
        '{"type":"subscribe"}',
        '{"type":["subscribe"],"stream":{}}',
        "[" * 5000,
        '"\\ud800',
    ):
        socket.say({"type": "websocket.receive", "text": text})
    assert (await socket.event())["error"] == "Unknown stream type"
    for number in range(120):
        socket.ask("subscribe", "hashtag", tag=f"tag{number}")
    assert (await socket.event())["status"] in (400, 429)
    await socket.close()
