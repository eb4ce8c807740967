"""What people read in German: every page, every report, and what goes wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
import structlog
from starlette.routing import Route
from tests.api.prey import Prey, addresses
from tests.api.reinstating import Stage, staged
from tests.api.test_oauth import Visit, exchange, query
from tests.api.test_report_pages import browser_of, post
from tests.api.test_sign_in import csrf_of
from tests.api.test_transfer_pages import HERE, send
from tests.api.world import World

from rostra.api.operation import Resource
from rostra.domain.accounts import Role
from rostra.domain.errors import StoreCorrupt

GERMAN = {"accept-language": "de"}
NOT_GERMAN = re.compile(
    r"(?<![\w@/.:-])(the|is|of|not|to|be|for|has|have|with|this|that|you|your|are|from|there|must|"
    r"cannot|only|been|too|or|by|since|until|yes|passed|failed|lifted|suspended|accounts|which|"
    r"what|who|when|how|choose|invalid|characters|closed|done|staged|actions)(?![\w@/-])"
)
WORDS_OF_THE_API = re.compile(r"\([\w, ]+\)|state = .*|followers > 1000000|= != .* in|and, or, not")
"""What is written in English on every page: values of a selector, and examples of one."""

SAID = re.compile("hello #ships|It was music|Should @dave return|a word|later$")
UNREAD = {"script", "style", "code", "bdi", "textarea"}
ALONE = {"br", "img", "input", "hr", "meta", "link", "source"}
INLINE = {"a", "b", "strong", "em", "small", "span", "time", "abbr", "svg", "use", "bdi", "code"}


class Read(HTMLParser):
    """Gathers what is read of a page, block by block, without what is in another language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._text = ""

    def _end(self) -> None:
        self.texts.append(" ".join(self._text.split()))
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        named = (given.get(name) for name in ("placeholder", "title", "aria-label", "alt"))
        self.texts += [text for text in named if text]
        if tag not in INLINE:
            self._end()
        if tag not in ALONE:
            other = "lang" in given and tag != "html"
            self._open.append((tag, tag in UNREAD or other))

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self._end()
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(unread for _, unread in self._open):
            self._text += data


def english(page: str) -> list[str]:
    """Return what of a page is English, it seems."""
    read = Read()
    read.feed(page)
    found = (WORDS_OF_THE_API.sub("", SAID.sub("", text)) for text in read.texts)
    return [text for text in found if NOT_GERMAN.search(text)]


@pytest.fixture(scope="module")
def prey() -> Iterator[Prey]:
    prey = Prey()
    yield prey
    prey.close()


def test_the_search_for_english_finds_some() -> None:
    assert english("<p>There is <b>no</b> account</p><code>the code</code>") == [
        "There is no account"
    ]
    assert english('<p lang="en">the words of a person</p><p>Alles da.</p>') == []


@pytest.mark.parametrize("known", [True, False], ids=["a moderator", "a visitor"])
def test_no_page_is_read_in_english_by_who_reads_german(prey: Prey, known: bool) -> None:
    found: dict[str, list[str]] = {}
    seen = 0
    for path, route in addresses(list(prey.world.app.app.routes)):  # type: ignore[attr-defined]
        page = not isinstance(route.endpoint, Resource) and "GET" in (route.methods or {"GET"})
        if not isinstance(route, Route) or not page or path.startswith("/events"):
            continue
        for number in (0, 3):
            answer = prey.visit("GET", prey.filled(path, number), known=known, headers=GERMAN)
            if answer.headers.get("content-type", "").startswith("text/html"):
                seen += 1
                if left := english(answer.text):
                    found[path] = left
    assert seen > 70
    assert found == {}


async def german_of(world: World, name: str, **fields: Any) -> httpx2.AsyncClient:
    browser, _ = await browser_of(world, name, **fields)
    browser.headers["accept-language"] = "de"
    return browser


async def test_addresses_that_nobody_has_are_answered_in_german(world: World) -> None:
    browser = world.browser()
    missing = await browser.get("/nowhere/at/all", headers=GERMAN)
    assert (missing.status_code, 'lang="de"' in missing.text) == (404, True)
    assert english(missing.text) == []


async def test_errors_with_values_are_told_in_german(world: World) -> None:
    boss = await german_of(world, "boss", role=Role.OWNER)
    for page, path, form, said in (
        ("/compose", "/statuses", {"text": "x" * 501}, "Der Text hat mehr als 500 Zeichen"),
        ("/lists", "/lists", {"title": "x" * 300}, "Der Titel ist zu lang (höchstens 256 Zeichen)"),
        (
            "/admin/reinstatements",
            "/admin/reinstatements/plans",
            {"name": "nobody"},
            "Ein Konto @nobody gibt es nicht",
        ),
        (
            "/admin/amnesties",
            "/admin/amnesties",
            {"where": "stat = suspended", "reason": "amnesty", "waves": "100%"},
            "Zeile 1, Spalte 1: ein Feld &#34;stat&#34; gibt es nicht; meintest du „state“?",
        ),
        (
            "/admin/amnesties",
            "/admin/amnesties",
            {"listed": "handle\nanna\nbert", "reason": "amnesty", "waves": "100%"},
            "2 von 2 Zeilen nennen kein Konto:</span>\n  Zeile 2: Ein Konto namens anna gibt es",
        ),
        (
            "/admin/amnesties",
            "/admin/amnesties",
            {"where": "all", "reason": "amnesty", "waves": "10"},
            "Die letzte Welle ist „10“: Ende mit 100%, sonst bleiben Konten außen vor",
        ),
        (
            "/settings/security",
            "/settings/security/password",
            {"current": "wrong", "password": "a new password"},
            "Das ist nicht dein Passwort",
        ),
    ):
        answer = await post(boss, page, path, **form)
        assert said in answer.text, (path, form, answer.text[-3000:])
    seeker = world.browser()
    seeker.headers["accept-language"] = "de"
    refused = await post(
        seeker, "/auth/sign_up", "/auth/sign_up", username="", email="x", password="short"
    )
    for said in (
        "Benutzername: fehlt",
        "E-Mail-Adresse: stimmt nicht",
        "Passwort: zu kurz (mindestens 8 Zeichen)",
        "Zustimmung: fehlt",
    ):
        assert said in refused.text, said


async def test_the_api_tells_the_same_in_english(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.call("POST", "/api/v1/statuses", json={"status": "x" * 501}, headers=GERMAN)
    assert answer.json() == {"error": "Validation failed: Text character limit of 500 exceeded"}


async def test_the_report_of_a_run_is_german_for_who_reads_german(world: World) -> None:
    stage: Stage = await staged(world)
    boss = await german_of(world, "boss", role=Role.OWNER)
    run = await stage.reinstated()
    page = (await boss.get(f"/admin/reinstatements/{run.id}/report")).text
    assert '<html lang="de"' in page
    assert english(page) == []
    for said in ("Jede Probe ist in jedem Prozess bestanden.", "Sperre", "Arbeitsspeicher frei"):
        assert said in page, said
    assert re.search(r"<td>\d\d\.\d\d\.20\d\d, \d\d:\d\d:\d\d UTC</td>", page)
    assert "1,1\N{NO-BREAK SPACE}% der Follower" in page
    path = f"/api/rostra/v1/reinstatements/{run.id}/report?format=html"
    told = await stage.mod.call("GET", path, headers=GERMAN)
    assert '<html lang="en"' in told.text


async def test_who_is_asked_for_leave_by_an_app_is_asked_in_german(world: World) -> None:
    await world.citizen("alice")
    visit = Visit(world, await world.application())
    visit.browser.headers["accept-language"] = "de"
    page = await visit.open()
    assert english(page.text) == []
    assert "möchte dein Konto auf" in page.text
    wrong = await visit.send(page, "sign_in", login="alice", password="wrong")
    assert "Anmeldename und Passwort gehören nicht zusammen" in wrong.text
    refused = await visit.browser.get("/oauth/authorize?client_id=nobody")
    assert (refused.status_code, english(refused.text)) == (401, [])


async def test_what_an_import_left_out_is_told_in_german(world: World) -> None:
    browser = await german_of(world, "anna")
    sent = await send(browser, HERE, b"nobody\nfar@there.example\n", kind="following")
    assert sent.status_code == 303
    await world.jobs()
    page = (await browser.get(HERE)).text
    assert "nobody ist nicht hier" in page
    assert "far@there.example ist auf einem anderen Server" in page
    assert "nobody is not here" not in page


async def test_apps_say_what_they_may_in_german(world: World) -> None:
    await world.citizen("alice")
    application = await world.application()
    visit = Visit(world, application)
    visit.browser.headers["accept-language"] = "de"
    asked = await visit.sign_in("alice")
    assert "alle Daten deines Kontos lesen" in asked.text
    assert english(asked.text) == []
    agreed = await visit.send(asked, "authorize")
    code = query(agreed.headers["location"])["code"]
    token = await world.client.post("/oauth/token", data=exchange(application, code))
    assert token.status_code == 200
    listed = (await visit.browser.get("/settings/apps")).text
    assert "darf: alle Daten deines Kontos lesen, alle Daten deines Kontos ändern" in listed


async def test_a_fault_is_told_without_what_is_inside_and_logged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = await german_of(world, "boss", role=Role.OWNER)
    token = csrf_of(await boss.get("/lists"))

    async def write(change: Any) -> Any:
        raise StoreCorrupt("row 7 of chunks")

    monkeypatch.setattr(world.store, "write", write)
    with structlog.testing.capture_logs() as logs:
        answer = await boss.post("/lists", data={"csrf": token, "title": "x"})
    assert (answer.status_code, english(answer.text)) == (500, [])
    assert "row 7" not in answer.text
    assert "Etwas ist kaputtgegangen" in answer.text
    assert [log["reason"] for log in logs if log["event"] == "refused"] == ["row 7 of chunks"]
