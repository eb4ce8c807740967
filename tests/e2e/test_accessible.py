"""Every page, looked at by axe-core: light and dark, desk and phone, from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.e2e.axe import violations
from tests.e2e.visit import Site, Visit, chromium, demonstration

from rostra.language.i18n import COOKIE, MIRROR

FOR_ALL = (
    "/",
    "/@ines",
    "/@ines/media",
    "/@stella/followers",
    "/tags/higgs",
    "/search?q=higgs",
    "/explore",
    "/explore/people",
    "/about",
    "/about/rules",
    "/api/docs",
    "/privacy",
    "/terms",
    "/shortcuts",
    "/auth/sign_in",
    "/auth/sign_up",
    "/nowhere",
    "/@rufus",
)
SIGNED_IN = (
    "/home",
    "/@stella",
    "/@luca",
    "/@ines",
    "/@kofi",
    "/compose",
    "/notifications",
    "/conversations",
    "/scheduled",
    "/explore/tags",
    "/@clio/report",
    "/@stella/lists",
    "/settings/account",
    "/settings/security",
    "/settings/sessions",
    "/settings/apps",
    "/settings/transfer",
    "/bookmarks",
    "/favourites",
    "/lists",
    "/search?q=i",
    "/preferences",
    "/preferences/profile",
    "/filters",
    "/filters/new",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demonstration(tmp_path_factory.mktemp("accessible")) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser(demo: Site) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _thread(visit: Visit) -> str:
    visit.open("/@ines/with_replies")
    return str(visit.page.locator("article.status .permalink").first.get_attribute("href"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_everybody_sees_can_be_used_by_everybody(
    browser: Browser, demo: Site, scheme: str
) -> None:
    visit = Visit(browser, demo)
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wrong = [one for path in (*FOR_ALL, _thread(visit)) for one in violations(visit, path)]
    visit.close()
    assert wrong == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_what_the_signed_in_see_can_be_used_by_everybody(
    browser: Browser, demo: Site, scheme: str, width: int
) -> None:
    visit = Visit(browser, demo, width=width).sign_in("ines")
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wrong = [one for path in (*SIGNED_IN, _thread(visit)) for one in violations(visit, path)]
    visit.close()
    assert wrong == []


def test_appeals_can_be_made_and_decided_by_everybody(browser: Browser, demo: Site) -> None:
    """What the suspended see, and who decides about their appeals."""
    star = Visit(browser, demo, width=390)
    star.enter("rufus", "/auth/standing")
    wrong = violations(star, "/auth/standing")
    star.page.get_by_text("Change it, take it back, see what happened").click()
    star.page.get_by_role("button", name="Take the appeal back").click()
    star.page.get_by_text("Your appeal is taken back.").wait_for()
    star.page.get_by_text("Appeal again").click()
    star.page.get_by_label("Why the decision is wrong").fill("It was one link.")
    star.page.get_by_role("button", name="Send the appeal").click()
    star.page.get_by_text("Your appeal is with the moderators.").wait_for()
    wrong += violations(star, "/auth/standing")
    mod = Visit(browser, demo).sign_in("mina")
    mod.page.emulate_media(color_scheme="dark")
    for path in ("/admin/appeals", "/admin/decisions"):
        wrong += violations(mod, path)
    mod.open("/admin/appeals")
    appeal = str(mod.page.locator(".rows a").first.get_attribute("href"))
    wrong += violations(mod, appeal)
    mod.page.get_by_label("Answer to the person").fill("It was forty links.")
    mod.page.get_by_role("button", name="Turn it down").click()
    mod.page.get_by_text("It was forty links.").wait_for()
    wrong += violations(mod, appeal)
    star.open("/auth/standing")
    star.page.get_by_text("It was forty links.").wait_for()
    wrong += violations(star, "/auth/standing")
    for visit in (star, mod):
        visit.close()
    assert wrong == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_the_page_of_an_account_with_its_role_can_be_used_by_everybody(
    browser: Browser, demo: Site, scheme: str, width: int
) -> None:
    visit = Visit(browser, demo, width=width).sign_in("ada")
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.open("/admin?q=kofi")
    path = str(visit.page.locator("a[href^='/admin/accounts/']").first.get_attribute("href"))
    wrong = violations(visit, path)
    visit.page.locator("[name=role][value=moderator]").check()
    visit.page.get_by_role("button", name="Change the role").click()
    visit.page.get_by_text("is a moderator now.").wait_for()
    visit.page.locator("[name=role][value=user]").check()
    visit.page.get_by_role("button", name="Change the role").click()
    visit.page.get_by_text("has no role now.").wait_for()
    visit.close()
    assert wrong == []


def test_from_right_to_left_nothing_sticks_out_and_all_can_be_used(
    browser: Browser, demo: Site
) -> None:
    visit = Visit(browser, demo, width=390)
    visit.context.add_cookies([{"name": COOKIE, "value": MIRROR, "url": demo.url}])
    visit.sign_in("ines")
    wrong = []
    for path in ("/home", "/@stella", "/compose", "/notifications", "/preferences", "/search?q=i"):
        wrong += violations(visit, path)
        assert visit.page.locator("html").get_attribute("dir") == "rtl"
        wider = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} pixels too wide"
    visit.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("who", "paths"), [("", FOR_ALL), ("ines", SIGNED_IN)], ids=["all", "ines"]
)
def test_the_long_words_of_german_fit_on_a_telephone(
    browser: Browser, demo: Site, who: str, paths: tuple[str, ...]
) -> None:
    visit = Visit(browser, demo, width=390, locale="de-DE")
    if who:
        visit.sign_in(who)
    too_wide = []
    for path in paths:
        visit.open(path)
        assert visit.page.locator("html").get_attribute("lang") == "de"
        if visit.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(path)
    visit.close()
    assert too_wide == []
