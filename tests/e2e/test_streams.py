"""Streams of a real server: apps listen, hear what any worker commits, and are let go."""

from __future__ import annotations

import json
import queue
import re
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mastodon import Mastodon, StreamListener
from tests.api.server import Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connected

from rostra.testing.server import PATIENCE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    for name in ("alice", "bob"):
        server.account(name)
    yield server
    server.stop()


def connect(address: str, **options: Any) -> ClientConnection:
    """Open a WebSocket; a busy machine may take its time over it and over each ping."""
    return connected(address, open_timeout=PATIENCE, ping_timeout=PATIENCE, **options)


def app(server: Server, name: str) -> Mastodon:
    made = Mastodon(
        access_token=server.token(name), api_base_url=server.url, version_check_mode="created"
    )
    weakref.finalize(made, made.session.close)
    return made


class Told(StreamListener):
    """Keeps what Mastodon.py makes of each event."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.begun = threading.Event()

    def on_update(self, status: Any) -> None:
        self.events.put(("update", status))

    def on_notification(self, notification: Any) -> None:
        self.events.put(("notification", notification))

    def on_delete(self, status_id: Any) -> None:
        self.events.put(("delete", status_id))

    def on_abort(self, err: Any) -> None:
        """Let nobody wait for what a stream that broke tells no more."""
        self.events.put(("abort", err))
        self.begun.set()

    def handle_heartbeat(self) -> None:
        self.begun.set()


def test_mastodon_py_listens(server: Server) -> None:
    alice, bob = app(server, "alice"), app(server, "bob")
    assert alice.stream_healthy()
    bob.account_follow(alice.me())
    told = Told()
    handle = bob.stream_user(told, run_async=True)
    told.begun.wait()  # the greeting is a comment
    # Each answer may come from another worker; the stream hears of them all.
    for number in range(6):
        posted = app(server, "alice").status_post(f"word {number}")
        event, status = told.events.get()
        assert (event, status.id, status.account.acct) == ("update", posted.id, "alice")
        assert status == bob.status(posted.id)
    alice.status_post("@bob hail", visibility="direct")
    heard = [told.events.get() for _ in range(2)]
    assert {event for event, _ in heard} == {"update", "notification"}
    alice.status_delete(posted)
    event, id_ = told.events.get()
    assert (event, str(id_)) == ("delete", str(posted.id))
    closing = threading.Thread(target=handle.close)
    closing.start()
    alice.status_post("it closes when it hears something")
    closing.join()


def test_a_websocket_and_server_sent_events_hear_the_same(server: Server) -> None:
    token, bob = server.token("alice"), app(server, "bob")
    address = server.url.replace("http", "ws") + "/api/v1/streaming"
    headers = {"Authorization": f"Bearer {token}"}
    with (
        connect(f"{address}?stream=user", additional_headers=headers) as socket,
        connect(address, subprotocols=[token]) as other,
        httpx2.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as http,
        http.stream("GET", "/api/v1/streaming/public/local", timeout=None) as events,
    ):
        assert other.subprotocol == token
        assert events.headers["content-type"] == "text/event-stream"
        lines = events.iter_lines()
        assert next(lines) == ":)"
        other.send(json.dumps({"type": "subscribe", "stream": "hashtag", "tag": "ships"}))
        other.send(json.dumps({"type": "subscribe", "stream": "nowhere"}))
        assert json.loads(other.recv()) == {"error": "Unknown stream type", "status": 400}
        socket.ping().wait()
        posted = bob.status_post("@alice of #ships")
        assert next(lines) == "event: update"
        status = json.loads(next(lines).removeprefix("data: "))
        assert status["id"] == str(posted.id)
        tagged = json.loads(other.recv())
        assert (tagged["stream"], tagged["event"]) == (["hashtag", "ships"], "update")
        assert json.loads(tagged["payload"]) == status
        told = json.loads(socket.recv())
        assert (told["stream"], told["event"]) == (["user"], "notification")
        assert json.loads(told["payload"])["status"] == status


def test_a_suspension_cuts_the_streams_of_every_worker(server: Server) -> None:
    """Row "Sessions, tokens, streams": cut at once, in every process, and no other."""
    server.account("carol")
    server.account("mod", "--role", "moderator")
    token, other = server.token("carol"), server.token("bob")
    address = server.url.replace("http", "ws") + "/api/v1/streaming?stream=user&access_token="
    with ExitStack() as opened:
        sockets = [opened.enter_context(connect(address + token)) for _ in range(8)]
        safe = [opened.enter_context(connect(address + other)) for _ in range(8)]
        assert set(_streams_open(server)) == {"0", "1"}
        server.run("account", "suspend", "carol", "--by", "mod", "--ground", "spam")
        for socket in sockets:
            with pytest.raises(ConnectionClosed):
                socket.recv()
        posted = app(server, "bob").status_post("still here")
        for socket in safe:
            assert json.loads(json.loads(socket.recv())["payload"])["id"] == str(posted.id)


def _streams_open(server: Server) -> dict[str, int]:
    """Return how many streams each worker has open, by the workers that answered."""
    found: dict[str, int] = {}
    while len(found) < 2 or not all(found.values()):
        text = httpx2.get(f"{server.url}/metrics", timeout=PATIENCE).text
        for worker, count in re.findall(r'^rostra_streams_open{worker="(.)"} (.+)$', text, re.M):
            found[worker] = int(float(count))
    return found


def test_a_stopping_server_lets_those_who_listen_go(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.account("alice")
    token = server.token("alice")
    address = server.url.replace("http", "ws") + "/api/v1/streaming"
    with (
        connect(f"{address}?stream=user&access_token={token}") as socket,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as http,
        http.stream("GET", f"/api/v1/streaming/user?access_token={token}", timeout=None) as events,
    ):
        lines = events.iter_lines()
        assert next(lines) == ":)"
        server.stop()
        assert [line for line in lines if line and line != ":thump"] == []
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
        assert closed.value.rcvd is not None, server.log.read_text()
        assert closed.value.rcvd.code == 1001
    assert server.process.returncode == 0
    log = server.log.read_text()
    assert "their time to finish was over" not in log
    assert '"level": "error"' not in log
