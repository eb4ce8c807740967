"""HTTP itself: methods, headers, bodies, caching, and input nobody should send."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.api.world import World

from rostra.domain.errors import StoreCorrupt, Unavailable

PUBLIC = "/api/v1/timelines/public"


async def test_each_response_names_its_worker_and_is_open_to_other_origins(world: World) -> None:
    alice = await world.person("alice")
    for path in (PUBLIC, "/api/v1/instance", "/api/v1/nothing", f"/api/v1/accounts/{alice.id}"):
        response = await world.get(path)
        assert response.headers["x-rostra-worker"] == "3"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "Link" in response.headers["access-control-expose-headers"]
    assert (await world.get("/")).headers["x-rostra-worker"] == "3"


async def test_preflight(world: World) -> None:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    for path in ("/api/v1/statuses", "/api/v1/timelines/home", "/oauth/token", "/api/v2/search"):
        response = await world.client.options(path, headers=headers)
        assert response.status_code == 200
        assert "PATCH" in response.headers["access-control-allow-methods"]
        allowed = response.headers["access-control-allow-headers"]
        assert allowed == "authorization, idempotency-key"


async def test_head_and_other_methods(world: World) -> None:
    alice = await world.person("alice")
    for path in (PUBLIC, "/api/v1/instance", f"/api/v1/accounts/{alice.id}"):
        response = await world.client.head(path)
        assert response.status_code == 200
        assert response.content == b""
        assert int(response.headers["content-length"]) > 0
    response = await world.client.delete("/api/v1/instance")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, OPTIONS"
    assert "error" in response.json()


async def test_what_many_addresses_begin_with_is_none_itself(world: World) -> None:
    alice = await world.person("alice")
    for path in ("/api", "/api/v1", "/api/v1/profile", "/api/v1/timelines", "/api/v1/admin/trends"):
        for method in ("GET", "PATCH", "POST"):
            answer = await alice.call(method, path)
            assert answer.status_code == 404, (method, path)
            assert answer.json()["error"]


async def test_a_slash_at_the_end_changes_nothing(world: World) -> None:
    alice = await world.person("alice")
    for path in ("/api/v1/instance", PUBLIC, f"/api/v1/accounts/{alice.id}"):
        with_slash = await world.get(f"{path}/")
        assert with_slash.status_code == 200
        assert with_slash.json() == (await world.get(path)).json()
    assert (await alice.post("/api/v1/statuses/", status="hello"))["account"]["id"] == alice.id
    asked = {"response_type": "code", "client_id": "unknown"}
    asking = [await world.get(f"/oauth/authorize{slash}", **asked) for slash in ("", "/")]
    assert [page.status_code for page in asking] == [401, 401]
    assert asking[0].text == asking[1].text
    assert (await world.get("/@alice/")).status_code == 200


async def test_what_is_not_there(world: World) -> None:
    for path in ("/api/v1/nothing", "/api/v3/instance", "/api/v1/accounts/1/2/3", "/api/"):
        response = await world.get(path)
        assert response.status_code == 404
        assert response.json() == {"error": "Record not found"}
    page = await world.get("/nothing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")


async def test_anonymous_answers_carry_an_etag(world: World) -> None:
    alice = await world.person("alice")
    posted = await alice.status("hello")
    for path in (PUBLIC, f"/api/v1/statuses/{posted['id']}", "/api/v2/instance"):
        for _ in range(2):
            first = await world.get(path)
            headers = {"If-None-Match": first.headers["etag"]}
            again = await world.client.get(path, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
    etag = (await world.get(PUBLIC)).headers["etag"]
    await alice.status("more")
    changed = await world.client.get(PUBLIC, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    private = await alice.call("GET", PUBLIC)
    assert private.headers["cache-control"] == "private, no-store"
    assert "etag" not in private.headers


async def test_answers_for_one_are_not_given_to_another(world: World) -> None:
    alice, bob = await world.people("alice", "bob")
    posted = await alice.status("hello")
    path = f"/api/v1/statuses/{posted['id']}"
    await bob.post(f"{path}/favourite")
    for _ in range(3):
        assert (await bob.get(path))["favourited"] is True
        assert (await alice.get(path))["favourited"] is False
        assert "favourited" not in (await world.get(path)).json()


async def test_a_body_over_the_limit(world: World) -> None:
    alice = await world.person("alice")
    limit = world.settings.max_body_bytes
    for body in (b"x" * (limit + 1), json.dumps({"status": "x" * limit}).encode()):
        headers = {"Content-Type": "application/json"}
        response = await alice.call("POST", "/api/v1/statuses", content=body, headers=headers)
        assert response.status_code == 413
        assert "error" in response.json()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"status": "\xff"}'),
        ("application/json", b'{"status": "\\ud800"}'),
        ("application/json", b"[" * 100_000),
        ("application/json", b"[]"),
        ("application/json", b'"text"'),
        ("application/json", b"null"),
        ("application/x-www-form-urlencoded", b"status=\xff"),
        ("application/x-www-form-urlencoded", b"status=%ff"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(2000))),
        ("application/x-www-form-urlencoded", b"status=a&status[b]=c"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"no such boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na"),
    ],
)
async def test_bodies_that_cannot_be_read(world: World, content_type: str, body: bytes) -> None:
    alice = await world.person("alice")
    headers = {"Content-Type": content_type}
    response = await alice.call("POST", "/api/v1/statuses", content=body, headers=headers)
    assert response.status_code in (400, 422), response.text
    assert isinstance(response.json()["error"], str)


async def test_queries_that_cannot_be_read(world: World) -> None:
    for query in ("limit=%ff", "max_id=%c3%28"):
        response = await world.client.get(f"{PUBLIC}?{query}")
        assert response.status_code == 400
    for query in ("limit=many", "limit=1.5", "local=1&limit[]=3"):
        response = await world.client.get(f"{PUBLIC}?{query}")
        assert response.status_code == 422, query


async def test_odd_cursors_count_as_none(world: World) -> None:
    alice = await world.person("alice")
    posted = [(await alice.status(f"{number}"))["id"] for number in range(3)][::-1]

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in (await world.get(PUBLIC, **params)).json()]

    assert await ids() == posted
    for odd in ("", "x", "-1", "1e9", "٣", " "):
        for name in ("max_id", "since_id", "min_id"):
            assert await ids(**{name: odd}) == posted, (name, odd)
    assert await ids(max_id="9" * 40) == posted
    assert await ids(max_id=str(2**63)) == posted
    assert await ids(min_id="9" * 40) == []
    assert await ids(limit=0) == []
    assert await ids(limit=-2) == posted[:2]
    assert await ids(limit=10**30) == posted


async def test_tokens_that_are_none(world: World) -> None:
    for value in (
        b"Bearer x",
        b"Bearer ",
        b"Bearer",
        b"Basic x",
        b"\xff",
        b"Bearer " + b"x" * 9999,
    ):
        for path in (PUBLIC, "/api/v1/timelines/home", "/api/v1/accounts/1"):
            response = await world.client.get(path, headers={"Authorization": value})
            assert response.status_code == 401, (path, value)
            assert response.json() == {"error": "The access token is invalid"}
            assert response.headers["www-authenticate"].startswith("Bearer ")


async def test_faults_say_nothing_of_what_is_inside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await world.person("alice")

    def failing(error: Exception) -> Any:
        async def write(change: Any) -> Any:
            raise error

        return write

    for error, code, says in (
        (Unavailable("The server's disk is full; nothing was changed"), 503, "disk is full"),
        (StoreCorrupt("row 7 of chunks"), 500, "Something went wrong"),
        (ZeroDivisionError("secret"), 500, "Something went wrong"),
    ):
        monkeypatch.setattr(world.store, "write", failing(error))
        for path in ("/api/v1/statuses", f"/api/v1/accounts/{alice.id}/unfollow"):
            response = await alice.call("POST", path, json={"status": "x"})
            assert response.status_code == code
            assert says in response.json()["error"]
            assert "row 7" not in response.text
            assert ("retry-after" in response.headers) == (code == 503)


async def test_what_apps_ask_at_the_start(world: World) -> None:
    alice = await world.person("alice")
    preferences = await alice.get("/api/v1/preferences")
    assert preferences["posting:default:visibility"] == "public"
    assert await alice.get("/api/v1/markers") == {}
    for path in (
        "/api/v1/filters",
        "/api/v2/filters",
        "/api/v1/lists",
        "/api/v1/custom_emojis",
        "/api/v1/announcements",
        "/api/v1/followed_tags",
    ):
        assert await alice.get(path) == [], path


async def test_the_instance_in_both_versions(world: World) -> None:
    alice = await world.person("alice")
    await alice.status("hello")
    first = (await world.get("/api/v1/instance")).json()
    assert first["uri"] == "here.example"
    assert first["stats"] == {"user_count": 1, "status_count": 1, "domain_count": 0}
    second = (await world.get("/api/v2/instance")).json()
    assert second["domain"] == "here.example"
    assert second["usage"]["users"]["active_month"] == 1
    assert second["configuration"]["statuses"]["max_characters"] == 500
    assert second["version"].startswith("4.5.")
    assert (await world.get("/api/v1/instance/peers")).json() == []
    assert (await world.get("/api/v1/instance/rules")).json() == []
    weeks = (await world.get("/api/v1/instance/activity")).json()
    assert len(weeks) == 12
    assert (weeks[0]["statuses"], weeks[0]["registrations"]) == ("1", "1")


async def test_search(world: World) -> None:
    alice = await world.person("alice")
    posted = await alice.status("hello #ships")
    path = "/api/v2/search"
    found = (await world.get(path, q="ali")).json()
    assert [one["id"] for one in found["accounts"]] == [alice.id]
    assert found["statuses"] == found["hashtags"] == []
    found = (await world.get(path, q=posted["url"])).json()
    assert [one["id"] for one in found["statuses"]] == [posted["id"]]
    found = (await world.get(path, q="#ships", type="hashtags")).json()
    assert [one["name"] for one in found["hashtags"]] == ["ships"]
    assert (await world.get(path, q="a", resolve="true")).status_code == 401


async def test_what_the_manual_says_is_not_answered_is_not(world: World) -> None:
    """The table of docs/api.md tells of what is missing, and of nothing that is there."""
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    table = page.split("\n## What is not answered\n")[1].split("\n## ")[0]
    alice = await world.moderator("alice")
    posted = (await alice.status("hello"))["id"]
    paths = [
        path
        for row in re.findall(r"^\| (`.+`.*?) \|", table, re.MULTILINE)
        for path in re.findall(r"`(?:POST |GET )?(/[^` ]+)`", row)
    ]
    assert len(paths) == 15
    for path in paths:
        where = path.replace(":id", posted)
        post = path.endswith("/translate")
        answer = await alice.call("POST" if post else "GET", where, params={"url": "x"})
        assert answer.status_code in ((503,) if post else (404, 405)), path
