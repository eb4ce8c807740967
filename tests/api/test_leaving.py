"""Leaving and being shut out: deactivated, deleted, suspended, and the one page of those."""

from __future__ import annotations

from tests.api.mailbox import Mailbox
from tests.api.test_factors import Someone, somebody, with_one_time
from tests.api.test_sign_in import csrf_of, sign_in
from tests.api.test_sign_up import sign_up
from tests.api.world import PASSWORD, Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import ActionKind
from rostra.services.membership import departures
from rostra.services.moderation import enforcing

DAY_S = 24 * 3600
LEAVE = "/settings/delete"


async def person_of(world: World, someone: Someone) -> Person:
    """Return somebody with a token."""
    with world.store.read() as snap:
        account = snap.accounts.by_username(someone.name)
    assert account is not None
    return Person(world.client, account, await world.token(account.ordinal))


async def leave(alice: Someone, how: str = "", **form: str) -> tuple[int, str]:
    answer = await alice.send(f"{LEAVE}{how}", page=LEAVE, **{"password": PASSWORD, **form})
    return answer.status_code, answer.text


async def test_a_deactivated_account_is_hidden_and_comes_back_as_it_was(
    mailing: World, mailbox: Mailbox
) -> None:
    world = mailing
    alice = await somebody(world)
    own = await person_of(world, alice)
    bob = await world.person("bob")
    await bob.follow(own)
    status = await own.status("before")
    assert (await leave(alice, "/deactivate", password="wrong"))[0] == 422
    code, text = await leave(alice, "/deactivate")
    assert code == 200
    assert "within 30 days" in text
    for path in ("/@alice", f"/@alice/{status['id']}"):
        assert (await world.client.get(path)).status_code == 404
    gone = await bob.call("GET", f"/api/v1/accounts/{own.id}")
    assert gone.status_code == 404
    assert await bob.get("/api/v1/timelines/home") == []
    assert (await bob.get(f"/api/v1/accounts/{bob.id}"))["following_count"] == 0
    assert (await own.call("GET", "/api/v1/accounts/verify_credentials")).status_code == 401
    assert (await alice.get("/home")).status_code == 303
    await world.jobs()
    assert mailbox.subjects() == ["Your account is deactivated"]

    world.clock.advance(seconds=29 * DAY_S)
    await departures.sweep(world.ctx)
    browser = world.browser()
    assert (await sign_in(browser, "alice")).headers["location"] == "/auth/standing"
    page = await browser.get("/auth/standing")
    assert "Bring my account back" in page.text
    assert (await browser.get("/home")).status_code == 303
    back = await browser.post("/auth/standing/return", data={"csrf": csrf_of(page)})
    assert back.headers["location"] == "/home"
    assert (await browser.get("/home")).status_code == 200
    assert (await bob.relationship(own))["following"] is True
    assert [one["id"] for one in await bob.get("/api/v1/timelines/home")] == [status["id"]]


async def test_who_stays_away_for_thirty_days_is_deleted(world: World) -> None:
    alice = await somebody(world)
    await leave(alice, "/deactivate")
    world.clock.advance(seconds=30 * DAY_S + 1)
    await departures.sweep(world.ctx)
    await world.jobs()
    answer = await sign_in(world.browser(), "alice")
    assert answer.status_code == 422
    assert "taken" in (await sign_up(world.browser(), "alice")).text


async def test_deleting_an_account_erases_what_it_held(mailing: World, mailbox: Mailbox) -> None:
    world = mailing
    alice = await somebody(world)
    own = await person_of(world, alice)
    totp, _ = await with_one_time(alice)
    bob = await world.person("bob")
    await bob.follow(own)
    await own.post("/api/v1/accounts/" + bob.id + "/follow")
    await own.call(
        "PATCH", "/api/v1/accounts/update_credentials", json={"note": "about me", "bot": True}
    )
    status = await own.status("to be erased")
    await bob.post(f"/api/v1/statuses/{status['id']}/favourite")
    boost = await bob.post(f"/api/v1/statuses/{status['id']}/reblog")
    await world.jobs()

    assert (await leave(alice, code="000000"))[0] == 422
    code, text = await leave(alice, code=totp.at(world.clock.now() // 1000))
    assert code == 200, text
    assert "Your account is deleted" in text
    assert (await world.client.get("/@alice")).status_code == 404
    await world.jobs()
    assert mailbox.subjects()[-1] == "Your account was deleted"
    assert mailbox.recipients[-1] == ["alice@here.example"]
    assert (await bob.call("GET", f"/api/v1/statuses/{boost['id']}")).status_code == 404
    with world.store.read() as snap:
        kept = snap.accounts.get(own.ordinal)
        assert kept is not None
        assert (kept.username, kept.note, kept.bot) == ("alice", "", False)
        assert snap.accounts.credentials(own.ordinal) is None
        assert snap.factors.one_time(own.ordinal) is None
        assert snap.statuses.by_author(own.ordinal, limit=5) == []
        assert snap.statuses.get(int(boost["id"])) is None
        assert snap.sets.size(SetKey(bob.ordinal, SetKind.FOLLOWING)) == 0
        assert snap.standings.sign_up(own.ordinal) is None
    taken = await sign_up(world.browser(), "alice", email="new@mail.example")
    assert taken.status_code == 422
    again = await sign_up(world.browser(), "alice2", email="alice@here.example")
    assert again.status_code == 303  # the address is free


async def test_what_nobody_ever_confirmed_is_forgotten_and_its_name_is_free(
    mailing: World,
) -> None:
    await sign_up(mailing.browser(), "alice")
    mailing.clock.advance(seconds=2 * DAY_S + 1)
    await departures.sweep(mailing.ctx)
    await mailing.jobs()
    assert (await sign_up(mailing.browser(), "alice")).status_code == 303


async def test_row_sessions_a_suspended_person_reads_why_and_until_when(world: World) -> None:
    """Row "Sessions, tokens, streams": logging in leads to the one page, and nothing else works."""
    alice = await somebody(world)
    own = await person_of(world, alice)
    until = world.clock.now() + 3 * DAY_S * 1000
    await enforcing.suspend(
        world.ctx,
        moderator=None,
        target=own.ordinal,
        ground="Harassment",
        text="You went after bob for a week.",
        until=until,
    )
    assert (await alice.get("/home")).status_code == 303
    assert (await alice.get("/auth/standing")).status_code == 303  # the session was revoked
    browser = world.browser()
    assert (await sign_in(browser, "alice")).headers["location"] == "/auth/standing"
    page = await browser.get("/auth/standing")
    for text in ("suspended", "Harassment", "You went after bob for a week.", "ends by itself"):
        assert text in page.text
    assert ">@alice</span>" in page.text  # who is signed in, and a way out instead of in
    assert 'action="/auth/sign_out"' in page.text
    assert "/auth/sign_in" not in page.text
    assert "/auth/sign_up" not in page.text
    for path in ("/home", "/settings/account", "/settings/security", "/notifications"):
        answer = await browser.get(path)
        assert answer.status_code == 303, path
    csrf = csrf_of(page)
    assert (await browser.post("/statuses", data={"csrf": csrf, "text": "x"})).status_code == 303
    assert (await browser.get("/auth/sign_in")).headers["location"] == "/auth/standing"

    world.clock.advance(seconds=3 * DAY_S + 1)
    answer = await browser.get("/auth/standing")
    assert answer.headers["location"] == "/home"
    assert (await browser.get("/home")).status_code == 200


PUBLIC = (
    "/",
    "/@bob",
    "/explore",
    "/search?q=bob",
    "/about",
    "/privacy",
    "/nothing",
    "/auth/sign_up",
)


async def test_public_pages_say_who_is_shut_out_and_give_no_power(world: World) -> None:
    bob = await world.person("bob")
    shown = await bob.status("for everybody")
    kept = await bob.status("for followers", visibility="private")
    alice = await somebody(world)
    own = await person_of(world, alice)
    await own.follow(bob)
    await enforcing.suspend(world.ctx, moderator=None, target=own.ordinal, ground="spam")
    browser = world.browser()
    await sign_in(browser, "alice")
    for path in (*PUBLIC, f"/@bob/{shown['id']}"):
        page = (await browser.get(path)).text
        assert ">@alice</span>" in page, path
        assert 'class="me-name" href="/auth/standing"' in page, path
        assert 'action="/auth/sign_out"' in page, path
        assert 'class="me guest"' not in page, path
        for theirs in (
            "data-signed-in",
            'href="/home"',
            'href="/compose"',
            'action="/@bob/follow"',
        ):
            assert theirs not in page, (path, theirs)
    assert (await browser.get(f"/@bob/{kept['id']}")).status_code == 404
    csrf = csrf_of(await browser.get("/@bob"))
    for path in ("/@bob/follow", f"/statuses/{shown['id']}/favourite", "/statuses"):
        done = await browser.post(path, data={"csrf": csrf, "text": "x"})
        assert "/auth/sign_in" in done.headers["location"], path
    assert (await bob.get(f"/api/v1/statuses/{shown['id']}"))["favourites_count"] == 0
    assert (await browser.post("/auth/sign_out", data={"csrf": csrf})).status_code == 303
    assert 'class="me guest"' in (await browser.get("/@bob")).text


async def test_who_is_shut_out_signs_out_on_the_one_page(world: World) -> None:
    alice = await somebody(world)
    own = await person_of(world, alice)
    await enforcing.suspend(world.ctx, moderator=None, target=own.ordinal, ground="spam")
    browser = world.browser()
    await sign_in(browser, "alice")
    page = await browser.get("/auth/standing")
    done = await browser.post("/auth/sign_out", data={"csrf": csrf_of(page)})
    assert done.status_code == 303
    assert "/auth/sign_in" in (await browser.get("/auth/standing")).headers["location"]


async def test_a_suspended_person_may_delete_the_account_and_a_frozen_one_not(
    world: World,
) -> None:
    alice, bob = await somebody(world), await somebody(world, "bob")
    own, other = await person_of(world, alice), await person_of(world, bob)
    await enforcing.suspend(world.ctx, moderator=None, target=own.ordinal, ground="spam")
    await enforcing.act(
        world.ctx, moderator=None, target=other.ordinal, kind=ActionKind.FREEZE, ground="spam"
    )
    frozen = await bob.get("/auth/standing")
    assert "frozen" in frozen.text
    assert "Delete the account" not in frozen.text
    form = {"csrf": csrf_of(frozen), "password": PASSWORD}
    assert (await bob.browser.post("/auth/standing/delete", data=form)).status_code == 403
    browser = world.browser()
    await sign_in(browser, "alice")
    page = await browser.get("/auth/standing")
    form = {"csrf": csrf_of(page), "password": "wrong"}
    assert (await browser.post("/auth/standing/delete", data=form)).status_code == 422
    form["password"] = PASSWORD
    done = await browser.post("/auth/standing/delete", data=form)
    assert "Your account is deleted" in done.text
    assert (await sign_in(world.browser(), "alice")).status_code == 422


async def test_when_a_session_was_last_used_is_noted_by_the_hour(world: World) -> None:
    alice = await somebody(world)
    own = await person_of(world, alice)

    def used_at() -> int:
        with world.store.read() as snap:
            return snap.access.sessions(own.ordinal)[0].used_at

    first = used_at()
    await alice.get("/home")
    assert used_at() == first
    world.clock.advance(seconds=3600)
    await alice.browser.get("/home", headers={"x-forwarded-for": "198.51.100.9"})
    assert used_at() == world.clock.now()
    assert "198.51.100.9" in (await alice.get("/settings/sessions")).text
