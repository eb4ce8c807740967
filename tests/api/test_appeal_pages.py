"""The one page of suspended people with their appeals, and the pages of those who decide."""

from __future__ import annotations

import re

import httpx2
from tests.api.mailbox import Mailbox
from tests.api.test_report_pages import browser_of, post
from tests.api.test_sign_in import sign_in
from tests.api.world import World

from rostra.domain.accounts import Account, Role
from rostra.domain.appeals import MAX_WITHDRAWN
from rostra.domain.enforcement import Action, ActionKind, LiftReason
from rostra.services.moderation import enforcing

PAGE = "/auth/standing"
ADMIN = "/admin/appeals"
DAY_S = 24 * 3600


async def acted(world: World, account: Account, kind: ActionKind, by: Account | None) -> Action:
    world.tick()
    return await enforcing.act(
        world.ctx,
        moderator=by.ordinal if by else None,
        target=account.ordinal,
        kind=kind,
        ground="Spam",
        text="Forty links in an hour.",
    )


async def shut_out(world: World, by: Account | None) -> tuple[httpx2.AsyncClient, Account, Action]:
    account = await world.citizen("star")
    action = await acted(world, account, ActionKind.SUSPEND, by)
    browser = world.browser()
    assert (await sign_in(browser, "star")).headers["location"] == PAGE
    return browser, account, action


async def led(browser: httpx2.AsyncClient, answer: httpx2.Response) -> httpx2.Response:
    """Follow where a form leads; reloading that page sends nothing again."""
    assert answer.status_code == 303, answer.text
    return await browser.get(answer.headers["location"])


async def test_a_suspended_person_appeals_on_the_one_page(mailing: World, mailbox: Mailbox) -> None:
    """Row "Appeal": the promised time, editing, the answer, and what happens next are told."""
    world = mailing
    mod, moderator = await browser_of(world, "mod", role=Role.MODERATOR)
    other, _ = await browser_of(world, "other", role=Role.MODERATOR)
    star, account, action = await shut_out(world, moderator)
    page = (await star.get(PAGE)).text
    for words in ("Forty links in an hour.", "Appeal against this", "within 14 days", "ZIP"):
        assert words in page, words
    empty = await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text=" ")
    assert (empty.status_code, "say why the decision is wrong" in empty.text) == (422, True)
    long = "x" * 4001
    typed = await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text=long)
    assert (typed.status_code, long in typed.text) == (422, True)
    said = {"action": str(action.id), "text": "It was a <quotation>."}
    done = await led(star, await post(star, PAGE, f"{PAGE}/appeals", **said))
    assert "Your appeal is with the moderators." in done.text
    for words in ("It was a &lt;quotation&gt;.", "promised an answer", "Take the appeal back"):
        assert words in done.text, words
    assert (await post(star, PAGE, f"{PAGE}/appeals", **said)).status_code == 409

    listed = (await mod.get(ADMIN)).text
    assert "1 open appeal" in listed
    found = re.search(r"/admin/appeals/\d+", listed)
    assert found
    assert "1<span" in (await mod.get("/admin/reports")).text.split("/admin/appeals")[1]
    shown = (await mod.get(found[0])).text
    assert "You took this decision yourself" in shown
    assert "@other" in shown
    refused = await post(mod, found[0], f"{found[0]}/accept", reply="No.")
    assert refused.status_code == 403
    number = found[0].rpartition("/")[2]
    await post(star, PAGE, f"{PAGE}/appeals/{number}/edit", action=str(action.id), text="Better.")
    await world.jobs()
    world.clock.advance(seconds=15 * DAY_S)
    assert "That day is over" in (await star.get(PAGE)).text
    assert "1 overdue appeal" in (await other.get(f"{ADMIN}?state=overdue")).text
    shown = (await other.get(found[0])).text
    for words in ("Better.", "It was a &lt;quotation&gt;.", "overdue", "What it rests on"):
        assert words in shown, words
    blank = await post(other, found[0], f"{found[0]}/accept", reply=" ")
    assert (blank.status_code, "say to the person why" in blank.text) == (422, True)
    answer = await post(other, found[0], f"{found[0]}/accept", reply="You are right.")
    assert answer.status_code == 303
    assert "a reinstatement brings the account back" in (await other.get(found[0])).text

    page = (await star.get(PAGE)).text
    for words in ("accepted", "You are right.", "bring your account back"):
        assert words in page, words
    assert "other" not in re.sub("[Aa]nother|other account", "", page.split("<main")[1])
    await enforcing.reinstate(
        world.ctx, moderator=None, target=account.ordinal, reason=LiftReason.OVERTURNED
    )
    page = (await star.get(PAGE)).text
    assert "What was decided is lifted." in page
    assert "overturned" in page
    other.cookies.set("rostra_lang", "de")
    assert "aufgehoben, da unberechtigt" in (await other.get(found[0])).text
    await world.jobs()
    assert mailbox.subjects() == ["We have your appeal", "Your appeal was accepted"]
    for browser in (star, mod, other):
        await browser.aclose()


async def test_turned_down_and_allowed_again(world: World) -> None:
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    star, _, action = await shut_out(world, None)
    await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text="No.")
    found = re.search(r"/admin/appeals/\d+", (await mod.get(ADMIN)).text)
    assert found
    await post(mod, found[0], f"{found[0]}/reject", reply="It was spam.")
    page = (await star.get(PAGE)).text
    for words in ("turned down", "It was spam.", "what was decided stays"):
        assert words in page, words
    assert "Send the appeal" not in page
    await post(mod, found[0], f"{found[0]}/allow_again")
    assert "Appeal again" in (await star.get(PAGE)).text
    sent = await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text="Once more.")
    done = await led(star, sent)
    number = re.search(r"/auth/standing/appeals/(\d+)/withdraw", done.text)
    assert number
    gone = await led(star, await post(star, PAGE, f"{PAGE}/appeals/{number[1]}/withdraw"))
    assert "Your appeal is taken back." in gone.text
    late = await post(star, PAGE, f"{PAGE}/appeals/{number[1]}/withdraw")
    assert late.status_code == 409
    for browser in (star, mod):
        await browser.aclose()


async def test_who_was_only_warned_finds_the_page_too(world: World) -> None:
    ann, account = await browser_of(world, "ann")
    assert (await ann.get(PAGE)).headers["location"] == "/home"
    await acted(world, account, ActionKind.NONE, None)
    limit = await acted(world, account, ActionKind.LIMIT, None)
    assert PAGE in (await ann.get("/notifications")).text
    assert PAGE in (await ann.get("/settings/account")).text
    page = (await ann.get(PAGE)).text
    for words in ("What was decided about your account", "Warning", "Limit:"):
        assert words in page, words
    assert "Delete the account" not in page
    ann.cookies.set("rostra_lang", "de")
    german = (await ann.get(PAGE)).text
    assert "Widerspruch einlegen" in german
    sent = await post(ann, PAGE, f"{PAGE}/appeals", action=str(limit.id), text="Nein.")
    done = await led(ann, sent)
    assert "liegt bei der Moderation" in done.text
    assert (await ann.get(ADMIN)).status_code == 403
    await ann.aclose()


async def test_deleting_the_account_takes_the_appeal_back(world: World) -> None:
    """Row "Appeal": one's own deletion closes it."""
    mod, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    star, _, action = await shut_out(world, None)
    await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text="No.")
    done = await post(star, PAGE, f"{PAGE}/delete", password="a platform of ships' prows")
    assert "Your account is deleted" in done.text
    assert "0 open appeals" in (await mod.get(ADMIN)).text
    await world.jobs()
    found = re.search(r"/admin/appeals/\d+", (await mod.get(f"{ADMIN}?state=decided")).text)
    assert found
    assert "erased with the account" in (await mod.get(found[0])).text
    for browser in (star, mod):
        await browser.aclose()


async def test_as_much_is_taken_as_a_browser_lets_one_type(world: World) -> None:
    """An end of a line is one character of 4,000, though browsers send two."""
    star, account, action = await shut_out(world, None)
    text = "No.\n" * 1000
    sent = await post(
        star, PAGE, f"{PAGE}/appeals", action=str(action.id), text=text.replace("\n", "\r\n")
    )
    page = (await led(star, sent)).text
    assert "Your appeal is with the moderators." in page
    with world.ctx.store.read() as snap:
        (appeal,) = snap.appeals.of(account.ordinal)
    assert appeal.text == text.strip()
    await star.aclose()


async def test_a_page_says_only_what_was_done(world: World) -> None:
    star, _, _ = await shut_out(world, None)
    for made_up in ("", "x", "%3Cb%3Ehi"):
        page = (await star.get(f"{PAGE}?done={made_up}")).text
        assert 'class="done-note"' not in page
    star.cookies.set("rostra_lang", "de")
    assert "noch einmal geschickt" in (await star.get(f"{PAGE}?done=sent")).text
    await star.aclose()


async def test_who_took_several_appeals_back_reads_why_there_is_no_form(world: World) -> None:
    star, _, action = await shut_out(world, None)
    for _ in range(MAX_WITHDRAWN):
        await post(star, PAGE, f"{PAGE}/appeals", action=str(action.id), text="No.")
        number = re.findall(r"/auth/standing/appeals/(\d+)/withdraw", (await star.get(PAGE)).text)
        await post(star, PAGE, f"{PAGE}/appeals/{number[0]}/withdraw")
    page = (await star.get(PAGE)).text
    assert "Send the appeal" not in page
    assert "only a moderator can allow another" in page
    star.cookies.set("rostra_lang", "de")
    assert "Nur ein Moderator kann einen weiteren erlauben" in (await star.get(PAGE)).text
    await star.aclose()


async def test_who_is_suspended_reads_that_a_poll_decides_about_them(world: World) -> None:
    star, account, _ = await shut_out(world, None)
    assert "A poll about your return" not in (await star.get(PAGE)).text
    mod, voter = await world.moderator("asker"), await world.person("voter")
    asked = {"options": ["Return", "Stay away"], "expires_in": 3600}
    poll = await mod.status("Should @star return?", poll=asked)
    given = {"poll_id": poll["id"], "account_id": str(account.id), "share": "50"}
    made = await mod.post("/api/rostra/v1/decisions", **given)
    page = (await star.get(PAGE)).text
    for words in ("Everybody can vote on whether you may return", f"/@asker/{poll['id']}"):
        assert words in page, words
    await voter.post(f"/api/v1/polls/{poll['poll']['id']}/votes", choices=["1"])
    world.clock.advance(3_600_000)
    assert "It did not decide for it. You can still appeal." in (await star.get(PAGE)).text
    await mod.post(f"/api/rostra/v1/decisions/{made['id']}/unbind", why="A court.")
    assert "A poll about your return" not in (await star.get(PAGE)).text
    await star.aclose()
