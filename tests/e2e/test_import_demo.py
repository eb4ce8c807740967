"""The demonstration, as somebody who has just cloned the repository meets it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.unit.activity_truth import HEAD, Truth, lines_of

from rostra.testing.server import PATIENCE, command, environment


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A demonstration that runs: its folder and its address."""
    folder = tmp_path_factory.mktemp("demo") / "world"
    process = start(folder)
    try:
        yield folder, address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("demo", "--data", folder, "--port", "0", "--workers", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )


def address(process: subprocess.Popen[str]) -> str:
    """Return where a demonstration says it is."""
    assert process.stdout is not None
    for line in process.stdout:
        if "The demonstration is at" in line:
            return line.split()[-1]
    raise AssertionError("the demonstration ended without saying where it is")


def get(url: str, **params: str) -> object:
    response = httpx2.get(url, params=params, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()


def test_the_head_of_the_log_is_in_it(demo: tuple[Path, str]) -> None:
    _, url = demo
    truth = Truth(lines_of(HEAD, None))
    top = max(truth.followers, key=lambda name: len(truth.followers[name]) * (name != "88"))
    account = get(f"{url}/api/v1/accounts/lookup", acct=top)
    assert isinstance(account, dict)
    assert account["followers_count"] == len(truth.followers[top])
    statuses = get(f"{url}/api/v1/accounts/{account['id']}/statuses", exclude_reblogs="true")
    assert isinstance(statuses, list)
    assert statuses[-1]["reblogs_count"] == len(truth.boosters[top, 1])


def test_the_public_timeline_is_alive(demo: tuple[Path, str]) -> None:
    _, url = demo
    statuses = get(f"{url}/api/v1/timelines/public", limit="40")
    assert isinstance(statuses, list)
    assert {status["account"]["username"] for status in statuses} >= {"ada", "ines", "stella"}
    assert any(status["spoiler_text"] for status in statuses)
    assert any(status["poll"] and status["poll"]["votes_count"] for status in statuses)
    assert max(status["favourites_count"] for status in statuses) > 100
    tagged = get(f"{url}/api/v1/timelines/tag/higgs")
    assert isinstance(tagged, list)
    assert len(tagged) >= 4
    assert "Five sigma" in httpx2.get(url, timeout=PATIENCE).text


def test_the_moderator_can_sign_in(demo: tuple[Path, str]) -> None:
    folder, url = demo
    notes = json.loads((folder / "demo.json").read_text())
    assert (folder / "demo.json").stat().st_mode & 0o077 == 0
    with httpx2.Client(base_url=url, follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get("/auth/sign_in", params={"return_to": "/admin"}).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        signed_in = client.post(
            "/auth/sign_in",
            data={**hidden, "login": notes["moderator"], "password": notes["password"]},
        )
        assert signed_in.status_code == 200
        assert signed_in.url.path.startswith("/admin")
        assert "@rufus" in client.get("/admin/appeals").text


def test_those_suspended_by_mistake_can_be_planned_for(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    notes = json.loads((folder / "demo.json").read_text())
    asked = ("--where", 'ground = "Spam"', "--by", notes["moderator"], "--json")
    planned = subprocess.run(
        command("amnesty", "plan", *asked, "--data", folder),
        stdout=subprocess.PIPE,
        check=True,
        env=environment(),
    )
    assert json.loads(planned.stdout)["figures"]["selected"] == notes["swept_up"] > 0


def test_it_is_kept_between_runs(tmp_path: Path) -> None:
    first = start(tmp_path / "world")
    address(first)
    first.send_signal(signal.SIGTERM)
    first.communicate()
    notes = (tmp_path / "world" / "demo.json").read_bytes()
    second = start(tmp_path / "world")
    url = address(second)
    get(f"{url}/api/v1/accounts/lookup", acct="88")
    second.send_signal(signal.SIGTERM)
    second.communicate()
    assert (tmp_path / "world" / "demo.json").read_bytes() == notes


def test_one_cut_short_is_made_anew(tmp_path: Path) -> None:
    process = start(tmp_path / "world")
    while process.poll() is None and not (tmp_path / "world.unfinished").exists():
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (tmp_path / "world").exists()
    again = start(tmp_path / "world")
    assert address(again).startswith("http://127.0.0.1:")
    again.send_signal(signal.SIGTERM)
    again.communicate()


def test_two_begun_at_once_make_it_once(tmp_path: Path) -> None:
    both = [start(tmp_path / "world"), start(tmp_path / "world")]
    served = []
    for process in both:
        try:
            served.append(address(process))
        except AssertionError:
            assert process.wait() == 1  # one server a folder
    assert len(served) == 1
    account = get(f"{served[0]}/api/v1/accounts/lookup", acct="ines")
    assert isinstance(account, dict)
    assert account["statuses_count"]
    for process in both:
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    process = start(tmp_path / "mine")
    process.communicate()
    assert process.returncode == 1
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
