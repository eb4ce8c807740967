"""Reinstatements on the pages of moderation: what may be asked for there, as elsewhere."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from tests.api.reinstating import Stage, staged
from tests.api.test_report_pages import browser_of, post
from tests.api.world import World

from rostra.domain.accounts import Role
from rostra.domain.reinstatement import Run
from rostra.services.membership import account_deletion

PAGE = "/admin/reinstatements"


@pytest.fixture
async def stage(world: World) -> Stage:
    return await staged(world)


@pytest.fixture
async def browser(stage: Stage) -> httpx2.AsyncClient:
    found, _ = await browser_of(stage.world, "boss", role=Role.OWNER)
    return found


async def planned(browser: httpx2.AsyncClient, **more: Any) -> str:
    """Return the address of a plan of the star."""
    made = await post(browser, PAGE, f"{PAGE}/plans", **{"name": "@star", **more})
    assert made.status_code == 303, made.text
    return str(made.headers["location"])


async def begun(stage: Stage, browser: httpx2.AsyncClient, plan: str, **form: str) -> Run:
    given = {"plan": plan.rpartition("/")[2], "reason": "overturned", **form}
    answer = await post(browser, plan, PAGE, **given)
    assert answer.status_code == 303, answer.text
    found = re.search(r"/(\d+)$", answer.headers["location"])
    assert found
    return stage.run(int(found[1]))


async def test_one_of_several_suspensions_is_lifted_alone(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    """Step "Plan", on the pages: which action would be lifted, and which stays in force."""
    assert 'name="only"' not in (await browser.get(await planned(browser))).text
    second = await stage.world.suspend(stage.star)
    whole = (await browser.get(await planned(browser))).text
    assert whole.count('name="only"') == 2
    part = await planned(browser, only=str(second.id))
    assert "The account stays hidden even so" in (await browser.get(part)).text
    run = await begun(stage, browser, part)
    assert run.plan.actions == (second.id,)
    wrong = await post(browser, PAGE, f"{PAGE}/plans", name="star", only="12")
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True)


async def test_the_account_may_be_named_as_people_write_it(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    domain = stage.world.ctx.settings.domain
    for name in ("star", " @STAR ", f"star@{domain}", f"@Star@{domain.upper()}"):
        assert await planned(browser, name=name), name
    for name, words in (
        ("@star@elsewhere.example", "remote accounts are not known here"),
        (f"@nobody@{domain}", "There is no account @nobody"),
    ):
        refused = await post(browser, PAGE, f"{PAGE}/plans", name=name)
        assert (refused.status_code, words in refused.text) == (404, True), name
    for query in ("@star", f"@star@{domain}"):
        found = await browser.get("/admin", params={"q": query})
        assert 'href="/admin/accounts/' in found.text, query
    assert "star@elsewhere" in (await browser.get("/admin?q=@star@elsewhere.example")).text


async def test_whatever_changed_may_be_accepted_at_once_and_more_be_asked(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    plan = await planned(browser)
    await stage.fans[0].post(f"/api/v1/accounts/{stage.star.id}/unfollow")
    given = {"plan": plan.rpartition("/")[2], "reason": "overturned"}
    told = await post(browser, plan, PAGE, **given)
    assert (told.status_code, "Something changed since" in told.text) == (409, True)
    for sample, said in (("x", "such as 50"), ("0", "Sample must be from 1 to 1,000")):
        wrong = await post(browser, plan, PAGE, **given, accept="on", sample=sample)
        assert (wrong.status_code, said in wrong.text) == (422, True), wrong.text
    run = await begun(stage, browser, plan, accept="on", sample="7")
    assert (run.plan.figures.followers, run.options.sample) == (2, 7)


async def test_a_run_is_told_in_the_language_of_who_reads_and_kept_in_english(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    german = {"accept-language": "de"}
    plan = await planned(browser)
    shown = (await browser.get(plan, headers=german)).text
    assert "<strong>Sperre</strong>" in shown
    run = await stage.drive(await begun(stage, browser, plan))
    page = (await browser.get(f"{PAGE}/{run.id}", headers=german)).text
    for words in (
        "jede Probe ist in jedem Prozess bestanden",
        "Profil über seinen Namen <code>lookup</code>",
        "3 Follower, folgt 1",
        "alle 4 Kanten sind auf beiden Seiten gespeichert",
    ):
        assert words in page, words
    dossier = (await browser.get(f"/admin/accounts/{stage.star.id}", headers=german)).text
    assert "3 Follower werden zu sehen sein" in dossier
    english = (await browser.get(f"{PAGE}/{run.id}")).text
    for words in ("every probe passed in every worker", "Profile by its handle <code>lookup"):
        assert words in english, words
    assert run.said == "every probe passed in every worker"


async def test_the_plan_of_an_account_that_was_deleted_since_cannot_be_begun(
    stage: Stage, browser: httpx2.AsyncClient
) -> None:
    plan = await planned(browser)
    assert 'name="require_headroom"' in (await browser.get(plan)).text
    await account_deletion.delete_account(stage.world.ctx, by=None, target=stage.star.ordinal)
    shown = (await browser.get(plan)).text
    assert "This account was deleted: nothing about it can be decided any more" in shown
    assert 'name="require_headroom"' not in shown
