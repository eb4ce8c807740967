"""The report of a rehearsal in a browser: on a phone, by day and night, on paper, by axe-core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.e2e.axe import AXE, TAGS
from tests.e2e.visit import chromium
from tests.rehearsal.pages import Page as Read
from tests.unit.rehearsed import came_back, held_back

from rostra.ops.rehearsal import report
from rostra.ops.rehearsal.record import Record
from rostra.ops.rehearsal.verdict import judge

RECORDS = {
    "passed": came_back,
    "caught": lambda: held_back("worker-killed"),
    "failed": lambda: failed(),
    "nothing": lambda: nothing(),
}


def failed() -> Record:
    record = came_back()
    record.not_shown = ["home timeline in worker 1"]
    record.log = ["error: process died; starting it again (worker-1) × 1"]
    return record


def nothing() -> Record:
    """A rehearsal that was interrupted while its world was built."""
    whole = came_back()
    return Record(
        asked=whole.asked, machine=whole.machine, began=whole.began, ended=whole.ended,
        interrupted=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each report, written once."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name, make in RECORDS.items():
        record = make()
        found[name] = folder / f"{name}.html"
        report.write(found[name], report.render(record, judge(record)))
    return found


def opened(browser: Browser, path: Path, *, width: int, scheme: str) -> tuple[Page, list[str]]:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, asked


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", RECORDS)
def test_it_is_readable_and_asks_for_nothing_else(
    browser: Browser, reports: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    written = reports[name]
    assert Read(written.read_text(encoding="utf-8")).wrong == []
    page, asked = opened(browser, written, width=width, scheme=scheme)
    assert asked == [written.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", TAGS)
    assert [
        f"{one['id']}: {node['html'][:100]}" for one in found["violations"] for node in one["nodes"]
    ] == []
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    dark = scheme == "dark"
    assert (sum(map(int, ink[4:-1].split(","))) > sum(map(int, paper[4:-1].split(",")))) == dark
    page.context.close()


def test_its_pictures_are_as_large_as_there_is_room_and_their_ink_is_the_pages(
    browser: Browser, reports: dict[str, Path]
) -> None:
    page, _ = opened(browser, reports["passed"], width=390, scheme="dark")
    pictures = page.locator("figure svg")
    assert pictures.count() == 5
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box is not None
        assert 300 < box["width"] < 390
        assert box["height"] > 150
        smallest = min(
            picture.evaluate("svg => [...svg.querySelectorAll('text')].map("
                             "text => text.getBoundingClientRect().height)")
        )  # fmt: skip
        assert smallest > 8
    ink = page.evaluate("getComputedStyle(document.body).color")
    text = page.locator("figure svg text").first
    assert text.evaluate("text => getComputedStyle(text).fill") == ink
    page.context.close()


def test_it_prints_black_on_white(browser: Browser, reports: dict[str, Path]) -> None:
    page, _ = opened(browser, reports["passed"], width=1280, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    ) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.pdf()[:5] == b"%PDF-"
    page.context.close()
