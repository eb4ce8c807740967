"""What an operator does in a browser: one account brought back, and an amnesty, and the ways back.

The steps are those of "Reinstating one account" and of "Amnesty" in the reference.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from tests.e2e.axe import violations
from tests.e2e.visit import Site, Visit, chromium

from rostra.config import Settings
from rostra.domain.accounts import Role
from rostra.domain.reinstatement import Run
from rostra.ops.rehearsal import marker
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.storage.store import SqliteStore
from rostra.testing.faults import Fault, plant, take_away
from rostra.testing.server import serve

PASSWORD = "a platform of ships' prows"
LISTENERS = 6
PROCESSES = ("worker-0", "worker-1", "jobs")


async def _seed(folder: Path) -> None:
    """Fill a data folder: an orator and a band of spammers, all suspended, and who follows them."""
    store = SqliteStore.open(folder)
    ctx = Context(settings=Settings(data=folder), store=store, clock=store.clock, random=Random(7))
    people = {}
    spammers = [f"spammer{i}" for i in range(5)]
    names = ("anna", "otto", "orator", *spammers, *(f"listener{i}" for i in range(LISTENERS)))
    for name in names:
        people[name] = await accounts.register(
            ctx,
            username=name,
            email=f"{name}@rostra.test",
            password=PASSWORD,
            role=Role.MODERATOR if name in ("anna", "otto") else Role.USER,
        )
    for name, account in people.items():
        for target in ("orator", *spammers):
            if name.startswith("listener"):
                await relationships.follow(
                    ctx, actor=account.ordinal, target=people[target].ordinal
                )
    for number in range(3):
        draft = Draft(text=f"Citizens, point {number}.")
        await statuses.post(ctx, actor=people["orator"].ordinal, draft=draft)
    for name in ("orator", *spammers):
        ground = "Spam" if name in spammers else "Incitement"
        await enforcing.suspend(
            ctx, moderator=people["otto"].ordinal, target=people[name].ordinal, ground=ground
        )
    await store.close()
    marker.mark(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("operator") / "data"
    asyncio.run(_seed(data))
    return data


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    with serve(folder, workers=2) as server:
        yield Site(server, PASSWORD)


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def anna(browser: Browser, site: Site) -> Iterator[Visit]:
    visit = Visit(browser, site)
    yield visit.sign_in("anna")
    visit.close()


@pytest.fixture
def otto(browser: Browser, site: Site) -> Iterator[Visit]:
    visit = Visit(browser, site)
    yield visit.sign_in("otto")
    visit.close()


def _plan(visit: Visit, name: str) -> Page:
    visit.open("/admin/reinstatements")
    page = visit.page
    page.get_by_label("Account").fill(f"@{name}")
    page.get_by_role("button", name="Make the plan").click()
    page.wait_for_url("**/plans/*")
    return page


def _state(page: Page, words: str) -> None:
    expect(page.locator("h1 .chip")).to_have_text(words)


def _followers(visit: Visit, name: str) -> tuple[int, str]:
    status = visit.open(f"/@{name}")
    shown = visit.page.locator(".counts li", has_text="follower")
    return status, re.sub(r"\D", "", shown.inner_text()) if status == 200 else ""


def test_an_account_is_planned_brought_back_and_rolled_back_from_the_pages(anna: Visit) -> None:
    page = _plan(anna, "orator")
    expect(page.locator("tr", has_text="Followers").locator("td").last).to_have_text(str(LISTENERS))
    expect(page.locator(".preview")).to_contain_text("Citizens, point 2.")
    page.get_by_label("The decision in words").fill("The appeal was right")
    page.get_by_role("button", name="Begin with this plan").click()
    page.wait_for_url("**/reinstatements/*")
    address = page.url
    _state(page, "done")  # told by events: nothing here reloads the page
    expect(page.locator(".stage.done")).to_have_count(5)
    expect(page.locator(".probes .failed")).to_have_count(0)
    expect(page.locator(".probes")).to_have_count(2)
    assert _followers(anna, "orator") == (200, str(LISTENERS))

    anna.open(address)
    with page.expect_navigation():
        page.get_by_role("link", name="Open the report").click()
    expect(page.locator("body")).to_contain_text("orator")
    anna.open(address)
    page.get_by_label("Why").fill("It was the wrong orator")
    page.get_by_role("button", name="Suspend @orator again").click()
    _state(page, "rolled back")
    assert _followers(anna, "orator") == (410, "")


def test_a_page_that_is_being_renewed_while_a_run_ends_shows_the_end(
    anna: Visit, folder: Path
) -> None:
    """An answer from before the end must not be the last that the page asks for."""
    late: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if late or "hx-request" not in route.request.headers:
            route.fallback()
        else:
            late.append((route, route.fetch()))

    page = _plan(anna, "orator")
    page.route("**/admin/reinstatements/*", hold_first)
    page.get_by_role("button", name="Begin with this plan").click()
    page.wait_for_url("**/reinstatements/*")
    while not late or not _newest_run(folder).state.is_over:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1000)  # the page hears of the end in that time, or has nothing to prove
    ((route, answer),) = late
    assert not re.search(r'class="chip[^>]*>done<', answer.text())
    route.fulfill(response=answer)
    _state(page, "done")
    page.get_by_role("button", name="Suspend @orator again").click()
    _state(page, "rolled back")


def _newest_run(folder: Path) -> Run:
    store = SqliteStore.open(folder)
    with store.read() as snap:
        (run,) = snap.runs.page(limit=1)
    store.close_now()
    return run


def test_a_stale_plan_is_told_as_a_difference_that_the_operator_accepts(
    anna: Visit, browser: Browser, site: Site
) -> None:
    page = _plan(anna, "orator")
    address = page.url
    other = Visit(browser, site).sign_in("otto")
    other.open("/admin?q=listener1")
    other.page.locator("#accounts").get_by_role("link", name="@listener1").click()
    other.page.wait_for_url("**/admin/accounts/*")
    other.page.get_by_label("Ground", exact=True).fill("Spam")
    other.page.get_by_role("button", name="Suspend @listener1").click()
    expect(other.page.get_by_text("@listener1 is suspended.")).to_be_visible()
    other.close()
    anna.open(address.removeprefix(site.url))
    page.get_by_role("button", name="Begin with this plan").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Something changed since the plan was made")
    expect(told.locator("tr", has_text="Followers").first.locator("td")).to_have_text(
        [str(LISTENERS), str(LISTENERS - 1)]
    )
    expect(told).to_contain_text("@listener1")
    page.get_by_role("button", name="Accept, and begin").click()
    page.wait_for_url("**/reinstatements/*")
    _state(page, "done")
    page.get_by_role("button", name="Suspend @orator again").click()
    _state(page, "rolled back")


def test_a_run_that_a_probe_fails_is_rolled_back_by_itself_and_says_which(
    anna: Visit, folder: Path
) -> None:
    page = _plan(anna, "orator")
    plant(folder, [Fault(kind="follow-lost")], processes=PROCESSES[:2])
    try:
        page.get_by_role("button", name="Begin with this plan").click()
        page.wait_for_url("**/reinstatements/*")
        _state(page, "rolled back")
    finally:
        take_away(folder, processes=PROCESSES[:2])
    failed = page.locator(".probes .failed")
    expect(failed.locator(".probe-name code").first).to_have_text("follow")
    expect(page.locator(".stage.wrong .stage-name").first).to_have_text("Confirm")
    assert _followers(anna, "orator") == (410, "")


def test_an_amnesty_is_planned_approved_by_another_run_and_rolled_back(
    anna: Visit, otto: Visit
) -> None:
    anna.open("/admin/amnesties")
    page = anna.page
    page.get_by_label("Whom it is for").fill('grond ~ "spam"')
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".pointed")).to_contain_text("^^^^^")
    expect(page.locator(".pointed")).to_contain_text('did you mean "ground"?')
    page.get_by_label("Whom it is for").fill('ground ~ "spam" and name ~ "spammer"')
    page.get_by_label("Except").fill('name = "spammer4"')
    page.get_by_role("textbox", name="Waves").fill("1,100%")
    page.get_by_text("Limits, and who is left out").click()
    page.get_by_label("Seconds between two waves").fill("0")
    page.get_by_role("button", name="Make the plan").click()
    page.wait_for_url(re.compile(r"/amnesties/\d+$"))
    _state(page, "waits for approval")
    assert page.get_by_role("button", name="Approve").count() == 0
    expect(page.get_by_text("Another moderator has to approve what you planned.")).to_be_visible()
    address = page.url

    otto.page.goto(address)
    otto.page.get_by_role("button", name="Approve").click()
    _state(otto.page, "approved")
    page.get_by_role("button", name="Run the waves").click()
    _state(page, "done")
    expect(page.locator(".waves tbody tr")).to_have_count(2)
    expect(page.locator(".waves")).to_contain_text("3 back")
    assert _followers(anna, "spammer0")[0] == 200
    assert _followers(anna, "spammer4")[0] == 410

    page.goto(address)
    page.get_by_role("button", name="Roll all of it back").click()
    _state(page, "rolled back")
    assert _followers(anna, "spammer0")[0] == 410


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_everybody_can_use_the_pages_of_an_operator(
    browser: Browser, site: Site, scheme: str, width: int
) -> None:
    """After the tests before, so that there are runs and an amnesty to look at."""
    visit = Visit(browser, site, width=width).sign_in("anna")
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = _plan(visit, "orator")
    paths = [
        page.url,
        "/admin/reinstatements",
        "/admin/amnesties",
        "/admin/appeals",
        "/admin/ledger",
    ]
    for place, one in (("reinstatements", "a[href*='/reinstatements/']"), ("amnesties", ".rows a")):
        visit.open(f"/admin/{place}")
        paths.append(str(page.locator(one).first.get_attribute("href")))
    paths.append(f"{paths[-1]}/accounts")
    wrong = [found for path in paths for found in violations(visit, path)]
    wider = []
    for path in paths:
        visit.open(path)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wider.append(path)
    visit.close()
    assert wrong == [], "\n".join(wrong)
    assert wider == []


def test_pages_and_reports_of_an_operator_fit_on_a_telephone_in_german(
    browser: Browser, site: Site
) -> None:
    """After the tests before, so that there are runs and an amnesty to look at."""
    visit = Visit(browser, site, width=390, locale="de-DE").sign_in("anna")
    page = visit.page
    paths = ["/admin", "/admin/reports", "/admin/decisions", "/admin/ledger"]
    for place, one in (
        ("reinstatements", "a[href^='/admin/reinstatements/1']"),
        ("amnesties", ".rows a"),
    ):
        visit.open(f"/admin/{place}")
        path = str(page.locator(one).first.get_attribute("href"))
        paths += [f"/admin/{place}", path, f"{path}/report"]
    too_wide = []
    for path in paths:
        assert visit.open(path) == 200, path
        assert page.locator("html").get_attribute("lang") == "de"
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(path)
    visit.close()
    assert too_wide == []
