"""Pictures of every page, phone and desk, light and dark: ``python -m bench.screenshots out``.

They are taken of the demonstration, made anew, in real Chromium, so that whoever changes the look
can look at all of it.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from rostra.config import Settings
from rostra.ops.cli.demo import Notes, prepare
from rostra.testing.server import free_port, serve

CHROMIUM: Final = "/usr/bin/chromium"
SIZES: Final = {"phone": (390, 844), "desk": (1280, 900)}
SCHEMES: Final = ("light", "dark")
FOR_ALL: Final = {
    "public": "/",
    "profile": "/@stella",
    "followers": "/@stella/followers",
    "hashtag": "/tags/higgs",
    "explore": "/explore",
    "about": "/about",
    "api": "/api/docs",
    "privacy": "/privacy",
    "sign-in": "/auth/sign_in",
    "sign-up": "/auth/sign_up",
    "missing": "/nowhere",
    "suspended": "/@rufus",
}
SIGNED_IN: Final = {
    "home": "/home",
    "own-profile": "/@ines",
    "media": "/@kofi/media",
    "other-profile": "/@nadia",
    "compose": "/compose",
    "notifications": "/notifications",
    "conversations": "/conversations",
    "bookmarks": "/bookmarks",
    "lists": "/lists",
    "search": "/search?q=physics",
    "people": "/explore/people",
    "reading": "/preferences",
    "edit-profile": "/preferences/profile",
    "filter": "/filters/new",
    "account": "/settings/account",
    "security": "/settings/security",
    "report": "/@clio/report",
    "later": "/scheduled",
}
MODERATING: Final = {
    "moderation": "/admin",
    "reports": "/admin/reports",
    "appeals": "/admin/appeals",
    "reinstatements": "/admin/reinstatements",
    "amnesties": "/admin/amnesties",
}
SUSPENDED: Final = {"standing": "/auth/standing", "refused": "/"}
OF_THE_STORY: Final = "88"
"""Who is suspended and brought back for the pictures: the most followed of the demonstration."""


@contextmanager
def demonstration(folder: Path) -> Iterator[tuple[str, Notes]]:
    """Make the demonstration in a folder, and serve it."""
    port = free_port()
    notes = prepare(Settings(data=folder / "data", port=port, title="Rostra"))
    with serve(folder / "data", workers=1, port=port) as server:
        yield server.url, notes


def take(page: Page, paths: dict[str, str], out: Path, kind: str) -> None:
    """Take a picture of each page, as far as the window shows."""
    for name, path in paths.items():
        page.goto(path)
        page.wait_for_load_state("load")
        page.screenshot(path=out / f"{name}-{kind}.png")


def thread_of(page: Page) -> dict[str, str]:
    """Return the way to a thread with something in it."""
    page.goto("/@ines/with_replies")
    post = page.locator("article.status", has_text="who decided on five sigma").first
    return {"thread": str(post.locator(".permalink").get_attribute("href"))}


def visit(browser: Browser, url: str, notes: Notes, out: Path, size: str, scheme: str) -> None:
    """Take all pictures of one size in one scheme: as anybody, signed in, and as a moderator."""
    width, height = SIZES[size]

    def window(who: str | None) -> Page:
        page = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        ).new_page()
        if who is not None:
            page.goto("/auth/sign_in")
            page.fill("#login", who)
            page.fill("#password", notes.password)
            page.press("#password", "Enter")
            page.wait_for_url(re.compile(r"/home$|/auth/standing$"))
        return page

    kind = f"{size}-{scheme}"
    for who, paths in (
        (None, FOR_ALL),
        (notes.user, SIGNED_IN),
        (notes.suspended, SUSPENDED),
        (notes.moderator, MODERATING),
    ):
        page = window(who)
        take(page, paths if who is not None else paths | thread_of(page), out, kind)
        if who == notes.moderator:
            reinstatement(page, out, kind)
            other = window(notes.second_moderator)
            amnesty(page, other, out, kind)
            other.context.close()
        page.context.close()


def reinstatement(page: Page, out: Path, kind: str) -> None:
    """Take the pictures of one account brought back, and leave it as before."""

    def take_this(name: str, *, whole: bool = True) -> None:
        page.screenshot(path=out / f"{name}-{kind}.png", full_page=whole)

    page.goto(f"/admin?q={OF_THE_STORY}")
    page.locator("#accounts").get_by_role("link").first.click()
    page.wait_for_url("**/admin/accounts/*")
    if page.get_by_role("button", name="Plan it").count() == 0:
        page.get_by_label("Ground", exact=True).fill("Impersonation")
        page.get_by_role("button", name=f"Suspend @{OF_THE_STORY}").click()
    page.get_by_role("button", name="Plan it").wait_for()
    take_this("suspended-account", whole=False)
    page.get_by_role("button", name="Plan it").click()
    page.wait_for_url("**/plans/*")
    take_this("plan")
    page.get_by_label("The decision in words").fill("The appeal was right: it is who it says")
    page.get_by_role("button", name="Begin with this plan").click()
    page.wait_for_url("**/reinstatements/*")
    page.locator("h1 .chip.good").wait_for()
    take_this("run")
    address = page.url
    page.get_by_role("link", name="Open the report").click()
    page.wait_for_url("**/report")
    take_this("run-report")
    page.goto(address)
    page.get_by_role("button", name=f"Suspend @{OF_THE_STORY} again").click()
    page.locator("h1 .chip", has_text="rolled back").wait_for()
    take_this("run-rolled-back")


def amnesty(page: Page, other: Page, out: Path, kind: str) -> None:
    """Take the pictures of an amnesty that another moderator approves, and take it back."""

    def take_this(name: str) -> None:
        page.screenshot(path=out / f"{name}-{kind}.png", full_page=True)

    page.goto("/admin/amnesties")
    page.get_by_label("Whom it is for").fill('ground = "Spam" and taken > 7d ago')
    page.locator("#waves").fill("4, 25%, 100%")
    page.get_by_text("Limits, and who is left out").click()
    page.get_by_label("Seconds between two waves").fill("0")
    page.get_by_role("button", name="Make the plan").click()
    page.locator("h1 .chip", has_text="waits for approval").wait_for()
    take_this("amnesty-plan")
    other.goto(page.url)
    other.get_by_role("button", name="Approve").click()
    other.locator("h1 .chip", has_text="approved").wait_for()
    page.get_by_role("button", name="Run the waves").click()
    page.locator("h1 .chip", has_text="done").wait_for()
    take_this("amnesty")
    page.get_by_role("button", name="Roll all of it back").click()
    page.locator("h1 .chip", has_text="rolled back").wait_for()
    take_this("amnesty-rolled-back")


def main() -> int:
    """Take pictures of every page, into the folder named."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, help="the folder for the pictures")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        demonstration(Path(folder)) as (url, notes),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        for size in SIZES:
            for scheme in SCHEMES:
                visit(browser, url, notes, out, size, scheme)
        browser.close()
    print(f"{len(list(out.glob('*.png')))} pictures in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
