"""Amnesties on the pages of moderation: planned for a list of accounts, and by a selector."""

from __future__ import annotations

import re

import httpx2
from tests.api.test_report_pages import browser_of, post
from tests.api.test_sign_in import csrf_of
from tests.api.world import World

from rostra.domain.accounts import Role
from rostra.domain.amnesty import Amnesty
from rostra.domain.enforcement import ActionKind
from rostra.services.amnesty import amnesties
from rostra.services.moderation import enforcing

PAGE = "/admin/amnesties"
ASKED = {"reason": "amnesty", "waves": "100%"}


async def planned(world: World, answer: httpx2.Response) -> tuple[Amnesty, list[str]]:
    """Return the amnesty an answer leads to, once its plan is made, and its accounts' names."""
    assert answer.status_code == 303, answer.text
    found = re.search(r"/(\d+)$", answer.headers["location"])
    assert found
    await world.jobs()
    with world.store.read() as snap:
        amnesty = amnesties.require_amnesty(snap, int(found[1]))
        entries = amnesties.entries(snap, amnesty.id, after=0, limit=10)
        people = snap.accounts.many(entry.account for entry in entries)
    return amnesty, sorted(account.username for account in people.values())


async def test_a_list_of_accounts_is_pasted_or_sent_as_a_file(world: World) -> None:
    browser, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    people = [await world.person(name) for name in ("ann", "bob", "cleo")]
    for person in people:
        await world.suspend(person)
    pasted = await post(browser, PAGE, PAGE, listed="handle\r\n@ann\r\nbob", **ASKED)
    amnesty, names = await planned(world, pasted)
    assert (amnesty.listed, names) == (True, ["ann", "bob"])
    assert "a list of accounts" in (await browser.get(f"{PAGE}/{amnesty.id}")).text

    sent = await browser.post(
        PAGE,
        data={"csrf": csrf_of(await browser.get(PAGE)), **ASKED},
        files={"list": ("who.csv", f"id,why\n{people[2].id},the third\n".encode(), "text/csv")},
    )
    assert (await planned(world, sent))[1] == ["cleo"]


async def test_a_list_with_mistakes_is_told_line_by_line(world: World) -> None:
    browser, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    typed = "handle\r\nmod\r\nnobody"
    for form, said in (
        ({"listed": typed}, "line 3: there is no account called nobody"),
        ({"listed": "anna"}, "The first line must name a column"),
        ({"listed": typed[:12], "where": "all"}, "Say whom the amnesty is for"),
        ({}, "Say whom the amnesty is for"),
        ({"where": "stat = suspended"}, "there is no field"),
        ({"where": "all", "type": "none"}, "Choose what is to be lifted"),
    ):
        answer = await post(browser, PAGE, PAGE, **ASKED, **form)
        assert (answer.status_code, said in answer.text) == (422, True), (form, answer.text)
    told = (await post(browser, PAGE, PAGE, **ASKED, listed=typed, include="spam")).text
    assert "nobody</textarea>" in told
    assert 'value="spam" checked' in told
    assert 'value="child_safety" checked' not in told


async def test_mistakes_are_told_in_the_language_of_who_makes_them(world: World) -> None:
    browser, _ = await browser_of(world, "mod", role=Role.MODERATOR)
    browser.headers["accept-language"] = "de"
    for form, said in (
        ({}, "Sag, für wen die Amnestie ist: entweder eine Auswahl"),
        ({"listed": "anna"}, "Die erste Zeile muss eine Spalte „handle“ oder „id“ nennen"),
        ({"listed": "handle\r\n"}, "Die Liste hat keine Konten"),
    ):
        answer = await post(browser, PAGE, PAGE, **ASKED, **form)
        assert (answer.status_code, said in answer.text) == (422, True), (form, answer.text)


async def test_limits_of_accounts_can_be_lifted_too(world: World) -> None:
    browser, mod = await browser_of(world, "mod", role=Role.MODERATOR)
    ann, bob = await world.person("ann"), await world.person("bob")
    await world.suspend(bob)
    await enforcing.act(
        world.ctx,
        moderator=mod.ordinal,
        target=ann.ordinal,
        kind=ActionKind.LIMIT,
        ground="noise",
    )
    answer = await post(browser, PAGE, PAGE, where="all", type="silence", **ASKED)
    amnesty, names = await planned(world, answer)
    assert (amnesty.kind, names) == (ActionKind.LIMIT, ["ann"])
    assert "What is lifted: Limit" in (await browser.get(f"{PAGE}/{amnesty.id}")).text


async def test_only_moderators_may_send_a_list(world: World) -> None:
    browser, _ = await browser_of(world, "ann")
    assert (await browser.get(PAGE)).status_code == 403
    token = csrf_of(await browser.get("/settings/transfer"))
    files = {"list": ("who.csv", b"handle\nann\n", "text/csv")}
    sent = await browser.post(PAGE, data={"csrf": token, **ASKED}, files=files)
    assert sent.status_code == 403
