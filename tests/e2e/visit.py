"""A browser, a server with the demonstration's world, and people who visit it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from rostra.config import Settings
from rostra.ops.cli.demo import Notes, prepare

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


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; fail when it ends instead."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/auth/sign_in"):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server ended with exit code {process.returncode}")


@contextmanager
def serving(folder: Path, port: int, *, workers: int = 2) -> Iterator[str]:
    """Run a server on a data folder as people do, and give its address."""
    serve = [sys.executable, "-c", "from rostra.ops.cli import main; main()", "serve"]
    options = ["--data", str(folder), "--port", str(port), "--workers", str(workers)]
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen([*serve, *options], stdout=log, stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{port}"
        try:
            until_ready(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


class Demo:
    """A running demonstration and how to sign in to it."""

    def __init__(self, url: str, notes: Notes) -> None:
        self.url = url
        self.password = notes.password


@contextmanager
def demonstration(folder: Path) -> Iterator[Demo]:
    """Make the demonstration in a folder and serve it."""
    port = free_port()
    notes = prepare(Settings(data=folder / "data", port=port))
    with serving(folder / "data", port) as url:
        yield Demo(url, notes)


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
        demo: Demo,
        *,
        scripts: bool = True,
        width: int = 1280,
        locale: str = "en-GB",
    ) -> None:
        self._password = demo.password
        self.context: BrowserContext = browser.new_context(
            base_url=demo.url,
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
        self.page.goto("/auth/sign_in")
        self.page.locator("#login").fill(name)
        self.page.locator("#password").fill(self._password)
        self.page.locator("#password").press("Enter")
        self.page.wait_for_url("**/home")
        return self

    def open(self, path: str) -> int:
        """Open a page, and return its status."""
        response = self.page.goto(path)
        assert response is not None
        return response.status

    def close(self) -> None:
        """End the visit; nothing may have gone wrong in it."""
        self.context.close()
        assert self.complaints == []
