"""A real server of a test's own: ``rostra serve`` on a free port."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.api.world import PASSWORD

from rostra.testing.server import command, environment


class Server:
    """A server with two workers, and the command line beside it.

    Args:
        folder: where to keep its data and log.
        settings: beside those it needs.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        self.data = folder / "data"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._command("serve"), "--port", "0", "--workers", "2"],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
                env=environment(rate_limit=0, **settings),
            )
        self.url = f"http://{self._address()}"

    def _command(self, *words: str) -> list[str]:
        return command(*words, "--data", self.data)

    def _address(self) -> str:
        """Wait until the server is ready and return its address."""
        while self.process.poll() is None:
            for entry in self._entries():
                if entry["event"] == "ready":
                    return str(entry["address"])
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def _entries(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line[:1] == "{" and line[-1] == "\n"]

    def run(self, *words: str, given: str | None = None) -> str:
        """Run a command of the command line and return what it prints."""
        done = subprocess.run(
            self._command(*words),
            check=True,
            capture_output=True,
            text=True,
            input=given,
            env=environment(),
        )
        return done.stdout.strip()

    def account(self, name: str, *options: str) -> str:
        """Create an account and return its id."""
        email = f"{name}@here.example"
        return self.run(
            "account", "create", name, "--email", email, "--password", PASSWORD, *options
        )

    def token(self, name: str, scopes: str = "read write follow admin:read admin:write") -> str:
        """Return a new token of an account."""
        return self.run("token", "create", name, "--scopes", scopes)

    def stop(self) -> None:
        """End the server in order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
