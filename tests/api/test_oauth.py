"""Applications, the consent page, codes, tokens, scopes, registration."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.api.world import PASSWORD, URL, World

BACK = "https://gazette.example/back"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
VERIFIER = "a-verifier-of-at-least-43-characters-as-the-rfc-asks"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the form on a page."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Visit:
    """Somebody with a browser who was sent to the consent page."""

    def __init__(self, world: World, application: dict[str, Any], **asked: str) -> None:
        self.browser = world.browser()
        self.asked = {
            "response_type": "code",
            "client_id": application["client_id"],
            "redirect_uri": BACK,
            "scope": "read write",
            **asked,
        }

    async def open(self) -> httpx2.Response:
        return await self.browser.get("/oauth/authorize", params=self.asked)

    async def send(self, page: httpx2.Response, act: str, **typed: str) -> httpx2.Response:
        form = {**fields(page.text), "act": act, **typed}
        return await self.browser.post("/oauth/authorize", data=form)

    async def sign_in(self, login: str, password: str = PASSWORD) -> httpx2.Response:
        """Sign in and return the page with the question."""
        answer = await self.send(await self.open(), "sign_in", login=login, password=password)
        assert answer.status_code == 303, answer.text
        return await self.browser.get(answer.headers["location"])

    async def agree(self, login: str) -> httpx2.Response:
        """Sign in, say yes, and return the redirection."""
        return await self.send(await self.sign_in(login), "authorize")


def exchange(application: dict[str, Any], code: str, **given: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "redirect_uri": BACK,
        "code": code,
        **given,
    }


async def test_an_application_is_registered_and_checked(world: World) -> None:
    application = await world.application(website="https://gazette.example")
    assert set(application) == {
        "id",
        "name",
        "website",
        "scopes",
        "redirect_uris",
        "redirect_uri",
        "client_id",
        "client_secret",
        "client_secret_expires_at",
        "vapid_key",
    }
    assert application["scopes"] == ["read", "write", "follow", "push"]
    assert application["redirect_uris"] == [BACK]
    several = await world.application(redirect_uris=[BACK, OUT_OF_BAND], scopes="read")
    assert several["redirect_uri"] == f"{BACK}\n{OUT_OF_BAND}"
    lines = await world.application(redirect_uris=f"{BACK}\n{OUT_OF_BAND}")
    assert lines["redirect_uris"] == [BACK, OUT_OF_BAND]


@pytest.mark.parametrize(
    "given",
    [
        {"client_name": ""},
        {"client_name": "x" * 256},
        {"redirect_uris": ""},
        {"redirect_uris": "not a uri"},
        {"redirect_uris": "javascript:alert(1)"},
        {"redirect_uris": "https://"},
        {"redirect_uris": "https://a.example/#fragment"},
        {"redirect_uris": "http://[half"},
        {"scopes": "read everything"},
        {"website": "ftp://a.example"},
        {"client_name": {"a": 1}},
    ],
)
async def test_wrong_applications(world: World, given: dict[str, Any]) -> None:
    body = {"client_name": "x", "redirect_uris": BACK, **given}
    response = await world.client.post("/api/v1/apps", json=body)
    assert response.status_code == 422
    assert response.json()["error"].startswith("Validation failed: ")


async def test_a_code_with_pkce(world: World) -> None:
    alice = await world.citizen("alice")
    application = await world.application()
    visit = Visit(
        world, application, state="s&1", code_challenge=CHALLENGE, code_challenge_method="S256"
    )
    question = await visit.sign_in("alice@here.example")
    assert "Gazette" in question.text
    assert "@alice" in question.text
    answer = await visit.send(question, "authorize")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{BACK}?code=")
    back = query(answer.headers["location"])
    assert back["state"] == "s&1"

    wrong = exchange(application, back["code"], code_verifier="x" * 43)
    response = await world.client.post("/oauth/token", data=wrong)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    # A code is spent by any attempt.
    right = exchange(application, back["code"], code_verifier=VERIFIER)
    assert (await world.client.post("/oauth/token", data=right)).status_code == 400

    back = query((await visit.send(question, "authorize")).headers["location"])
    right = exchange(application, back["code"], code_verifier=VERIFIER)
    response = await world.client.post("/oauth/token", json=right)
    assert response.status_code == 200
    token = response.json()
    assert set(token) == {"access_token", "token_type", "scope", "created_at"}
    assert (token["token_type"], token["scope"]) == ("Bearer", "read write")

    headers = {"Authorization": f"Bearer {token['access_token']}"}
    path = "/api/v1/accounts/verify_credentials"
    entity = (await world.client.get(path, headers=headers)).json()
    assert entity["id"] == str(alice.id)
    found = await world.client.get("/api/v1/apps/verify_credentials", headers=headers)
    assert found.json()["name"] == "Gazette"
    in_query = await world.get(path, access_token=token["access_token"])
    assert in_query.status_code == 200

    gone = {**exchange(application, ""), "token": token["access_token"]}
    assert (await world.client.post("/oauth/revoke", data=gone)).json() == {}
    assert (await world.client.get(path, headers=headers)).status_code == 401


async def test_codes_expire_and_are_bound(world: World) -> None:
    await world.citizen("alice")
    application, other = await world.application(), await world.application()
    visit = Visit(world, application)
    question = await visit.sign_in("alice")

    async def code() -> str:
        answer = await visit.send(question, "authorize")
        return query(answer.headers["location"])["code"]

    for given in (
        exchange(other, await code()),
        exchange(application, await code(), redirect_uri="https://gazette.example/other"),
        exchange(application, await code(), code_verifier=VERIFIER),
        exchange(application, "unknown"),
    ):
        response = await world.client.post("/oauth/token", data=given)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    late = exchange(application, await code())
    world.clock.advance(seconds=601)
    assert (await world.client.post("/oauth/token", data=late)).status_code == 400
    # 10 minutes on, a new one does.
    right = exchange(application, await code())
    assert (await world.client.post("/oauth/token", data=right)).status_code == 200


async def test_the_name_of_an_application_cannot_turn_the_question_around(world: World) -> None:
    await world.citizen("alice")
    application = await world.application(client_name="<b>\u202eeman")
    visit = Visit(world, application)
    for page in (await visit.open(), await visit.sign_in("alice")):
        assert "<bdi>&lt;b&gt;\u202eeman</bdi>" in page.text


async def test_an_out_of_band_code_is_shown(world: World) -> None:
    await world.citizen("alice")
    application = await world.application(redirect_uris=OUT_OF_BAND)
    visit = Visit(world, application, redirect_uri=OUT_OF_BAND)
    answer = await visit.agree("alice")
    assert answer.status_code == 303
    page = await visit.browser.get(answer.headers["location"])
    code = query(answer.headers["location"])["code"]
    assert f'<code id="code">{code}</code>' in page.text
    given = exchange(application, code, redirect_uri=OUT_OF_BAND)
    assert (await world.client.post("/oauth/token", data=given)).status_code == 200


async def test_saying_no_and_changing_the_account(world: World) -> None:
    await world.citizen("alice")
    await world.citizen("bob")
    application = await world.application()
    visit = Visit(world, application, state="1")
    question = await visit.sign_in("alice")
    answer = await visit.send(question, "deny")
    assert query(answer.headers["location"])["error"] == "access_denied"
    assert query(answer.headers["location"])["state"] == "1"
    answer = await visit.send(question, "change")
    assert answer.status_code == 303
    form = await visit.browser.get(answer.headers["location"])
    assert 'name="password"' in form.text
    assert "@bob" in (await visit.sign_in("bob")).text
    forced = Visit(world, application, force_login="true")
    forced.browser = visit.browser
    assert 'name="password"' in (await forced.open()).text
    assert "@bob" in (await forced.sign_in("bob")).text


async def test_forms_that_are_not_ours(world: World) -> None:
    await world.citizen("alice")
    application = await world.application()
    visit = Visit(world, application)
    form = await visit.open()
    answer = await visit.send(form, "sign_in", login="alice", password=PASSWORD, csrf="0" * 64)
    assert answer.status_code == 422
    stranger = Visit(world, application)
    answer = await stranger.send(form, "sign_in", login="alice", password=PASSWORD)
    assert answer.status_code == 422
    question = await visit.sign_in("alice")
    assert (await visit.send(question, "authorize", csrf="")).status_code == 403
    assert (await stranger.send(question, "authorize")).status_code == 403
    assert "frame-ancestors 'none'" in question.headers["content-security-policy"]


async def test_wrong_passwords_and_suspended_accounts(world: World) -> None:
    account = await world.citizen("alice")
    visit = Visit(world, await world.application())
    for login in ("alice", "nobody", "alice@here.example"):
        answer = await visit.send(await visit.open(), "sign_in", login=login, password="wrong")
        assert answer.status_code == 422
        assert "do not belong together" in answer.text
    mod = await world.moderator()
    await mod.post(f"/api/v1/admin/accounts/{account.id}/action", type="suspend")
    answer = await visit.send(await visit.open(), "sign_in", login="alice", password=PASSWORD)
    assert answer.status_code == 422
    assert "suspended" in answer.text


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "read everything"}, "invalid_scope"),
        ({"scope": "admin:write"}, "invalid_scope"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
async def test_faults_are_told_to_the_application(
    world: World, asked: dict[str, str], error: str
) -> None:
    visit = Visit(world, await world.application(), state="7", **asked)
    answer = await visit.open()
    assert answer.status_code == 302
    back = query(answer.headers["location"])
    assert (back["error"], back["state"]) == (error, "7")


async def test_other_faults_are_told_to_the_person(world: World) -> None:
    application = await world.application()
    for asked in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example"}):
        answer = await Visit(world, application, **asked).open()
        assert answer.status_code in (400, 401)
        assert "location" not in answer.headers
        assert "<h1>" in answer.text


async def test_an_application_acts_for_itself_and_registers_people(world: World) -> None:
    headers = await world.application_token()
    home = await world.client.get("/api/v1/timelines/home", headers=headers)
    assert home.status_code == 422
    assert home.json() == {"error": "This method requires an authenticated user"}

    person = {
        "username": "alice",
        "email": "alice@here.example",
        "password": PASSWORD,
        "agreement": True,
    }
    path = "/api/v1/accounts"
    assert (await world.client.post(path, json=person)).status_code == 401
    refused = await world.client.post(path, json={"agreement": False}, headers=headers)
    assert refused.status_code == 422
    details = refused.json()["details"]
    assert set(details) == {"username", "email", "password", "agreement"}
    assert details["agreement"][0]["error"] == "ERR_ACCEPTED"
    made = await world.client.post(path, json=person, headers=headers)
    assert made.status_code == 200, made.text
    headers = {"Authorization": f"Bearer {made.json()['access_token']}"}
    entity = await world.client.get(f"{path}/verify_credentials", headers=headers)
    assert entity.json()["username"] == "alice"


async def test_token_requests_that_are_refused(world: World) -> None:
    application = await world.application()
    known = {name: application[name] for name in ("client_id", "client_secret")}
    for given, code, error in (
        ({}, 400, "invalid_request"),
        ({"grant_type": "password", **known}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", **known, "client_secret": "x"},
            401,
            "invalid_client",
        ),
        ({"grant_type": "authorization_code", **known}, 400, "invalid_request"),
        (
            {"grant_type": "client_credentials", **known, "scope": "admin:read"},
            400,
            "invalid_scope",
        ),
    ):
        response = await world.client.post("/oauth/token", data=given)
        assert (response.status_code, response.json()["error"]) == (code, error), given
        assert response.json()["error_description"]
    basic = httpx2.BasicAuth(application["client_id"], application["client_secret"])
    form = {"grant_type": "client_credentials"}
    response = await world.client.post("/oauth/token", data=form, auth=basic)
    assert response.json()["scope"] == "read"
    response = await world.client.post("/oauth/revoke", data={"token": "x"})
    assert response.status_code == 403


async def test_scopes(world: World) -> None:
    alice = await world.person("alice", scopes="read:accounts write:favourites follow")
    bob = await world.person("bob")
    posted = await bob.status("hello")
    path = f"/api/v1/statuses/{posted['id']}"
    allowed = (
        ("GET", "/api/v1/accounts/verify_credentials"),
        ("POST", f"{path}/favourite"),
        ("POST", f"/api/v1/accounts/{bob.id}/follow"),
        ("GET", "/api/v1/blocks"),
    )
    refused = (
        ("GET", "/api/v1/timelines/home"),
        ("GET", path),
        ("POST", f"{path}/reblog"),
        ("GET", "/api/v1/notifications"),
        ("GET", "/oauth/userinfo"),
    )
    for method, address in allowed:
        assert (await alice.call(method, address)).status_code == 200, address
    for method, address in refused:
        response = await alice.call(method, address)
        assert response.status_code == 403, address
        assert response.json() == {"error": "This action is outside the authorized scopes"}


async def test_what_clients_discover(world: World) -> None:
    found = (await world.get("/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == f"{URL}/"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "password" not in found["grant_types_supported"]
    assert "admin:write:accounts" in found["scopes_supported"]
    alice = await world.person("alice")
    person = await alice.get("/oauth/userinfo")
    assert person["sub"] == f"{URL}/users/alice"
    assert person["preferred_username"] == "alice"
