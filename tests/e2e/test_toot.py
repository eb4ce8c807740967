"""``toot``, a client for terminals, run as a program: it does what one does every day."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.server import Server
from tests.api.world import PASSWORD

from rostra.testing import uploads
from rostra.testing.server import PATIENCE

TOOT = Path(sys.executable).with_name("toot")
READS = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


class Toot:
    """The program, with a folder of its own for what it remembers.

    Args:
        server: where to sign in.
        home: the folder.
    """

    def __init__(self, server: Server, home: Path) -> None:
        self.url = server.url
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1"}

    def __call__(self, *words: str) -> str:
        """Run a command that must succeed; return what it prints."""
        done = subprocess.run(
            [TOOT, "--no-color", *words],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environment,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run a command and return the JSON it was answered."""
        return json.loads(self(*words, "--json"))

    def sign_in(self, name: str) -> str:
        """Sign in as a person does: by an address to open, and a code to type."""
        with subprocess.Popen(
            [TOOT, "--no-color", "login", "-i", self.url],
            text=True,
            bufsize=1,
            env=self.environment,
            **READS,  # type: ignore[call-overload]
        ) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            said = ""
            while not (found := re.search(r"http\S+/oauth/authorize\S+", said)):
                line = program.stdout.readline()
                assert line, said
                said += line
            program.stdin.write(f"n\n{allowed(self.url, found.group(), name)}\n")
            program.stdin.close()
            said += program.stdout.read()
        assert program.returncode == 0, said
        return said


def allowed(url: str, address: str, name: str) -> str:
    """Open the address that an app shows, sign in, allow it, and return the code."""
    with httpx2.Client(base_url=url, follow_redirects=True, timeout=PATIENCE) as browser:
        page = browser.get(address)
        for typed in (
            {"act": "sign_in", "login": name, "password": PASSWORD},
            {"act": "authorize"},
        ):
            hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
            form = {field: unescape(value) for field, value in hidden}
            page = browser.post("/oauth/authorize", data={**form, **typed})
            assert page.status_code == 200, page.text
    code = re.search(r'<code id="code">([^<]+)</code>', page.text)
    assert code is not None
    return code.group(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    for name in ("alice", "bob"):
        server.account(name)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def toot(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Toot:
    toot = Toot(server, tmp_path_factory.mktemp("home"))
    assert "Successfully logged in" in toot.sign_in("alice")
    return toot


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.token('bob')}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield client


def said(bob: httpx2.Client, text: str, **more: Any) -> str:
    """Let bob say something; return the id."""
    answer = bob.post("/api/v1/statuses", json={"status": text, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_who_is_there(toot: Toot) -> None:
    assert "@alice" in toot("whoami")
    assert "@bob" in toot("whois", "bob")
    assert "alice" in toot("auth")
    assert "Rostra" in toot("instance")
    assert "updated" in toot("update-account", "--display-name", "Alice", "--note", "A note")
    assert "Alice" in toot("whoami")


def test_posting(toot: Toot, tmp_path: Path) -> None:
    picture = tmp_path / "ship.jpg"
    picture.write_bytes(uploads.picture())
    assert "Successfully uploaded" in toot("upload", str(picture), "-d", "a ship")
    posted = toot.json(
        "post", "look at #ships", "-m", str(picture), "-d", "a ship", "-p", "careful", "-s"
    )
    assert posted["media_attachments"][0]["description"] == "a ship"
    assert (posted["spoiler_text"], posted["sensitive"]) == ("careful", True)
    asked = toot.json("post", "Shall we?", "--poll-option", "aye", "--poll-option", "nay")
    assert [one["title"] for one in asked["poll"]["options"]] == ["aye", "nay"]
    assert "aye" in toot("polls", "show", asked["poll"]["id"])
    answer = toot.json("post", "we shall", "--reply-to", asked["id"], "-v", "unlisted", "-l", "en")
    assert "we shall" in toot("thread", asked["id"])
    assert "Shall we?" in toot("status", asked["id"])
    later = toot.json("post", "tomorrow", "--scheduled-in", "1 day")
    assert later["params"]["text"] == "tomorrow"
    assert "deleted" in toot("delete", answer["id"])
    assert "we shall" not in toot("thread", asked["id"])


def test_what_one_does_with_statuses(toot: Toot, bob: httpx2.Client) -> None:
    theirs = said(bob, "Hail to all", poll={"options": ["aye", "nay"], "expires_in": 600})
    own = toot.json("post", "worth a pin")["id"]
    poll = bob.get(f"/api/v1/statuses/{theirs}").json()["poll"]["id"]
    assert "You voted" in toot("polls", "vote", poll, "0")
    for verb, status in (
        ("favourite", theirs),
        ("reblog", theirs),
        ("bookmark", theirs),
        ("pin", own),
    ):
        assert "✓" in toot(verb, status), verb
    mine = toot.json("status", theirs)
    assert (mine["favourited"], mine["reblogged"], mine["bookmarked"]) == (True, True, True)
    assert "alice" in toot("reblogged-by", theirs)
    assert "Hail to all" in toot("timelines", "favourites", "--no-pager")
    assert "Hail to all" in toot("bookmarks", "-1")
    for verb, status in (
        ("unfavourite", theirs),
        ("unreblog", theirs),
        ("unbookmark", theirs),
        ("unpin", own),
    ):
        assert "✓" in toot(verb, status), verb
    mine = toot.json("status", theirs)
    assert (mine["favourited"], mine["reblogged"], mine["bookmarked"]) == (False, False, False)


def test_people_lists_and_timelines(toot: Toot, bob: httpx2.Client) -> None:
    assert "✓" in toot("follow", "bob")
    assert "bob" in toot("following", "alice")
    assert "bob" not in toot("followers", "alice")
    assert "created" in toot("lists", "create", "Friends")
    assert "Added" in toot("lists", "add", "Friends", "bob")
    assert "bob" in toot("lists", "accounts", "Friends")
    assert "Friends" in toot("lists", "list")
    assert "now following #regatta" in toot("tags", "follow", "regatta")
    assert "regatta" in toot("tags", "followed")
    said(bob, "off to the #regatta")
    for words in (
        ("home",),
        ("public",),
        ("tag", "regatta"),
        ("list", "Friends"),
        ("account", "bob"),
    ):
        assert "off to the #regatta" in toot("timelines", *words, "--no-pager"), words
    assert "off to the #regatta" in toot("timeline", "-1")
    assert "Followed" in toot("tags", "info", "regatta")
    assert "✓" in toot("tags", "feature", "regatta")
    assert "regatta" in toot("tags", "featured")
    assert "✓" in toot("tags", "unfeature", "regatta")
    assert "no longer following" in toot("tags", "unfollow", "regatta")
    assert "✓" in toot("lists", "remove", "Friends", "bob")
    assert "deleted" in toot("lists", "delete", "Friends")
    assert "bob" in toot("search", "bob")
    for verb, shown in (("mute", "muted"), ("block", "blocked")):
        assert "✓" in toot(verb, "bob")
        assert "bob" in toot(shown)
        assert "✓" in toot(f"un{verb}", "bob")
        assert "bob" not in toot(shown)
    assert "✓" in toot("follow", "bob")
    assert "✓" in toot("unfollow", "bob")


def test_notifications_and_requests(server: Server, toot: Toot, bob: httpx2.Client) -> None:
    said(bob, "@alice hail")
    assert "@alice hail" in toot("notifications", "--type", "mention")
    assert "✓" in toot("notifications", "--clear")
    assert "hail" not in toot("notifications")
    toot("update-account", "--locked")
    me = toot.json("whoami")["id"]
    bob.post(f"/api/v1/accounts/{me}/follow")
    assert "bob" in toot("follow-requests", "list")
    assert "now following you" in toot("follow-requests", "accept", "bob")
    assert "bob" in toot("followers", "alice")


def test_signing_out(server: Server, tmp_path: Path) -> None:
    other = Toot(server, tmp_path)
    other.sign_in("bob")
    (user,) = re.findall(r"bob@\S+", other("auth"))
    assert "logged out" in other("logout", user)
    assert "not logged in" in other("auth")
