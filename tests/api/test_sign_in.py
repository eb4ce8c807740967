"""Signing in on the pages and in the OAuth page: throttling, cookies, and what is not told."""

from __future__ import annotations

import re

import httpx2
from tests.api.test_oauth import Visit
from tests.api.world import PASSWORD, World


def csrf_of(page: httpx2.Response) -> str:
    """Return the token of the forms on a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


async def sign_in(
    browser: httpx2.AsyncClient, login: str, password: str = PASSWORD, **more: str
) -> httpx2.Response:
    """Send the form to sign in."""
    page = await browser.get("/auth/sign_in")
    form = {"csrf": csrf_of(page), "login": login, "password": password, **more}
    return await browser.post("/auth/sign_in", data=form)


async def test_cookies_are_bound_to_this_host_and_hidden_from_scripts(world: World) -> None:
    await world.citizen("alice")
    browser = world.browser()
    answer = await sign_in(browser, "alice")
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-rostra_session=")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    token = browser.cookies["__Host-rostra_session"]
    assert (await browser.get("/home")).status_code == 200
    other = world.browser()
    other.cookies.set("rostra_session", token)  # as another host of the domain could set it
    assert (await other.get("/home")).status_code == 303


async def test_too_many_tries_are_told_when_to_come_back(world: World) -> None:
    await world.citizen("alice")
    browser = world.browser()
    for _ in range(6):
        answer = await sign_in(browser, "alice", "wrong")
        assert answer.status_code == 422
    refused = await sign_in(browser, "alice")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert "Try again in 2 seconds" in refused.text
    visit = Visit(world, await world.application())
    answer = await visit.send(await visit.open(), "sign_in", login="alice", password=PASSWORD)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    world.tick(2000)
    assert (await sign_in(browser, "alice")).status_code == 303


async def test_a_code_used_twice_takes_back_its_token(world: World) -> None:
    await world.citizen("alice")
    application = await world.application()
    answer = await Visit(world, application).agree("alice")
    code = httpx2.URL(answer.headers["location"]).params["code"]
    given = {
        "grant_type": "authorization_code",
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "redirect_uri": "https://gazette.example/back",
        "code": code,
    }
    token = (await world.client.post("/oauth/token", data=given)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    path = "/api/v1/accounts/verify_credentials"
    assert (await world.client.get(path, headers=headers)).status_code == 200
    again = await world.client.post("/oauth/token", data=given)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await world.client.get(path, headers=headers)).status_code == 401


async def test_signing_in_again_begins_a_session_of_its_own(world: World) -> None:
    await world.citizen("alice")
    await world.citizen("bob")
    browser = world.browser()
    page = await browser.get("/auth/sign_in")
    await sign_in(browser, "alice")
    first = browser.cookies["__Host-rostra_session"]
    form = {"csrf": csrf_of(page), "login": "bob", "password": PASSWORD}
    assert (await browser.post("/auth/sign_in", data=form)).status_code == 303
    assert browser.cookies["__Host-rostra_session"] != first
    old = world.browser()
    old.cookies.set("__Host-rostra_session", first)
    assert (await old.get("/home")).status_code == 303
