"""Second factors, sessions, apps, passwords and addresses, as a person changes them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
from tests.api.mailbox import Mailbox
from tests.api.test_oauth import Visit
from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.world import PASSWORD, World

NEW = "another platform of prows"
SECURITY = "/settings/security"


class Someone:
    """Somebody signed in in a browser."""

    def __init__(self, world: World, name: str, browser: httpx2.AsyncClient) -> None:
        self.world = world
        self.name = name
        self.browser = browser

    async def get(self, path: str) -> httpx2.Response:
        return await self.browser.get(path)

    async def send(self, path: str, page: str = SECURITY, **form: str) -> httpx2.Response:
        token = csrf_of(await self.browser.get(page))
        return await self.browser.post(path, data={"csrf": token, **form})


async def somebody(world: World, name: str = "alice", **headers: str) -> Someone:
    """Create an account and sign it in."""
    with world.store.read() as snap:
        known = snap.accounts.by_username(name) is not None
    if not known:
        await world.citizen(name)
    browser = world.browser()
    browser.headers.update(headers)
    assert (await sign_in(browser, name)).status_code == 303
    return Someone(world, name, browser)


def secret_on(page: httpx2.Response) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


def codes_on(page: httpx2.Response) -> list[str]:
    return re.findall(r"<li><code>([^<]+)</code></li>", page.text)


async def with_one_time(alice: Someone) -> tuple[pyotp.TOTP, list[str]]:
    """Turn on one-time passwords; return what makes them, and the recovery codes."""
    page = await alice.send(f"{SECURITY}/one_time", password=PASSWORD)
    assert page.status_code == 200
    totp = pyotp.TOTP(secret_on(page))
    now = alice.world.clock.now() // 1000
    done = await alice.send(f"{SECURITY}/one_time/confirm", code=totp.at(now))
    assert done.status_code == 200, done.text
    codes = codes_on(done)
    assert len(codes) == 10
    alice.world.clock.advance(seconds=60)
    return totp, codes


async def test_one_time_passwords_are_set_up_asked_for_and_never_taken_twice(world: World) -> None:
    alice = await somebody(world)
    wrong = await alice.send(f"{SECURITY}/one_time", password="wrong")
    assert wrong.status_code == 422
    page = await alice.send(f"{SECURITY}/one_time", password=PASSWORD)
    assert "<svg" in page.text
    assert not re.search(r"""\sstyle=|<style|\son\w+=""", page.text)
    refused = await alice.send(f"{SECURITY}/one_time/confirm", code="000000")
    assert refused.status_code == 422
    assert secret_on(refused) == secret_on(page)
    totp, _ = await with_one_time(alice)

    def code() -> str:
        return totp.at(world.clock.now() // 1000)

    browser = world.browser()
    answer = await sign_in(browser, "alice", return_to="/@alice")
    assert answer.headers["location"].startswith("/auth/second_factor?")
    assert (await browser.get("/home")).status_code == 303
    page = await browser.get(answer.headers["location"])
    form = {"csrf": csrf_of(page), "return_to": "/@alice"}
    wrong = await browser.post("/auth/second_factor", data={**form, "code": "123456"})
    assert wrong.status_code == 422
    taken = code()
    done = await browser.post("/auth/second_factor", data={**form, "code": taken})
    assert (done.status_code, done.headers["location"]) == (303, "/@alice")
    assert (await browser.get("/home")).status_code == 200

    again = world.browser()
    answer = await sign_in(again, "alice")
    page = await again.get(answer.headers["location"])
    replayed = await again.post("/auth/second_factor", data={"csrf": csrf_of(page), "code": taken})
    assert replayed.status_code == 422
    assert "used before" in replayed.text


async def test_the_secret_is_encrypted_where_it_lies(world: World, tmp_path: Path) -> None:
    alice = await somebody(world)
    totp, codes = await with_one_time(alice)
    rows = world.store.write_now(
        lambda tx: [
            *tx.database.rows("SELECT secret FROM one_time_secrets"),
            *tx.database.rows("SELECT hash FROM recovery_codes"),
        ]
    )
    stored = b"".join(row[0] for row in rows)
    assert totp.secret.encode() not in stored
    assert not any(code.replace("-", "").encode() in stored for code in codes)
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


async def test_a_recovery_code_is_good_for_one_use_and_new_ones_void_the_old(world: World) -> None:
    alice = await somebody(world)
    _, codes = await with_one_time(alice)
    for code, status in ((codes[0], 303), (codes[0], 422), (codes[1].upper(), 303)):
        browser = world.browser()
        answer = await sign_in(browser, "alice")
        page = await browser.get(answer.headers["location"])
        done = await browser.post("/auth/second_factor", data={"csrf": csrf_of(page), "code": code})
        assert done.status_code == status, code
    page = await alice.get(SECURITY)
    assert "8 of your codes are left" in page.text
    fresh = codes_on(await alice.send(f"{SECURITY}/recovery_codes", password=PASSWORD))
    assert len(set(fresh)) == 10
    assert not set(fresh) & set(codes)
    browser = world.browser()
    page = await browser.get((await sign_in(browser, "alice")).headers["location"])
    done = await browser.post("/auth/second_factor", data={"csrf": csrf_of(page), "code": codes[2]})
    assert done.status_code == 422
    off = await alice.send(f"{SECURITY}/one_time/disable", password=PASSWORD)
    assert "One-time passwords are off" in off.text
    assert (await sign_in(world.browser(), "alice")).headers["location"] == "/home"


async def test_codes_cannot_be_guessed(world: World) -> None:
    alice = await somebody(world)
    await with_one_time(alice)
    browser = world.browser()
    page = await browser.get((await sign_in(browser, "alice")).headers["location"])
    form = {"csrf": csrf_of(page), "code": "000000"}
    codes = [(await browser.post("/auth/second_factor", data=form)).status_code for _ in range(7)]
    assert codes == [422] * 5 + [429] * 2
    stranger = world.browser()
    assert (await stranger.post("/auth/second_factor", data=form)).status_code == 303
    world.clock.advance(seconds=601)  # the sign-in itself is over
    assert (await browser.post("/auth/second_factor", data=form)).status_code == 303


async def test_an_app_signs_in_through_the_second_factor(world: World) -> None:
    alice = await somebody(world)
    _, codes = await with_one_time(alice)
    visit = Visit(world, await world.application(), state="7")
    answer = await visit.send(await visit.open(), "sign_in", login="alice", password=PASSWORD)
    assert answer.headers["location"].startswith("/auth/second_factor?")
    assert 'name="password"' in (await visit.open()).text  # nobody is signed in yet
    page = await visit.browser.get(answer.headers["location"])
    found = re.search(r'name="return_to" value="([^"]+)"', page.text)
    assert found
    form = {"csrf": csrf_of(page), "return_to": unescape(found[1]), "code": codes[0]}
    done = await visit.browser.post("/auth/second_factor", data=form)
    question = await visit.browser.get(done.headers["location"])
    assert "Allow" in question.text
    back = await visit.send(question, "authorize")
    assert httpx2.URL(back.headers["location"]).params["state"] == "7"


async def test_sessions_are_listed_and_ended(world: World) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
    alice = await somebody(world, **{"user-agent": firefox, "x-forwarded-for": "198.51.100.7"})
    phone = await somebody(world, **{"user-agent": "Mozilla/5.0 (iPhone) Safari/605"})
    third = await somebody(world)
    page = await alice.get("/settings/sessions")
    assert "Firefox on Linux" in page.text
    assert "Safari on iPhone" in page.text
    assert "198.51.100.7" in page.text
    names = re.findall(r'name="session" value="([^"]+)"', page.text)
    assert len(names) == 2
    bob = await somebody(world, "bob")
    stolen = await bob.send("/settings/sessions/end", page="/settings/sessions", session=names[0])
    assert stolen.status_code == 404
    for name in names[:1]:
        await alice.send("/settings/sessions/end", page="/settings/sessions", session=name)
    states = [(await one.get("/home")).status_code for one in (alice, phone, third)]
    assert sorted(states) == [200, 200, 303]
    assert states[0] == 200
    await alice.send("/settings/sessions/end_others", page="/settings/sessions")
    assert [(await one.get("/home")).status_code for one in (alice, phone, third)] == [
        200,
        303,
        303,
    ]


async def test_apps_are_listed_and_shut_out(world: World) -> None:
    alice = await somebody(world)
    application = await world.application()
    visit = Visit(world, application)
    visit.browser = alice.browser
    back = await visit.send(await visit.open(), "authorize")
    given = {
        "grant_type": "authorization_code",
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "redirect_uri": "https://gazette.example/back",
        "code": httpx2.URL(back.headers["location"]).params["code"],
    }
    token = (await world.client.post("/oauth/token", data=given)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    path = "/api/v1/accounts/verify_credentials"
    assert (await world.client.get(path, headers=headers)).status_code == 200
    page = await alice.get("/settings/apps")
    assert "Gazette" in page.text
    done = await alice.send(
        "/settings/apps/revoke", page="/settings/apps", application=str(application["id"])
    )
    assert done.status_code == 303
    assert (await world.client.get(path, headers=headers)).status_code == 401
    assert "No app may use your account" in (await alice.get("/settings/apps")).text


async def test_a_new_password_ends_the_other_sessions(mailing: World, mailbox: Mailbox) -> None:
    alice, phone = await somebody(mailing), await somebody(mailing)
    form = {"current": "wrong", "password": NEW}
    assert (await alice.send(f"{SECURITY}/password", **form)).status_code == 422
    short = await alice.send(f"{SECURITY}/password", current=PASSWORD, password="short")
    assert short.status_code == 422
    done = await alice.send(f"{SECURITY}/password", current=PASSWORD, password=NEW)
    assert "1 other session ended" in done.text
    assert (await alice.get("/home")).status_code == 200
    assert (await phone.get("/home")).status_code == 303
    assert (await sign_in(mailing.browser(), "alice")).status_code == 422
    assert (await sign_in(mailing.browser(), "alice", NEW)).status_code == 303
    await mailing.jobs()
    assert mailbox.subjects() == ["Your password was changed"]


async def ask_reset(browser: httpx2.AsyncClient, email: str) -> httpx2.Response:
    page = await browser.get("/auth/password/new")
    return await browser.post("/auth/password/new", data={"csrf": csrf_of(page), "email": email})


async def test_a_forgotten_password_is_set_by_mail(mailing: World, mailbox: Mailbox) -> None:
    alice = await somebody(mailing)
    app = await mailing.token(await accounts_ordinal(mailing, "alice"))
    browser = mailing.browser()
    known = await ask_reset(browser, "ALICE@here.example")
    unknown = await ask_reset(browser, "nobody@here.example")
    blank = re.compile(r'value="[0-9a-f]{64}"')
    assert blank.sub("", known.text) == blank.sub("", unknown.text)
    await mailing.jobs()
    assert mailbox.recipients == [["alice@here.example"]]
    link = mailbox.link()
    page = await browser.get(link)
    assert page.headers["referrer-policy"] == "no-referrer"
    token = httpx2.URL(link).params["token"]
    form = {"csrf": csrf_of(page), "token": token}
    short = await browser.post("/auth/password/edit", data={**form, "password": "short"})
    assert short.status_code == 422
    done = await browser.post("/auth/password/edit", data={**form, "password": NEW})
    assert "Your password is changed" in done.text
    again = await browser.post("/auth/password/edit", data={**form, "password": NEW})
    assert again.status_code == 404
    assert (await alice.get("/home")).status_code == 303
    headers = {"Authorization": f"Bearer {app}"}
    gone = await mailing.client.get("/api/v1/accounts/verify_credentials", headers=headers)
    assert gone.status_code == 401
    assert (await sign_in(mailing.browser(), "alice", NEW)).status_code == 303
    stored = mailing.store.write_now(
        lambda tx: tx.database.value("SELECT COUNT(*) FROM mail_tokens")
    )
    assert stored == 0


async def accounts_ordinal(world: World, name: str) -> int:
    with world.store.read() as snap:
        found = snap.accounts.by_username(name)
    assert found is not None
    return found.ordinal


async def test_a_reset_link_is_good_for_an_hour_and_not_sent_without_end(
    mailing: World, mailbox: Mailbox
) -> None:
    await mailing.citizen("alice")
    browser = mailing.browser()
    for email in ("alice@here.example", "nobody@here.example"):
        codes = [(await ask_reset(browser, email)).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
    await mailing.jobs()
    assert len(mailbox.mails) == 3
    mailing.clock.advance(seconds=3600)
    assert (await browser.get(mailbox.link())).status_code == 404


async def test_without_mail_nobody_is_promised_any(world: World) -> None:
    page = await world.client.get("/auth/password/new")
    assert page.status_code == 404
    assert "sends no mail" in page.text
    assert "/auth/password/new" not in (await world.client.get("/auth/sign_in")).text


async def test_a_new_address_is_confirmed_there_and_told_to_the_old(
    mailing: World, mailbox: Mailbox
) -> None:
    alice = await somebody(mailing)
    await mailing.citizen("bob")
    path, page = "/settings/account/email", "/settings/account"
    for email, password in (
        ("new@mail.example", "wrong"),
        ("bob@here.example", PASSWORD),
        ("nonsense", PASSWORD),
        ("alice@here.example", PASSWORD),
    ):
        answer = await alice.send(path, page=page, email=email, password=password)
        assert answer.status_code == 422, email
    done = await alice.send(path, page=page, email="new@mail.example", password=PASSWORD)
    assert done.status_code == 429  # those that were refused count as well
    mailing.clock.advance(seconds=60)
    done = await alice.send(path, page=page, email="new@mail.example", password=PASSWORD)
    assert "Look into the mailbox of the new address" in done.text
    await mailing.jobs()
    assert mailbox.recipients == [["new@mail.example"], ["alice@here.example"]]
    assert (await sign_in(mailing.browser(), "new@mail.example")).status_code == 422
    token = httpx2.URL(mailbox.link(0)).params["token"]
    confirmed = await alice.browser.post("/auth/confirmation", data={"token": token})
    assert "new@mail.example" in confirmed.text
    assert (await sign_in(mailing.browser(), "new@mail.example")).status_code == 303
    assert (await sign_in(mailing.browser(), "alice@here.example")).status_code == 422
    await mailing.jobs()
    assert mailbox.recipients[-1] == ["alice@here.example"]
    assert mailbox.subjects()[-1] == "Your e-mail address was changed"


@pytest.mark.parametrize(
    "path",
    [
        f"{SECURITY}/password",
        f"{SECURITY}/one_time",
        f"{SECURITY}/one_time/confirm",
        f"{SECURITY}/one_time/disable",
        f"{SECURITY}/recovery_codes",
        f"{SECURITY}/passkeys/options",
        f"{SECURITY}/passkeys",
        f"{SECURITY}/passkeys/00/rename",
        f"{SECURITY}/passkeys/00/remove",
        "/settings/sessions/end",
        "/settings/sessions/end_others",
        "/settings/apps/revoke",
        "/settings/account/email",
        "/settings/account/email/keep",
        "/settings/delete/deactivate",
        "/settings/delete",
        "/auth/sign_out",
    ],
)
async def test_forms_of_other_sites_are_refused(world: World, path: str) -> None:
    alice = await somebody(world)
    for form in ({}, {"csrf": "0" * 64}):
        answer = await alice.browser.post(path, data={**form, "password": PASSWORD})
        assert answer.status_code == 403, path
    nobody = await world.client.post(path, data={"password": PASSWORD})
    assert nobody.status_code in (303, 403)
    assert (await alice.get("/home")).status_code == 200


async def test_every_page_has_the_headers_that_shut_others_out(world: World) -> None:
    alice = await somebody(world)
    visit = Visit(world, await world.application())
    pages: list[Any] = [await alice.get(path) for path in ("/", SECURITY, "/settings/account")]
    pages += [await world.client.get(path) for path in ("/auth/sign_in", "/auth/sign_up", "/x/y")]
    pages.append(await visit.open())
    for page in pages:
        headers = page.headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("same-origin", "no-referrer")
        assert not re.search(
            r"""<style|<script(?![^>]*\ssrc=)[^>]*>|\sstyle=|\son\w+=["']""", page.text
        )
    assert "permissions-policy" in pages[0].headers


async def test_passkeys_that_make_no_sense_are_refused(world: World) -> None:
    alice = await somebody(world)
    bad = ("", "{}", "[1]", '{"response": {"clientDataJSON": "e30"}}', "x" * 20_000)
    for credential in bad:
        answer = await alice.send(f"{SECURITY}/passkeys", credential=credential, name="x")
        assert answer.status_code == 422, credential
    browser = world.browser()
    page = await browser.get("/auth/sign_in")
    for credential in bad:
        answer = await browser.post(
            "/auth/passkey", data={"csrf": csrf_of(page), "credential": credential}
        )
        assert answer.status_code == 422, credential
    options = await browser.post("/auth/passkey/options", data={"csrf": csrf_of(page)})
    assert options.json()["userVerification"] == "required"
    assert (await browser.post("/auth/passkey/options", data={})).status_code == 403
