"""A browser, servers to visit, and the people who do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from rostra.config import Settings
from rostra.ops.cli.demo import prepare
from rostra.testing.server import PATIENCE, Server, free_port, serve

# What a page comes to show is waited for as long as any answer of a server is: how fast a busy
# machine gets there says nothing about the page. What is there is seen at once.
expect.set_options(timeout=PATIENCE * 1000)

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


class Site:
    """A running server: its address, its log, and the password of the people on it."""

    def __init__(self, server: Server, password: str, *, url: str = "") -> None:
        self.url = url or server.url
        self.log = server.log
        self.password = password


@contextmanager
def demonstration(folder: Path) -> Iterator[Site]:
    """Make the demonstration in a folder and serve it."""
    port = free_port()
    notes = prepare(Settings(data=folder / "data", port=port))
    with serve(folder / "data", workers=2, port=port) as server:
        yield Site(server, notes.password)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a real browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's browser, and a page in it on which nothing may go wrong."""

    def __init__(
        self,
        browser: Browser,
        site: Site,
        *,
        scripts: bool = True,
        width: int = 1280,
        locale: str = "en-GB",
    ) -> None:
        self._password = site.password
        self.context: BrowserContext = browser.new_context(
            base_url=site.url,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            locale=locale,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._heard(message.type, message.text))

    def _heard(self, kind: str, text: str) -> None:
        refused = "the server responded with a status" in text or "Error Code 4" in text
        if kind in ("error", "warning") and not refused:
            self.complaints.append(text)

    def sign_in(self, name: str) -> Visit:
        """Sign in by the form."""
        return self.enter(name, "/home")

    def enter(self, name: str, leads_to: str) -> Visit:
        """Sign in by the form, which leads somewhere: not everybody may go home."""
        self.page.goto("/auth/sign_in")
        self.page.locator("#login").fill(name)
        self.page.locator("#password").fill(self._password)
        self.page.locator("#password").press("Enter")
        self.page.wait_for_url(f"**{leads_to}")
        return self

    def forget(self) -> None:
        """Lose the session, as another browser would not have it."""
        self.page.goto("about:blank")  # what the page is still about would end what comes next
        self.context.clear_cookies()

    def open(self, path: str) -> int:
        """Open a page, and return its status."""
        response = self.page.goto(path)
        assert response is not None
        return response.status

    def close(self) -> None:
        """End the visit; nothing may have gone wrong in it."""
        self.context.close()
        assert self.complaints == []
