"""Signing up, in the browser and through an app: open, by approval, closed; with mail or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.mailbox import Mailbox
from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.world import PASSWORD, Person, World

from rostra.domain.sign_up import canonical_hash
from rostra.services import accounts, mail
from rostra.services.membership import approvals, sign_up_blocks

PATH = "/api/v1/accounts"
VERIFY = f"{PATH}/verify_credentials"


def person(name: str = "alice", **more: Any) -> dict[str, Any]:
    return {
        "username": name,
        "email": f"{name}@mail.example",
        "password": PASSWORD,
        "agreement": True,
        "locale": "en",
        **more,
    }


async def register(world: World, headers: dict[str, str], **more: Any) -> dict[str, str]:
    """Register somebody and return the header with their token."""
    made = await world.client.post(PATH, json=person(**more), headers=headers)
    assert made.status_code == 200, made.text
    return {"Authorization": f"Bearer {made.json()['access_token']}"}


async def told(world: World, headers: dict[str, str], path: str = VERIFY) -> tuple[int, str]:
    answer = await world.client.get(path, headers=headers)
    return answer.status_code, answer.json().get("error", "")


async def sign_up(browser: httpx2.AsyncClient, name: str, **more: str) -> httpx2.Response:
    page = await browser.get("/auth/sign_up")
    form = {
        "csrf": csrf_of(page),
        "username": name,
        "email": f"{name}@mail.example",
        "password": PASSWORD,
        "agreement": "1",
        **more,
    }
    return await browser.post("/auth/sign_up", data=form)


async def test_an_open_server_without_mail_lets_in_at_once(world: World) -> None:
    browser = world.browser()
    answer = await sign_up(browser, "alice")
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    assert (await browser.get("/home")).status_code == 200
    headers = await register(world, await world.application_token(), name="bob")
    assert await told(world, headers) == (200, "")


async def test_each_thing_that_is_wrong_is_told_by_its_field(world: World) -> None:
    await world.citizen("taken")
    headers = await world.application_token()

    async def details(**given: Any) -> dict[str, list[str]]:
        answer = await world.client.post(PATH, json=person(**given), headers=headers)
        assert answer.status_code == 422, answer.text
        body = answer.json()
        assert body["error"].startswith("Validation failed: ")
        for problems in body["details"].values():
            assert all(set(one) == {"error", "description"} for one in problems)
        return {name: [one["error"] for one in all_] for name, all_ in body["details"].items()}

    assert await details(username="", email="", password="", agreement=False) == {
        "username": ["ERR_BLANK"],
        "email": ["ERR_BLANK"],
        "password": ["ERR_BLANK"],
        "agreement": ["ERR_ACCEPTED"],
    }
    assert await details(username="Taken", email="taken@here.example") == {
        "username": ["ERR_TAKEN"],
        "email": ["ERR_TAKEN"],
    }
    assert await details(username="Admin", email="a@b@c") == {
        "username": ["ERR_RESERVED"],
        "email": ["ERR_INVALID"],
    }
    assert await details(username="a b", password="short") == {
        "username": ["ERR_INVALID"],
        "password": ["ERR_TOO_SHORT"],
    }
    assert await details(username="x" * 31, password="x" * 600) == {
        "username": ["ERR_TOO_LONG"],
        "password": ["ERR_TOO_LONG"],
    }
    assert await details(email="a@b.example, c@d.example") == {"email": ["ERR_INVALID"]}


async def test_nobody_asks_without_end_whose_addresses_are_known(world: World) -> None:
    await world.citizen("alice")
    browser = world.browser()
    known = {"email": "alice@here.example"}
    asked = [await sign_up(browser, f"somebody{number}", **known) for number in range(12)]
    assert ["already been taken" in each.text for each in asked] == [True] * 10 + [False] * 2
    assert asked[-1].status_code == 429
    wrong = await sign_up(browser, "somebody", password="short", **known)  # says nothing of it
    assert "too short" in wrong.text
    assert "already been taken" not in wrong.text


async def test_a_closed_server_takes_nobody(tmp_path: Path) -> None:
    world = World(tmp_path, registrations="closed")
    try:
        answer = await world.client.post(
            PATH, json=person(), headers=await world.application_token()
        )
        assert (answer.status_code, answer.json()["error"]) == (403, "This action is not allowed")
        page = await world.client.get("/auth/sign_up")
        assert page.status_code == 403
        assert "takes no new accounts" in page.text
        instance = (await world.get("/api/v2/instance")).json()
        assert instance["registrations"]["enabled"] is False
    finally:
        await world.close()


async def test_the_young_are_asked_for_their_age(tmp_path: Path) -> None:
    world = World(tmp_path, min_age=16)
    try:
        headers = await world.application_token()
        for born, error in (
            ("", "ERR_BLANK"),
            ("once", "ERR_INVALID"),
            ("2020-01-01", "ERR_BELOW_LIMIT"),
        ):
            answer = await world.client.post(PATH, json=person(date_of_birth=born), headers=headers)
            assert answer.json()["details"]["date_of_birth"][0]["error"] == error
        await register(world, headers, date_of_birth="1980-01-01")
        assert (await world.get("/api/v2/instance")).json()["registrations"]["min_age"] == 16
    finally:
        await world.close()


async def test_an_address_is_confirmed_before_anything_else(
    mailing: World, mailbox: Mailbox
) -> None:
    world = mailing
    bob = await world.person("bob")
    browser = world.browser()
    answer = await sign_up(browser, "alice")
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/standing")
    waiting = await browser.get("/auth/standing")
    assert "alice@mail.example" in waiting.text
    assert (await browser.get("/home")).status_code == 303
    assert (await browser.get("/@alice")).status_code == 404
    assert (await bob.call("GET", f"{PATH}/lookup", params={"acct": "alice"})).status_code == 404
    assert await bob.get("/api/v1/accounts/search", q="alice") == []

    await world.jobs()
    assert mailbox.recipients == [["alice@mail.example"]]
    message = mailbox.mails[0]
    assert message["from"] == "Here <notifications@here.example>"
    assert message["auto-submitted"] == "auto-generated"
    html = message.get_body(("html",))
    assert html is not None
    assert mailbox.link().replace("&", "&amp;") in html.get_content()

    page = await browser.get(mailbox.link())  # looking at it changes nothing
    assert "alice@mail.example" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert (await browser.get("/home")).status_code == 303
    token = httpx2.URL(mailbox.link()).params["token"]
    done = await browser.post("/auth/confirmation", data={"token": token})
    assert "Your address is confirmed" in done.text
    assert (await browser.get("/home")).status_code == 200
    again = await browser.post("/auth/confirmation", data={"token": token})
    assert again.status_code == 404
    assert "not good any more" in again.text


async def test_an_app_looks_after_the_confirmation(mailing: World, mailbox: Mailbox) -> None:
    world = mailing
    headers = await register(world, await world.application_token())
    missing = "Your login is missing a confirmed e-mail address"
    assert await told(world, headers) == (403, missing)
    posted = await world.client.post(
        "/api/v1/statuses", json={"status": "too early"}, headers=headers
    )
    assert (posted.status_code, posted.json()["error"]) == (403, missing)

    check = "/api/v1/emails/check_confirmation"
    assert (await world.client.get(check, headers=headers)).json() is False
    resend = "/api/v1/emails/confirmations"
    answer = await world.client.post(resend, json={"email": "right@mail.example"}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {})
    await world.jobs()
    assert mailbox.recipients[-1] == ["right@mail.example"]
    refused = await world.client.post(resend, json={"email": "no address"}, headers=headers)
    assert refused.status_code == 422
    other = Person(world.client, (await world.person("bob")).account, "")
    other.token = await world.token(other.ordinal)
    assert (await other.call("POST", resend)).status_code == 403

    token = httpx2.URL(mailbox.link()).params["token"]
    await world.client.post("/auth/confirmation", data={"token": token})
    assert (await world.client.get(check, headers=headers)).json() is True
    assert (await told(world, headers))[0] == 200
    late = await world.client.post(resend, headers=headers)
    assert late.status_code == 403
    assert "awaiting confirmation" in late.json()["error"]


async def test_mails_are_not_sent_without_end(mailing: World) -> None:
    headers = await register(mailing, await mailing.application_token())
    resend = "/api/v1/emails/confirmations"
    codes = [(await mailing.client.post(resend, headers=headers)).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]


async def test_a_link_is_good_for_two_days(mailing: World, mailbox: Mailbox) -> None:
    browser = mailing.browser()
    await sign_up(browser, "alice")
    await mailing.jobs()
    mailing.clock.advance(seconds=48 * 3600)
    assert (await browser.get(mailbox.link())).status_code == 404
    page = await browser.get("/auth/standing")
    sent = await browser.post("/auth/standing/resend", data={"csrf": csrf_of(page)})
    answer = await browser.get(sent.headers["location"])
    assert "sent the mail again" in answer.text
    await mailing.jobs()
    assert (await browser.get(mailbox.link())).status_code == 200


async def test_mail_is_tried_again_until_it_is_taken(mailing: World, mailbox: Mailbox) -> None:
    await sign_up(mailing.browser(), "alice")
    mailbox.answer = "451 later, alice@mail.example"
    with pytest.raises(mail.MailDelayed) as delayed:
        await mailing.jobs()
    assert "alice" not in str(delayed.value)
    mailbox.answer = "550 no alice@mail.example here"
    await mailing.jobs()  # refused for good, and given up
    assert mailbox.mails == []


async def test_approval_by_a_moderator(tmp_path: Path, mailbox: Mailbox) -> None:
    world = World(tmp_path, registrations="approval", **mailbox.settings)
    try:
        mod = await world.moderator()
        app = await world.application_token()
        blank = await world.client.post(PATH, json=person(), headers=app)
        assert blank.json()["details"] == {
            "reason": [{"error": "ERR_BLANK", "description": "can't be blank"}]
        }
        headers = await register(world, app, reason="to speak")
        await world.jobs()
        token = httpx2.URL(mailbox.link()).params["token"]
        done = await world.client.post("/auth/confirmation", data={"token": token})
        assert "waits for a moderator" in done.text
        assert await told(world, headers) == (403, "Your login is currently pending approval")
        browser = world.browser()
        answer = await sign_in(browser, "alice")
        assert answer.headers["location"] == "/auth/standing"
        assert "A moderator looks at your sign-up" in (await browser.get("/auth/standing")).text
        await world.jobs()
        with world.store.read() as snap:
            waiting = approvals.pending(snap, limit=10)
            assert [account.username for account in waiting] == ["alice"]
            sign_up = snap.standings.sign_up(waiting[0].ordinal)
            assert sign_up is not None
            assert (sign_up.reason, sign_up.locale) == ("to speak", "en")
        await approvals.approve(world.ctx, moderator=mod.ordinal, target=waiting[0].ordinal)
        assert (await told(world, headers))[0] == 200
        await world.jobs()
        assert mailbox.subjects()[-1] == "Your account is ready"
        types = [one["type"] for one in await mod.get("/api/v1/notifications")]
        assert types == ["admin.sign_up"]

        await register(world, app, name="mallory", reason="to sell")
        with world.store.read() as snap:
            mallory = snap.accounts.by_username("mallory")
            assert mallory is not None
        await approvals.reject(world.ctx, moderator=mod.ordinal, target=mallory.ordinal)
        await world.jobs()
        assert mailbox.recipients[-1] == ["mallory@mail.example"]
        assert mailbox.subjects()[-1] == "Your sign-up was turned down"
        assert (await sign_in(world.browser(), "mallory")).status_code == 422
        with world.store.read() as snap:
            assert approvals.pending(snap, limit=10) == []
    finally:
        await world.close()


async def test_blocks_keep_people_out(world: World) -> None:
    headers = await world.application_token()
    await sign_up_blocks.block_domain(world.ctx, moderator=None, domain="mail.example")
    for email in ("a@mail.example", "a@sub.MAIL.example"):
        answer = await world.client.post(PATH, json=person(email=email), headers=headers)
        assert answer.json()["details"]["email"][0]["error"] == "ERR_BLOCKED"
    await sign_up_blocks.block_mailbox(world.ctx, moderator=None, email="jane.doe@other.example")
    assert canonical_hash("J.aneDoe+2@other.example") == canonical_hash("janedoe@other.example")
    answer = await world.client.post(
        PATH, json=person(email="JaneDoe+x@other.example"), headers=headers
    )
    assert answer.json()["details"]["email"][0]["error"] == "ERR_BLOCKED"
    await sign_up_blocks.block_network(
        world.ctx, moderator=None, network="127.0.0.1", severity="sign_up_requires_approval"
    )
    made = await register(world, headers, name="bob", email="bob@third.example")
    assert (await told(world, made))[1] == "Your login is currently pending approval"
    await sign_up_blocks.block_network(
        world.ctx, moderator=None, network="127.0.0.0/8", severity="sign_up_block"
    )
    answer = await world.client.post(PATH, json=person(email="c@d.example"), headers=headers)
    assert answer.status_code == 403


async def test_what_the_command_line_makes_waits_for_nothing(mailing: World) -> None:
    account = await accounts.register(
        mailing.ctx, username="root", email="root@here.example", password=PASSWORD
    )
    browser = mailing.browser()
    assert (await sign_in(browser, "root")).headers["location"] == "/home"
    assert account.username == "root"
