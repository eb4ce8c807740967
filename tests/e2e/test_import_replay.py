"""``rostra replay`` against a server that runs."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import httpx2
import pytest
from tests.unit.activity_truth import HEAD, Truth, lines_of

from rostra.testing.server import PATIENCE, command, environment

LINES = 250


class Server:
    """A server on a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._process = subprocess.Popen(
            command("serve", "--data", data, "--port", "0", "--workers", "1"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(rate_limit=0),  # the players of a log come from one address
        )
        self.url = self._address()

    def _address(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if '"event":"ready"' in line:
                return str(json.loads(line)["url"])
        raise AssertionError("the server ended before it was ready")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate()

    def get(self, path: str, **params: str) -> dict[str, object]:
        response = httpx2.get(f"{self.url}{path}", params=params, timeout=PATIENCE)
        assert response.status_code == 200, response.text
        found: dict[str, object] = response.json()
        return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    yield server
    server.stop()


def replaying(*options: object) -> list[str]:
    return command("replay", HEAD, *map(str, options))


def replay(*options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        replaying(*options), capture_output=True, text=True, env=environment(), check=False
    )


def live_tokens(data: Path) -> int:
    database = apsw.Connection(str(data / "rostra.db"))
    database.set_busy_timeout(10_000)
    (count,) = next(iter(database.execute("SELECT COUNT(*) FROM tokens")))
    database.close()
    return int(count)


def test_a_log_is_played_with_tokens_from_the_folder(server: Server) -> None:
    # One at a time, so that "the latest status" is what it is in the log.
    done = replay(
        "--url", server.url, "--data", server.data, "--speed", 1e6, "--concurrency", 1,
        "--limit", LINES,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{LINES} events" in done.stdout
    assert "0  events failed" in done.stdout
    truth = Truth(lines_of(HEAD, LINES))
    stats = server.get("/api/v1/instance")["stats"]
    assert isinstance(stats, dict)
    assert stats["user_count"] == len(truth.users)
    (top, number), boosters = max(truth.boosters.items(), key=lambda item: len(item[1]))
    account = server.get("/api/v1/accounts/lookup", acct=top)
    found = httpx2.get(
        f"{server.url}/api/v1/accounts/{account['id']}/statuses",
        params={"exclude_reblogs": "true", "limit": "40"},
        timeout=PATIENCE,
    ).json()
    assert found[-number]["reblogs_count"] == len(boosters)
    assert live_tokens(server.data) == 0


def test_a_log_is_played_by_registering(server: Server) -> None:
    done = replay("--url", server.url, "--speed", 1e6, "--limit", 6)
    assert done.returncode == 0, done.stderr
    assert "0  events failed" in done.stdout
    assert server.get("/api/v1/accounts/lookup", acct="213163")["username"] == "213163"


def test_the_pace_is_kept(server: Server) -> None:
    lines = lines_of(HEAD, 3)
    seconds = int(lines[2].split()[2]) - int(lines[0].split()[2])
    started = time.monotonic()
    done = replay("--url", server.url, "--data", server.data, "--speed", seconds / 2, "--limit", 3)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started >= 2


def test_ctrl_c_ends_it_with_the_figures(server: Server) -> None:
    process = subprocess.Popen(
        replaying("--url", server.url, "--data", server.data, "--speed", 1, "--limit", LINES),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    while live_tokens(server.data) == 0:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate()
    assert process.returncode == 130
    assert "events failed" in out
    assert "Traceback" not in errors
    assert live_tokens(server.data) == 0


def test_where_no_server_answers_it_says_so() -> None:
    done = replay("--url", "http://127.0.0.1:1", "--speed", 1)
    assert done.returncode == 1
    assert "No server answers at http://127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
