"""The pages, in a browser, against a server started as people start it."""

from __future__ import annotations

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.e2e.visit import Site, Visit, chromium

from rostra.config import Settings
from rostra.domain.accounts import Role
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.services.social_graph import relationships
from rostra.services.statuses import Draft
from rostra.storage.store import SqliteStore
from rostra.testing.server import serve

PASSWORD = "a platform of ships' prows"
STATUSES = 25
PHONE = (390, 844)


async def _seed(folder: Path) -> None:
    """Fill a data folder: an orator whom nine follow, who follows a friend, and has spoken."""
    store = SqliteStore.open(folder)
    ctx = Context(settings=Settings(data=folder), store=store, clock=store.clock, random=Random(7))
    names = (
        "moderator",
        "orator",
        "friend",
        "reader",
        "locked",
        *(f"listener{i}" for i in range(8)),
    )
    people = {}
    for name in names:
        people[name] = await accounts.register(
            ctx,
            username=name,
            email=f"{name}@rostra.test",
            password=PASSWORD,
            locked=name == "locked",
            role=Role.MODERATOR if name == "moderator" else Role.USER,
        )
    orator, friend = people["orator"].ordinal, people["friend"].ordinal
    await relationships.follow(ctx, actor=orator, target=friend)
    for name, account in people.items():
        if name.startswith("listener"):
            await relationships.follow(ctx, actor=account.ordinal, target=orator)
    for number in range(STATUSES):
        await statuses.post(ctx, actor=orator, draft=Draft(text=f"Citizens, point {number}."))
    await store.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("pages") / "data"
    asyncio.run(_seed(data))
    with serve(data, workers=2) as server:
        yield Site(server, PASSWORD)


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:  # its loop would be in the way of seeding
    with chromium() as browser:
        yield browser


def count(visit: Visit, path: str, noun: str) -> int:
    """Return a count on a profile, read by opening it."""
    assert visit.open(path) == 200
    text = visit.page.locator(".counts li", has_text=noun).inner_text()
    return int(re.sub(r"\D", "", text))


@pytest.fixture
def visit(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Visit]:
    visit = Visit(browser, site, scripts=getattr(request, "param", True))
    yield visit
    visit.close()


@pytest.fixture
def moderator(browser: Browser, site: Site) -> Iterator[Visit]:
    visit = Visit(browser, site)
    visit.sign_in("moderator")
    yield visit
    visit.close()


def _follow_button(page: Page) -> str:
    """Return what the follow button says to the eye."""
    button = page.locator(".profile .relationship .button")
    return str(button.evaluate("button => button.firstChild.textContent")).strip()


def _open_dossier(moderator: Visit, name: str) -> None:
    moderator.open(f"/admin?q={name}")
    moderator.page.locator("#accounts").get_by_role("link", name=f"@{name}").click()
    moderator.page.wait_for_url("**/admin/accounts/*")


def _public(page: Page, figure: str) -> str:
    return page.locator(f"#public-{figure}").inner_text()


def _suspend(moderator: Visit, name: str) -> None:
    _open_dossier(moderator, name)
    moderator.page.get_by_label("Ground").fill("Incitement")
    moderator.page.get_by_role("button", name=f"Suspend @{name}").click()
    expect(moderator.page.get_by_text(f"@{name} is suspended.")).to_be_visible()


def _reinstate(moderator: Visit, name: str) -> None:
    _open_dossier(moderator, name)
    moderator.page.get_by_label("Overturned").check()
    moderator.page.get_by_role("button", name=f"Reinstate @{name}").click()
    expect(moderator.page.get_by_text(f"@{name} is back.")).to_be_visible()


def test_anybody_reads_the_public_timeline(visit: Visit) -> None:
    assert visit.open("/") == 200
    statuses = visit.page.locator("article.status")
    expect(statuses).to_have_count(20)
    expect(statuses.first).to_contain_text(f"Citizens, point {STATUSES - 1}.")
    # What comes next comes when its link is in view: who aims at the link may find it gone.
    visit.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(statuses).to_have_count(STATUSES)
    assert visit.context.cookies() == []


def test_a_thread_is_reached_from_the_timeline(visit: Visit) -> None:
    visit.open("/")
    visit.page.locator("article.status .permalink").first.click()
    visit.page.wait_for_url("**/@orator/*")
    expect(visit.page.locator(".focused")).to_contain_text(f"Citizens, point {STATUSES - 1}.")


def test_a_wrong_password_is_said_so_and_a_right_one_lets_in(visit: Visit) -> None:
    visit.open("/auth/sign_in?return_to=/@orator")
    for password in ("not this one", PASSWORD):
        visit.page.get_by_label("Username or e-mail address").fill("reader")
        visit.page.get_by_label("Password").fill(password)
        visit.page.get_by_role("main").get_by_role("button", name="Sign in").click()
        if password != PASSWORD:
            expect(visit.page.get_by_role("alert")).to_contain_text("do not belong together")
    visit.page.wait_for_url("**/@orator")
    cookie = next(one for one in visit.context.cookies() if one["name"] == "rostra_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    visit.page.get_by_role("button", name="Sign out").click()
    expect(visit.page.get_by_role("link", name="Sign in")).to_be_visible()
    assert visit.open("/home") == 200
    assert "/auth/sign_in" in visit.page.url


@pytest.mark.parametrize("visit", [True, False], indirect=True, ids=["htmx", "plain"])
def test_following_moves_the_count_and_the_button_and_both_stay(visit: Visit) -> None:
    visit.sign_in("reader")
    before = count(visit, "/@orator", "follower")
    assert _follow_button(visit.page) == "Follow"
    visit.page.get_by_role("button", name="Follow @orator", exact=True).click()
    counts = visit.page.locator(".counts")
    expect(counts).to_contain_text(f"{before + 1} followers")
    assert _follow_button(visit.page) == "Following"
    assert count(visit, "/@orator", "follower") == before + 1
    assert _follow_button(visit.page) == "Following"
    visit.page.locator(".profile .relationship .button").click()
    expect(counts).to_contain_text(f"{before} followers")
    assert count(visit, "/@orator", "follower") == before
    assert _follow_button(visit.page) == "Follow"


def test_a_locked_account_is_asked_and_answers(browser: Browser, site: Site, visit: Visit) -> None:
    visit.sign_in("reader")
    visit.open("/@locked")
    visit.page.get_by_role("button", name="Follow @locked").click()
    expect(visit.page.locator(".relationship")).to_contain_text("Requested")
    assert count(visit, "/@locked", "follower") == 0
    owner = Visit(browser, site)
    owner.sign_in("locked")
    owner.open("/notifications")
    owner.page.get_by_role("button", name="Accept @reader").click()
    expect(owner.page.get_by_text("@reader follows you now.")).to_be_visible()
    owner.close()
    assert count(visit, "/@locked", "follower") == 1
    assert _follow_button(visit.page) == "Following"
    visit.page.locator(".profile .relationship .button").click()
    expect(visit.page.locator(".counts")).to_contain_text("0 followers")


def test_a_status_is_posted_liked_and_deleted(visit: Visit) -> None:
    visit.sign_in("friend")
    box = visit.page.get_by_label("What do you want to say?")
    box.fill("Lend me your ears: https://rostra.test/" + "x" * 100)
    expect(visit.page.locator(".compose-count")).to_have_text(str(500 - 19 - 23))
    visit.page.get_by_role("button", name="Post").click()
    newest = visit.page.locator("article.status").first
    expect(newest).to_contain_text("Lend me your ears")
    expect(box).to_have_value("")
    newest.get_by_role("button", name="Like").click()
    expect(newest.get_by_role("button", name="Like, 1 like")).to_have_attribute(
        "aria-pressed", "true"
    )
    visit.page.reload()
    expect(newest.get_by_role("button", name="Like, 1 like")).to_have_attribute(
        "aria-pressed", "true"
    )
    visit.page.on("dialog", lambda dialog: dialog.accept())
    newest.locator("summary").click()
    newest.get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.get_by_text("Lend me your ears")).to_have_count(0)


def _status(url: str) -> int:
    """Return the status that somebody not signed in is answered with."""
    try:
        with urllib.request.urlopen(url) as page:
            return int(page.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_reinstated_account_is_whole_again_at_the_next_read(
    visit: Visit, moderator: Visit, site: Site
) -> None:
    """Row "Profile page, API": a notice and 410 in every worker; row "Follow button, relationship".

    As people see it, who press the buttons of the pages.
    """
    visit.sign_in("listener0")
    friends = count(visit, "/@friend", "follower")
    followers = count(visit, "/@orator", "follower")
    following = count(visit, "/@listener0", "following")

    assert {_status(f"{site.url}/@orator") for _ in range(8)} == {200}

    _suspend(moderator, "orator")
    assert {_status(f"{site.url}/@orator") for _ in range(8)} == {410}
    assert _public(moderator.page, "followers") == "0"
    expect(moderator.page.get_by_role("button", name="Suspended")).to_be_disabled()
    assert visit.open("/@orator") == 410
    expect(visit.page.get_by_text("This account has been suspended")).to_be_visible()
    assert visit.page.get_by_text("Citizens").count() == 0
    assert count(visit, "/@friend", "follower") == friends - 1
    assert count(visit, "/@listener0", "following") == following - 1
    visit.open("/home")
    assert visit.page.locator("article.status").count() == 0

    _reinstate(moderator, "orator")
    assert {_status(f"{site.url}/@orator") for _ in range(8)} == {200}
    assert _public(moderator.page, "followers") == str(followers)
    expect(moderator.page.locator(".record")).to_contain_text("overturned")
    assert count(visit, "/@orator", "follower") == followers
    assert _follow_button(visit.page) == "Following"
    assert count(visit, "/@friend", "follower") == friends
    assert count(visit, "/@listener0", "following") == following
    visit.open("/home")
    assert visit.page.locator("article.status").count() == 20

    button = moderator.page.locator(".seen .button")
    for expected in (followers + 1, followers):
        button.click()
        expect(moderator.page.locator("#public-followers")).to_have_text(str(expected))


@pytest.mark.parametrize("visit", [False], indirect=True, ids=["plain"])
def test_moderation_works_without_scripts(visit: Visit) -> None:
    visit.sign_in("moderator")
    _open_dossier(visit, "listener7")
    visit.page.get_by_label("Ground").fill("Spam")
    visit.page.get_by_label("Until").fill("2001-01-01T00:00")
    visit.page.get_by_role("button", name="Suspend @listener7").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("must be in the future")
    visit.page.get_by_label("Until").fill("")
    visit.page.get_by_role("button", name="Suspend @listener7").click()
    expect(visit.page.locator(".record")).to_contain_text("in force")
    visit.page.get_by_label("Served").check()
    visit.page.get_by_role("button", name="Reinstate @listener7").click()
    expect(visit.page.locator(".record")).to_contain_text("served")


def test_only_moderators_open_the_pages_of_moderation(visit: Visit) -> None:
    visit.open("/admin")
    assert "/auth/sign_in" in visit.page.url
    visit.sign_in("reader")
    assert visit.open("/admin") == 403


def test_a_form_that_is_not_ours_is_refused(visit: Visit) -> None:
    visit.sign_in("reader")
    for form in ({}, {"csrf": "0" * 64}):
        answer = visit.context.request.post("/@orator/follow", form=form)
        assert answer.status == 403
    assert count(visit, "/@reader", "following") == 0


def test_pages_allow_nothing_but_their_own_files(site: Site) -> None:
    with urllib.request.urlopen(site.url) as page:
        policy = page.headers["Content-Security-Policy"]
        html = page.read().decode()
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "<style" not in html
    assert not re.search(r"""\s(?:style|on\w+)=["']""", html)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html.replace(site.url, ""))
    stylesheet = re.search(r'href="(/static/[^"]+\.css)"', html)
    assert stylesheet
    with urllib.request.urlopen(site.url + stylesheet[1]) as file:
        assert "immutable" in file.headers["Cache-Control"]
    with urllib.request.urlopen(f"{site.url}/favicon.ico") as icon:
        assert icon.headers["Content-Type"].startswith("image/svg+xml")


def test_what_is_not_there_is_said_so(site: Site) -> None:
    for path in (
        "/nowhere/at/all",
        "/@nobody",
        "/@orator/1",
        "/@orator/x",
        "/statuses/99999999999999999999",
    ):
        asked = urllib.request.Request(site.url + path, headers={"Accept": "text/html"})
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(asked)
        assert raised.value.code == 404
        assert "There is no such page" in raised.value.read().decode()
        raised.value.close()


STICKING_OUT = """() => [...document.querySelectorAll(".panel :is(input, textarea, button)")]
    .filter((one) => one.getBoundingClientRect().right
        > one.closest(".panel").getBoundingClientRect().right)
    .map((one) => one.id || one.textContent)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_no_field_sticks_out_of_its_panel_in_a_language_of_long_words(
    browser: Browser, site: Site, width: int
) -> None:
    visit = Visit(browser, site, width=width, locale="de-DE").sign_in("moderator")
    for path in ("/admin", "/admin/decisions", "/admin/amnesties", "/admin/reinstatements"):
        assert visit.open(path) == 200
        assert visit.page.evaluate(STICKING_OUT) == [], path
    visit.close()


def test_on_a_phone_every_panel_of_moderation_has_the_same_margin(
    browser: Browser, site: Site
) -> None:
    visit = Visit(browser, site, width=PHONE[0]).sign_in("moderator")
    edges = "() => [...document.querySelectorAll('.panel')].map((one) => one.offsetLeft)"
    parts = ("reports", "appeals", "reinstatements", "amnesties", "decisions", "sign_ups", "ledger")
    for part in ("", *(f"/{name}" for name in parts)):
        assert visit.open(f"/admin{part}") == 200
        assert set(visit.page.evaluate(edges)) == {16}, part
    visit.close()


def test_every_page_fits_on_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    visit.sign_in("moderator")
    visit.open("/admin?q=orator")
    dossier = visit.page.locator("#accounts a").first.get_attribute("href")
    for path in ("/", "/home", "/@orator", "/@orator/followers", "/notifications", dossier):
        assert visit.open(str(path)) == 200
        wider = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} pixels too wide"
