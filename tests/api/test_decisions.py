"""Polls that decide, over the API, asked of two workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.test_report_pages import browser_of, post
from tests.api.two import Both, Other
from tests.api.world import Person, World

from rostra.domain.accounts import Role
from rostra.services.membership import account_deletion

DECISIONS = "/api/rostra/v1/decisions"
PAGE = "/admin/decisions"
HOUR_MS = 3_600_000


@pytest.fixture
async def both(world: World) -> AsyncIterator[Both]:
    other = Other(world)
    yield Both(world, other)
    await other.close()


async def test_a_return_is_left_to_a_poll(both: Both) -> None:
    world = both.world
    star, a, b, c = await world.people("star", "a", "b", "c")
    mod = await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Stay away", "Return"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    given = {"poll_id": poll["id"], "account_id": star.id, "share": "66.67", "yes": 1, "quorum": 2}
    for share in ("", "0", "100.01", "33.333", "NaN", "Infinity", "1e9"):
        answer = await mod.call("POST", DECISIONS, json={**given, "share": share})
        assert answer.status_code == 422, share
    assert (await a.call("POST", DECISIONS, json=given)).status_code == 403
    made = await mod.post(DECISIONS, **given)
    assert (made["state"], made["share"], made["may_run"]) == ("open", 66.67, False)
    assert (await mod.call("POST", DECISIONS, json=given)).status_code == 409
    for person, choice in ((a, "1"), (b, "1"), (c, "0")):
        await person.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=[choice])
    shown = await both.get(mod, f"{DECISIONS}/{made['id']}")
    assert shown["now"] == {"votes": 3, "yes": 2}
    path = f"/api/v1/admin/accounts/{star.id}/unsuspend"
    refused = await mod.call("POST", path)
    assert (refused.status_code, "open until" in refused.json()["error"]) == (409, True)
    await world.suspend(c)
    world.clock.advance(HOUR_MS)
    await world.jobs()
    (shown,) = await both.get(mod, DECISIONS)
    assert (shown["state"], shown["may_run"], shown["why_not"]) == ("reached", True, None)
    result = shown["result"]
    assert (result["votes"], result["yes"], result["share"], result["suspended"]) == (
        2,
        2,
        100.0,
        1,
    )
    assert result["tallies"][0] == {"option": "Stay away", "counted": 0, "stored": 1}
    assert (await mod.call("POST", path)).status_code == 200


async def test_what_missed_is_unbound_with_a_reason(both: Both) -> None:
    world = both.world
    star, a = await world.people("star", "a")
    mod = await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    made = await mod.post(DECISIONS, poll_id=poll["id"], account_id=star.id, share="50")
    where = f"{DECISIONS}/{made['id']}"
    deleted = await mod.call("DELETE", f"/api/v1/statuses/{poll['id']}")
    assert deleted.status_code == 200
    shown = await both.get(mod, where)
    assert (shown["state"], shown["void"]) == ("void", "the poll was deleted before it closed")
    path = f"/api/v1/admin/accounts/{star.id}/unsuspend"
    refused = await mod.call("POST", path)
    assert (refused.status_code, "is void" in refused.json()["error"]) == (409, True)
    for method in ("GET", "POST"):
        address = where if method == "GET" else f"{where}/unbind"
        assert (await a.call(method, address, json={"why": "x"})).status_code == 403
        assert (await world.client.request(method, address)).status_code == 401
    assert (await mod.call("POST", f"{where}/unbind", json={"why": " "})).status_code == 422
    done = await mod.post(f"{where}/unbind", why="The poll is gone.")
    assert (done["state"], done["why"], done["may_run"]) == ("unbound", "The poll is gone.", True)
    assert (await mod.call("POST", path)).status_code == 200
    assert (await mod.call("GET", f"{DECISIONS}/1")).status_code == 404


async def test_the_pages_of_what_is_left_to_polls(world: World) -> None:
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    ann, _ = await browser_of(world, "ann")
    star = await world.person("star")
    await world.suspend(star)
    asking = await world.moderator("asking")
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await asking.status("Should <b>@star</b> return?", poll=asked)
    assert (await ann.get(PAGE)).status_code == 403
    assert "Nothing is left to a poll." in (await mod.get(PAGE)).text
    form = {
        "about": f"@Star@{world.ctx.settings.domain}",
        "yes": "1",
        "quorum": "1",
        "share": "50,01",
    }
    for wrong, words in (
        ({"about": "@nobody"}, "There is no account of this name"),
        ({"about": "@star@other.example"}, "remote accounts are not known here"),
        ({"about": "123"}, "There is no such amnesty"),
        ({"share": "many"}, "as a percentage"),
        ({"quorum": ""}, "at least 1"),
        ({"poll": "x"}, ""),
    ):
        refused = await post(mod, PAGE, PAGE, **{"poll": poll["url"], **form, **wrong})
        assert refused.status_code in (404, 422), wrong
        assert words in refused.text, wrong
    made = await post(mod, PAGE, PAGE, poll=poll["url"], **form)
    where = made.headers["location"]
    shown = (await mod.get(where)).text
    for words in ("50.01%", "&lt;b&gt;", "Nobody can run it", "0 of 0 votes for it"):
        assert words in shown, words
    voter = await world.person("voter")
    await voter.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=[1])
    world.clock.advance(HOUR_MS)
    await world.jobs()
    shown = (await mod.get(where)).text
    for words in ("did not decide for it", "frozen when the poll closed", "Up to a day"):
        assert words in shown, words
    assert "not decided for it" in (await mod.get(PAGE)).text
    blank = await post(mod, where, f"{where}/unbind", why=" ")
    assert (blank.status_code, "the record has to say why" in blank.text) == (422, True)
    await post(mod, where, f"{where}/unbind", why="A court <i>said</i> so.")
    assert "A court &lt;i&gt;said&lt;/i&gt; so." in (await mod.get(where)).text
    mod.cookies.set("rostra_lang", "de")
    assert "Umfragen, die entscheiden" in (await mod.get(where)).text
    for browser in (mod, ann):
        await browser.aclose()


async def test_what_a_poll_holds_up_is_told_where_it_would_be_run(world: World) -> None:
    """The plan says so before anybody presses the button, and offers it when the poll decided."""
    browser, _ = await browser_of(world, "looker", role=Role.MODERATOR)
    star, voter = await world.people("star", "voter")
    mod = await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    plans = "/api/rostra/v1/reinstatements/plans"
    plan = await mod.post(plans, account_id=star.id)
    assert plan["held_up"] is None
    where = f"/admin/reinstatements/plans/{plan['hash']}"
    assert "Begin with this plan" in (await browser.get(where)).text
    await mod.post(DECISIONS, poll_id=poll["id"], account_id=star.id, share="50")
    held = await mod.post(plans, account_id=star.id)
    assert "left to a poll that is open" in held["held_up"]
    shown = (await browser.get(where)).text
    assert "Begin with this plan" not in shown
    assert "Nobody can run it until the poll has closed." in shown
    await voter.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=["0"])
    world.clock.advance(HOUR_MS)
    assert (await mod.get(f"{plans}/{plan['hash']}"))["held_up"] is None
    assert "Begin with this plan" in (await browser.get(where)).text
    await browser.aclose()


async def test_an_amnesty_left_to_a_poll_offers_no_button_before_it_has_decided(
    world: World,
) -> None:
    browser, _ = await browser_of(world, "looker", role=Role.MODERATOR)
    star = await world.person("star")
    mod, second = await world.moderator("mod"), await world.moderator("second")
    await world.suspend(star)
    made = await mod.post("/api/rostra/v1/amnesties", where="all")
    await world.jobs()
    where = f"/api/rostra/v1/amnesties/{made['id']}"
    plan = await mod.get(where)
    await second.post(f"{where}/approve", hash=plan["hash"])
    page = f"/admin/amnesties/{made['id']}"
    assert "Run the waves" in (await browser.get(page)).text
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Shall they return?", poll=asked)
    given = {"poll_id": poll["id"], "amnesty_id": made["id"], "share": "50"}
    await mod.post(DECISIONS, **given)
    shown = (await browser.get(page)).text
    assert "Run the waves" not in shown
    assert "Nobody can run it until the poll has closed." in shown
    world.clock.advance(HOUR_MS)
    shown = (await browser.get(page)).text
    assert "The poll did not decide for it." in shown
    await browser.aclose()


async def test_a_handle_of_digits_can_be_left_to_a_poll_on_its_page(world: World) -> None:
    browser, _ = await browser_of(world, "looker", role=Role.MODERATOR)
    star, mod = await world.person("88"), await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @88 return?", poll=asked)
    form = {"about": "@88", "yes": "1", "quorum": "1", "share": "50", "poll": poll["url"]}
    made = await post(browser, PAGE, PAGE, **form)
    assert (await mod.get(DECISIONS))[0]["account"]["username"] == "88"
    assert made.headers["location"].startswith(f"{PAGE}/")
    await browser.aclose()


async def test_everybody_reads_what_a_poll_decides_and_how_it_was_counted(world: World) -> None:
    """The evidence is public where the poll is: totals, those left out, ages, the digest."""
    nobody = world.browser()
    star, voter, gone, late = await world.people("star", "voter", "gone", "late")
    mod = await world.moderator()
    await world.suspend(star)
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    where = f"/@{poll['account']['username']}/{poll['id']}"
    assert "This poll decides" not in (await nobody.get(where)).text
    given = {"poll_id": poll["id"], "account_id": star.id, "share": "66.67", "quorum": 2}
    made = await mod.post(DECISIONS, **given)
    world.clock.advance(11_000)
    shown = (await nobody.get(where)).text
    for words in (
        "This poll decides",
        "whether @star, who is suspended, may return",
        "It takes 66.67% of the votes for “Return”, and at least 2 votes.",
        "afterwards nothing changes the result",
    ):
        assert words in shown, words
    for person, choice in ((voter, "0"), (gone, "1"), (late, "0")):
        await person.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=[choice])
    await world.suspend(gone)
    world.clock.advance(HOUR_MS)
    shown = (await nobody.get(where)).text
    result = (await mod.get(f"{DECISIONS}/{made['id']}"))["result"]
    assert result is None  # the job has not come yet; the page tells of that instant all the same
    for words in ("decided for it", "How it was counted", "1 suspended voter left out", "100% for"):
        assert words in shown, words
    await world.jobs()
    result = (await mod.get(f"{DECISIONS}/{made['id']}"))["result"]
    assert result["counted_sha256"] in shown
    await mod.post(f"{DECISIONS}/{made['id']}/unbind", why="An inside matter")
    world.clock.advance(11_000)
    shown = (await nobody.get(where)).text
    assert "A moderator took it back from the poll." in shown
    assert "An inside matter" not in shown
    await nobody.aclose()


async def decided_for(world: World, star: Person, voter: Person, mod: Person) -> Any:
    """Suspend somebody, and let a poll decide that they return; return the decision as made."""
    await world.suspend(star)
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    made = await mod.post(DECISIONS, poll_id=poll["id"], account_id=star.id, share="50")
    await voter.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=["0"])
    world.clock.advance(HOUR_MS)
    await world.jobs()
    return made


async def test_what_a_poll_decided_about_and_was_done_is_not_offered_again(world: World) -> None:
    browser, _ = await browser_of(world, "looker", role=Role.MODERATOR)
    star, voter, mod = *await world.people("star", "voter"), await world.moderator()
    made = await decided_for(world, star, voter, mod)
    where = f"{PAGE}/{made['id']}"
    assert "An operator may run it now." in (await browser.get(where)).text
    await mod.post(f"/api/v1/admin/accounts/{star.id}/unsuspend")
    shown = (await browser.get(where)).text
    assert "An operator may run it now." not in shown
    assert "there is nothing left to do" in shown
    assert (await mod.get(f"{DECISIONS}/{made['id']}"))["may_run"] is False
    await browser.aclose()


async def test_nothing_is_left_to_run_of_who_deleted_their_account(world: World) -> None:
    star, voter, mod = *await world.people("star", "voter"), await world.moderator()
    made = await decided_for(world, star, voter, mod)
    await account_deletion.delete_account(world.ctx, by=star.ordinal, target=star.ordinal)
    told = await mod.get(f"{DECISIONS}/{made['id']}")
    assert (told["state"], told["may_run"]) == ("reached", False)
