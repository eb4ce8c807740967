"""Statuses: posting, reading, and what people do with them."""

from __future__ import annotations

from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.world import URL, Person, World

STATUS_FIELDS = {
    "id",
    "created_at",
    "in_reply_to_id",
    "in_reply_to_account_id",
    "sensitive",
    "spoiler_text",
    "visibility",
    "language",
    "uri",
    "url",
    "replies_count",
    "reblogs_count",
    "favourites_count",
    "quotes_count",
    "quote",
    "quote_approval",
    "edited_at",
    "content",
    "reblog",
    "application",
    "account",
    "media_attachments",
    "mentions",
    "tags",
    "emojis",
    "card",
    "poll",
}
VIEWER_FIELDS = {"favourited", "reblogged", "muted", "bookmarked", "filtered"}


async def test_a_status_has_every_field(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("Hail @bob #Ships https://ships.example/fleet", language="la")
    assert set(posted) == STATUS_FIELDS | VIEWER_FIELDS | {"pinned"}
    assert posted["uri"] == f"{URL}/users/alice/statuses/{posted['id']}"
    assert posted["url"] == f"{URL}/@alice/{posted['id']}"
    assert posted["account"]["id"] == alice.id
    assert posted["account"]["statuses_count"] == 1
    assert posted["mentions"] == [
        {"id": bob.id, "username": "bob", "url": f"{URL}/@bob", "acct": "bob"}
    ]
    assert posted["tags"] == [{"name": "ships", "url": f"{URL}/tags/ships"}]
    assert posted["visibility"] == "public"
    assert posted["language"] == "la"
    assert posted["created_at"].endswith("Z")
    assert posted["reblog"] is posted["poll"] is posted["card"] is None
    path = f"/api/v1/statuses/{posted['id']}"
    anonymous = (await world.get(path)).json()
    assert set(anonymous) == STATUS_FIELDS
    assert anonymous["quote_approval"].pop("current_user") == "denied"
    assert posted["quote_approval"].pop("current_user") == "automatic"
    assert anonymous == {name: posted[name] for name in STATUS_FIELDS}
    assert set(await bob.get(path)) == STATUS_FIELDS | VIEWER_FIELDS


async def test_posting_in_a_form_and_once(world: World) -> None:
    alice = await world.person("alice")
    headers = {"Idempotency-Key": "abc"}
    ids = set()
    for _ in range(2):
        response = await alice.call(
            "POST",
            "/api/v1/statuses",
            data={"status": "hello", "sensitive": "true", "spoiler_text": "greeting"},
            headers=headers,
        )
        assert response.status_code == 200
        ids.add(response.json()["id"])
        assert response.json()["sensitive"] is True
        assert response.json()["spoiler_text"] == "greeting"
    assert len(ids) == 1


async def test_what_cannot_be_posted(world: World) -> None:
    alice = await world.person("alice")
    for body, code in (
        ({}, 422),
        ({"status": "   "}, 422),
        ({"status": "x" * 501}, 422),
        ({"status": "x", "visibility": "secret"}, 422),
        ({"status": "x", "media_ids": ["1"]}, 422),
        ({"status": "x", "scheduled_at": "tomorrow"}, 422),
        ({"status": "x", "in_reply_to_id": "5"}, 404),
        ({"status": "x", "in_reply_to_id": "five"}, 404),
        ({"status": ["x"]}, 422),
        ({"status": {"a": 1}}, 422),
        ({"status": "x", "poll": {"options": ["a"], "expires_in": 600}}, 422),
        ({"status": "x", "poll": {"options": ["a", "b"]}}, 422),
        ({"status": "x", "poll": "yes"}, 422),
    ):
        response = await alice.call("POST", "/api/v1/statuses", json=body)
        assert response.status_code == code, (body, response.text)
        assert isinstance(response.json()["error"], str)
    blank = await alice.call("POST", "/api/v1/statuses", json={"status": ""})
    assert blank.json() == {"error": "Validation failed: Text can't be blank"}


async def test_control_characters_are_left_out_of_every_text(world: World) -> None:
    [alice] = await world.people("alice")
    said = await alice.status("a\0b\x1b[31m\tc\r\nd\x7f", spoiler_text="\0e")
    assert (said["content"], said["spoiler_text"]) == ("<p>ab[31m\tc<br />d</p>", "e")
    form = {"status": "\0f\x08", "poll[options][]": ["g\0", "h"], "poll[expires_in]": "600"}
    asked = (await alice.call("POST", "/api/v1/statuses", data=form)).json()
    assert asked["content"] == "<p>f</p>"
    assert [option["title"] for option in asked["poll"]["options"]] == ["g", "h"]
    refused = await alice.call("POST", "/api/v1/statuses", json={"status": "\0\x1b"})
    assert refused.status_code == 422
    changed = {"display_name": "i\0", "fields_attributes": [{"name": "\0j", "value": "k\x1b"}]}
    shown = await alice.call("PATCH", "/api/v1/accounts/update_credentials", json=changed)
    assert shown.json()["display_name"] == "i"
    assert shown.json()["source"]["fields"][0]["name"] == "j"


async def test_control_characters_are_left_out_of_what_pages_send(world: World) -> None:
    author = await world.citizen("alice")
    browser = world.browser()
    await sign_in(browser, "alice")
    form = {"csrf": csrf_of(await browser.get("/home")), "text": "a\0b"}
    for files in ({}, {"file": ("", b"")}):
        sent = await browser.post("/statuses", data=form, files=files)
        assert sent.status_code == 303, sent.text
    found = (await world.get(f"/api/v1/accounts/{author.id}/statuses")).json()
    assert [status["content"] for status in found] == ["<p>ab</p>"] * 2
    await browser.aclose()


async def test_visibility(world: World) -> None:
    alice, fan, stranger = await world.people("alice", "fan", "stranger")
    await fan.follow(alice)
    expected = {
        "public": (200, 200, 200),
        "unlisted": (200, 200, 200),
        "private": (200, 404, 404),
        "direct": (404, 404, 404),
    }
    for visibility, codes in expected.items():
        posted = await alice.status("hello", visibility=visibility)
        assert posted["visibility"] == visibility
        path = f"/api/v1/statuses/{posted['id']}"
        found = (
            (await fan.call("GET", path)).status_code,
            (await stranger.call("GET", path)).status_code,
            (await world.get(path)).status_code,
        )
        assert found == codes, visibility


async def test_favourite_reblog_and_bookmark(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    path = f"/api/v1/statuses/{posted['id']}"
    answer = await bob.post(f"{path}/favourite")
    assert (answer["favourited"], answer["favourites_count"]) == (True, 1)
    assert (await alice.get(path))["favourited"] is False
    assert (await alice.get(path))["favourites_count"] == 1
    assert [one["id"] for one in await alice.get(f"{path}/favourited_by")] == [bob.id]

    boost = await bob.post(f"{path}/reblog")
    assert boost["id"] != posted["id"]
    assert boost["account"]["id"] == bob.id
    assert boost["reblog"]["id"] == posted["id"]
    assert boost["reblogged"] is boost["reblog"]["reblogged"] is True
    assert boost["reblog"]["reblogs_count"] == 1
    assert boost["uri"].endswith(f"/users/bob/statuses/{boost['id']}/activity")
    assert (await bob.post(f"{path}/reblog"))["id"] == boost["id"]
    assert [one["id"] for one in await alice.get(f"{path}/reblogged_by")] == [bob.id]

    answer = await bob.post(f"{path}/bookmark")
    assert answer["bookmarked"] is True
    for act, flag in (
        ("unfavourite", "favourited"),
        ("unreblog", "reblogged"),
        ("unbookmark", "bookmarked"),
    ):
        answer = await bob.post(f"{path}/{act}")
        assert answer["id"] == posted["id"]
        assert answer[flag] is False
    assert (answer["favourites_count"], answer["reblogs_count"]) == (0, 0)
    assert (await world.get(f"/api/v1/statuses/{boost['id']}")).status_code == 404


async def test_threads(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    root = await alice.status("root")
    middle = await bob.status("middle", in_reply_to_id=root["id"])
    assert middle["in_reply_to_id"] == root["id"]
    assert middle["in_reply_to_account_id"] == alice.id
    leaf = await alice.status("leaf", in_reply_to_id=middle["id"])
    found = (await world.get(f"/api/v1/statuses/{middle['id']}/context")).json()
    assert [one["id"] for one in found["ancestors"]] == [root["id"]]
    assert [one["id"] for one in found["descendants"]] == [leaf["id"]]
    assert found["ancestors"][0]["replies_count"] == 1


async def test_deleting_returns_the_source(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("Hail #ships")
    path = f"/api/v1/statuses/{posted['id']}"
    assert (await bob.call("DELETE", path)).status_code == 404
    assert await alice.get(f"{path}/source") == {
        "id": posted["id"],
        "text": "Hail #ships",
        "spoiler_text": "",
    }
    response = await alice.call("DELETE", path)
    assert response.status_code == 200
    assert response.json()["text"] == "Hail #ships"
    assert (await alice.call("GET", path)).status_code == 404
    entity = await alice.get(f"/api/v1/accounts/{alice.id}")
    assert entity["statuses_count"] == 0


async def test_many_statuses(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    first, second = await alice.status("one"), await alice.status("two")
    hidden = await alice.status("three", visibility="private")
    params = {"id[]": [second["id"], hidden["id"], "5", "x", first["id"]]}
    found = (await bob.call("GET", "/api/v1/statuses", params=params)).json()
    assert [one["id"] for one in found] == [second["id"], first["id"]]


async def test_polls(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    poll = {"options": ["aye", "nay"], "expires_in": 600, "hide_totals": True}
    posted = await alice.status("Shall we sail?", poll=poll)
    assert set(posted["poll"]) == {
        "id",
        "expires_at",
        "expired",
        "multiple",
        "votes_count",
        "voters_count",
        "options",
        "emojis",
        "voted",
        "own_votes",
    }
    path = f"/api/v1/polls/{posted['poll']['id']}"
    assert posted["poll"]["voted"] is True  # the author counts as one who has
    assert (await bob.get(path))["voted"] is False
    answer = await bob.post(f"{path}/votes", choices=[1])
    assert (answer["voted"], answer["own_votes"], answer["votes_count"]) == (True, [1], 1)
    assert [option["votes_count"] for option in answer["options"]] == [None, None]
    again = await bob.call("POST", f"{path}/votes", json={"choices": [0]})
    assert again.status_code == 422
    form = await carol.call("POST", f"{path}/votes", data={"choices[]": ["1"]})
    assert form.json()["votes_count"] == 2
    anonymous = (await world.get(path)).json()
    assert "voted" not in anonymous
    assert anonymous["expired"] is False
    world.clock.advance(seconds=601)
    ended = (await world.get(f"/api/v1/statuses/{posted['id']}")).json()["poll"]
    assert ended["expired"] is True
    assert [option["votes_count"] for option in ended["options"]] == [0, 2]
    late = await world.person("late")
    assert (await late.call("POST", f"{path}/votes", json={"choices": [0]})).status_code == 422


async def test_polls_in_a_form(world: World) -> None:
    alice = await world.person("alice")
    form = {
        "status": "Which?",
        "poll[options][]": ["a", "b", "c"],
        "poll[expires_in]": "600",
        "poll[multiple]": "true",
    }
    posted = (await alice.call("POST", "/api/v1/statuses", data=form)).json()
    assert [option["title"] for option in posted["poll"]["options"]] == ["a", "b", "c"]
    assert posted["poll"]["multiple"] is True


async def ids(person: Person, path: str, **params: object) -> list[str]:
    return [one["id"] for one in await person.get(path, **params)]


async def test_timelines(world: World) -> None:
    alice, bob, carol = await world.people("alice", "bob", "carol")
    await carol.follow(alice)
    mine = await carol.status("of my own")
    world.tick()
    followed = await alice.status("to followers", visibility="private")
    world.tick()
    public = await bob.status("to all #Ships")
    world.tick()
    boost = await alice.post(f"/api/v1/statuses/{public['id']}/reblog")
    home = "/api/v1/timelines/home"
    assert await ids(carol, home) == [boost["id"], followed["id"], mine["id"]]
    assert await ids(carol, home, limit=1) == [boost["id"]]
    assert await ids(carol, home, max_id=boost["id"], limit=1) == [followed["id"]]
    assert await ids(carol, home, min_id=mine["id"], limit=1) == [followed["id"]]
    assert await ids(carol, home, since_id=mine["id"], limit=1) == [boost["id"]]
    assert (await world.get(home)).status_code == 401
    listed = (await world.get("/api/v1/timelines/public")).json()
    assert [one["id"] for one in listed] == [public["id"], mine["id"]]
    assert (await world.get("/api/v1/timelines/public", only_media="true")).json() == []
    tagged = (await world.get("/api/v1/timelines/tag/ships")).json()
    assert [one["id"] for one in tagged] == [public["id"]]
    await carol.post(f"/api/v1/accounts/{alice.id}/mute")
    assert await ids(carol, home) == [mine["id"]]


async def test_timelines_are_paged_by_link_headers(world: World) -> None:
    alice = await world.person("alice")
    posted = []
    for number in range(5):
        world.tick()
        posted.append((await alice.status(f"{number}"))["id"])
    seen: list[str] = []
    response = await alice.call("GET", "/api/v1/timelines/home", params={"limit": 2})
    while response.json():
        seen += [one["id"] for one in response.json()]
        response = await alice.call("GET", response.links["next"]["url"])
    assert seen == posted[::-1]
