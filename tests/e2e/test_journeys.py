"""The ten journeys that matter most, made by people in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Route, expect
from tests.e2e.visit import Site, Visit, chromium, demonstration

Comes = Callable[..., Visit]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demonstration(tmp_path_factory.mktemp("journeys")) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser(demo: Site) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def comes(browser: Browser, demo: Site) -> Iterator[Comes]:
    """Let somebody come with a browser of their own, signed in when a name is given."""
    visits: list[Visit] = []

    def come(name: str | None = None, *, scripts: bool = True, **options: object) -> Visit:
        visit = Visit(browser, demo, scripts=scripts, **options)  # type: ignore[arg-type]
        visits.append(visit)
        return visit.sign_in(name) if name else visit

    yield come
    for visit in visits:
        visit.close()


def says(visit: Visit, text: str) -> None:
    """Post a status from the page one is on."""
    visit.page.locator("#compose-text").fill(text)
    visit.page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    expect(visit.page.locator("#timeline article.status").first).to_contain_text(text)


def post_of(visit: Visit, words: str) -> Locator:
    return visit.page.locator("article.status", has_text=words).first


def pressed(post: Locator, act: str) -> Locator:
    return post.locator(f'[data-act="{act}"]')


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_1_signing_up_and_saying_something_for_the_first_time(comes: Comes, scripts: bool) -> None:
    name = f"newcomer_{'a' if scripts else 'b'}"
    visit = comes(scripts=scripts)
    visit.open("/auth/sign_up")
    page = visit.page
    page.get_by_label("Username").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill("ships of bronze and wood")
    page.get_by_label(re.compile("I keep to the rules")).check()
    page.get_by_role("main").get_by_role("button", name="Create account").click()
    page.wait_for_url("**/home")
    expect(page.get_by_text("Follow somebody, and what they say appears here.")).to_be_visible()
    says(visit, "My first words on the platform")
    assert visit.open(f"/@{name}") == 200
    expect(page.locator(".counts")).to_contain_text("1 post")
    expect(page.locator("article.status")).to_contain_text("My first words on the platform")


def test_2_answering_in_a_thread(comes: Comes) -> None:
    kofi = comes("kofi")
    kofi.open("/@ines/with_replies")
    post_of(kofi, "who decided on five sigma").locator(".permalink").click()
    kofi.page.wait_for_url("**/@ines/*")
    box = kofi.page.locator("#compose-text")
    expect(box).to_have_value("@ines @stella ")
    box.press_sequentially("Five is a nice number.")
    kofi.page.keyboard.press("Control+Enter")
    answer = kofi.page.locator("#replies article", has_text="Five is a nice number.")
    expect(answer).to_be_visible()
    expect(box).to_have_value("@ines @stella ")
    kofi.page.reload()
    expect(answer).to_contain_text("Replying to @ines")
    ines = comes("ines")
    expect(ines.page.locator(".nav [data-unread]").first).not_to_be_empty()
    ines.open("/notifications?type=mentions")
    expect(ines.page.locator(".note-item").first).to_contain_text("Kofi Mensah mentioned you")


def test_3_following_asking_and_being_let_in(comes: Comes) -> None:
    nadia = comes("nadia")
    nadia.open("/@yuki")
    button = nadia.page.locator(".profile .relationship .button").first
    expect(button).to_contain_text("Follow")
    button.click()
    expect(button).to_contain_text("Following")
    nadia.page.reload()
    expect(button).to_contain_text("Following")
    nadia.open("/@luca")
    button.click()
    expect(button).to_contain_text("Requested")
    nadia.page.reload()
    expect(button).to_contain_text("Requested")
    luca = comes("luca")
    luca.open("/notifications")
    luca.page.get_by_role("button", name="Accept @nadia").click()
    expect(luca.page.get_by_text("@nadia follows you now.")).to_be_visible()
    nadia.page.reload()
    expect(button).to_contain_text("Following")
    nadia.page.on("dialog", lambda dialog: dialog.accept())
    nadia.open("/@clio")
    menu = nadia.page.locator(".profile .relationship .menu")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Mute @clio").click()
    expect(nadia.page.locator(".profile .relationship")).to_contain_text("Muted")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Block @clio").click()
    expect(button).to_contain_text("Unblock")
    nadia.page.reload()
    expect(button).to_contain_text("Unblock")
    button.click()
    expect(button).to_contain_text("Follow")


def test_4_liking_boosting_and_keeping(comes: Comes) -> None:
    otto = comes("otto")
    otto.open("/@mina")
    post = post_of(otto, "argue with the graph")
    for act, verb in (("like", "favourite"), ("boost", "reblog"), ("bookmark", "bookmark")):
        # The button turns before the answer is here: where the form leads is the server's word.
        leads_to = pressed(post, act).locator("xpath=ancestor::form")
        if pressed(post, act).get_attribute("aria-pressed") == "true":
            pressed(post, act).click()
            expect(leads_to).to_have_attribute("action", re.compile(f"/{verb}$"))
        before = int(pressed(post, act).locator("span[aria-hidden]").inner_text() or 0)
        pressed(post, act).click()
        expect(leads_to).to_have_attribute("action", re.compile(f"/un{verb}$"))
        expect(pressed(post, act)).to_have_attribute("aria-pressed", "true")
        if act != "bookmark":
            number = pressed(post, act).locator("span[aria-hidden]")
            expect(number).to_have_text(str(before + 1))
    otto.page.reload()
    for act in ("like", "boost", "bookmark"):
        expect(pressed(post, act)).to_have_attribute("aria-pressed", "true")
    for path in ("/bookmarks", "/favourites", "/home"):
        otto.open(path)
        expect(post_of(otto, "argue with the graph")).to_be_visible()
    otto.open("/bookmarks")
    with otto.page.expect_response("**/unbookmark"):  # the button turns before the answer is here
        pressed(post, "bookmark").click()
    expect(pressed(post, "bookmark")).to_have_attribute("aria-pressed", "false")
    otto.page.reload()
    expect(otto.page.locator("article.status")).to_have_count(0)


def test_what_is_pressed_while_another_answer_comes_is_shown_as_well(comes: Comes) -> None:
    stella = comes("stella")
    page = stella.page
    says(stella, "Two things at once")
    stella.open("/@stella")
    post = post_of(stella, "Two things at once")
    held: list[Route] = []
    page.route(re.compile(r"/(favourite|reblog)$"), lambda route: held.append(route))
    for number, act in enumerate(("like", "boost"), 1):
        pressed(post, act).click()
        while len(held) < number:
            page.wait_for_timeout(20)
    for (act, verb), route in zip((("like", "favourite"), ("boost", "reblog")), held, strict=True):
        route.continue_()
        leads_to = pressed(post, act).locator("xpath=ancestor::form")
        expect(leads_to).to_have_attribute("action", re.compile(f"/un{verb}$"))
    for act in ("like", "boost"):
        expect(pressed(post, act)).to_have_attribute("aria-pressed", "true")


def test_5_asking_and_voting(comes: Comes) -> None:
    ada = comes("ada")
    page = ada.page
    page.locator('[name="with_poll"]').check(force=True)
    page.get_by_label("Option 1").fill("Oak")
    page.get_by_label("Option 2").fill("Pine")
    page.get_by_label("It ends after").select_option("300")
    says(ada, "What are the best prows made of?")
    link = post_of(ada, "best prows").locator(".permalink").get_attribute("href")
    mina = comes("mina")
    mina.open(str(link))
    poll = mina.page.locator(".poll")
    poll.get_by_text("Oak").click()
    poll.get_by_role("button", name="Vote").click()
    expect(poll).to_contain_text("1 person voted")
    expect(poll).to_contain_text("100%")
    expect(poll).to_contain_text("your vote")
    mina.page.reload()
    expect(poll.get_by_role("button", name="Vote")).to_have_count(0)
    expect(poll).to_contain_text("your vote")
    otto = comes("otto", scripts=False)
    otto.open(str(link))
    otto.page.locator(".poll").get_by_text("Pine").click()
    otto.page.locator(".poll").get_by_role("button", name="Vote").click()
    expect(otto.page.locator(".poll")).to_contain_text("2 people voted")
    mina.page.evaluate("document.dispatchEvent(new Event('rostra:polls'))")
    expect(poll).to_contain_text("2 people voted")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_6_showing_a_picture_with_its_description(
    comes: Comes, tmp_path: Path, scripts: bool
) -> None:
    picture = tmp_path / "prow.png"
    Image.new("RGB", (640, 480), (140, 47, 57)).save(picture)
    words = "The prow, freshly painted" + (" again" if scripts else "")
    nadia = comes("nadia", scripts=scripts)
    page = nadia.page
    page.locator("#compose-text").fill(words)
    page.locator(".compose-file").set_input_files(picture)
    if not scripts:
        page.get_by_role("button", name="Attach").click()
    page.get_by_label(re.compile("Describe it")).fill("A red prow")
    expect(page.locator("#compose-text")).to_have_value(words)
    page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    shown = post_of(nadia, words).get_by_role("img", name="A red prow")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    nadia.open("/@nadia/media")
    expect(shown).to_be_visible()
    if scripts:
        shown.click()
        expect(page.locator("dialog.lightbox img")).to_have_attribute("alt", "A red prow")
        page.keyboard.press("Escape")
        expect(page.locator("dialog.lightbox")).not_to_be_visible()


def test_7_what_is_new_waits_behind_a_bar_and_nothing_jumps(comes: Comes) -> None:
    kofi, yuki = comes("kofi"), comes("yuki")
    page = kofi.page
    with page.expect_response("**/events?*"):  # from here on it is told what is new
        page.reload()
    first = page.locator("#timeline article.status").first
    before = first.get_attribute("id")
    with yuki.page.expect_response("**/statuses"):
        says(yuki, "News for those who listen")
    bar = page.locator("[data-show-new]")
    expect(bar).to_contain_text("Show 1 new post")
    assert first.get_attribute("id") == before
    bar.click()
    expect(first).to_contain_text("News for those who listen")
    expect(bar).to_have_count(0)
    says(kofi, "My own words are no news to me")
    page.evaluate("document.dispatchEvent(new Event('rostra:look'))")
    page.wait_for_timeout(1000)
    expect(bar).to_have_count(0)
    yuki.page.on("dialog", lambda dialog: dialog.accept())
    mine = post_of(yuki, "News for those who listen")
    mine.locator(".menu summary").click()
    mine.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("News for those who listen")).to_have_count(0)


def test_what_came_while_the_connection_was_away_waits_behind_the_bar(comes: Comes) -> None:
    kofi, yuki = comes("kofi"), comes("yuki")
    page = kofi.page
    asked: list[Route] = []

    def connect(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:  # those after it are let through below
            route.fulfill(content_type="text/event-stream", body="retry: 100\n\n")

    page.route("**/events?*", connect)
    page.reload()
    while len(asked) < 2:
        page.wait_for_timeout(50)
    with yuki.page.expect_response("**/statuses"):
        says(yuki, "News for those who were away")
    asked[1].continue_()
    bar = page.locator("[data-show-new]")
    expect(bar).to_contain_text("Show 1 new post")
    bar.click()
    expect(page.locator("#timeline")).to_contain_text("News for those who were away")


def test_8_changing_ones_words_and_what_they_were(comes: Comes) -> None:
    stella = comes("stella")
    says(stella, "On air at nyne")
    mine = post_of(stella, "On air at nyne")
    mine.locator(".menu summary").click()
    mine.get_by_role("link", name="Edit").click()
    box = stella.page.locator("#compose-text")
    expect(box).to_have_value("On air at nyne")
    box.fill("")
    stella.page.get_by_role("button", name="Save").click()
    expect(stella.page.locator("#notice")).not_to_be_empty()
    box.fill("On air at nine")
    stella.page.get_by_role("button", name="Save").click()
    expect(stella.page.locator(".focused")).to_contain_text("On air at nine")
    stella.page.locator(".focused .menu summary").click()
    stella.page.get_by_role("link", name="Earlier versions").click()
    versions = stella.page.locator(".version")
    expect(versions).to_have_count(2)
    expect(versions.last).to_contain_text("On air at nyne")


def test_9_finding_people_hashtags_and_words(comes: Comes) -> None:
    visit = comes()
    visit.open("/")
    visit.page.locator("#aside-search").fill("stel")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/search?**")
    expect(visit.page.locator(".people")).to_contain_text("Stella Novak")
    ines = comes("ines")
    ines.open("/search?q=physics&type=hashtags")
    ines.page.locator(".tag-list a", has_text="#physics").click()
    ines.page.wait_for_url("**/tags/physics")
    assert ines.page.locator("article.status").count() >= 2
    follow = ines.page.get_by_role("button", name="Follow #physics")
    follow.click()
    expect(ines.page.get_by_role("button", name="Following #physics")).to_be_visible()
    ines.page.reload()
    expect(ines.page.get_by_role("button", name="Following #physics")).to_be_visible()
    ines.open("/search?q=balcony&type=posts")
    says_nothing = ines.page.get_by_text("Nothing was found.")
    expect(says_nothing).to_be_visible()
    ines.open("/search?q=jumper&type=posts")
    expect(ines.page.locator("article.status")).to_contain_text("Bring a jumper")


def test_10_somebody_is_suspended_and_comes_back(comes: Comes) -> None:
    mina, ines = comes("mina"), comes("ines")
    ines.open("/@kofi")
    followers = ines.page.locator(".counts").inner_text()
    ines.page.get_by_text("Kofi Mensah").first.wait_for()
    mina.open("/@kofi")
    mina.page.locator(".profile .relationship .menu summary").click()
    mina.page.get_by_role("link", name="Moderate").click()
    mina.page.get_by_label("Ground").fill("Spam")
    mina.page.get_by_role("button", name="Suspend @kofi").click()
    expect(mina.page.get_by_text("@kofi is suspended.")).to_be_visible()
    assert ines.open("/@kofi") == 410
    expect(ines.page.get_by_text("This account has been suspended")).to_be_visible()
    ines.open("/search?q=kofi&type=accounts")
    expect(ines.page.get_by_text("Kofi Mensah")).to_have_count(0)
    mina.page.get_by_label("Overturned").check()
    mina.page.get_by_role("button", name="Reinstate @kofi").click()
    expect(mina.page.get_by_text("@kofi is back.")).to_be_visible()
    assert ines.open("/@kofi") == 200
    assert ines.page.locator(".counts").inner_text() == followers
    expect(ines.page.locator(".profile .relationship .button").first).to_contain_text("Following")


def test_what_one_has_begun_to_write_survives_a_reload(comes: Comes) -> None:
    visit = comes("pip")
    page = visit.page
    page.locator("#compose-text").fill("Half a thought")
    page.locator('[name="with_warning"]').check(force=True)
    page.get_by_label("Content warning", exact=True).fill("Unfinished")
    page.reload()
    expect(page.locator("#compose-text")).to_have_value("Half a thought")
    expect(page.get_by_label("Content warning", exact=True)).to_have_value("Unfinished")
    page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    expect(page.locator("#compose-text")).to_have_value("")
    page.reload()
    expect(page.locator("#compose-text")).to_have_value("")
    expect(page.locator("#timeline article.status").first).to_contain_text("Unfinished")


def test_the_keyboard_is_enough(comes: Comes) -> None:
    visit = comes("ines")
    page = visit.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("#timeline article.status").nth(1)
    expect(second).to_be_focused()
    like = pressed(second, "like")
    before = like.get_attribute("aria-pressed")
    page.keyboard.press("f")
    expect(like).to_have_attribute("aria-pressed", "false" if before == "true" else "true")
    page.keyboard.press("k")
    expect(page.locator("#timeline article.status").first).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#compose-text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/notifications")


def test_everything_can_be_read_without_scripts(comes: Comes) -> None:
    visit = comes(scripts=False)
    for path in ("/", "/@ines", "/@ines/media", "/tags/higgs", "/explore", "/search?q=ines"):
        assert visit.open(path) == 200, path
        assert visit.page.locator("article.status, .person").count() > 0, path
    visit.open("/")
    first = visit.page.locator("article.status").first.get_attribute("id")
    visit.page.get_by_role("link", name="Load more").click()
    visit.page.wait_for_url("**/?max_id=*")
    assert visit.page.locator("article.status").first.get_attribute("id") != first
    visit.page.locator('button[name="theme"][value="dark"]').first.click()
    expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_pages_speak_german_to_those_who_do(comes: Comes) -> None:
    visit = comes(locale="de-DE")
    visit.open("/")
    expect(visit.page.locator("html")).to_have_attribute("lang", "de")
    expect(visit.page.get_by_role("link", name="Anmelden")).to_be_visible()
    expect(visit.page.get_by_role("heading", name="Öffentliche Timeline")).to_be_visible()
    visit.page.get_by_role("button", name="English").click()
    expect(visit.page.get_by_role("link", name="Sign in")).to_be_visible()


def test_feed_readers_get_what_is_public_and_nothing_of_who_is_away(comes: Comes) -> None:
    visit = comes()
    feed = visit.context.request.get("/@ines.rss")
    assert feed.headers["content-type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(feed.body()).find("channel")
    assert channel is not None
    assert channel.findtext("title") == "Inês Duarte"
    links = [item.findtext("link") for item in channel.findall("item")]
    assert links
    assert all(visit.context.request.get(str(link)).ok for link in links)
    described = channel.find("item/{*}content/{*}description")
    assert described is not None
    assert "night sky" in str(described.text)
    assert visit.context.request.get("/tags/higgs.rss").ok
    assert visit.context.request.get("/@rufus.rss").status == 410


def test_whom_one_keeps_out_is_listed_and_let_in_again(comes: Comes) -> None:
    yuki = comes("yuki")
    yuki.open("/mutes")
    row = yuki.page.locator(".person", has_text="@clio")
    row.get_by_role("button", name="Unmute @clio").click()
    expect(row).to_have_count(0)
    yuki.open("/blocks")
    expect(yuki.page.get_by_text("You block nobody.")).to_be_visible()


def test_a_filter_folds_away_what_it_finds(comes: Comes) -> None:
    kofi = comes("kofi")
    kofi.open("/filters/new")
    kofi.page.get_by_label("Name").fill("Sport of kings")
    kofi.page.get_by_label("Words, one on each line").fill("calorimeter\nsigma")
    kofi.page.get_by_role("button", name="Save").click()
    kofi.page.wait_for_url("**/filters")
    expect(kofi.page.locator(".people")).to_contain_text("calorimeter, sigma")
    kofi.open("/home")
    hidden = kofi.page.locator("details.warning", has_text="Filtered: Sport of kings").first
    expect(hidden).to_be_visible()
    hidden.locator("summary").click()
    expect(hidden).to_contain_text(re.compile("sigma|calorimeter"))


def test_writing_anew_keeps_the_words_and_the_picture(comes: Comes, tmp_path: Path) -> None:
    picture = tmp_path / "ram.png"
    Image.new("RGB", (320, 200), (47, 93, 87)).save(picture)
    yuki = comes("yuki")
    page = yuki.page
    page.locator("#compose-text").fill("A ram of brnze")
    page.locator(".compose-file").set_input_files(picture)
    page.get_by_label(re.compile("Describe it")).fill("A green ram")
    page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    mine = post_of(yuki, "A ram of brnze")
    mine.locator(".menu summary").click()
    mine.get_by_role("button", name="Delete and write anew").click()
    expect(page.locator("#compose-text")).to_have_value("A ram of brnze")
    expect(page.get_by_label(re.compile("Describe it"))).to_have_value("A green ram")
    page.locator("#compose-text").fill("A ram of bronze")
    page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    page.wait_for_url("**/@yuki/*")
    expect(page.locator(".focused").get_by_role("img", name="A green ram")).to_be_visible()
    yuki.open("/@yuki")
    expect(page.get_by_text("A ram of brnze")).to_have_count(0)


def test_a_post_for_later_waits_and_is_called_off(comes: Comes) -> None:
    ada = comes("ada")
    page = ada.page
    page.locator("#compose-text").fill("Good morning, in the year after next")
    page.locator('[name="with_time"]').check(force=True)
    page.get_by_label("Post it at (UTC)").fill(f"{date.today().year + 2}-01-31T08:00")
    page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    page.wait_for_url("**/scheduled")
    expect(page.locator(".version")).to_contain_text("Good morning")
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_text("Nothing waits to be posted.")).to_be_visible()


def test_words_for_one_alone_and_a_report(comes: Comes) -> None:
    otto, mina = comes("otto"), comes("mina")
    otto.open("/compose?text=@mina%20&visibility=direct")
    otto.page.locator("#compose-text").fill("@mina between us: lunch?")
    otto.page.locator(".compose").get_by_role("button", name="Post", exact=True).click()
    otto.page.wait_for_url("**/@otto/*")
    mina.open("/conversations")
    talk = mina.page.locator(".talk")
    expect(talk).to_contain_text("between us: lunch?")
    expect(talk).to_contain_text("new")
    talk.locator(".person-link").click()
    expect(mina.page.locator(".focused")).to_contain_text("between us: lunch?")
    mina.open("/conversations")
    expect(talk.locator(".chip")).to_have_count(0)
    otto.open("/@clio/report")
    otto.page.get_by_label("It is spam").check()
    otto.page.get_by_label("What the moderators should know").fill("Posts too often.")
    otto.page.get_by_role("button", name="Send the report").click()
    expect(otto.page.get_by_text("The moderators have your report.")).to_be_visible()
